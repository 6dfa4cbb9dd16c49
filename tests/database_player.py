"""Plays the scenarios of a package on the real database, through the commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from engine.attachments.models import Blob
from engine.clock import FixedClock
from engine.compliance.models import Finding
from engine.database import db, unit_of_work
from engine.definitions.versions import Definition
from engine.demo.playing import Play
from engine.directory.codes import MembershipStatus, OrganisationKind
from engine.directory.membership import status_on, timeline
from engine.directory.models import Membership, Organisation, Person, Post, RightsRestriction
from engine.ledger.kinds import EntryKind
from engine.lint.cast import Cast, CastPerson
from engine.runtime.models import Task
from engine.runtime.queries.records import read_trail

FILE = "0" * 64
"""The file that is handed in wherever a form asks for one."""


class DatabasePlayer:
    """Plays through the commands, with the face of :class:`engine.lint.play.Player`."""

    def __init__(
        self,
        *,
        definition: Definition,
        cast: Cast,
        clock: FixedClock,
        organisation_id: int,
        subject_id: int | None,
        defaults: Mapping[str, Mapping[str, Any]],
    ) -> None:
        ids = create_cast(cast, clock)
        self.definition, self.cast, self.clock = definition, cast, clock
        self.subject_id = None if subject_id is None else ids[cast.by_id[subject_id].key]
        self.play = Play(
            key=definition.package.key,
            clock=clock,
            organisation_id=ids[cast.places[organisation_id].key],
            subject_id=self.subject_id,
            ids=ids,
            defaults=defaults,
            file_sha256=FILE,
        )

    # actions
    def complete(
        self,
        element: str,
        data: Any,
        on: date,
        by: CastPerson | None,
        item: str | None = None,
        without: Sequence[str] = (),
    ) -> None:
        self.play.complete(element, data, on, by.key if by else None, item, without)

    def send_back(self, element: str, to: str, by: CastPerson | None) -> None:
        self.play.send_back(element, to, by.key if by else None)

    def come(
        self, element: str, person: CastPerson, on: date, by: CastPerson | None, *, left: bool
    ) -> None:
        assert by is not None
        self.play.come(element, person.key, on, by.key, left=left)

    def message(
        self, key: str, data: Any, on: date, by: CastPerson | None, without: Sequence[str] = ()
    ) -> None:
        self.play.message(key, data, on, by.key if by else None, without)

    def set_clock(self, day: date) -> None:
        self.play.set_clock(day)

    @property
    def findings(self) -> list[str]:
        met = select(Finding.rule).where(
            Finding.instance_id == self.play.instance_id, Finding.outcome == "not_met"
        )
        return sorted(set(db.session().scalars(met)))

    # what it has come to
    @property
    def matter(self) -> object:
        return self.play.instance_id

    @property
    def open(self) -> dict[int, Task]:
        return {task.id: task for task in self.play.open_tasks()}

    @property
    def status(self) -> str:
        return str(self.play.instance().status)

    @property
    def outcome(self) -> str | None:
        return self.play.instance().outcome

    @property
    def stage(self) -> str | None:
        return self.play.instance().stage

    @property
    def steps(self) -> list[str]:
        assert self.play.instance_id is not None
        trail = read_trail(db.session(), self.definition, self.play.instance_id)
        undone = trail.undone
        found = (
            self.definition.package.steps[e.element].number
            for e in trail.entries
            if e.kind == EntryKind.COMPLETED and e.seq not in undone
        )
        return [number for number in found if number]

    def status_on(self, person_id: int, day: date) -> MembershipStatus:
        return status_on(db.session(), self.subject_id or 0, day)

    def timeline(self) -> list[tuple[str, date]]:
        assert self.subject_id is not None
        return [
            (row.status, row.since)
            for row in timeline(db.session(), self.subject_id)
            if row.source_chain is not None
        ]


def create_cast(cast: Cast, clock: FixedClock) -> dict[str, int]:
    """Put the people and organisations of a cast into the directory; return their ids by key."""
    ids: dict[str, int] = {}
    with unit_of_work() as session:
        session.execute(
            insert(Blob)
            .values(sha256=FILE, size=1, media_type="application/pdf", created_at=clock.now())
            .on_conflict_do_nothing()
        )
        paths: dict[str, str] = {}
        waiting = list(cast.organisations.values())
        while waiting:
            item = waiting.pop(0)
            if item.parent and item.parent not in paths:
                waiting.append(item)
                continue
            organisation = Organisation(
                parent_id=ids[item.parent] if item.parent else None,
                path="",
                kind=item.kind,
                name=item.name,
                short_name=item.name,
                code=f"{item.key}-{uuid4().hex[:8]}",  # a database may play many
                can_approve_members=item.can_approve_members,
                has_committee=True,
            )
            session.add(organisation)
            session.flush()
            parent = paths[item.parent] if item.parent else "/"
            organisation.path = paths[item.key] = f"{parent}{organisation.id}/"
            ids[item.key] = organisation.id
        for one in cast.people.values():
            home = one.organisation
            if home and cast.organisations[home].kind is OrganisationKind.GROUP:
                home = cast.organisations[home].parent  # a group's people belong to its branch
            person = Person(
                name=one.name,
                birth_date=one.birth,
                organisation_id=ids[home] if home else None,
                group_id=ids[one.organisation] if home != one.organisation else None,
                created_at=clock.now(),
            )
            session.add(person)
            session.flush()
            ids[one.key] = person.id
            session.add(
                Membership(
                    person_id=person.id,
                    status=one.status,
                    since=one.since or date(1990, 1, 1),
                    organisation_id=person.organisation_id,
                    recorded_at=clock.now(),
                )
            )
            for post in one.posts:
                session.add(
                    Post(
                        person_id=person.id,
                        organisation_id=ids[post.at],
                        kind=post.code,
                        since=post.since or date(1990, 1, 1),
                        until=post.until,
                    )
                )
            for limit in one.restrictions:
                session.add(
                    RightsRestriction(
                        person_id=person.id,
                        kind=limit.code,
                        since=limit.since or date(1990, 1, 1),
                        until=limit.until,
                    )
                )
        session.flush()
    return ids
