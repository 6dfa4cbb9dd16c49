"""A list with a row for each member, and who reads what it says of them: page, API, files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from engine.attachments.models import Attachment
from engine.database import unit_of_work
from engine.definitions.operations import deploy_package
from engine.definitions.package import Package, load_package
from engine.directory.codes import MembershipStatus
from engine.directory.membership import set_status
from engine.directory.models import Account
from engine.directory.tokens import create_token
from engine.documents.contents import gather, read_contents
from engine.errors import NotAllowed
from engine.ledger.models import LedgerEntry
from engine.runtime import operations
from engine.runtime.correcting import correct_entry
from engine.runtime.models import Task
from tests.gathering import gathering
from tests.web.conftest import Browser, World

ABOUT = {
    "type": "textfield",
    "key": "about",
    "label": "党员",
    "properties": {"domain": "person", "status": "full", "scope": "branch", "among": "members"},
    "validate": {"required": True},
}
OPINION = {
    "type": "textarea",
    "key": "opinion",
    "label": "意见",
    "validate": {"required": True},
}
PARTS = (
    {
        "type": "dynamiclist",
        "path": "opinions",
        "label": "评定意见",
        "components": [ABOUT, OPINION],
        "properties": {"each": "members", "readers": "concerned"},
    },
    {"type": "textarea", "key": "summary", "label": "总的情况"},
    {
        "type": "filepicker",
        "key": "minutes",
        "label": "会议记录",
        "properties": {"document": "会议记录", "readers": "concerned"},
    },
)


def package() -> Package:
    """``gather``, ``say`` by each, then ``conclude`` with an opinion on each."""
    files = dict(gathering().files)
    before, _, after = files["process.toml"].decode().rpartition('form = "entry"')
    form = {"schemaVersion": 16, "type": "default", "id": "opinions", "components": PARTS}
    files["process.toml"] = f'{before}form = "opinions"{after}'.encode()
    files["forms/opinions.form"] = json.dumps(form, ensure_ascii=False).encode()
    return load_package(files)


@pytest.fixture
def matter(world: World) -> int:
    """Worker and deputy have had their say; the leader is to give an opinion on both."""
    with unit_of_work() as session:
        deploy_package(session, package(), world.clock)
        for name in ("worker", "deputy", "leader"):
            set_status(
                session,
                world.people[name],
                MembershipStatus.FULL,
                date(2010, 7, 1),
                organisation_id=world.office,
                clock=world.clock,
            )
    done = operations.start_instance(
        "gathering",
        {"members": [world.people["worker"], world.people["deputy"]]},
        organisation_id=world.office,
        subject_id=None,
        actor=world.actor("leader"),
        clock=world.clock,
    )
    for name in ("worker", "deputy"):
        item = f"p{world.people[name]}"
        task = world.session.scalars(select(Task.id).where(Task.item == item)).one()
        operations.complete_task(task, {}, actor=world.actor(name), clock=world.clock)
    return done.instance_id


def conclude(world: World, matter: int) -> int:
    return world.session.scalars(
        select(Task.id).where(Task.instance_id == matter, Task.state == "open")
    ).one()


def rows(page: str) -> dict[str, str]:
    """Return the hidden inputs that say whom the rows are about."""
    return dict(
        re.findall(r'<input type="hidden" name="(opinions-\d+\.about)" value="(\d+)"', page)
    )


def form_of(browser: Browser, **more: Any) -> dict[str, Any]:
    kept = {name: browser.hidden(name) for name in ("_command", "_revision")}
    return {**kept, "_occurred_on": "2026-11-22", **more}


def given(world: World, matter: int, pdf: Callable[[], Any]) -> Browser:
    """Let the leader give an opinion on both, as a browser without JavaScript does."""
    browser = world.sign_in("leader")
    path = f"/tasks/{conclude(world, matter)}"
    page = browser.get(path).get_data(as_text=True)
    said = {
        "opinions-0.opinion": "甲的意见",
        "opinions-1.opinion": "乙的意见",
        "summary": "大家都好",
    }
    files = {"_file.minutes": pdf()}
    form = form_of(browser, **rows(page), **said, **files)
    assert browser.post(path, form, content_type="multipart/form-data").status_code == 303
    return browser


def test_the_form_begins_with_a_row_for_each(world: World, matter: int) -> None:
    browser = world.sign_in("leader")
    page = browser.get(f"/tasks/{conclude(world, matter)}").get_data(as_text=True)
    ids = [str(world.people[name]) for name in ("worker", "deputy")]
    assert rows(page) == {f"opinions-{n}.about": person for n, person in enumerate(ids)}
    assert "1. 万小云" in page and "2. 戴强" in page
    assert '<select id="f-opinions-0--about"' not in page


def test_rows_are_taken_off_and_added_without_a_script(world: World, matter: int) -> None:
    browser = world.sign_in("leader")
    path = f"/tasks/{conclude(world, matter)}"
    kept = rows(browser.get(path).get_data(as_text=True))
    said = {"opinions-1.opinion": "乙的意见"}
    gone = form_of(browser, **kept, **said, _remove="opinions-0", _draft="1")
    page = browser.post(f"{path}/draft", gone, follow_redirects=True).get_data(as_text=True)
    assert rows(page) == {"opinions-0.about": str(world.people["deputy"])}
    assert "乙的意见" in page
    more = form_of(browser, **rows(page), _add="opinions", _draft="1")
    page = browser.post(f"{path}/draft", more, follow_redirects=True).get_data(as_text=True)
    assert len(rows(page)) == 1 and 'name="opinions-1.about"' in page


def test_a_row_left_empty_is_refused_by_name(world: World, matter: int) -> None:
    browser = world.sign_in("leader")
    path = f"/tasks/{conclude(world, matter)}"
    kept = rows(browser.get(path).get_data(as_text=True))
    said = {"opinions-0.opinion": "甲的意见"}
    response = browser.post(path, form_of(browser, **kept, **said))
    assert response.status_code == 422
    assert rows(browser.page) == kept and "甲的意见" in browser.page


@pytest.mark.parametrize(
    ("name", "reads"),
    [
        ("leader", {"甲的意见", "乙的意见"}),
        ("worker", {"甲的意见"}),
        ("deputy", {"乙的意见"}),
    ],
)
def test_each_reads_on_the_page_what_is_said_of_them(
    world: World, matter: int, pdf: Callable[[], Any], name: str, reads: set[str]
) -> None:
    given(world, matter, pdf)
    browser = world.sign_in(name)
    pages = [
        browser.get(f"/matters/{matter}?tab={tab}").get_data(as_text=True)
        for tab in ("steps", "documents", "history")
    ]
    assert {words for words in ("甲的意见", "乙的意见") if words in "".join(pages)} == reads
    assert "大家都好" in pages[0]
    leads = name == "leader"
    assert ("证明.pdf" in "".join(pages)) is leads
    file = world.session.scalars(select(Attachment.id)).one()
    assert browser.get(f"/files/{file}").status_code == (200 if leads else 404)


@pytest.mark.parametrize(
    ("name", "reads"), [("leader", {"甲的意见", "乙的意见"}), ("deputy", {"乙的意见"})]
)
def test_each_reads_in_the_api_what_is_said_of_them(
    world: World, matter: int, pdf: Callable[[], Any], name: str, reads: set[str]
) -> None:
    given(world, matter, pdf)
    account = select(Account.id).where(Account.person_id == world.people[name])
    token = create_token(world.clock, world.session.scalars(account).one(), name="测试")
    client = world.app.test_client()
    bearer = {"Authorization": f"Bearer {token}"}
    for path in ("", "/steps"):
        found = client.get(f"/api/v1/process-instances/{matter}{path}", headers=bearer)
        assert found.status_code == 200
    ledger = client.get(f"/api/v1/process-instances/{matter}/ledger", headers=bearer)
    assert ledger.status_code == (200 if name == "leader" else 403)
    told = json.dumps(found.get_json(), ensure_ascii=False)
    assert {words for words in ("甲的意见", "乙的意见") if words in told} == reads


def test_papers_and_case_files_rest_on_what_may_be_read(
    world: World, matter: int, pdf: Callable[[], Any]
) -> None:
    given(world, matter, pdf)

    def steps(name: str) -> set[str]:
        told = gather(world.session, world.actor(name), world.clock, matter)
        return {form.element for form in told.forms.values()}

    assert steps("leader") == {"gather", "say", "conclude"}
    assert steps("deputy") == {"gather", "say"}
    with pytest.raises(NotAllowed):
        read_contents(world.session, world.actor("deputy"), world.clock, matter)


def test_a_correction_is_read_by_those_who_read_what_it_corrects(
    world: World, matter: int, pdf: Callable[[], Any]
) -> None:
    given(world, matter, pdf)
    rows = [{"about": world.people[n], "opinion": f"{n}新的意见"} for n in ("worker", "deputy")]
    done = LedgerEntry.element == "conclude", LedgerEntry.kind == "completed"
    seq = world.session.scalars(select(LedgerEntry.seq).where(*done)).one()
    correct_entry(
        matter,
        seq,
        {"opinions": rows},
        "把两人的意见写反了",
        actor=world.actor("leader"),
        clock=world.clock,
    )
    browser = world.sign_in("worker")
    worker = browser.get(f"/matters/{matter}").get_data(as_text=True)
    worker += browser.get(f"/matters/{matter}?tab=history").get_data(as_text=True)
    assert "worker新的意见" in worker
    assert "deputy新的意见" not in worker and "写反了" not in worker
    leader = world.sign_in("leader").get(f"/matters/{matter}").get_data(as_text=True)
    assert "deputy新的意见" in leader and "写反了" in leader


def test_a_task_of_others_says_nothing_of_single_people(world: World, matter: int) -> None:
    """Whoever may see the matter may look at its tasks; what is filled in is for who does them."""
    browser = world.sign_in("worker")
    page = browser.get(f"/tasks/{conclude(world, matter)}").get_data(as_text=True)
    assert "戴强" not in page.partition("<main")[2].partition("可以办理的有")[0]
    assert not rows(page)
