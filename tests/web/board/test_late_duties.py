"""A late duty on the auditors' pages: listed, counted, shown, explained, waived, exported."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest
from sqlalchemy import select

from engine.compliance.models import Finding
from engine.database import db
from engine.duties.operations import run_duties
from engine.ledger.models import LedgerChain, LedgerEntry
from tests.web.board.conftest import County
from tests.web.board.test_board import words


@pytest.fixture
def late(county: County) -> int:
    """The finding of February, which the branch missed."""
    row = county.duty("monthly.meet", date(2027, 2, 1))
    return db.session().scalars(select(Finding.id).where(Finding.duty_id == row.id)).one()


def finding(id: int) -> Finding:
    return (
        db.session()
        .scalars(select(Finding).where(Finding.id == id).execution_options(populate_existing=True))
        .one()
    )


def test_it_is_listed_and_counted(county: County, late: int) -> None:
    browser = county.sign_in("auditor")
    browser.get("/audit/")
    said = words(browser.page)
    assert "R-TM-01 meet会" in said and "第十一条" in said
    browser.get("/audit/findings?rule=R-TM-01")
    assert f"/findings/{late}" in browser.page
    assert (
        "2027年2月应办“meet会” 1 次，最迟 2027年2月28日；按记录已办 0 次，缺 1 次。" in browser.page
    )
    for query, there in (
        ("article=branch_regulations~2018~第十一条", False),  # not entered here: by its own name
        ("article=支部工作条例~2018~第十一条", True),
        (f"organisation={county.places['branch']}", True),
        (f"organisation={county.places['other']}", False),
        ("process=monthly&severity=warning&since=2027-02-28&until=2027-02-28", True),
        ("since=2027-03-01", False),
    ):
        browser.get(f"/audit/findings?{query}")
        assert (f"/findings/{late}" in browser.page) is there, query


def test_it_is_shown_with_what_it_rests_on(county: County, late: int) -> None:
    browser = county.sign_in("secretary")
    assert browser.get(f"/findings/{late}").status_code == 200
    said = words(browser.page)
    assert "缺 1 次" in said and "第十一条" in said and "说明情况" in said
    assert "作出结论" not in said and "确认豁免" not in said
    assert f"/board/{county.places['branch']}/year?year=2027" in browser.page
    assert county.sign_in("other_secretary").get(f"/findings/{late}").status_code == 404
    assert county.sign_in("member").get(f"/findings/{late}").status_code == 404


def test_it_is_asked_about_and_explained_on_record(county: County, late: int) -> None:
    auditor = county.sign_in("auditor")
    auditor.get(f"/findings/{late}")
    command = auditor.hidden("_command")
    for _ in range(2):  # sent twice it counts once
        answer = auditor.post(f"/findings/{late}/ask", {"text": "为什么", "_command": command})
        assert answer.status_code == 303
    secretary = county.sign_in("secretary")
    secretary.get("/inbox")
    assert f"/findings/{late}" in secretary.page
    secretary.get(f"/findings/{late}")
    secretary.post(
        f"/findings/{late}/explain",
        {"text": "书记住院", "_command": secretary.hidden("_command")},
    )
    auditor.get(f"/findings/{late}")
    assert "书记住院" in auditor.page and "为什么" in auditor.page
    kinds = db.session().scalars(
        select(LedgerEntry.kind)
        .join(LedgerChain, LedgerChain.id == LedgerEntry.chain_id)
        .where(LedgerChain.name == "duties")
        .order_by(LedgerEntry.seq)
    )
    assert list(kinds) == ["asked", "explained"]
    assert finding(late).state == "explained"


def test_only_those_above_who_may_waive_it(county: County, late: int) -> None:
    from engine.database import unit_of_work
    from engine.directory.models import Organisation

    head = county.sign_in("head")
    head.get(f"/findings/{late}")
    assert "确认豁免" not in head.page  # nobody above approves members here
    with unit_of_work() as unit:
        unit.get_one(Organisation, county.places["committee"]).can_approve_members = True
    for login in ("secretary", "auditor"):
        browser = county.sign_in(login)
        browser.get(f"/findings/{late}")
        command = browser.hidden("_command")
        answer = browser.post(f"/findings/{late}/waive", {"text": "无故", "_command": command})
        assert answer.status_code == 403
    head.get(f"/findings/{late}")
    command = head.hidden("_command")
    head.post(f"/findings/{late}/waive", {"text": "地震停办", "_command": command})
    assert (finding(late).outcome, finding(late).state) == ("waived", "waived")
    county.clock.set(date(2027, 3, 6))
    run_duties(county.clock)
    assert finding(late).outcome == "waived"


def test_it_is_exported(county: County, late: int) -> None:
    browser = county.sign_in("auditor")
    browser.get("/audit/findings")
    with browser.client.post(
        "/audit/exports/findings.csv", data={"_csrf": browser.token}
    ) as answer:
        rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    february = [row for row in rows if "2027年2月" in row["问题"]]
    assert [(row["规则"], row["党组织"], row["事项编号"]) for row in february] == [
        ("R-TM-01", "branch组织", "")
    ]
