"""What an import would do, worked out before anything is written."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from engine.directory.actors import Actor
from engine.directory.codes import MembershipStatus
from engine.directory.imports.columns import ORGANISATIONS, Mistake, Row, Sheet, Workbook
from engine.directory.imports.known import Directory, Known
from engine.directory.imports.reading import MOST_MISTAKES
from engine.directory.policy import Action, decide
from engine.directory.things import OrganisationView, PersonView
from engine.errors import N_
from engine.errors import Translatable as T


@dataclass(frozen=True)
class NewPoint:
    """A point to add to a timeline. ``organisation`` is a code; None where it is not known."""

    status: MembershipStatus
    since: date
    organisation: str | None


@dataclass(frozen=True)
class Item:
    """One row that adds or changes something.

    ``id`` is what is there already, None for something new. ``values`` are the columns to write,
    ``before`` what stands in those columns now. Organisations and people are named by code.
    """

    sheet: str
    row: int
    code: str
    label: str
    id: int | None
    values: Mapping[str, Any]
    before: Mapping[str, Any] = field(default_factory=dict)
    points: tuple[NewPoint, ...] = ()


@dataclass(frozen=True)
class Tally:
    """How many rows of a sheet add, change, and say what is known already."""

    new: int
    changed: int
    unchanged: int


@dataclass(frozen=True)
class Plan:
    """All rows that change something, parents before children, or the mistakes that forbid it."""

    items: tuple[Item, ...]
    unchanged: Mapping[str, int]
    mistakes: tuple[Mistake, ...]

    def of(self, sheet: Sheet) -> tuple[Item, ...]:
        """Return the items of one sheet."""
        return tuple(item for item in self.items if item.sheet == sheet.name)

    def tally(self, sheet: Sheet) -> Tally:
        """Return how many rows of a sheet add, change, or change nothing."""
        items = self.of(sheet)
        new = sum(item.id is None for item in items)
        return Tally(new, len(items) - new, self.unchanged.get(sheet.name, 0))

    @property
    def digest(self) -> str:
        """Return what stays the same as long as the import would do the same."""
        text = repr([(i.sheet, i.id, i.code, i.values, i.before, i.points) for i in self.items])
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass
class Check:
    """The work of checking one workbook. ``actor`` None is whoever holds the installation."""

    actor: Actor | None
    book: Workbook
    directory: Directory
    today: date
    mistakes: list[Mistake] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    unchanged: Counter[str] = field(default_factory=Counter)
    places: dict[str, Row] = field(default_factory=dict)
    """The organisations of the workbook, by code."""
    people: dict[str, Row] = field(default_factory=dict)
    """The people of the workbook, by number."""
    known_people: dict[str, Known] = field(default_factory=dict)
    """Those of them whom the directory knows; also by an adopted number."""

    def wrong(self, sheet: Sheet, row: Row, key: str, wrong: T | str, cure: T | str) -> None:
        """Note a mistake."""
        if len(self.mistakes) < MOST_MISTAKES:
            self.mistakes.append(
                Mistake(
                    sheet.name,
                    row.number,
                    sheet.column(key).heading,
                    T(wrong) if isinstance(wrong, str) else wrong,
                    T(cure) if isinstance(cure, str) else cure,
                )
            )

    def keep(self, sheet: Sheet, item: Item) -> None:
        """Plan an item, or count its row as one that changes nothing."""
        if item.id is None or item.values or item.points:
            self.items.append(item)
        else:
            self.unchanged[sheet.name] += 1

    def allowed(self, sheet: Sheet, row: Row, key: str, action: Action, *things: Any) -> bool:
        """Say whether the actor may; note the policy's reason when he may not."""
        if self.actor is None:
            return True
        for thing in things:
            decision = decide(self.actor, action, thing)
            if not decision.allowed:
                self.wrong(
                    sheet, row, key, decision.reason, N_("请删去此行，或请有权的管理员导入。")
                )
                return False
        return True

    def place_view(self, code: str, subject_id: int | None = None) -> OrganisationView:
        """Return what the policy is asked about an organisation, or what it will lie below."""
        seen = set()
        above: str | None = code
        while above is not None and above not in seen:
            seen.add(above)
            if (place := self.directory.places.get(above)) is not None:
                return OrganisationView(place.id, place.path, subject_id)
            row = self.places.get(above)
            above = None if row is None else row.get("parent")
        return OrganisationView(0, "/", subject_id)

    def person_view(self, code: str) -> PersonView:
        """Return what the policy is asked about a person, known already or new in the workbook."""
        known = self.known_people.get(code)
        if known is None:
            view = self.place_view(self.people[code].get("organisation") or "")
            return PersonView(0, view.organisation_id, view.path)
        place = self.directory.place(known.organisation_id)
        return PersonView(known.id, known.organisation_id, place.path if place else None)

    def has_place(self, code: str) -> bool:
        """Say whether an organisation is known or comes with the workbook."""
        return code in self.places or code in self.directory.places

    def place_kind(self, code: str) -> Any:
        """Return the kind of an organisation that is known or comes with the workbook."""
        place = self.directory.places.get(code)
        return place.kind if place is not None else self.places[code].get("kind")

    def parent_code(self, code: str) -> str | None:
        """Return the code of the organisation above, as it will be."""
        row = self.places.get(code)
        if row is not None and row.get("parent"):
            return str(row.get("parent"))
        place = self.directory.places.get(code)
        above = None if place is None else self.directory.place(place.parent_id)
        return None if above is None else above.code

    def place_exists(self, sheet: Sheet, row: Row, key: str) -> bool:
        """Say whether the organisation named in a cell exists; note a mistake if not."""
        code = row.get(key)
        if code is None:
            return False
        place = self.directory.places.get(code)
        if place is not None and place.dissolved_on and place.dissolved_on <= self.today:
            self.wrong(sheet, row, key, N_("这个党组织已经撤销。"), N_("请改为现有党组织的编码。"))
            return False
        if not self.has_place(code):
            self.wrong(
                sheet,
                row,
                key,
                T(N_("没有编码为“%(code)s”的党组织。"), {"code": code}),
                T(
                    N_("请核对编码，或在“%(sheet)s”表中补上这个党组织。"),
                    {"sheet": ORGANISATIONS.name},
                ),
            )
            return False
        return True

    def person_exists(self, sheet: Sheet, row: Row) -> bool:
        """Say whether the person named in the row exists; note a mistake if not."""
        code = row.get("person")
        if code is None:
            return False
        if code in self.people or code in self.known_people:
            return True
        self.wrong(
            sheet,
            row,
            "person",
            T(N_("没有编号为“%(code)s”的人员。"), {"code": code}),
            T(N_("请核对编号，或在“人员”表中补上此人。")),
        )
        return False

    def unique(self, sheet: Sheet, rows: tuple[Row, ...]) -> list[Row]:
        """Return the rows whose key is complete and stands there for the first time."""
        first: dict[tuple[Any, ...], int] = {}
        kept = []
        for row in rows:
            key = tuple(row.get(name) for name in sheet.key)
            if None in key:
                continue  # a mistake already, when the row was read
            if key in first:
                self.wrong(
                    sheet,
                    row,
                    sheet.key[0],
                    T(N_("与第 %(row)s 行重复。"), {"row": first[key]}),
                    T(N_("请只保留一行。")),
                )
            else:
                first[key] = row.number
                kept.append(row)
        return kept


def differences(
    row: Row, now: Mapping[str, Any], keys: tuple[str, ...]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a row changes and what stands there now; empty cells change nothing."""
    values = {k: v for k in keys if (v := row.get(k)) is not None and v != now.get(k)}
    return values, {k: now.get(k) for k in values}
