"""The findings tab says how the matter follows its procedure, to those who see findings."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from engine.clock import FixedClock
from engine.database import unit_of_work
from engine.directory.accounts import create_account
from tests.played import Played, play_admission
from tests.web.conftest import PASSWORD, Browser


@pytest.fixture
def played(app: Flask, session: Session, clock: FixedClock, quick_passwords: None) -> Played:
    app.extensions["guicheng.clock"] = clock
    played = play_admission(session, clock, until="file_activist")
    with unit_of_work() as unit:
        for login in ("auditor", "applicant"):
            create_account(
                unit, person_id=played.ids[login], login=login, password=PASSWORD, clock=clock
            )
    return played


def findings_tab(app: Flask, played: Played, login: str) -> str:
    browser = Browser(app.test_client())
    assert browser.sign_in(login).status_code == 303
    return browser.get(f"/matters/{played.instance_id}?tab=findings").get_data(as_text=True)


def test_the_auditor_reads_it(app: Flask, played: Played) -> None:
    assert "办理顺序与流程一致，共 3 个环节。" in findings_tab(app, played, "auditor")


def test_the_person_concerned_does_not(app: Flask, played: Played) -> None:
    assert "与流程是否一致" not in findings_tab(app, played, "applicant")
