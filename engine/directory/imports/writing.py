"""Write what a plan says, in the caller's transaction, with an entry for every change.

The entries are those that the commands of :mod:`engine.directory.operations` leave; people are
written many at a time, because a county has tens of thousands of them. Entries hold ids and codes,
never names or numbers of people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, TypeVar

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.directory.codes import Language, MembershipStatus
from engine.directory.imports.columns import ACCOUNTS, ORGANISATIONS, PEOPLE, POSTS
from engine.directory.imports.known import PERSON_FIELDS, Directory
from engine.directory.imports.plan import Item, Plan
from engine.directory.membership import TimelinePoint, add_points
from engine.directory.models import Account, Person, Post
from engine.directory.organisations import add_organisation, get_organisation, move_organisation
from engine.directory.posts import close_post
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind

BATCH: Final = 1_000
NOTE: Final = "导入"
"""The reason that entries and timelines give for a status that no procedure has set."""

S = TypeVar("S")


@dataclass
class Writer:
    """The work of writing one plan; ``hashes`` are the password hashes of the new accounts."""

    session: Session
    clock: Clock
    actor_id: int | None
    directory: Directory
    hashes: Mapping[str, str]
    progress: Callable[[int], object]
    events: list[Event] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)

    def write(self, plan: Plan) -> list[Event]:
        """Write everything and return what has to be recorded, in order."""
        self.places = {code: place.id for code, place in self.directory.places.items()}
        self.people = {code: person.id for code, person in self.directory.people.items()}
        for item in plan.of(ORGANISATIONS):
            self._organisation(item)
            self.progress(1)
        people = plan.of(PEOPLE)
        for some in batches([item for item in people if item.id is None]):
            self._new_people(some)
            self.progress(len(some))
        for item in people:
            if item.id is not None:
                self._changed_person(item, item.id)
                self.progress(1)
        for some in batches(plan.of(POSTS)):
            self._posts(some)
            self.progress(len(some))
        for some in batches(plan.of(ACCOUNTS)):
            self._accounts(some)
            self.progress(len(some))
        return self.events

    # -- organisations ------------------------------------------------------------------------

    def _organisation(self, item: Item) -> None:
        values = dict(item.values)
        parent = values.pop("parent", None)
        if item.id is None:
            kind = values.pop("kind")
            made = add_organisation(
                self.session,
                parent_id=None if parent is None else self.places[parent],
                kind=kind.value,
                **values,
            )
            self.places[item.code] = made.id
            self._note("create_organisation", organisation=made.id, code=item.code)
            return
        if values:
            found = get_organisation(self.session, item.id)
            for name, value in values.items():
                setattr(found, name, value)
            self.session.flush()
            self._note("change_organisation", organisation=item.id, fields=sorted(values))
        if parent is not None:
            # Parents come first, so the new one has its own final place already.
            move_organisation(self.session, item.id, self.places[parent])
            self._note("relocate_organisation", organisation=item.id, parent=self.places[parent])

    # -- people -------------------------------------------------------------------------------

    def _new_people(self, items: Sequence[Item]) -> None:
        now = self.clock.now()
        rows = [
            {
                **{name: item.values.get(name) for name in PERSON_FIELDS},
                "code": item.code,
                "organisation_id": self.places[item.values["organisation"]],
                "group_id": self._place(item.values.get("group")),
                "created_at": now,
            }
            for item in items
        ]
        made = self.session.scalars(
            insert(Person).returning(Person.id, sort_by_parameter_order=True), rows
        ).all()
        points = []
        for item, person_id in zip(items, made, strict=True):
            self.people[item.code] = person_id
            points += self._points(item, person_id)
            last = item.points[-1].status if item.points else MembershipStatus.NONE
            self._note(
                "register_person",
                person=person_id,
                organisation=self.places[item.values["organisation"]],
                status=last.value,
                timeline=[[p.status.value, p.since.isoformat()] for p in item.points],
            )
        if points:
            add_points(self.session, points, clock=self.clock)

    def _changed_person(self, item: Item, person_id: int) -> None:
        self.people[item.code] = person_id
        values = dict(item.values)
        group = values.pop("group", None)
        home = values.pop("organisation", None)
        fields = sorted(values)
        if home is not None and not item.points:
            values |= {"organisation_id": self.places[home], "group_id": None}
            fields.append("organisation")
        if values:
            self._set(person_id, values)
        if item.points:
            add_points(self.session, self._points(item, person_id), clock=self.clock)
            for point in item.points:
                self._note(
                    "correct_status",
                    occurred_on=point.since,
                    person=person_id,
                    status=point.status.value,
                    organisation=self._place(point.organisation),
                    reason=NOTE,
                )
        if group is not None:
            self._set(person_id, {"group_id": self.places[group]})
            fields.append("group_id")
        if fields:
            self._note("change_person", person=person_id, fields=fields)

    def _set(self, person_id: int, values: Mapping[str, Any]) -> None:
        self.session.execute(update(Person).where(Person.id == person_id).values(**values))

    def _points(self, item: Item, person_id: int) -> list[TimelinePoint]:
        return [
            TimelinePoint(person_id, p.status, p.since, self._place(p.organisation), NOTE)
            for p in item.points
        ]

    # -- posts and accounts -------------------------------------------------------------------

    def _posts(self, items: Sequence[Item]) -> None:
        rows = []
        for item in items:
            if item.id is not None:
                closed = close_post(self.session, item.id, item.values["until"])
                self._note(
                    "end_post",
                    occurred_on=closed.until,
                    person=closed.person_id,
                    organisation=closed.organisation_id,
                    post=closed.kind,
                )
                continue
            row = {
                "person_id": self.people[item.code],
                "organisation_id": self.places[item.values["organisation"]],
                "kind": item.values["kind"].value,
                "since": item.values["since"],
                "until": item.values.get("until"),
            }
            rows.append(row)
            self._note(
                "appoint",
                occurred_on=row["since"],
                person=row["person_id"],
                organisation=row["organisation_id"],
                post=row["kind"],
            )
        if rows:
            self.session.execute(insert(Post), rows)

    def _accounts(self, items: Sequence[Item]) -> None:
        rows = [
            {
                "person_id": self.people[item.code],
                "login": item.values["login"],
                "password_hash": self.hashes[item.values["login"]],
                "language": Language.CHINESE.value,
                "must_change_password": True,
                "created_at": self.clock.now(),
            }
            for item in items
        ]
        made = self.session.scalars(
            insert(Account).returning(Account.id, sort_by_parameter_order=True), rows
        ).all()
        for row, account_id in zip(rows, made, strict=True):
            self.events.append(
                Event(
                    kind=EntryKind.ACCOUNT,
                    actor_id=self.actor_id,
                    payload={
                        "change": "open_account",
                        "account": account_id,
                        "person": row["person_id"],
                    },
                )
            )

    # -- helpers ------------------------------------------------------------------------------

    def _place(self, code: str | None) -> int | None:
        return None if code is None else self.places[code]

    def _note(self, change: str, *, occurred_on: date | None = None, **payload: Any) -> None:
        self.events.append(
            Event(
                kind=EntryKind.DIRECTORY,
                actor_id=self.actor_id,
                occurred_on=occurred_on,
                payload={"change": change, **payload},
            )
        )


def batches(items: Iterable[S]) -> Iterator[list[S]]:
    """Yield lists of at most :data:`BATCH` items."""
    some: list[S] = []
    for item in items:
        some.append(item)
        if len(some) == BATCH:
            yield some
            some = []
    if some:
        yield some
