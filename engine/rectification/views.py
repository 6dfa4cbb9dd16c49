"""The rectification ledger as people see it: lines, an item with its history, what waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from engine.compliance.items import SETTLED, ItemState
from engine.ledger.kinds import EntryKind


@dataclass(frozen=True)
class ItemFilter:
    """Which items are wanted; what is None is not asked."""

    state: ItemState | None = None
    settled: bool | None = False
    """False: those with something left to do; True: the others; None: all."""
    organisation_id: int | None = None
    process: str | None = None
    owner_id: int | None = None
    instance_id: int | None = None
    overdue: bool = False
    text: str = ""


@dataclass(frozen=True)
class ItemRow:
    """An item as one line of a list."""

    id: int
    number: int
    instance_id: int
    matter_number: str
    process_key: str
    process_title: str
    organisation_id: int
    organisation_name: str
    step_title: str
    problem: str
    measure: str
    owner_id: int
    owner_name: str
    raised_on: date
    first_due_on: date
    due_on: date
    missed_on: date | None
    state: ItemState
    closed_on: date | None
    revision: int

    @property
    def settled(self) -> bool:
        """Whether nothing is left to do."""
        return self.state in SETTLED

    def overdue(self, today: date) -> bool:
        """Tell whether it should have been closed before ``today``."""
        return not self.settled and today > self.due_on


@dataclass(frozen=True)
class Evidence:
    """A file handed in with a report."""

    id: int
    name: str
    size: int
    media_type: str
    sha256: str


@dataclass(frozen=True)
class NoteRow:
    """What was recorded of an item."""

    kind: EntryKind
    text: str
    done: bool
    day: date
    due_on: date | None
    person_name: str
    post: str | None
    written_at: datetime
    seq: int
    files: tuple[Evidence, ...]
    told_number: str = ""
    """The later meeting in which it was said."""
    told_by: int | None = None


@dataclass(frozen=True)
class ItemPage:
    """An item with its history, and what the actor may do."""

    row: ItemRow
    notes: tuple[NoteRow, ...]
    """The latest first."""
    may: frozenset[str]
    sees_matter: bool


@dataclass(frozen=True)
class Work:
    """Items that wait for somebody: own ones, and reported ones that they may close."""

    mine: tuple[ItemRow, ...]
    mine_count: int
    to_close: tuple[ItemRow, ...]
    to_close_count: int
