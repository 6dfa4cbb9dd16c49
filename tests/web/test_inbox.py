"""The inbox as a list: found, sorted, kept in the address, and taken out as a workbook."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date, datetime

import openpyxl
import pytest

from engine.runtime.queries.worklist import Filters, by_name, work_page
from engine.runtime.views import Bucket
from tests.web.bulk_world import Talks
from tests.web.conftest import World, exported
from web.inbox.excel import workbook
from web.inbox.filters import query
from web.inbox.views import FEW, gathered


@pytest.fixture
def talks(world: World) -> Talks:
    """Several people whom the leader has to talk to."""
    return Talks(world)


def order_of(page: str, *names: str) -> list[str]:
    """Return the names in the order in which the page shows them."""
    return sorted(names, key=lambda name: page.index(f"<strong>{name}</strong>"))


def test_names_are_sorted_by_their_sound() -> None:
    names = ["赵一", "万小云", "陆明", "安然", "戴强"]
    assert sorted(names, key=by_name) == ["安然", "戴强", "陆明", "万小云", "赵一"]


def test_the_list_is_sorted_by_person_when_asked(talks: Talks) -> None:
    talks.start("worker")
    talks.start("deputy")
    browser = talks.world.sign_in("leader")
    browser.get("/inbox")
    assert order_of(browser.page, "万小云", "戴强") == ["万小云", "戴强"]
    browser.get("/inbox?sort=person")
    assert order_of(browser.page, "万小云", "戴强") == ["戴强", "万小云"]
    assert '<option value="person" selected>' in browser.page


def test_a_step_that_many_others_have_to_do_stands_in_the_list_once(talks: Talks) -> None:
    world = talks.world
    talks.start("worker")
    talks.start("deputy")
    with world.app.app_context():
        first, second = work_page(
            world.session, world.actor("leader"), world.clock, bucket=Bucket.TODO, filters=Filters()
        ).rows
    me, others = world.people["leader"], range(900, 900 + FEW + 1)
    many = [replace(first, for_id=person) for person in others]
    mine = replace(first, for_id=me)
    assert gathered([second, *many, mine], me) == [[second], many, [mine]]
    assert gathered(many[:FEW], me) == [[row] for row in many[:FEW]]
    other_matter = [replace(second, for_id=person) for person in others]
    assert gathered([*many, *other_matter], me) == [many, other_matter]
    assert gathered([first, first, first, first], me) == [[first]] * 4


def test_sorted_lists_have_pages_too(talks: Talks) -> None:
    for number in range(52):
        talks.start(talks.newcomer(f"甲{chr(0x4E00 + number)}"))
    browser = talks.world.sign_in("leader")
    browser.get("/inbox?sort=step")
    assert browser.page.count('class="what"') == 50
    assert "cursor=50" in browser.page
    browser.get("/inbox?sort=step&cursor=50")
    assert browser.page.count('class="what"') == 2
    assert browser.get("/inbox?sort=step&cursor=x").status_code == 422


def test_changing_the_bucket_keeps_the_filters_in_the_address(talks: Talks) -> None:
    talks.start("worker")
    browser = talks.world.sign_in("leader")
    browser.get("/inbox?text=万小云&sort=person&cursor=0")
    assert 'href="/inbox?text=%E4%B8%87%E5%B0%8F%E4%BA%91&amp;sort=person&amp;bucket=soon"' in (
        browser.page
    )


@pytest.mark.parametrize("text", ["小云", "TA-2026-0001", "办公"])
def test_a_search_finds_person_number_and_organisation(talks: Talks, text: str) -> None:
    talks.start("worker")
    browser = talks.world.sign_in("leader")
    for path in (f"/inbox?text={text}", f"/matters/?q={text}"):
        browser.get(path)
        assert "万小云" in browser.page, path
    browser.get("/inbox?text=仓库")
    assert "没有符合条件的任务" in browser.page


def test_the_export_holds_what_the_list_shows_with_dates_as_dates(talks: Talks) -> None:
    talks.start("worker", on=date(2026, 11, 10))
    talks.start("deputy")
    browser = talks.world.sign_in("leader")
    response = browser.client.get("/inbox/export.xlsx?text=小云")
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    assert ".xlsx" in response.headers["Content-Disposition"]
    (told,) = exported(talks.world.session)
    assert (told["what"], told["names"], told["criteria"]["bucket"]) == ("tasks", True, "todo")
    assert "小云" not in str(told), "what somebody looks for may be a name"
    sheet = openpyxl.load_workbook(io.BytesIO(response.data)).active
    lines = list(sheet.iter_rows(values_only=True))
    assert lines[0][:5] == ("期限", "时限情况", "流程", "事项编号", "当事人")
    assert len(lines) == 2
    assert isinstance(lines[1][0], datetime)
    assert lines[1][0].date() == date(2026, 11, 20)
    assert lines[1][1] == "已超期 2 天"
    assert lines[1][4] == "万小云"


@pytest.mark.parametrize("name", ["=1+1", "+86", "-3", "@SUM(A1)", "\x07=cmd"])
def test_no_text_becomes_a_formula(talks: Talks, name: str) -> None:
    talks.start(talks.newcomer(name))
    browser = talks.world.sign_in("leader")
    response = browser.client.get("/inbox/export.xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(response.data)).active
    cell = sheet.cell(2, 5)
    assert cell.value == name.replace("\x07", "")
    assert cell.data_type == "s"
    assert cell.quotePrefix is (name[0] in "=+-@")


def test_a_cut_list_says_so(world: World) -> None:
    with world.app.test_request_context():
        data = workbook([], world.clock.today(), title="待办", more=True)
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    assert "请先筛选" in sheet.cell(2, 1).value


def test_nobody_exports_without_signing_in(world: World) -> None:
    assert world.browser().get("/inbox/export.xlsx").status_code == 401


def test_an_address_keeps_what_it_said() -> None:
    assert query({"text": "甲", "empty": ""}, bucket="soon", cursor=None) == (
        "text=%E7%94%B2&bucket=soon"
    )
