"""管理 · 流程: versions, what differs, and the choice of the one on which new matters start."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from engine.database import unit_of_work
from engine.definitions.operations import deploy_package
from engine.definitions.package import Package, load_package
from engine.definitions.versions import active_version
from engine.directory.models import Organisation
from engine.ledger.models import LedgerEntry
from engine.runtime.models import Instance
from tests.factories import make_administrator
from tests.web.conftest import Browser, World, leave_package

KEY = "leave_request"


def changed_package() -> Package:
    """The leave procedure with another title of its second step, and one file more."""
    files = dict(leave_package().stored)
    toml = files["process.toml"].decode()
    assert 'title = "负责人审批"' in toml
    files["process.toml"] = toml.replace('title = "负责人审批"', 'title = "领导审批"', 1).encode()
    files["NOTES.md"] = b"# notes\n"
    return load_package(files)


def administrator(world: World, name: str, *, of_all: bool) -> Browser:
    office = world.session.get_one(Organisation, world.office)
    place = office.parent_id if of_all else office.id
    assert place is not None
    make_administrator(world.people[name], place)
    return world.sign_in(name)


@pytest.fixture
def admin(world: World) -> Browser:
    return administrator(world, "deputy", of_all=True)


@pytest.fixture
def versions(world: World) -> tuple[int, int]:
    """Return the version that the world began with and the one deployed after it."""
    first = active_version(world.session, KEY)
    assert first is not None
    with unit_of_work() as unit:
        second = deploy_package(unit, changed_package(), world.clock).version_id
    return first, second


def entries(world: World) -> list[str | None]:
    query = select(LedgerEntry.payload).where(LedgerEntry.kind == "activated")
    return list(world.session.scalars(query))


def test_versions_what_differs_and_how_many_matters_each_has(
    world: World, admin: Browser, versions: tuple[int, int]
) -> None:
    first, second = versions
    world.start()  # on the second
    assert admin.get("/admin/procedures/").status_code == 200
    assert "办理中 1 项" in admin.page and "共 2 个版本" in admin.page
    assert admin.get(f"/admin/procedures/{KEY}").status_code == 200
    assert "办理中 1 项" in admin.page and "办理中 0 项" in admin.page
    assert "命令行" in admin.page
    assert admin.get(f"/admin/procedures/versions/{second}").status_code == 200
    assert f"#{first} 相比" in admin.page, "the active one stands beside the one before it"
    assert "<del>" in admin.page and "领导审批" in admin.page
    assert "NOTES.md" in admin.page and "+# notes" in admin.page
    assert "启用这个版本" not in admin.page
    assert admin.get(f"/admin/procedures/versions/{first}?check=yes").status_code == 200
    assert "通过" in admin.page or "<b>process.toml" in admin.page


def test_an_older_version_is_chosen_with_a_reason_and_only_for_new_matters(
    world: World, admin: Browser, versions: tuple[int, int]
) -> None:
    first, second = versions
    before, _ = world.start()
    page = f"/admin/procedures/versions/{first}"
    admin.get(page)
    seen = admin.hidden("instead_of")
    assert admin.post(f"{page}/activate", {"reason": " ", "instead_of": seen}).status_code == 422
    assert "请写明" in admin.page and active_version(world.session, KEY) == second
    answer = admin.post(f"{page}/activate", {"reason": "新版本有误", "instead_of": seen})
    assert answer.status_code == 303
    assert active_version(world.session, KEY) == first
    (told,) = entries(world)
    assert told is not None and "新版本有误" in told and f'"before":{second}' in told
    admin.get(f"/admin/procedures/{KEY}")
    assert "新版本有误" in admin.page and "戴强" in admin.page
    after, _ = world.start("leader")
    on = {matter: world.session.get_one(Instance, matter).version_id for matter in (before, after)}
    assert (on[before], on[after]) == (second, first)


def test_the_same_choice_again_changes_nothing(
    world: World, admin: Browser, versions: tuple[int, int]
) -> None:
    first, second = versions
    admin.get(f"/admin/procedures/versions/{first}")
    for _ in range(2):
        answer = admin.post(
            f"/admin/procedures/versions/{first}/activate",
            {"reason": "退回旧版", "instead_of": str(second)},
        )
        assert answer.status_code == 303
    assert len(entries(world)) == 1


def test_a_choice_made_while_somebody_else_chose_is_refused(
    world: World, admin: Browser, versions: tuple[int, int]
) -> None:
    first, second = versions
    admin.get(f"/admin/procedures/versions/{first}")
    answer = admin.post(
        f"/admin/procedures/versions/{first}/activate",
        {"reason": "退回旧版", "instead_of": str(first)},  # what was active on an older page
    )
    assert answer.status_code == 409
    assert active_version(world.session, KEY) == second and not entries(world)


def test_only_who_administers_the_installation_sees_versions_and_chooses(
    world: World, versions: tuple[int, int]
) -> None:
    first, second = versions
    paths = [
        "/admin/procedures/",
        f"/admin/procedures/{KEY}",
        f"/admin/procedures/versions/{first}",
    ]
    part = administrator(world, "deputy", of_all=False)
    leader = world.sign_in("leader")
    for path in paths:
        assert part.get(path).status_code == 403
        assert leader.get(path).status_code == 404
    part.get("/admin/")
    assert "/admin/procedures/" not in part.page
    for browser, status in ((part, 403), (leader, 404)):
        browser.get("/account")
        answer = browser.post(f"/admin/procedures/versions/{first}/activate", {"reason": "试试"})
        assert answer.status_code == status
    assert active_version(world.session, KEY) == second and not entries(world)


def test_unknown_procedures_and_versions_are_not_found(
    world: World, admin: Browser, versions: tuple[int, int]
) -> None:
    first, _ = versions
    for path in ("none", "versions/999999999", f"versions/{first}?against={first}"):
        assert admin.get(f"/admin/procedures/{path}").status_code == 404
    admin.get(f"/admin/procedures/versions/{first}")
    answer = admin.post("/admin/procedures/versions/999999999/activate", {"reason": "试试"})
    assert answer.status_code == 404


def test_running_matters_are_moved_after_a_preview_that_says_who_stays(
    world: World, admin: Browser
) -> None:
    first = active_version(world.session, KEY)
    matter, _ = world.start()
    other, _ = world.start("leader")
    with unit_of_work() as unit:
        second = deploy_package(unit, changed_package(), world.clock).version_id
        third = deploy_package(unit, other_form(), world.clock).version_id
    page = f"/admin/procedures/versions/{second}"
    admin.get(page)
    assert "其他版本上正在办理 2 项" in admin.page
    assert admin.get(f"{page}?move=yes").status_code == 200
    assert "可以换用" in admin.page and "2 项" in admin.page
    row = world.session.get_one(Instance, matter)
    assert row.number in admin.page
    assert row.title not in admin.page, "an administrator reads no matters"
    assert world.session.get_one(Instance, matter).version_id == first
    assert admin.post(f"{page}/move", {"reason": " "}).status_code == 422
    assert "请写明" in admin.page
    assert admin.post(f"{page}/move", {"reason": "标题有误"}).status_code == 303
    world.session.expire_all()
    on = {world.session.get_one(Instance, one).version_id for one in (matter, other)}
    assert on == {second}
    told = list(
        world.session.scalars(select(LedgerEntry.payload).where(LedgerEntry.kind == "migrated"))
    )
    assert len(told) == 2 and all(one and "标题有误" in one for one in told)
    assert admin.get(f"/admin/procedures/versions/{third}?move=yes").status_code == 200
    assert "留在原版本" in admin.page and row.number in admin.page
    assert "在新版本的表单里没有或者不同" in admin.page
    leader = world.sign_in("leader")
    leader.get("/account")
    assert leader.post(f"{page}/move", {"reason": "试试"}).status_code == 404
    assert leader.get(f"{page}?move=yes").status_code == 404


def other_form() -> Package:
    """The leave procedure without one of the questions of its first step."""
    files = dict(leave_package().stored)
    name = "forms/request_leave.form"
    form = json.loads(files[name])
    form["components"] = [c for c in form["components"] if c.get("key") != "certificate"]
    files[name] = json.dumps(form, ensure_ascii=False).encode()
    return load_package(files)
