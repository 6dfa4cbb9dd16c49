"""Meetings (put together from a component) and reviews (a task for each) as whole matters.

Their case files verify elsewhere, a replay of what is recorded follows the procedure and names what
departs from it, and erasing content leaves the chain whole.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.attachments.operations import record_blob
from engine.attachments.store import Store
from engine.clock import FixedClock
from engine.compliance.facts import Facts
from engine.compliance.regulation_store import current_regulations
from engine.database import db, unit_of_work
from engine.definitions.versions import Definition
from engine.demo.paper import sample_paper
from engine.demo.playing import Play
from engine.directory.actors import Actor, load_actor
from engine.directory.models import Person, Post
from engine.documents.case_file import export_case_file
from engine.ledger.checkpoints import seal_checkpoint
from engine.ledger.models import LedgerEntry
from engine.lint.scenarios import play, read_cast_values, read_scenarios
from engine.retention.operations import erase_payloads
from engine.runtime.conformance import Departure, replay
from engine.runtime.queries.conformance import matter_conformance, read_history
from engine.runtime.world import DatabaseLanes, holidays
from engine.settings import Settings
from tests.database_player import DatabasePlayer
from tests.engine.test_crashes import verify_inside
from tests.factories import is_consistent
from tests.shipped import deploy_shipped


@dataclass
class Whole:
    """A matter that was played, and those who look at it."""

    session: Session
    definition: Definition
    play: Play
    settings: Settings
    store: Store

    @property
    def id(self) -> int:
        assert self.play.instance_id is not None
        return self.play.instance_id

    def actor(self, name: str) -> Actor:
        today = self.play.clock.today()
        return load_actor(self.session, today, person_id=self.play.ids[name])

    def department(self) -> Actor:
        """Return somebody of the organisation department above the branch."""
        with unit_of_work() as unit:
            place = self.play.ids["committee"]
            now = self.play.clock.now()
            person = Person(name="组织部", organisation_id=place, created_at=now)
            unit.add(person)
            unit.flush()
            number = person.id
            unit.add(
                Post(
                    person_id=number,
                    organisation_id=place,
                    kind="organisation_department",
                    since=now.date().replace(year=2000),
                )
            )
        return load_actor(self.session, self.play.clock.today(), person_id=number)

    def replay(self, facts: Facts) -> list[tuple[Departure, str]]:
        told = replay(
            self.definition,
            facts,
            holidays=holidays.get(self.session),
            directory=DatabaseLanes(self.session),
            regulations=current_regulations(self.session),
        )
        return [(d.departure, d.element) for d in told.deviations]


@pytest.fixture
def whole(session: Session, clock: FixedClock, settings: Settings, tmp_path: Path) -> Any:
    """Play a scenario of a shipped package on the database, with real papers."""
    own = replace(settings, data_dir=tmp_path / "data", checkpoint_key_file=None)
    store = Store(own.data_dir / "attachments", own.attachment_max_bytes)
    paper = store.put(sample_paper(), "材料.pdf")

    def make(key: str, scenario: str = "happy_path") -> Whole:
        with unit_of_work() as unit:
            record_blob(unit, clock, paper)
            definition = deploy_shipped(unit, clock, key)
        cast, _ = read_cast_values(definition.package)
        scenarios, _ = read_scenarios(definition.package)
        players: list[DatabasePlayer] = []

        def player(**more: Any) -> DatabasePlayer:
            players.append(DatabasePlayer(**more))
            players[-1].play.file_sha256 = paper.sha256
            return players[-1]

        assert play(definition, scenarios[scenario], scenarios, cast, player) == []
        return Whole(db.session(), definition, players[-1].play, own, store)

    return make


BOTH = pytest.mark.parametrize(
    ("key", "seen"),
    [
        ("members_meeting", ("04 签到、清点人数", "应到", "整理会议记录")),
        ("democratic_review", ("03 个人自评", "评定意见", "结果运用")),
    ],
)


@BOTH
def test_the_case_file_verifies_elsewhere_and_shows_it(
    whole: Any, tmp_path: Path, key: str, seen: tuple[str, ...]
) -> None:
    matter = whole(key)
    with unit_of_work() as unit:
        seal_checkpoint(unit, matter.settings, matter.play.clock)
    exported = export_case_file(
        matter.id,
        actor=matter.actor("secretary"),
        clock=matter.play.clock,
        store=matter.store,
        settings=matter.settings,
    )
    folder = tmp_path / "case"
    with exported.stream as stream, zipfile.ZipFile(stream) as archive:
        archive.extractall(folder)
    page = (folder / "index.html").read_text("utf-8")
    for words in (*seen, matter.definition.package.title):
        assert words in page, words
    ran = subprocess.run(
        [sys.executable, "-I", "verify.py"], cwd=folder, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    lines = (folder / "ledger.jsonl").read_text("utf-8").splitlines()
    changed = lines[2].replace("2026-", "2025-", 1) if "2026-" in lines[2] else lines[2][::-1]
    text = "\n".join([*lines[:2], changed, *lines[3:]]) + "\n"
    (folder / "ledger.jsonl").write_text(text, "utf-8")
    ran = subprocess.run(
        [sys.executable, "-I", "verify.py"], cwd=folder, capture_output=True, text=True
    )
    assert ran.returncode == 1


@pytest.mark.parametrize(
    ("key", "scenario"),
    [
        ("members_meeting", "happy_path"),
        ("members_meeting", "two_votes"),
        ("members_meeting", "minutes_returned"),
        ("members_meeting", "cancelled"),
        ("democratic_review", "happy_path"),
        ("democratic_review", "objection_regraded"),
        ("democratic_review", "moved_away"),
        ("organisational_life", "late_comer_and_leaver"),
    ],
)
def test_what_was_done_through_the_commands_follows_the_procedure(
    whole: Any, key: str, scenario: str
) -> None:
    matter = whole(key, scenario)
    told = matter_conformance(matter.session, matter.id)
    assert told is not None
    assert [(d.departure, d.element, d.round) for d in told.deviations] == []
    ended = matter.play.instance()
    assert (told.completed, told.outcome) == (ended.status == "completed", ended.outcome)
    is_consistent(matter.id, matter.play.clock)


@pytest.mark.parametrize(
    ("key", "gone", "again"),
    [
        ("members_meeting", "send_notice", "make_resolution"),
        ("democratic_review", "peer_review", "report_superior"),
    ],
)
def test_what_departs_from_it_is_named(whole: Any, key: str, gone: str, again: str) -> None:
    matter = whole(key)
    facts = read_history(matter.session, matter.id)
    assert facts is not None
    kept = [o for o in facts.occurrences if o.element != gone]
    assert matter.replay(replace(facts, occurrences=tuple(kept))) == [(Departure.MISSING, gone)]
    twice: list[Any] = []
    for occurrence in facts.occurrences:
        twice += [occurrence] * (2 if occurrence.element == again else 1)
    assert matter.replay(replace(facts, occurrences=tuple(twice))) == [(Departure.REPEATED, again)]


def test_one_who_did_not_assess_himself_is_missed(whole: Any) -> None:
    matter = whole("democratic_review")
    facts = read_history(matter.session, matter.id)
    assert facts is not None
    first = next(o for o in facts.occurrences if o.element == "self_assess")
    kept = tuple(o for o in facts.occurrences if o is not first)
    assert matter.replay(replace(facts, occurrences=kept)) == [(Departure.MISSING, "self_assess")]


@BOTH
def test_erasing_content_leaves_the_chain_whole(whole: Any, key: str, seen: Any) -> None:
    matter = whole(key)
    session = matter.session
    seqs = session.scalars(
        select(LedgerEntry.seq).where(
            LedgerEntry.chain_id == matter.id, LedgerEntry.kind == "completed"
        )
    ).all()
    assert erase_payloads(
        matter.id, seqs, "保管期限届满", actor=matter.department(), clock=matter.play.clock
    ) == len(seqs)
    session.expire_all()
    driver: Any = session.connection().connection.driver_connection
    assert [f for f in verify_inside(driver) if f.chain_id == matter.id] == []
    left = session.scalars(
        select(LedgerEntry.payload).where(LedgerEntry.chain_id == matter.id)
    ).all()
    words = json.dumps([payload for payload in left if payload], ensure_ascii=False)
    assert "履行" not in words and "意见" not in words
    assert matter_conformance(session, matter.id) is None
