"""管理: only for administrators; rosters of their own part; a workbook from upload to writing."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask_babel import refresh
from openpyxl import load_workbook
from sqlalchemy import func, select

from engine.database import unit_of_work
from engine.directory.models import Account, Organisation, Person, Post
from tests.factories import make_administrator
from tests.web.conftest import Browser, World
from tests.workbooks import workbook

PAGES = ("/admin/", "/admin/import/", "/admin/template.xlsx")


@pytest.fixture
def admin(world: World) -> Browser:
    """The deputy, who keeps the office's roster (but not the store's)."""
    make_administrator(world.people["deputy"], world.office)
    return world.sign_in("deputy")


def send(browser: Browser, content: bytes, name: str = "人员.xlsx") -> Any:
    browser.get("/admin/import/")
    return browser.post("/admin/import/", {"file": (io.BytesIO(content), name)})


def upload(browser: Browser, **sheets: Any) -> str:
    """Upload a workbook and open its preview; return the address."""
    response = send(browser, workbook(**sheets))
    assert response.status_code == 303, browser.page
    browser.get(response.location)
    return str(response.location)


def people(world: World, code: str) -> int:
    statement = select(func.count()).select_from(Person).where(Person.code == code)
    return world.session.scalar(statement) or 0


NEW = {"人员": [("R1", "李一", "office", "2020-01-01", None, None)], "账号": [("R1", "liyi")]}


# -- who may ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["worker", "leader", "stranger"])
def test_nobody_else_finds_the_pages(world: World, admin: Browser, name: str) -> None:
    address = upload(admin, **NEW)
    other = world.sign_in(name)
    organisation = f"/admin/organisations/{world.office}"
    for path in (*PAGES, organisation, address):
        assert other.get(path).status_code == 404, path
    assert other.post("/admin/import/", {}).status_code == 404
    assert other.post(address, {"digest": "x"}).status_code == 404
    other.get("/inbox")
    assert "/admin/" not in other.page


def test_without_signing_in_nothing_is_shown(world: World) -> None:
    for path in PAGES:
        assert world.browser().get(path).status_code == 401


def test_an_administrator_sees_his_own_part(world: World, admin: Browser) -> None:
    admin.get("/inbox")
    assert 'href="/admin/"' in admin.page
    admin.get("/admin/")
    assert "办公室" in admin.page
    assert "仓库" not in admin.page
    store = world.session.scalars(select(Organisation.id).where(Organisation.code == "store")).one()
    assert admin.get(f"/admin/organisations/{store}").status_code == 404
    assert admin.get("/admin/organisations/999999").status_code == 404
    admin.get(f"/admin/organisations/{world.office}")
    for words in ("陆明", "书记", "账号 leader", "管理员"):
        assert words in admin.page
    assert "石磊" not in admin.page


@pytest.mark.parametrize("query", ["?q=办公", "?q=%00", "?cursor=x", "?cursor=/1/x/", "?q=office"])
def test_filters_take_anything(admin: Browser, query: str) -> None:
    assert admin.get(f"/admin/{query}").status_code == 200


def test_a_long_list_goes_on(world: World, admin: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.admin.views.PAGE", 2)
    path = f"/admin/organisations/{world.office}"
    admin.get(path)
    assert "显示更多" in admin.page
    first = admin.page
    cursor = first.split("cursor=")[1].split('"')[0]
    admin.get(f"{path}?cursor={cursor}")
    assert "戴强" in admin.page
    assert "戴强" not in first.split("<main")[1]


# -- importing --------------------------------------------------------------------------------


def test_the_template_opens(admin: Browser) -> None:
    response = admin.client.get("/admin/template.xlsx")
    book = load_workbook(io.BytesIO(response.data))
    assert book.sheetnames == ["党组织", "人员", "职务", "账号", "说明"]
    lists = [v.formula1 for v in book["职务"].data_validations.dataValidation if v.formula1]
    assert lists
    assert "书记" in lists[0]


def test_upload_look_confirm(world: World, admin: Browser) -> None:
    address = upload(admin, **NEW)
    assert "确认导入 2 条" in admin.page
    assert people(world, "R1") == 0
    response = admin.post(address, {"digest": admin.hidden("digest")})
    assert response.status_code == 200
    assert "导入完成" in admin.page
    password = admin.page.split("<code>")[1].split("</code>")[0]
    assert world.browser().sign_in("liyi", password).status_code == 303
    assert people(world, "R1") == 1


def test_a_second_confirmation_changes_nothing(world: World, admin: Browser) -> None:
    address = upload(admin, **NEW)
    digest = {"digest": admin.hidden("digest")}
    admin.post(address, digest)
    again = admin.post(address, digest)
    assert (again.status_code, again.location) == (303, address)
    admin.get(address)
    assert "没有重复写入" in admin.page
    assert "<code>" not in admin.page
    assert (people(world, "R1"), world.session.scalar(select(func.count(Account.id)))) == (1, 5)


def test_mistakes_are_listed_and_cannot_be_confirmed(world: World, admin: Browser) -> None:
    address = upload(admin, 人员=[("R1", "李一", "store"), ("R2", "王二", "nowhere")])
    for words in ("有 2 处错误", "第 2 行", "第 3 行", "没有编码为“nowhere”的党组织"):
        assert words in admin.page
    assert "确认导入" not in admin.page
    assert admin.post(address, {"digest": "0" * 64}).status_code == 303
    assert people(world, "R1") == 0


def test_a_preview_that_is_out_of_date_is_shown_anew(world: World, admin: Browser) -> None:
    with unit_of_work() as unit:
        unit.get_one(Person, world.people["worker"]).code = "W"
    address = upload(admin, 人员=[("W", "万大云", "office")])
    assert "万小云" in admin.page  # what stands there now
    digest = admin.hidden("digest")
    with unit_of_work() as unit:
        unit.get_one(Person, world.people["worker"]).name = "万云"
    assert admin.post(address, {"digest": digest}).location == address
    admin.get(address)
    assert "有了变化" in admin.page
    world.session.expire_all()
    assert world.session.get_one(Person, world.people["worker"]).name == "万云"


@pytest.mark.parametrize(
    "content", [b"", b"no workbook", b"PK\x03\x04 broken", workbook(其他=[("a",)])]
)
def test_what_is_no_workbook_is_refused_in_words(admin: Browser, content: bytes) -> None:
    assert send(admin, content).status_code == 422
    assert "模板" in admin.page
    assert 'aria-invalid="true"' in admin.page


def test_without_a_file_the_page_says_so(admin: Browser) -> None:
    admin.get("/admin/import/")
    assert admin.post("/admin/import/").status_code == 422
    assert "请选择填好的 Excel 文件" in admin.page


def test_names_are_shown_as_text(admin: Browser) -> None:
    upload(admin, 人员=[("R1", "<script>alert(1)</script>", "office")])
    assert "<script>alert" not in admin.page


def test_an_upload_is_for_its_uploader(world: World, admin: Browser) -> None:
    address = upload(admin, **NEW)
    make_administrator(world.people["leader"], world.office)
    other = world.sign_in("leader")
    assert other.get(address).status_code == 404
    assert other.post(address, {"digest": "x"}).status_code == 404


def test_nobody_appoints_himself_on_the_web(world: World, admin: Browser) -> None:
    me = f"#{world.people['deputy']}"
    upload(admin, 职务=[(me, "office", "书记", "2024-01-01", None)])
    assert "有 1 处错误" in admin.page
    assert world.session.scalar(select(func.count(Post.id))) == 4


def test_the_pages_speak_english(world: World, admin: Browser) -> None:
    with unit_of_work() as unit:
        statement = select(Account).where(Account.login == "deputy")
        unit.scalars(statement).one().language = "en"
    refresh()  # the tests' own application context remembers the language
    admin.get("/admin/")
    assert "Import from Excel" in admin.page
