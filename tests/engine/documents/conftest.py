"""A matter from application to full membership, with real papers, and the people who look at it."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from engine.attachments.operations import record_blob
from engine.attachments.store import Store
from engine.clock import FixedClock
from engine.database import db, unit_of_work
from engine.demo.paper import sample_paper
from engine.directory.actors import Actor, load_actor
from engine.directory.models import Membership, Person, Post
from engine.documents.case_file import CaseFile, export_case_file
from engine.ledger.checkpoints import seal_checkpoint
from engine.lint.scenarios import play, read_cast_values, read_scenarios
from engine.settings import Settings
from tests.database_player import DatabasePlayer
from tests.shipped import deploy_shipped


@dataclass
class Case:
    """A matter that was played to its end, or up to a step."""

    session: Session
    clock: FixedClock
    settings: Settings
    store: Store
    instance_id: int
    ids: dict[str, int]

    def actor(self, name: str) -> Actor:
        return load_actor(self.session, self.clock.today(), person_id=self.ids[name])

    def export(self, by: str = "auditor") -> CaseFile:
        return export_case_file(
            self.instance_id,
            actor=self.actor(by),
            clock=self.clock,
            store=self.store,
            settings=self.settings,
        )


def play_matter(
    session: Session,
    clock: FixedClock,
    settings: Settings,
    *,
    scenario: str = "happy_path",
    until: str | None = None,
    actions: int | None = None,
    late: Mapping[str, tuple[date, Mapping[str, Any]]] | None = None,
) -> Case:
    """Play a scenario of member admission, and let an auditor and a department look on.

    ``until`` is the step that is left open; ``actions`` how many of the scenario's own are done;
    ``late`` gives steps another day and more answers.
    """
    store = Store(settings.data_dir / "attachments", settings.attachment_max_bytes)
    paper = store.put(sample_paper(), "材料.pdf")
    with unit_of_work() as unit:
        record_blob(unit, clock, paper)
        definition = deploy_shipped(unit, clock)
    package = definition.package
    players: list[DatabasePlayer] = []

    def player(**more: Any) -> DatabasePlayer:
        made = DatabasePlayer(**more)
        made.play.file_sha256 = paper.sha256
        players.append(made)
        return made

    cast, _ = read_cast_values(package)
    scenarios, _ = read_scenarios(package)
    story = scenarios[scenario]
    if until is not None:
        last = next(i for i, do in enumerate(story.actions) if do.target == until)
        story = replace(story, actions=story.actions[:last], then={})
    if actions is not None:
        story = replace(story, actions=story.actions[:actions], then={})
    for step, (day, data) in (late or {}).items():
        moved = [
            replace(do, on=day, data={**do.data, **data}) if do.target == step else do
            for do in story.actions
        ]
        story = replace(story, actions=tuple(moved), then={})
    assert not play(definition, story, scenarios, cast, player)
    played = players[-1].play
    assert played.instance_id is not None
    ids = dict(played.ids)
    with unit_of_work() as unit:
        for key, kind, at in (
            ("auditor", "auditor", "county"),
            ("department", "organisation_department", "county"),
        ):
            person = Person(name=key, organisation_id=ids["county_branch"], created_at=clock.now())
            unit.add(person)
            unit.flush()
            ids[key] = person.id
            unit.add(
                Membership(
                    person_id=person.id,
                    status="full",
                    since=date(2000, 1, 1),
                    organisation_id=ids["county_branch"],
                    recorded_at=clock.now(),
                )
            )
            unit.add(
                Post(
                    person_id=person.id,
                    organisation_id=ids[at],
                    kind=kind,
                    since=date(2000, 1, 1),
                )
            )
    return Case(db.session(), clock, settings, store, played.instance_id, ids)


@pytest.fixture
def own_settings(settings: Settings, tmp_path: Path) -> Settings:
    """Settings with a data folder of this test's own: its key and its files."""
    return replace(settings, data_dir=tmp_path / "data", checkpoint_key_file=None)


@pytest.fixture
def case(session: Session, clock: FixedClock, own_settings: Settings) -> Case:
    """The finished matter."""
    return play_matter(session, clock, own_settings)


_made: dict[str, bytes] = {}


@pytest.fixture
def exported(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """The unpacked case file of the finished matter, sealed in a checkpoint; made once a run."""
    if "zip" not in _made:
        case: Case = request.getfixturevalue("case")
        with unit_of_work() as unit:
            seal_checkpoint(unit, case.settings, case.clock)
        with case.export().stream as stream:
            _made["zip"] = stream.read()
    (tmp_path / "case.zip").write_bytes(_made["zip"])
    folder = tmp_path / "case"
    with zipfile.ZipFile(tmp_path / "case.zip") as archive:
        archive.extractall(folder)
    yield folder
