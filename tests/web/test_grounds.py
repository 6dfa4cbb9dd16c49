"""依据 on the pages where a step is done: the edition in force on the day that was chosen."""

from __future__ import annotations

import re
from datetime import date
from io import BytesIO

import pytest
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.clock import FixedClock
from engine.database import unit_of_work
from engine.directory.accounts import create_account
from engine.directory.tokens import create_token
from engine.runtime.models import Task
from tests.played import Played, play_admission
from tests.web.conftest import PASSWORD, Browser


@pytest.fixture
def played(app: Flask, session: Session, clock: FixedClock, quick_passwords: None) -> Played:
    """An activist since 2025, looked at after the switch of editions."""
    app.extensions["guicheng.clock"] = clock
    played = play_admission(session, clock, until="assign_contacts")
    clock.set(date(2026, 6, 10))
    with unit_of_work() as unit:
        create_account(
            unit,
            person_id=played.ids["secretary"],
            login="secretary",
            password=PASSWORD,
            clock=clock,
        )
    return played


def grounds(page: str) -> str:
    found = re.search(r'<section class="card" id="grounds".*?</section>', page, re.S)
    assert found, "no grounds on the page"
    return found[0]


def test_the_task_page_names_the_edition_of_the_day(app: Flask, played: Played) -> None:
    task = played.session.scalars(
        select(Task.id).where(Task.instance_id == played.instance_id, Task.state == "open")
    ).first()
    browser = Browser(app.test_client())
    browser.sign_in("secretary")
    browser.get(f"/tasks/{task}")
    shown = grounds(browser.page)
    assert "（2026）" in shown and "2026年5月18日 起施行" in shown and "（2014）" not in shown
    values = {"_occurred_on": "2025-09-01"}
    swapped = browser.post(f"/tasks/{task}/live", values).get_data(as_text=True)
    assert "（2014）" in grounds(swapped) and 'hx-swap-oob="true"' in grounds(swapped)
    assert "2014年5月28日 起施行；流程按（2026）编写" in grounds(swapped)
    browser.post(f"/tasks/{task}/draft", {**values, "_refresh": "1"})
    assert "（2014）" in grounds(browser.page)
    edition = re.search(r'href="(/regulations/[^"]*2014[^"]*)"', grounds(browser.page))
    assert edition and browser.get(edition[1].replace("&amp;", "&")).status_code == 200


def test_the_interface_names_it_too(app: Flask, played: Played, clock: FixedClock) -> None:
    task = played.session.scalars(
        select(Task.id).where(Task.instance_id == played.instance_id, Task.state == "open")
    ).first()
    account = played.actor("secretary").account_id
    assert account is not None
    token = create_token(clock, account, name="试")
    found = app.test_client().get(
        f"/api/v1/tasks/{task}", headers={"Authorization": f"Bearer {token}"}
    )
    assert {basis["edition"] for basis in found.get_json()["basis"]} == {"2026"}


def test_the_inbox_and_its_workbook_name_the_edition_of_the_day(app: Flask, played: Played) -> None:
    browser = Browser(app.test_client())
    browser.sign_in("secretary")

    def lines(address: str) -> list[str]:
        browser.get(address)
        return re.findall(r'<div class="why">(.*?)</div>', browser.page)

    def cited(address: str) -> list[str]:
        sheet = load_workbook(BytesIO(browser.get(address).data)).active
        assert sheet is not None
        heads, *rows = sheet.iter_rows(values_only=True)
        return [str(row[heads.index("依据")]) for row in rows]

    # What is to be done now goes by the edition of today …
    assert lines("/inbox") and all("（2026）" in line for line in lines("/inbox"))
    assert all("（2026）" in cell for cell in cited("/inbox/export.xlsx"))
    # … what was done in 2025 by the edition of its own day, though the procedure cites another.
    done = cited("/inbox/export.xlsx?bucket=done")
    assert done and all("（2014）" in cell and "（2026）" not in cell for cell in done)
