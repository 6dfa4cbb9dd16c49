"""What people see of findings and of the trail: frozen rows, read by the pages and the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from engine.compliance.findings import FindingState
from engine.compliance.parameters import Parameter, ParameterValue
from engine.compliance.regulations import Article
from engine.compliance.results import Outcome, Severity
from engine.errors import Translatable
from engine.ledger.kinds import EntryKind


@dataclass(frozen=True)
class Cited:
    """An article that a finding rests on, in the edition that was in force."""

    regulation: str
    title: str
    """The regulation's short title; its id when it is not known any more."""
    edition: str
    edition_title: str
    number: str
    article: Article | None


@dataclass(frozen=True)
class FindingRow:
    """A finding as one line of a list."""

    id: int
    instance_id: int | None
    """None for what an organisation owed in a period: that has a duty and no matter."""
    matter_number: str
    process_key: str
    process_title: str
    subject_id: int | None
    subject_name: str
    organisation_id: int
    organisation_name: str
    rule: str
    rule_title: str
    rule_title_en: str
    element: str
    step_number: str | None
    step_title: str
    round: int
    seq: int | None
    outcome: Outcome
    severity: Severity
    state: FindingState
    articles: tuple[Cited, ...]
    edition: str | None
    day: date
    until: date | None
    provisional: bool
    overridden: bool
    sentence: Translatable
    found_at: datetime
    changed_at: datetime
    resolved_at: datetime | None
    english: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """English of the words of the sentence that come from the procedure's rules."""
    duty_id: int | None = None
    year: int | None = None
    """The year in which the period of the duty ends."""


@dataclass(frozen=True)
class Note:
    """What somebody said of a finding."""

    kind: EntryKind
    text: str
    person_name: str
    post: str | None
    at: datetime
    seq: int


@dataclass(frozen=True)
class Found:
    """A finding with what people said of it, and what the actor may do."""

    row: FindingRow
    notes: tuple[Note, ...]
    may: frozenset[str]
    """``ask``, ``explain``, ``conclude``, ``waive``."""
    used: tuple[tuple[Parameter, ParameterValue], ...] = ()
    """The parameters that the rule asks for, with what counted on the day; for one finding only."""


@dataclass(frozen=True)
class Blocking:
    """A rule that may stand in the way of an open step, and that somebody may let pass."""

    rule: str
    title: str
    title_en: str
    element: str
    step: str
    level: Translatable
    articles: tuple[Cited, ...]
    sentence: Translatable | None
    """What is wrong if the step were done today; None when that depends on what is entered."""
    allowed: bool
    """It has been let pass already."""
    english: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class TrailRow:
    """An entry of a matter's chain that an auditor looks for."""

    instance_id: int
    matter_number: str
    process_title: str
    subject_name: str
    organisation_name: str
    seq: int
    kind: EntryKind
    recorded_at: datetime
    occurred_on: date | None
    gap: int | None
    """Days from when the step happened to when it was recorded."""
    step: str
    person_name: str
    post: str | None
    reason: str
    rule: str
    rule_title: str
    rule_title_en: str


@dataclass(frozen=True)
class Tally:
    """How many findings there are of something."""

    hard: int = 0
    warning: int = 0
    waiting: int = 0
    """Of these: those whose explanation is waited for."""

    @property
    def all(self) -> int:
        """Return how many there are."""
        return self.hard + self.warning

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.hard + other.hard, self.warning + other.warning, self.waiting + other.waiting
        )


@dataclass(frozen=True)
class OrganisationTally:
    """The findings of an organisation and all below it; ``own``: of the chosen one alone."""

    organisation_id: int
    name: str
    own: bool
    tally: Tally


@dataclass(frozen=True)
class RuleTally:
    """The findings of a rule."""

    process_key: str
    process_title: str
    rule: str
    title: str
    title_en: str
    tally: Tally


@dataclass(frozen=True)
class ArticleTally:
    """The findings that rest on an article."""

    cited: Cited
    tally: Tally


@dataclass(frozen=True)
class MonthTally:
    """The findings of a month, by the day judged."""

    month: date
    tally: Tally


@dataclass(frozen=True)
class Overview:
    """Findings counted in all the ways that the overview shows."""

    total: Tally
    organisations: tuple[OrganisationTally, ...]
    rules: tuple[RuleTally, ...]
    articles: tuple[ArticleTally, ...]
    months: tuple[MonthTally, ...]
