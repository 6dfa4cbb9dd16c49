"""Deployed versions: stored by content, ready to run from a cache."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.clock import FixedClock
from engine.definitions import versions
from engine.definitions.models import ProcessFile, ProcessVersion
from engine.definitions.operations import activate_version, deploy_package
from engine.definitions.package import Package, load_package
from engine.definitions.versions import (
    Definition,
    DefinitionCache,
    active_version,
    build_definition,
    load_definition,
    match_lane,
)
from engine.errors import EngineFault, NotFound, PackageProblem
from engine.ledger.models import LedgerEntry
from tests.package_builder import good_files, good_package, swap


def another() -> Package:
    """Return the good package with other content."""
    return load_package(good_files() | {"README.md": b"# changed\n"})


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    """Begin and end without cached definitions."""
    versions.definitions.clear()
    yield
    versions.definitions.clear()


# --- building -----------------------------------------------------------------------------------


def test_a_definition_knows_the_lane_and_stage_of_each_task() -> None:
    definition = build_definition(good_package())
    assert definition.version_id is None
    assert {e: lane.id for e, lane in definition.lanes.items()} == {
        "apply": "applicant",
        "review": "branch",
        "check": "contacts",
    }
    assert definition.stages["apply"].id == "applying"
    assert definition.stages["wait"].id == "reviewing"
    assert "end" not in definition.stages


def test_a_step_can_count_to_another_stage() -> None:
    files = good_files()
    text = swap(
        files["process.toml"].decode(), 'form = "check"', 'form = "check"\nstage = "applying"'
    )
    definition = build_definition(load_package(files | {"process.toml": text.encode()}))
    assert definition.stages["check"].id == "applying"


def test_only_what_expressions_use_is_kept_for_the_workflow() -> None:
    definition = build_definition(good_package())
    assert definition.kept["review"] == {"review_decision"}
    assert definition.kept["apply"] == frozenset()
    assert {"apply", "review"} <= definition.dates
    assert "review_decision" in definition.variables


def test_lanes_are_found_by_id_then_by_title() -> None:
    package = good_package()
    assert match_lane(package, "branch", "whatever") is package.lanes["branch"]
    assert match_lane(package, "stage_branch", "党支部") is package.lanes["branch"]
    assert match_lane(package, "stage_branch", None) is None
    assert match_lane(package, None, "群众") is None


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("process.toml", "add_months(on['apply'], 1)", "add_months("),
        ("forms/check.form", '"type": "textarea"', '"type": "iframe"'),
        ("tiny_review.bpmn", "userTask", "uzerTask"),
    ],
)
def test_what_does_not_compile_is_refused(path: str, old: str, new: str) -> None:
    files = good_files()
    files[path] = files[path].replace(old.encode(), new.encode())
    with pytest.raises(PackageProblem) as refusal:
        build_definition(load_package(files))
    assert refusal.value.problems[0].file == path


def test_a_missing_form_is_refused() -> None:
    files = good_files()
    del files["forms/check.form"]
    with pytest.raises(PackageProblem) as refusal:
        build_definition(load_package(files))
    assert [problem.code for problem in refusal.value.problems] == ["form-missing"]


# --- deploying ----------------------------------------------------------------------------------


def test_deploying_stores_every_file_and_makes_the_version_active(
    session: Session, clock: FixedClock
) -> None:
    package = good_package()
    done = deploy_package(session, package, clock)
    assert (done.created, done.activated) == (True, True)
    version = session.get_one(ProcessVersion, done.version_id)
    assert (version.key, version.title, version.sha256) == (
        package.key,
        package.title,
        package.sha256,
    )
    assert version.deployed_at == clock.now()
    rows = session.execute(
        select(ProcessFile.path, ProcessFile.content).where(
            ProcessFile.version_id == done.version_id
        )
    )
    assert {row.path: bytes(row.content) for row in rows} == good_files()
    assert active_version(session, package.key) == done.version_id


def test_the_same_content_again_is_the_same_version(session: Session, clock: FixedClock) -> None:
    first = deploy_package(session, good_package(), clock)
    entries = session.query(LedgerEntry).count()
    again = deploy_package(session, good_package(), clock)
    assert again.version_id == first.version_id
    assert (again.created, again.activated) == (False, False)
    assert session.query(LedgerEntry).count() == entries, "nothing happened, nothing is recorded"


def test_the_newest_deployment_is_active(session: Session, clock: FixedClock) -> None:
    first = deploy_package(session, good_package(), clock)
    second = deploy_package(session, another(), clock)
    assert second.version_id != first.version_id
    assert active_version(session, "tiny_review") == second.version_id
    back = deploy_package(session, good_package(), clock)
    assert (back.version_id, back.created, back.activated) == (first.version_id, False, True)
    assert active_version(session, "tiny_review") == first.version_id


def test_an_older_version_can_be_made_active_again(session: Session, clock: FixedClock) -> None:
    first = deploy_package(session, good_package(), clock)
    deploy_package(session, another(), clock)
    assert activate_version(session, first.version_id, clock) is True
    assert active_version(session, "tiny_review") == first.version_id
    assert activate_version(session, first.version_id, clock) is False
    with pytest.raises(NotFound):
        activate_version(session, 999_999_999, clock)


def test_deployments_are_on_the_ledger(session: Session, clock: FixedClock) -> None:
    done = deploy_package(session, good_package(), clock)
    entry = session.query(LedgerEntry).order_by(LedgerEntry.chain_id, LedgerEntry.seq).all()[-1]
    assert entry.kind == "deployed"
    assert entry.payload is not None
    assert f'"version_id":{done.version_id}' in entry.payload


# --- loading ------------------------------------------------------------------------------------


def test_a_deployed_version_is_read_once(session: Session, clock: FixedClock) -> None:
    done = deploy_package(session, good_package(), clock)
    definition = load_definition(session, done.version_id)
    assert definition.version_id == done.version_id
    assert definition.package == good_package()
    assert load_definition(session, done.version_id) is definition


def test_an_unknown_version(session: Session) -> None:
    with pytest.raises(NotFound):
        load_definition(session, 999_999_999)


def test_files_that_were_tampered_with_are_not_run(session: Session, clock: FixedClock) -> None:
    done = deploy_package(session, good_package(), clock)
    row = session.get_one(ProcessFile, (done.version_id, "README.md"))
    row.content = b"# other\n"
    session.flush()
    with pytest.raises(EngineFault):
        load_definition(session, done.version_id)


def test_the_cache_drops_what_was_used_longest_ago() -> None:
    cache = DefinitionCache(size=2)
    built: list[int] = []

    def definition(number: int) -> Definition:
        def build() -> Definition:
            built.append(number)
            return build_definition(good_package(), number)

        return cache.get(number, build)

    for number in (1, 2, 1, 3, 1, 2):
        assert definition(number).version_id == number
    assert built == [1, 2, 3, 2]


def test_many_threads_build_a_version_once() -> None:
    cache = DefinitionCache()
    built: list[int] = []
    together = Barrier(8)

    def build() -> Definition:
        built.append(1)
        return build_definition(good_package(), 7)

    def ask(_: int) -> Definition:
        together.wait()
        return cache.get(7, build)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, range(8)))
    assert built == [1]
    assert all(definition is found[0] for definition in found)


def test_a_build_that_fails_can_be_tried_again() -> None:
    cache = DefinitionCache()

    def fail() -> Definition:
        raise NotFound

    with pytest.raises(NotFound):
        cache.get(1, fail)
    assert cache.get(1, lambda: build_definition(good_package(), 1)).version_id == 1
