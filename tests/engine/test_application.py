"""The core application: bound to the database, in the role that cannot change the ledger."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from engine import postgres
from engine.application import create_core_app
from engine.database import APP_ROLE, db, sqlalchemy_url, unit_of_work
from engine.settings import Settings


def test_it_acts_in_the_role_without_power_over_the_ledger(app: Flask) -> None:
    with app.app_context():
        assert db.session.scalar(text("SELECT current_user")) == APP_ROLE
        assert db.session.scalar(text("SHOW timezone")) == "UTC"
        for change in (
            "UPDATE ledger_entry SET kind = 'x'",
            "DELETE FROM ledger_entry",
            "TRUNCATE ledger_entry",
            "ALTER TABLE ledger_entry DISABLE TRIGGER ALL",
            "DROP TABLE ledger_entry",
        ):
            with pytest.raises(ProgrammingError):
                db.session.execute(text(change))
            db.session.rollback()
        db.session.remove()


def test_even_the_owner_s_address_acts_in_that_role(
    settings: Settings, database: postgres.Addresses
) -> None:
    app = create_core_app(settings, where=postgres.Addresses(database.owner, database.owner))
    with app.app_context():
        assert db.session.scalar(text("SELECT current_user")) == APP_ROLE
        db.session.remove()
        db.engine.dispose()


def test_it_knows_its_settings_and_addresses(app: Flask, settings: Settings) -> None:
    assert app.extensions["guicheng"] is settings
    assert app.extensions["guicheng.addresses"].app.startswith("postgresql://")


def test_units_of_work_are_not_nested(app: Flask) -> None:
    with app.app_context():
        with pytest.raises(RuntimeError, match="not nested"), unit_of_work(), unit_of_work():
            pass
        with unit_of_work() as session:  # and the session is fit for use afterwards
            assert session.scalar(text("SELECT 1")) == 1
        db.session.remove()


def test_only_postgresql_is_accepted() -> None:
    with pytest.raises(ValueError, match="postgresql"):
        sqlalchemy_url("sqlite:///x.db")
    assert sqlalchemy_url("postgres://h/d") == "postgresql+psycopg://h/d"


def test_the_secret_key_is_made_once_and_kept_to_ourselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("SECRET_KEY", raising=False)
    first = Settings.from_environment()
    assert len(first.secret_key) == 64
    assert Settings.from_environment().secret_key == first.secret_key
    mode = (tmp_path / "data" / "secret_key").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_a_secret_key_of_one_s_own_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SECRET_KEY", "mine")
    assert Settings.from_environment().secret_key == "mine"
    assert not (tmp_path / "secret_key").exists()
