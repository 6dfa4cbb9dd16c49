"""Choosing the version of new matters: at the same moment, with a stale page, without a reason."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from engine.database import db, unit_of_work
from engine.definitions.differences import Change, compare
from engine.definitions.models import ProcessVersion
from engine.definitions.operations import activate_version, choose_version, deploy_package
from engine.definitions.package import Package, load_package
from engine.definitions.versions import active_version
from engine.directory.actors import Actor
from engine.errors import Conflict, InvalidInput, NotAllowed, NotFound
from engine.ledger.models import LedgerEntry
from tests.engine.conftest import Live
from tests.factories import administrator_of_all
from tests.package_builder import good_files
from tests.races import at_once

KEY = "tiny_review"


def package(number: int) -> Package:
    return load_package({**good_files(), "NOTES.md": f"version {number}\n".encode()})


@pytest.fixture
def three(live: Live) -> list[int]:
    """Three versions; new matters start on the last."""
    with unit_of_work() as unit:
        return [deploy_package(unit, package(n), live.clock).version_id for n in range(3)]


@pytest.fixture
def administrator(live: Live) -> Actor:
    found = administrator_of_all(live.clock)
    db.session.remove()
    return found


def chosen() -> int:
    return db.session.scalar(
        select(func.count()).select_from(LedgerEntry).where(LedgerEntry.kind == "activated")
    )


def test_two_who_choose_differently_leave_one_active_version(
    live: Live, three: list[int], administrator: Actor
) -> None:
    before = chosen()
    db.session.remove()
    first, second, last = three
    results = at_once(
        live,
        *(
            lambda version=version: choose_version(
                live.clock, administrator, version, reason="回退", instead_of=last
            )
            for version in (first, second)
        ),
    )
    assert sorted(map(type, results), key=str) == sorted([bool, Conflict], key=str), results
    assert chosen() == before + 1
    active = db.session.scalars(
        select(ProcessVersion.id).where(ProcessVersion.key == KEY, ProcessVersion.active)
    ).all()
    assert active == [(first, second)[results.index(True)]]


def test_two_who_choose_the_same_make_one_entry(
    live: Live, three: list[int], administrator: Actor
) -> None:
    before = chosen()
    db.session.remove()
    command = lambda: choose_version(  # noqa: E731
        live.clock, administrator, three[0], reason="回退", instead_of=three[2]
    )
    assert sorted(at_once(live, command, command)) == [False, True]
    assert chosen() == before + 1


def test_choosing_while_somebody_deploys_leaves_one_active_version(
    live: Live, three: list[int]
) -> None:
    def deploy() -> None:
        with unit_of_work() as unit:
            deploy_package(unit, package(3), live.clock)

    def choose() -> None:
        with unit_of_work() as unit:
            activate_version(unit, three[0], live.clock)

    assert at_once(live, deploy, choose) == [None, None]
    assert active_version(db.session(), KEY) is not None


def test_who_may_not_and_what_is_not_there(
    live: Live, three: list[int], administrator: Actor
) -> None:
    for name in ("secretary", "deputy"):
        with pytest.raises(NotAllowed):
            choose_version(live.clock, live.desk.actor(name), three[0], reason="回退")
    with pytest.raises(InvalidInput):
        choose_version(live.clock, administrator, three[0], reason="  ")
    with pytest.raises(NotFound):
        choose_version(live.clock, administrator, 999_999_999, reason="回退")
    assert active_version(db.session(), KEY) == three[2]


def test_what_differs_is_told_by_step_and_by_file() -> None:
    files = good_files()
    toml = files["process.toml"].decode()
    before = load_package({**files, "OLD.md": b"old\n", "seal.docx": b"PK1"})
    step = next(iter(before.steps))
    title = before.steps[step].title
    files["process.toml"] = toml.replace(f'title = "{title}"', 'title = "另一个名称"').encode()
    after = load_package({**files, "NEW.md": b"new\n", "seal.docx": b"PK2"})
    found = compare(before, after)
    assert {(s.element, s.change) for s in found.steps} >= {(step, Change.CHANGED)}
    assert {(f.path, f.change) for f in found.files} == {
        ("NEW.md", Change.ADDED),
        ("OLD.md", Change.REMOVED),
        ("process.toml", Change.CHANGED),
        ("seal.docx", Change.CHANGED),
    }
    by_path = {file.path: file for file in found.files}
    assert by_path["NEW.md"].lines == ("@@ -0,0 +1 @@", "+new")
    assert by_path["OLD.md"].lines == ("@@ -1 +0,0 @@", "-old")
    assert not by_path["seal.docx"].lines, "a document has no lines to show"
    assert compare(before, before).files == ()
