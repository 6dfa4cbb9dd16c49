"""A database of its own for the year, in which everything is committed, and the desk on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, time

import psycopg
import pytest
from flask import Flask
from psycopg import sql

from engine import postgres
from engine.clock import ZONE, FixedClock
from engine.compliance.regulation_store import deploy_regulations
from engine.database import db, unit_of_work
from engine.definitions.operations import deploy_package
from engine.duties.catalogue import forget_catalogue
from engine.runtime.world import holidays
from engine.settings import Settings
from tests.databases import kept_database
from tests.shipped import package, regulations
from tests.year.accounts import enter_administrator, enter_people
from tests.year.desk import Desk
from tests.year.diary import PROCEDURES
from tests.year.directory import first_workbook
from tests.year.world import BEGINS
from web import create_app


@pytest.fixture(scope="module")
def year_database(settings: Settings) -> Iterator[postgres.Addresses]:
    """A database whose commits stay until the run ends."""
    with kept_database(settings.data_dir, "year", 2_000_000) as where:
        with psycopg.connect(where.owner) as connection:
            # Nothing of this year has to survive the machine's end: no commit waits for the disk.
            setting = sql.SQL("ALTER DATABASE {} SET synchronous_commit = off")
            connection.execute(setting.format(sql.Identifier(connection.info.dbname)))
        yield where


@pytest.fixture(scope="module")
def year_app(
    settings: Settings, year_database: postgres.Addresses, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    """The web application on that database; files and keys go to a folder of this run."""
    own = replace(settings, data_dir=tmp_path_factory.mktemp("year"))
    app = create_app(own, where=year_database)
    holidays.forget()
    forget_catalogue()
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()
    holidays.forget()
    forget_catalogue()


@pytest.fixture(scope="module")
def desk(year_app: Flask) -> Desk:
    """The committee as the year begins: procedures deployed, everybody entered."""
    clock = FixedClock(datetime.combine(BEGINS, time(10), ZONE))
    year_app.extensions["guicheng.clock"] = clock
    desk = Desk(year_app, clock, year_app.test_client(), year_app.extensions["guicheng.addresses"])
    with unit_of_work() as session:
        deploy_regulations(session, regulations(), clock)
        for key in PROCEDURES:
            deploy_package(session, package(key), clock)
    enter_administrator(desk)
    desk.bring_in(first_workbook())
    enter_people(desk)
    return desk
