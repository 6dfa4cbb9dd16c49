"""The digest of what is new follows the settings; what stands keeps its own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask

from engine import postgres
from engine.application import create_core_app
from engine.clock import FixedClock
from engine.digests import DigestUnavailable, digester, present_form, use_digest
from engine.ledger.chain import Event, Head, entry_digest, seal
from engine.settings import Settings


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave the process as it was."""
    yield
    use_digest("sha256")
    digester.cache_clear()


def test_the_setting_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.from_environment().ledger_digest == "sha256"
    monkeypatch.setenv("LEDGER_DIGEST", "sm3")
    monkeypatch.setenv("CHECKPOINT_HOURS", "6")
    monkeypatch.setenv("CHECKPOINT_KEY_FILE", "/safe/key.pem")
    found = Settings.from_environment()
    assert (found.ledger_digest, found.checkpoint_hours) == ("sm3", 6)
    assert str(found.checkpoint_key_file) == "/safe/key.pem"


@pytest.mark.parametrize(("name", "form"), [("sha256", 1), ("sm3", 2), ("SM3", 2)])
def test_an_application_writes_with_the_digest_of_its_settings(
    settings: Settings,
    database: postgres.Addresses,
    clock: FixedClock,
    name: str,
    form: int,
) -> None:
    app = create_core_app(replace(settings, ledger_digest=name), where=database)
    assert isinstance(app, Flask)
    assert present_form() == form
    row, head = seal(1, Head(), Event("read"), clock.now())
    assert row["form"] == form
    assert row["payload_digest"] == hashlib.new(name.lower(), row["salt"] + b"{}").digest()
    # The next link may be of the other form: it names the digest before, whatever made it.
    other, _ = seal(1, head, Event("read"), clock.now(), form=3 - form)
    assert (other["form"], other["previous"]) == (3 - form, row["digest"])
    assert entry_digest(other) == other["digest"]


def test_an_unknown_digest_stops_the_start(
    settings: Settings, database: postgres.Addresses
) -> None:
    with pytest.raises(DigestUnavailable, match="只能是 sha256 或 sm3，现在是“md5”"):
        create_core_app(replace(settings, ledger_digest="md5"), where=database)


def test_a_machine_without_sm3_stops_the_start(
    settings: Settings, database: postgres.Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(name: str, data: bytes = b"") -> None:
        raise ValueError(f"unsupported hash type {name}")

    digester.cache_clear()
    monkeypatch.setattr(hashlib, "new", without)
    with pytest.raises(DigestUnavailable, match="OpenSSL 不提供 SM3"):
        create_core_app(replace(settings, ledger_digest="sm3"), where=database)
    assert present_form() == 1


def test_the_known_digest_of_abc() -> None:
    assert digester(1)(b"abc").hexdigest().startswith("ba7816bf")
    assert digester(2)(b"abc").hexdigest().startswith("66c7f0f4")
