"""Everything a rule may look at of one matter. Pure values; made again from the ledger alone.

A matter is the row of the times that its steps were done. What was undone by a send-back is not in
it, and neither is anything that depends on today's directory: what the directory said of a person
or an organisation on the day of a step was written down with the step and stands here.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any, Final

from engine.compliance.items import Item


class _Nothing(dict[Any, Any]):
    """An empty mapping that can stand as the default of a frozen value: it is never changed."""

    def __hash__(self) -> int:  # type: ignore[override]
        return 0

    def __setitem__(self, key: Any, value: Any) -> None:
        raise TypeError("nothing can be put here")


NOTHING: Final[Mapping[Any, Any]] = _Nothing()

FindingKey = tuple[str, str, int]
"""Rule id, element, and which time the element was done (from 1)."""


@dataclass(frozen=True, slots=True)
class Place:
    """An organisation as it was on the day of a step."""

    organisation_id: int | None
    kind: str
    """Organisation kind code: ``branch``, ``committee`` …"""
    approves: bool = False
    """Whether it has the power to approve members."""


@dataclass(frozen=True, slots=True)
class Witness:
    """What the directory said of a person on the day of a step."""

    status: str
    """Membership status code."""
    restricted: bool = False
    """Party rights were restricted that day (留党察看, 停止党籍 …)."""
    posts: tuple[str, ...] | None = None
    """Post codes held that day at the organisation that acted; None: not written down."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time that a step was done, and still stands."""

    element: str
    occurred_on: date
    recorded_on: date
    data: Mapping[str, Any] = NOTHING
    seq: int = 0
    """Place in the ledger, or in a file; later ones are greater."""
    actor: int | None = None
    place: Place | None = None
    """Where the step was done."""
    people: Mapping[int, Witness] = NOTHING
    """Those whom the step names, by person id."""
    rolls: Mapping[str, tuple[int, ...]] = NOTHING
    """Those with a vote that day before anybody was excluded, by attendance field."""
    by_timer: bool = False
    """Nobody did it: a timer went off."""
    statuses: tuple[tuple[str, date], ...] = ()
    """Membership statuses that followed from the step, with the day from which each counts."""
    item: int | None = None
    """Whose it was, of a step with a task for each of a list of people."""
    others: Mapping[str, tuple[str, ...]] = NOTHING
    """Other matters of the same people with the same step, by the rule that asks for them."""
    _text: str | None = field(default=None, init=False, compare=False, repr=False)
    """The step as JSON, once it was asked for: a matter is written again after every step."""

    def only(self, fields: Collection[str]) -> Occurrence:
        """Return the step with some of its fields."""
        if all(name in fields for name in self.data):
            return self
        return replace(self, data={n: value for n, value in self.data.items() if n in fields})

    def to_json(self) -> str:
        """Return the step as compact text."""
        if self._text is None:
            object.__setattr__(self, "_text", _compact(_step_data(self)))
        assert self._text is not None
        return self._text


@dataclass(frozen=True, slots=True)
class Coming:
    """Somebody came onto the list of a step with a task for each, or left it."""

    element: str
    """The activity that runs for each person."""
    person: int
    on: date
    left: bool
    seq: int = 0


@dataclass(frozen=True)
class Facts:
    """A matter, as far as rules are concerned."""

    key: str
    """Key of its procedure."""
    organisation: Place
    subject: int | None
    """The person it is about."""
    started_on: date
    occurrences: tuple[Occurrence, ...] = ()
    """In the order recorded."""
    ended_on: date | None = None
    outcome: str | None = None
    allowed: frozenset[tuple[str, str]] = frozenset()
    """Rule id and element: overrides of a block granted beforehand."""
    waived: Mapping[FindingKey, str] = field(default=NOTHING)
    """Findings waived, each with the reason."""
    items: tuple[Item, ...] = ()
    """Rectification items that its steps raised, as they stand."""
    coming: tuple[Coming, ...] = ()
    """Who came late or left, in the order recorded."""

    @cached_property
    def by_element(self) -> Mapping[str, tuple[Occurrence, ...]]:
        """The occurrences of each element, in the order recorded."""
        found: dict[str, list[Occurrence]] = {}
        for occurrence in self.occurrences:
            found.setdefault(occurrence.element, []).append(occurrence)
        return {element: tuple(row) for element, row in found.items()}

    def all(self, element: str) -> tuple[Occurrence, ...]:
        """Return every time that ``element`` was done."""
        return self.by_element.get(element, ())

    def latest(self, element: str, before: int | None = None) -> Occurrence | None:
        """Return the last time that ``element`` was done, of those recorded before ``before``."""
        row = self.by_element.get(element)
        if row is None:
            return None
        if before is None:
            return row[-1]
        for occurrence in reversed(row):
            if occurrence.seq < before:
                return occurrence
        return None

    def round_of(self, occurrence: Occurrence) -> int:
        """Return which time this was that its element was done, from 1."""
        row = self.all(occurrence.element)
        if row and row[-1] is occurrence:  # as it is of what was just done
            return len(row)
        return 1 + sum(o.seq < occurrence.seq for o in row)

    def next_round(self, element: str) -> int:
        """Return which time it would be that ``element`` is done next."""
        return len(self.all(element)) + 1

    def plus(self, occurrence: Occurrence) -> Facts:
        """Return the matter with one more step done.

        What is known of the steps before goes along: a step costs the same after many as after few.
        """
        found = object.__new__(Facts)
        known = vars(found)
        known |= vars(self)  # with what was worked out of it, which is put right here
        known["occurrences"] = (*self.occurrences, occurrence)
        if (rows := known.get("by_element")) is not None:
            element = occurrence.element
            known["by_element"] = {**rows, element: (*rows.get(element, ()), occurrence)}
        if (steps := known.get("_steps")) is not None:
            known["_steps"] = f"{steps},{occurrence.to_json()}"
        return found

    def since(self, seq: int) -> tuple[Occurrence, ...]:
        """Return what was done as ``seq`` was recorded, and after it."""
        first = len(self.occurrences)
        while first and self.occurrences[first - 1].seq >= seq:
            first -= 1
        return self.occurrences[first:]

    def only(self, reads: Mapping[str, Collection[str]]) -> Facts:
        """Return the matter with the fields that rules read, by element."""
        kept = tuple(o.only(reads.get(o.element, ())) for o in self.occurrences)
        return replace(self, occurrences=kept)

    def to_json(self) -> str:
        """Return the matter as compact text."""
        return f'{self._matter},"steps":[{self._steps[1:]}]}}'

    @cached_property
    def _steps(self) -> str:
        return "".join([f",{o.to_json()}" for o in self.occurrences])

    @cached_property
    def _matter(self) -> str:
        items = {"items": [item.as_data() for item in self.items]} if self.items else {}
        matter = _compact(
            {
                **items,
                "key": self.key,
                "at": _place_data(self.organisation),
                "subject": self.subject,
                "started": self.started_on.isoformat(),
                "ended": self.ended_on.isoformat() if self.ended_on else None,
                "outcome": self.outcome,
                "allowed": sorted(map(list, self.allowed)),
                "waived": [[*key, reason] for key, reason in self.waived.items()],
                **({"coming": list(map(_coming_data, self.coming))} if self.coming else {}),
            }
        )
        return matter[:-1]

    @classmethod
    def from_json(cls, text: str) -> Facts:
        """Read what :meth:`to_json` wrote."""
        given = json.loads(text)
        place = _place(given["at"])
        assert place is not None
        return cls(
            key=given["key"],
            organisation=place,
            subject=given["subject"],
            started_on=date.fromisoformat(given["started"]),
            occurrences=tuple(_step(item) for item in given["steps"]),
            ended_on=date.fromisoformat(given["ended"]) if given["ended"] else None,
            outcome=given["outcome"],
            allowed=frozenset((rule, element) for rule, element in given["allowed"]),
            waived={(r, e, n): reason for r, e, n, reason in given["waived"]},
            items=tuple(Item.from_data(item) for item in given.get("items", ())),
            coming=tuple(
                Coming(element, person, date.fromisoformat(day), bool(left), seq)
                for element, person, day, left, seq in given.get("coming", ())
            ),
        )


def witness_data(witness: Witness) -> str | list[Any]:
    """Return a witness as it stands in a ledger payload: ``"full"``, ``["full", true]`` …"""
    if witness.posts is not None:
        return [witness.status, witness.restricted, list(witness.posts)]
    return [witness.status, True] if witness.restricted else witness.status


def read_witness(data: str | list[Any]) -> Witness:
    """Read what :func:`witness_data` wrote."""
    if isinstance(data, str):
        return Witness(data)
    return Witness(data[0], bool(data[1]), tuple(data[2]) if len(data) > 2 else None)


def _coming_data(one: Coming) -> list[Any]:
    return [one.element, one.person, one.on.isoformat(), one.left, one.seq]


def _place_data(place: Place | None) -> list[Any] | None:
    return None if place is None else [place.organisation_id, place.kind, place.approves]


def _place(data: list[Any] | None) -> Place | None:
    return None if data is None else Place(*data)


_compact: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _step_data(o: Occurrence) -> dict[str, Any]:
    data = o.data
    found: dict[str, Any] = {"e": o.element, "on": o.occurred_on.isoformat(), "n": o.seq}
    if o.recorded_on != o.occurred_on:
        found["rec"] = o.recorded_on.isoformat()
    if data:
        found["d"] = dict(data)
    if o.actor is not None:
        found["by"] = o.actor
    if o.place is not None:
        found["at"] = _place_data(o.place)
    if o.people:
        found["p"] = {str(person): witness_data(w) for person, w in o.people.items()}
    if o.rolls:
        found["r"] = {name: list(people) for name, people in o.rolls.items()}
    if o.by_timer:
        found["timer"] = True
    if o.statuses:
        found["s"] = [[status, since.isoformat()] for status, since in o.statuses]
    if o.item is not None:
        found["i"] = o.item
    if o.others:
        found["oth"] = {rule: list(matters) for rule, matters in o.others.items()}
    return found


def _step(data: Mapping[str, Any]) -> Occurrence:
    day = date.fromisoformat(data["on"])
    recorded = data.get("rec")
    return Occurrence(
        element=data["e"],
        occurred_on=day,
        recorded_on=date.fromisoformat(recorded) if recorded else day,
        data=data.get("d", NOTHING),
        seq=data["n"],
        actor=data.get("by"),
        place=_place(data.get("at")),
        people={int(person): read_witness(w) for person, w in data.get("p", NOTHING).items()},
        rolls={name: tuple(people) for name, people in data.get("r", NOTHING).items()},
        by_timer=data.get("timer", False),
        statuses=tuple((s, date.fromisoformat(since)) for s, since in data.get("s", ())),
        item=data.get("i"),
        others={rule: tuple(matters) for rule, matters in data.get("oth", NOTHING).items()},
    )
