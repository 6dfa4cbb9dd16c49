"""The pages of those who supervise: counts, lists, one finding, samples, exports."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from datetime import date
from uuid import uuid4

import pytest
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from engine.clock import FixedClock
from engine.database import unit_of_work
from engine.directory.accounts import create_account
from engine.ledger.models import LedgerChain, LedgerEntry
from tests.played import Played, play_admission
from tests.web.conftest import PASSWORD, Browser

LATE_TALK = {"first_talk": date(2025, 2, 11)}
"""One day after the month is over."""
LOGINS = ("auditor", "superior_secretary", "secretary", "commissioner", "applicant", "contact_a")


@pytest.fixture
def late(app: Flask, session: Session, clock: FixedClock, quick_passwords: None) -> Played:
    """A matter whose first talk came a day too late, and people who can sign in."""
    app.extensions["guicheng.clock"] = clock
    played = play_admission(session, clock, until="file_activist", days=LATE_TALK)
    with unit_of_work() as unit:
        for login in LOGINS:
            create_account(
                unit, person_id=played.ids[login], login=login, password=PASSWORD, clock=clock
            )
    return played


@pytest.fixture
def sign_in(app: Flask, late: Played):  # type: ignore[no-untyped-def]
    """Sign somebody in."""

    def begin(login: str) -> Browser:
        browser = Browser(app.test_client())
        assert browser.sign_in(login).status_code == 303
        return browser

    return begin


def finding_id(late: Played, rule: str = "R-ADM-02") -> int:
    return late.findings()[rule].id


def audit_entries(late: Played, kind: str) -> list[dict[str, object]]:
    rows = late.session.scalars(
        select(LedgerEntry.payload)
        .join(LedgerChain, LedgerChain.id == LedgerEntry.chain_id)
        .where(LedgerChain.name == "audit", LedgerEntry.kind == kind)
        .order_by(LedgerEntry.seq)
    )
    return [json.loads(payload or "{}") for payload in rows]


PAGES = ("/audit/", "/audit/findings", "/audit/trail", "/audit/samples", "/audit/exports")


def test_supervision_is_for_those_who_supervise(late: Played, sign_in) -> None:  # type: ignore[no-untyped-def]
    for login in ("auditor", "superior_secretary", "secretary"):
        browser = sign_in(login)
        for path in PAGES:
            assert browser.get(path).status_code == 200, (login, path)
        assert "监督</span>" in browser.page
    for login in ("applicant", "contact_a"):
        browser = sign_in(login)
        for path in PAGES:
            assert browser.get(path).status_code == 403, (login, path)
        browser.get("/inbox")
        assert "监督</span>" not in browser.page


def test_an_empty_inbox_leads_to_the_place_of_work(late: Played, sign_in) -> None:  # type: ignore[no-untyped-def]
    browser = sign_in("auditor")
    browser.get("/inbox")
    assert '<a class="button" href="/audit/">' in browser.page
    browser = sign_in("contact_a")
    browser.get("/inbox")
    assert '<a class="button" href="/audit/">' not in browser.page


def test_the_overview_leads_to_the_list_and_to_the_step(late: Played, sign_in) -> None:  # type: ignore[no-untyped-def]
    browser = sign_in("auditor")
    browser.get("/audit/")
    assert '<svg class="trend"' in browser.page
    link = re.search(r'href="(/audit/findings\?[^"]*rule=R-ADM-02[^"]*)"', browser.page)
    assert link is not None
    browser.get(link[1].replace("&amp;", "&"))
    assert "2025年1月10日" in browser.page
    assert f"/findings/{finding_id(late)}" in browser.page
    browser.get(f"/findings/{finding_id(late)}")
    for words in ("一个月", "第七条", "2014", "要求说明", "作出结论"):
        assert words in browser.page
    assert "确认豁免" not in browser.page
    assert f"/matters/{late.instance_id}" in browser.page


def test_filters_narrow_the_list(late: Played, sign_in) -> None:  # type: ignore[no-untyped-def]
    browser = sign_in("auditor")
    link = f"/findings/{finding_id(late)}"
    for query, there in (
        ("", True),
        ("rule=R-ADM-02", True),
        ("rule=R-ADM-03", False),
        ("article=admission_rules~2014~第七条", True),
        ("article=admission_rules~2026~第七条", False),
        ("severity=hard&state=open&outcome=any", True),
        ("state=asked", False),
        ("since=2025-02-11&until=2025-02-11", True),
        ("since=2025-02-12&rule=R-ADM-02", False),
        ("outcome=waived", False),
        ("severity=nonsense&since=never&organisation=x", True),
        (f"organisation={late.ids['branch']}", True),
    ):
        assert browser.get(f"/audit/findings?{query}").status_code == 200
        assert (link in browser.page) is there, query
    assert browser.get("/audit/findings?organisation=999999").status_code == 404
    assert browser.get("/audit/findings?cursor=x").status_code == 422
    branch = sign_in("secretary")
    assert branch.get(f"/audit/findings?organisation={late.ids['county']}").status_code == 403


def test_asked_explained_concluded_and_waived(late: Played, sign_in) -> None:  # type: ignore[no-untyped-def]
    path = f"/findings/{finding_id(late)}"
    auditor, branch, above = (
        sign_in("auditor"),
        sign_in("commissioner"),
        sign_in("superior_secretary"),
    )
    branch.get("/inbox")
    assert "待说明的问题" not in branch.page
    auditor.get(path)
    assert auditor.post(f"{path}/ask", {"text": "  "}).status_code == 422
    auditor.get(path)
    said = {"text": "为什么晚了一天？", "_command": auditor.hidden("_command")}
    for _ in range(2):  # a double click asks once
        assert auditor.post(f"{path}/ask", said).status_code == 303
    branch.get("/inbox")
    assert "待说明的问题" in branch.page and path in branch.page
    branch.get(path)
    assert branch.page.count("为什么晚了一天？") == 1
    assert "提交说明" in branch.page and "确认豁免" not in branch.page
    assert branch.post(f"{path}/waive", {"text": "自己豁免"}).status_code == 403
    assert branch.post(f"{path}/explain", {"text": "书记出差。"}).status_code == 303
    branch.get("/inbox")
    assert "待说明的问题" not in branch.page
    auditor.get(path)
    assert auditor.post(f"{path}/conclude", {"text": "情况属实。"}).status_code == 303
    above.get(path)
    assert "情况属实。" in above.page
    assert above.post(f"{path}/waive", {"text": "同意豁免"}).status_code == 303
    above.get(path)
    assert "已豁免" in above.page and "确认豁免" not in above.page
    assert above.post(f"{path}/waive", {"text": "再次"}).status_code == 409
    above.get("/audit/trail?list=waived")
    assert "同意豁免" in above.page


def test_a_finding_shows_the_parameters_that_its_rule_asks_for(late: Played, sign_in) -> None:  # type: ignore[no-untyped-def]
    finding = late.findings()["R-ADM-02"]
    browser = sign_in("auditor")
    browser.get(f"/findings/{finding.id}")
    used = browser.page.partition("适用的参数")[2]
    assert "1 个月" in used
    assert "默认值" in used


def test_the_person_concerned_sees_no_findings(late: Played, sign_in) -> None:  # type: ignore[no-untyped-def]
    browser = sign_in("applicant")
    assert browser.get(f"/findings/{finding_id(late)}").status_code == 404
    assert browser.post(f"/findings/{finding_id(late)}/explain", {"text": "。"}).status_code == 404
    browser.get(f"/matters/{late.instance_id}")
    assert "R-ADM-02" not in browser.page and "tab=findings" not in browser.page
    browser.get(f"/matters/{late.instance_id}?tab=findings")
    assert "R-ADM-02" not in browser.page


def test_the_matter_shows_findings_at_their_steps(late: Played, sign_in) -> None:  # type: ignore[no-untyped-def]
    browser = sign_in("commissioner")
    browser.get(f"/matters/{late.instance_id}")
    assert f"/findings/{finding_id(late)}" in browser.page
    browser.get(f"/matters/{late.instance_id}?tab=findings")
    assert "R-ADM-02" in browser.page and "第七条" in browser.page
    assert "说明情况" in browser.page


def test_a_step_is_corrected_on_its_form(late: Played, sign_in) -> None:  # type: ignore[no-untyped-def]
    seq = late.findings()["R-ADM-02"].seq
    path = f"/matters/{late.instance_id}/entries/{seq}/correct"
    assert sign_in("auditor").get(path).status_code == 403
    browser = sign_in("secretary")
    browser.get(f"/matters/{late.instance_id}")
    assert path in browser.page
    browser.get(path)
    assert browser.page.count("2025-02-11") >= 1
    values = form_values(browser.page)
    refused = browser.post(path, {**values, "reason": "", "_occurred_on": "2025-02-10"})
    assert refused.status_code == 422 and "请写明更正的理由和依据" in browser.page
    values = form_values(browser.page)
    done = browser.post(path, {**values, "reason": "记录为准", "_occurred_on": "2025-02-10"})
    assert done.status_code == 303, browser.page
    assert "R-ADM-02" not in late.findings()
    browser.get(f"/matters/{late.instance_id}")
    assert "已更正" in browser.page and "记录为准" in browser.page
    browser.get("/audit/trail?list=corrected")
    assert "记录为准" in browser.page


def form_values(page: str) -> dict[str, list[str]]:
    """Return what a browser would send of the correction's form."""
    form = page[page.index('enctype="multipart/form-data"') :]
    form = form[: form.index("</form>")]
    values: dict[str, list[str]] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name is None or 'type="file"' in tag:
            continue
        if ('"checkbox"' in tag or '"radio"' in tag) and " checked" not in tag:
            continue
        values.setdefault(name[1], []).append(value[1] if value else "")
    for name, words in re.findall(r'<textarea[^>]*name="([^"]*)"[^>]*>([^<]*)<', form):
        values[name] = [words]
    for name, options in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.search(r'value="([^"]*)" selected', options)
        values[name] = [chosen[1] if chosen else ""]
    values.pop("_csrf", None)
    return values


def test_a_sample_can_be_drawn_again_by_anybody(late: Played, sign_in) -> None:  # type: ignore[no-untyped-def]
    browser = sign_in("auditor")
    browser.get("/audit/samples")
    wish = {
        "organisation": str(late.ids["county"]),
        "strata": "process_organisation",
        "size": "3",
        "seed": "2026-hefeng",
        "_command": str(uuid4()),
    }
    first = browser.post("/audit/samples", wish)
    again = browser.post("/audit/samples", wish)
    assert first.status_code == 303 and first.location == again.location
    (entry,) = audit_entries(late, "sampled")
    browser.get(first.location)
    assert "2026-hefeng" in browser.page
    listed = browser.client.get(f"{first.location}/population.tsv", buffered=True).get_data()
    assert hashlib.sha256(listed).hexdigest() == entry["population_sha256"]
    strata: dict[str, list[str]] = {}
    for line in listed.decode().splitlines():
        name, number = line.split("\t")
        strata.setdefault(name, []).append(number)
    for stratum in entry["strata"]:  # type: ignore[attr-defined]
        ordered = sorted(
            strata[stratum["name"]],
            key=lambda n: hashlib.sha256(f"2026-hefeng\n{n}".encode()).hexdigest(),
        )
        assert stratum["taken"] == ordered[:3]
        assert all(number in browser.page for number in stratum["taken"])
    for wrong in (
        {"size": "0"},
        {"seed": "a b"},
        {"since": "2026-02-01", "until": "2026-01-01"},
        {"since": "2026-02-30"},
    ):
        refused = browser.post("/audit/samples", {**wish, "_command": str(uuid4()), **wrong})
        assert refused.status_code == 422, wrong
    assert browser.get("/audit/samples/999").status_code == 404
    assert sign_in("secretary").get(first.location).status_code == 404


def test_lists_are_taken_away_on_record(late: Played, sign_in) -> None:  # type: ignore[no-untyped-def]
    late.session.execute(
        text("UPDATE instance SET title = '=1+1' WHERE id = :id"), {"id": late.instance_id}
    )
    browser = sign_in("auditor")
    browser.get("/audit/exports")
    given = {"_csrf": browser.token}
    plain = browser.client.post("/audit/exports/findings.xlsx", data=given, buffered=True)
    sheet = load_workbook(io.BytesIO(plain.get_data())).active
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert "当事人" not in rows[0] and any("R-ADM-02" in row for row in rows)
    named = browser.client.post(
        "/audit/exports/matters.xlsx", data={**given, "names": "yes"}, buffered=True
    )
    sheet = load_workbook(io.BytesIO(named.get_data())).active
    cell = next(c for row in sheet.iter_rows() for c in row if c.value == "=1+1")
    assert cell.data_type == "s" and cell.quotePrefix
    table = browser.client.post(
        "/audit/exports/matters.csv", data={**given, "names": "yes"}, buffered=True
    )
    lines = list(csv.reader(io.StringIO(table.get_data().decode("utf-8-sig"))))
    assert lines[0][2] == "当事人" and lines[1][2] == "'=1+1"
    log = browser.client.post("/audit/exports/event_log.xes", data=given, buffered=True)
    assert log.mimetype == "application/xml"
    assert (
        browser.client.post("/audit/exports/other.xlsx", data=given, buffered=True).status_code
        == 404
    )
    assert (
        browser.client.post("/audit/exports/findings.xes", data=given, buffered=True).status_code
        == 404
    )
    said = [(e["what"], e["form"], e["names"]) for e in audit_entries(late, "exported")]
    assert said == [
        ("findings", "xlsx", False),
        ("matters", "xlsx", True),
        ("matters", "csv", True),
        ("event_log", "xes", False),
    ]
    branch = sign_in("secretary")
    refused = branch.client.post(
        "/audit/exports/matters.csv",
        data={"_csrf": branch.token, "organisation": late.ids["county"]},
    )
    assert refused.status_code == 403


@pytest.fixture
def blocked(app: Flask, session: Session, clock: FixedClock, quick_passwords: None) -> Played:
    """A year with a single examination, where two are asked for: the proposal is blocked."""
    app.extensions["guicheng.clock"] = clock
    played = play_admission(session, clock, until="examine_activist")
    player, cast = played.player, played.player.cast
    chosen = {"examination_next": "propose"}
    player.complete("examine_activist", chosen, date(2025, 9, 5), cast.people["contact_a"])
    player.set_clock(date(2026, 3, 6))
    clock.set(date(2026, 3, 6))
    with unit_of_work() as unit:
        for login in ("superior_secretary", "commissioner", "auditor"):
            create_account(
                unit, person_id=played.ids[login], login=login, password=PASSWORD, clock=clock
            )
    return played


def test_a_blocked_step_is_let_pass_on_the_matter(app: Flask, blocked: Played) -> None:
    path = f"/matters/{blocked.instance_id}"
    above = Browser(app.test_client())
    above.sign_in("superior_secretary")
    above.get(f"{path}?tab=findings")
    assert "今天办理会被阻断" in above.page
    assert 'value="R-ADM-08~propose_prospect"' in above.page
    for login in ("commissioner", "auditor"):
        other = Browser(app.test_client())
        other.sign_in(login)
        other.get(f"{path}?tab=findings")
        assert "准予越过的规则" not in other.page, login
        what = {"what": "R-ADM-08~propose_prospect", "reason": "参军"}
        assert other.post(f"{path}/allow", what).status_code == 403, login
    what = {"what": "R-ADM-08~propose_prospect", "_command": above.hidden("_command")}
    assert above.post(f"{path}/allow", {**what, "reason": " "}).status_code == 422
    above.get(f"{path}?tab=findings")
    what["_command"] = above.hidden("_command")
    for _ in range(2):
        assert above.post(f"{path}/allow", {**what, "reason": "参军期间"}).status_code == 303
    above.get(f"{path}?tab=findings")
    assert "已准予越过" in above.page and "今天办理会被阻断" not in above.page
    above.get("/audit/trail?list=overridden")
    assert above.page.count("参军期间") == 1


def test_a_blocked_step_says_by_which_article_and_who_may_let_it_pass(
    app: Flask, blocked: Played
) -> None:
    play = blocked.player.play
    number = play.task("propose_prospect")
    actor = blocked.actor("commissioner")
    form = play._definition().form_of("propose_prospect")
    raw = play._raw(form, "propose_prospect", {}, date(2026, 3, 6), actor, number, ())
    branch = Browser(app.test_client())
    branch.sign_in("commissioner")
    branch.get(f"/tasks/{number}")
    values = {**form.to_html(raw), "_command": str(uuid4()), "_occurred_on": "2026-03-06"}
    values["_revision"] = branch.hidden("_revision")
    assert branch.post(f"/tasks/{number}", values).status_code == 422
    errors = branch.page[branch.page.index('id="errors"') :]
    errors = errors[: errors.index("</div>")]
    for words in ("《发展党员工作细则》第十一条", "有审批权限的党委及以上", "准予后再办理"):
        assert words in errors
    assert "%(" not in errors and "None" not in errors
    values["_occurred_on"] = "2026-03-04"
    assert branch.post(f"/tasks/{number}", values).status_code == 422
    assert 'href="#occurred_on"' in branch.page
