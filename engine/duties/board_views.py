"""What people see of a board: frozen rows, read by the pages, the workbook and the API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from engine.calendars.arithmetic import Period
from engine.duties.catalogue import KnownDuty
from engine.duties.codes import DutyState
from engine.errors import N_, InvalidInput, Translatable

PAGE: Final = 50
"""Lines of a list."""


@dataclass(frozen=True)
class Place:
    """An organisation that is looked at, with all below it."""

    id: int
    name: str
    path: str
    kind: str

    @property
    def depth(self) -> int:
        """Return how many organisations stand on its path, itself included."""
        return self.path.count("/") - 1


@dataclass(frozen=True, slots=True, order=True)
class Tally:
    """Periods by how they stand."""

    done: int = 0
    made_up: int = 0
    late: int = 0
    due: int = 0
    planned: int = 0

    @property
    def ended(self) -> int:
        """Return how many can be judged: done, or past their last day."""
        return self.done + self.made_up + self.late

    @property
    def all(self) -> int:
        """Return how many are owed."""
        return self.ended + self.due + self.planned

    @property
    def share(self) -> float | None:
        """Return the share done in time of those that can be judged, in per cent."""
        return None if not self.ended else round(100 * self.done / self.ended, 1)

    def of(self, state: DutyState) -> int:
        """Return the count of one state."""
        return int(getattr(self, state.value, 0))

    def times(self, n: int) -> Tally:
        """Return what as many organisations that stand alike come to."""
        if n == 1:
            return self
        return Tally(n * self.done, n * self.made_up, n * self.late, n * self.due, n * self.planned)

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.done + other.done,
            self.made_up + other.made_up,
            self.late + other.late,
            self.due + other.due,
            self.planned + other.planned,
        )


@dataclass(frozen=True)
class Below:
    """An organisation directly below the chosen one, with all below it."""

    id: int
    name: str
    kind: str
    own: bool
    """It is the chosen one itself, counted alone."""
    tally: Tally
    matters: int = 0
    findings: int = 0


@dataclass(frozen=True)
class ByDuty:
    """A duty of all organisations below."""

    known: KnownDuty
    tally: Tally


@dataclass(frozen=True)
class Stage:
    """Matters that run, by where they stand."""

    process: str
    process_title: str
    stage: str
    stage_title: str
    matters: int


@dataclass(frozen=True)
class Board:
    """The board of an organisation."""

    place: Place
    span: Period
    above: tuple[Place, ...]
    below: tuple[Below, ...]
    duties: tuple[ByDuty, ...]
    stages: tuple[Stage, ...]
    hard: int
    warning: int

    @property
    def total(self) -> Tally:
        """Return all periods of all organisations."""
        return sum((each.tally for each in self.duties), Tally())

    @property
    def matters(self) -> int:
        """Return how many matters run."""
        return sum(stage.matters for stage in self.stages)


@dataclass(frozen=True)
class Ranked:
    """An organisation in the order of the share done in time."""

    rank: int
    id: int
    name: str
    above: str
    tally: Tally


@dataclass(frozen=True)
class Ranking:
    """A page of the ranking, and how many organisations there are."""

    place: Place
    span: Period
    above: tuple[Place, ...]
    rows: tuple[Ranked, ...]
    count: int
    worst: bool
    page: int


@dataclass(frozen=True)
class ListedDuty:
    """A duty as a line of a list."""

    id: int
    organisation_id: int
    organisation_name: str
    known: KnownDuty
    period: Translatable
    due_on: date
    done_on: date | None
    done: int
    times: int
    state: DutyState
    matters: tuple[tuple[int, str], ...] = ()
    finding_id: int | None = None


@dataclass(frozen=True)
class ListedMatter:
    """A matter as a line of a list."""

    id: int
    number: str
    title: str
    organisation_name: str
    process_title: str
    stage_title: str
    started_on: date


@dataclass(frozen=True)
class DutyFilter:
    """Which duties a list holds."""

    span: Period
    key: str | None = None
    state: DutyState | None = None
    own: bool = False
    """Of the chosen organisation alone."""


def span_of(year: int, part: str) -> Period:
    """Return the days of a year or of a part of it: ``h1``, ``q3``, ``m11``, or empty for all.

    Raises InvalidInput.
    """
    kind, number = part[:1], part[1:]
    months = {"": 12, "h": 6, "q": 3, "m": 1}.get(kind)
    count = int(number) if number.isascii() and number.isdecimal() and len(number) < 3 else 0
    if months is None or not 1900 < year < 9999 or (kind and not 1 <= count <= 12 // months):
        raise InvalidInput({"part": [N_("没有这个时段。")]})
    first = (count - 1) * months + 1 if kind else 1
    last = first + months - 1
    end = date(year + last // 12, last % 12 + 1, 1) - timedelta(days=1)
    return Period(date(year, first, 1), end)
