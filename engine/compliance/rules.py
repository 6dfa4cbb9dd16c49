"""Rules as values: what ``rules.toml`` says, read once and shared by every matter.

A rule stands at one or more steps and is judged at each time that one of them is done. What it
checks there is its *check*, of one of the kinds in :mod:`engine.compliance.kinds`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from engine.compliance.facts import NOTHING
from engine.compliance.parameters import Level, Parameter, ParameterView
from engine.compliance.results import ArticleRef, Outcome, Severity
from engine.errors import Translatable
from engine.expressions import Expression

if TYPE_CHECKING:
    from engine.compliance.case import Case


@dataclass(frozen=True, slots=True)
class Setting:
    """A value that a parameter gives: ``"@talk_months"``."""

    parameter: str


Amount = int | Setting | Expression
"""A whole number, a parameter, or an expression that gives one."""


class Judge(StrEnum):
    """Which of the times that a step was done are judged."""

    EACH = "each"
    FIRST = "first"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check says of one case."""

    outcome: Outcome
    sentence: Translatable
    numbers: Mapping[str, int | str] = field(default=NOTHING)
    until: date | None = None
    severity: Severity | None = None
    """When the numbers decide how grave it is."""
    earliest: bool = False
    """``until`` is the first lawful day, not the last."""


class Check(Protocol):
    """What a rule asserts. Implemented by the frozen values in ``engine/compliance/kinds``."""

    @property
    def reads(self) -> Mapping[str, frozenset[str]]:
        """The elements it looks at besides the judged one, with the fields it reads of each.

        The fields of the judged step stand under ``""``.
        """

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """Its expressions, for lint."""

    @property
    def settings(self) -> tuple[str, ...]:
        """Names of the parameters it asks for, for lint."""

    def judge(self, case: Case) -> Verdict | None:
        """Judge the time that the step was done; None when it does not apply."""

    def outstanding(self, case: Case) -> Verdict | None:
        """Say what is to come of a step not done yet; None when nothing is known."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule in the editions in which it holds."""

    id: str
    title: str
    title_en: str
    kind: str
    check: Check
    steps: tuple[str, ...]
    severity: Severity | Setting = Severity.HARD
    blocks: bool = False
    override: Level | None = None
    """The lowest level that may let a blocked step pass; None: nobody."""
    regulation: str | None = None
    articles: Mapping[str, tuple[str, ...]] = field(default=NOTHING)
    """By edition in which the rule holds; empty: it holds always."""
    when: Expression | None = None
    """Not applicable unless true."""
    where: Expression | None = None
    """Which of the times that the step was done count at all."""
    which: Judge = Judge.EACH
    needed_by: tuple[str, ...] = ()
    """Once one of these was done, the step must have been done before it."""
    needed_for: tuple[str, ...] = ()
    """Outcomes of a matter that must not be reached without the step."""
    note: str = ""
    reads: Mapping[str, frozenset[str]] = field(default=NOTHING)
    """Every element it looks at, with the fields of each."""
    line: int | None = None

    def edition_refs(self, edition: str | None) -> tuple[ArticleRef, ...]:
        """Return the articles it rests on in an edition."""
        if self.regulation is None or edition is None:
            return ()
        return tuple(ArticleRef(self.regulation, edition, a) for a in self.articles[edition])


class Editions(Protocol):
    """Whoever knows which edition of a regulation was in force on a day."""

    def edition_on(
        self, regulation: str, day: date, parameters: ParameterView | None = None
    ) -> str | None:
        """Return the edition's id, or None when there was none."""


@dataclass(frozen=True)
class Uncovered:
    """An article that a step rests on and no rule checks, with the reason."""

    regulation: str
    article: str
    reason: str
    line: int | None = None


@dataclass(frozen=True)
class RuleBook:
    """The rules of a procedure, ready to be used."""

    key: str
    rules: tuple[Rule, ...]
    parameters: Mapping[str, Parameter]
    """National ones and the procedure's own, by name."""
    editions: Editions
    titles: Mapping[str, str] = field(default=NOTHING)
    """Titles of the steps by element."""
    english: Mapping[str, str] = field(default=NOTHING)
    """English of the words that come from ``rules.toml``."""
    uncovered: tuple[Uncovered, ...] = ()

    @cached_property
    def by_element(self) -> Mapping[str, tuple[Rule, ...]]:
        """The rules whose results can change when an element is done."""
        found: dict[str, list[Rule]] = {}
        for rule in self.rules:
            for element in dict.fromkeys((*rule.steps, *rule.reads, *rule.needed_by)):
                found.setdefault(element, []).append(rule)
        return {element: tuple(rules) for element, rules in found.items()}

    @cached_property
    def reads(self) -> Mapping[str, frozenset[str]]:
        """The fields that some rule reads, by element."""
        found: dict[str, set[str]] = {}
        for rule in self.rules:
            for element, fields in rule.reads.items():
                found.setdefault(element, set()).update(fields)
        return {element: frozenset(fields) for element, fields in found.items()}

    def rule(self, id: str, edition: str | None = None) -> Rule | None:
        """Return the rule with an id, as it stands in an edition."""
        for rule in self.rules:
            if rule.id == id and (edition is None or not rule.articles or edition in rule.articles):
                return rule
        return None
