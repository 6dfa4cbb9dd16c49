"""The year of a branch at a glance, the superior's board, its lists and its workbook."""

from __future__ import annotations

import html
import io
import re
from datetime import date

from flask_babel import force_locale
from openpyxl import load_workbook
from sqlalchemy import select, update

from engine.database import db, unit_of_work
from engine.directory.actors import load_actor
from engine.directory.models import Account
from engine.duties.operations import run_duties
from engine.runtime.models import Task
from engine.runtime.operations import complete_task
from tests.web.board.conftest import County
from tests.web.conftest import exported


def words(page: str) -> str:
    """Return what a page says, without its tags."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def year(county: County, at: str = "branch", of: int = 2027) -> str:
    return f"/board/{county.places[at]}/year?year={of}"


def test_a_branch_sees_its_year_at_a_glance(county: County) -> None:
    browser = county.sign_in("secretary")
    assert browser.get(year(county)).status_code == 200
    said = words(browser.page)
    assert "branch组织 2027 年工作一览" in said
    assert "2027年1月 补办 3月4日 问题" in said
    assert "2027年2月 逾期" in said
    assert "2027年3月 已办 3月2日" in said
    assert "2027年第1季度 待办 至3月31日" in said
    assert "2027年度 待办 至3月31日" in said
    assert "支部工作条例（2018）第十一条" in said
    matter = re.search(r'href="(/matters/\d+)"[^>]*>3月2日', browser.page)
    assert matter is not None
    assert browser.get(matter[1]).status_code == 200


def test_what_is_due_leads_to_the_draft_or_to_the_start(county: County) -> None:
    browser = county.sign_in("secretary")
    browser.get(year(county))
    late = county.duty("monthly.meet", date(2027, 2, 1))
    assert late.instance_id is not None
    assert f'href="/matters/{late.instance_id}">草稿' in browser.page
    assert 'href="/start/quarterly">发起' in browser.page
    above = county.sign_in("head")
    above.get(year(county))
    assert "/start/quarterly" not in above.page


def test_who_may_see_a_year(county: County) -> None:
    for login, at, status in (
        ("secretary", "branch", 200),
        ("secretary", "group", 200),
        ("secretary", "other", 403),
        ("secretary", "committee", 403),
        ("leader", "group", 200),
        ("leader", "branch", 403),
        ("other_secretary", "branch", 403),
        ("member", "branch", 403),
        ("head", "other", 200),
        ("auditor", "other", 200),
        ("member_of_committee", "branch", 403),
        ("member_of_committee", "committee", 200),
    ):
        browser = county.sign_in(login)
        assert browser.get(year(county, at)).status_code == status, (login, at)
    assert county.sign_in("head").get("/board/999999/year").status_code == 404


def test_a_year_without_a_plan_says_so(county: County) -> None:
    browser = county.sign_in("secretary")
    browser.get(year(county, of=2019))
    assert "这一年没有计划的工作" in browser.page


def test_the_board_counts_what_lies_below(county: County) -> None:
    browser = county.sign_in("head")
    assert browser.get("/board/").status_code == 200
    said = words(browser.page)
    assert "committee组织 2027年 全年" in said
    # January and February of both branches and March of one: 3 in time, 1 made up, 1 late.
    assert "按时率：3 / 5" in said and "60.0%" in said
    assert '<svg class="bars"' in browser.page
    browser.get("/board/?part=m1")
    assert "按时率：1 / 2" in words(browser.page)
    browser.get("/board/?part=nonsense&year=x")
    assert "全年" in words(browser.page)


def test_every_count_leads_to_as_many_records(county: County) -> None:
    browser = county.sign_in("head")
    browser.get("/board/")
    links = {
        html.unescape(link): int(count)
        for link, count in re.findall(r'href="(/board/duties\?[^"]+)">(\d+)<', browser.page)
    }
    assert len(links) > 8
    for link, count in links.items():
        browser.get(link)
        rows = browser.page.count('<th scope="row">')
        assert rows == count, link


def test_running_matters_lead_to_their_list_and_findings_to_the_auditors(county: County) -> None:
    browser = county.sign_in("head")
    browser.get("/board/")
    link = re.search(r'href="(/board/matters\?[^"]*process=monthly[^"]*)">(\d+)<', browser.page)
    assert link is not None
    browser.get(html.unescape(link[1]))
    assert browser.page.count('<th scope="row"') == int(link[2])
    browser.get("/board/")
    assert "/audit/findings?organisation=" in browser.page


def test_a_branch_goes_to_its_own_year(county: County) -> None:
    for login, at in (
        ("secretary", "branch"),
        ("leader", "group"),
        ("member_of_committee", "committee"),
    ):
        response = county.sign_in(login).get("/board/")
        assert response.status_code == 302
        assert response.headers["Location"].startswith(f"/board/{county.places[at]}/year")
    assert county.sign_in("member").get("/board/").status_code == 403


def test_lists_are_only_for_those_above(county: County) -> None:
    browser = county.sign_in("secretary")
    committee = county.places["committee"]
    for path in ("duties", "matters", "ranking", "board.xlsx"):
        assert browser.get(f"/board/{path}?organisation={committee}").status_code == 403
    assert not exported(county.session), "nothing left the house"
    own = f"/board/duties?organisation={county.places['branch']}"
    assert browser.get(own).status_code == 200
    outside = county.sign_in("leader")
    assert outside.get(own).status_code == 403
    assert (
        outside.get(f"/board/duties?own=yes&organisation={county.places['group']}").status_code
        == 200
    )


def test_the_ranking_says_how_it_is_made(county: County) -> None:
    browser = county.sign_in("head")
    browser.get("/board/ranking")
    said = words(browser.page)
    assert "按时率 = 按时办的" in said
    assert "1 other组织 committee组织 100.0% 2/2" in said
    assert "2 branch组织 committee组织 33.3% 1/3" in said
    browser.get("/board/ranking?order=worst")
    said = words(browser.page)
    assert said.index("branch组织 committee") < said.index("other组织 committee")


def test_the_workbook_holds_the_same_figures(county: County) -> None:
    browser = county.sign_in("head")
    response = browser.client.get("/board/board.xlsx")
    (told,) = exported(county.session)
    assert (told["what"], told["form"], told["names"]) == ("board", "xlsx", False)
    assert told["criteria"]["organisation"] == county.places["committee"]
    assert all(value.isascii() for _, value in response.headers)  # a server sends no others
    book = load_workbook(io.BytesIO(response.data))
    assert book.sheetnames == ["按党组织", "按活动", "逾期未办"]
    places = {
        row[1].value: [c.value for c in row[2:]] for row in book["按党组织"].iter_rows(min_row=2)
    }
    assert places["branch组织"][1:4] == [1, 1, 1]
    late = [[c.value for c in row] for row in book["逾期未办"].iter_rows(min_row=2)]
    assert [(row[0], row[3]) for row in late] == [("branch组织", "2027年2月")]


def test_a_step_shows_on_the_board_at_once(county: County) -> None:
    browser = county.sign_in("head")
    browser.get("/board/?part=q1")
    before = words(browser.page)
    county.hold("quarterly", date(2027, 3, 5))
    browser.get("/board/?part=q1")
    assert words(browser.page) != before
    browser.get(year(county))
    assert "2027年第1季度 已办 3月5日" in words(browser.page)


def test_it_speaks_english(county: County) -> None:
    browser = county.sign_in("head")
    with unit_of_work() as unit:
        unit.execute(update(Account).values(language="en"))
    with force_locale("en"):  # the test's own context still remembers Chinese
        browser.get("/board/")
        assert "On time" in browser.page and "按时率" not in browser.page
        browser.get(year(county))
    said = words(browser.page)
    assert "meet meeting" in said and "2027-2 Late" in said and "Q1 2027 To do" in said


def test_the_task_of_a_draft_says_for_which_period_it_is(county: County) -> None:
    county.clock.set(date(2027, 3, 20))
    run_duties(county.clock)
    matter = county.duty("quarterly.all", date(2027, 1, 1)).instance_id
    task = db.session().scalars(select(Task.id).where(Task.instance_id == matter)).one()
    browser = county.sign_in("secretary")
    browser.get(f"/tasks/{task}")
    assert "按计划办理2027年第1季度的“all会”，最迟 2027年3月31日" in words(browser.page)
    actor = load_actor(db.session(), county.clock.today(), person_id=county.people["secretary"])
    done = complete_task(
        task, {}, actor=actor, clock=county.clock, occurred_on=date(2026, 12, 20)
    )  # prepared before the quarter began
    county.clock.set(date(2027, 4, 20))
    run_duties(county.clock)
    browser = county.sign_in("secretary")
    browser.get(f"/tasks/{next(iter(done.opened))}")
    assert "在这里办理的算作补办这一期" in words(browser.page)
