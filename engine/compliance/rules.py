"""Rules as values: what ``rules.toml`` says, read once and shared by every matter.

A rule stands at one or more steps and is judged at each time that one of them is done. What it
checks there is its *check*, of one of the kinds in :mod:`engine.compliance.kinds`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Protocol

from engine.compliance.facts import NOTHING
from engine.compliance.parameters import Level, Parameter
from engine.compliance.regulations import Regulations
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


class Element(str):
    """The name of another step that a check looks at."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a step; without an element, of the judged one."""

    name: str
    element: Element | None = None
    inner: str = ""
    """A key inside a value that has several, such as ``present_people``."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on the times that other steps were done; plain names are fields of those."""

    expression: Expression
    of: tuple[Element, ...]


class Judge(StrEnum):
    """Which of the times that a step was done are judged."""

    EACH = "each"
    FIRST = "first"


Numbers = Mapping[str, int | str]


class Verdict(NamedTuple):
    """What a check says of one case.

    Its sentence and its numbers may be given as functions: of most steps nobody ever reads them.
    """

    outcome: Outcome
    words: Translatable | Callable[[], Translatable]
    reckoned: Numbers | Callable[[], Numbers] = NOTHING
    until: date | None = None
    severity: Severity | None = None
    """When the numbers decide how grave it is."""
    earliest: bool = False
    """``until`` is the first lawful day, not the last."""

    @property
    def sentence(self) -> Translatable:
        """What was found, in words."""
        return self.words() if callable(self.words) else self.words

    @property
    def numbers(self) -> Numbers:
        """The numbers it rests on."""
        return self.reckoned() if callable(self.reckoned) else self.reckoned


class Check(Protocol):
    """What a rule asserts. Implemented by the frozen values in ``engine/compliance/kinds``.

    Its fields are made of the values above, so that what it looks at can be told from them
    (:mod:`engine.compliance.reads`).
    """

    @property
    def ahead(self) -> bool:
        """Whether it ever has something to say of a step that is not done yet."""

    def judge(self, case: Case) -> Verdict | None:
        """Judge the time that the step was done; None when it does not apply."""

    def outstanding(self, case: Case) -> Verdict | None:
        """Say what is to come of a step not done yet; None when nothing is known.

        MET when only the first or last lawful day is to be told, for :func:`limits`.
        """


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
    blocks: bool | frozenset[str] = False
    """Not met, a step cannot be completed: any of its own, or the ones named."""
    override: Level | None = None
    """The lowest level that may let a blocked step pass; None: nobody."""
    regulation: str | None = None
    articles: Mapping[str, tuple[str, ...]] = field(default=NOTHING)
    """By edition in which the rule holds; empty: it holds always."""
    only_at: Mapping[str, tuple[str, ...]] = field(default=NOTHING)
    """Articles that concern some of its steps only, with these."""
    when: Expression | None = None
    """Not applicable unless true."""
    where: Expression | None = None
    """Which of the times that the step was done count at all."""
    pending: Expression | None = None
    """While true, a step that is not done is looked at too; by default always."""
    which: Judge = Judge.EACH
    needed_by: tuple[str, ...] = ()
    """Once one of these was done, the step must have been done before it."""
    needed_for: tuple[str, ...] = ()
    """Outcomes of a matter that must not be reached without the step."""
    note: str = ""
    reads: Mapping[str, frozenset[str]] = field(default=NOTHING)
    """Every element it looks at, with the fields of each."""
    line: int | None = None

    refs: Mapping[str, tuple[ArticleRef, ...]] = field(default=NOTHING)
    """The articles by edition, as results carry them."""

    def blocks_at(self, element: str) -> bool:
        """Tell whether it stands in the way of a step when it is not met."""
        return self.blocks if isinstance(self.blocks, bool) else element in self.blocks

    def articles_in(self, edition: str | None, element: str = "") -> tuple[ArticleRef, ...]:
        """Return the articles it rests on in an edition, at one of its steps or at all."""
        refs = self.refs.get(edition, ()) if edition is not None else ()
        if not (element and self.only_at):
            return refs
        return tuple(r for r in refs if element in self.only_at.get(r.article, (element,)))


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
    regulations: Regulations
    titles: Mapping[str, str] = field(default=NOTHING)
    """Titles of the steps by element."""
    english: Mapping[str, str] = field(default=NOTHING)
    """English of the words that come from ``rules.toml``."""
    uncovered: tuple[Uncovered, ...] = ()
    foreign: frozenset[str] = frozenset()
    """Fields that no form of ours has: only records brought in from elsewhere may hold them."""

    @cached_property
    def by_element(self) -> Mapping[str, tuple[Rule, ...]]:
        """The rules whose results can change when an element is done."""
        found: dict[str, list[Rule]] = {}
        for rule in self.rules:
            for element in dict.fromkeys((*rule.steps, *rule.reads, *rule.needed_by)):
                found.setdefault(element, []).append(rule)
        return {element: tuple(rules) for element, rules in found.items()}

    @cached_property
    def stirred(self) -> Mapping[str, tuple[Rule, ...]]:
        """Of those, the ones that have something new to say when only the last step is judged.

        What stands at other steps alone was judged when they were done.
        """
        return {
            element: tuple(
                rule
                for rule in rules
                if element in rule.steps or rule.check.ahead or rule.needed_by or rule.needed_for
            )
            for element, rules in self.by_element.items()
        }

    @cached_property
    def heard(self) -> Mapping[str, frozenset[str]]:
        """The ids of the rules that are heard when an element is done."""
        return {
            element: frozenset(rule.id for rule in rules)
            for element, rules in self.by_element.items()
        }

    @cached_property
    def _standing(self) -> Mapping[str, tuple[Rule, ...]]:
        found: dict[str, list[Rule]] = {}
        for rule in self.rules:
            for element in rule.steps:
                found.setdefault(element, []).append(rule)
        return {element: tuple(rules) for element, rules in found.items()}

    @cached_property
    def _editions(self) -> Mapping[str, frozenset[str]]:
        found: dict[str, set[str]] = {}
        for rule in self.rules:
            found.setdefault(rule.id, set()).update(rule.articles)
        return {id: frozenset(editions) for id, editions in found.items()}

    def standing_at(self, element: str) -> tuple[Rule, ...]:
        """Return the rules that stand at a step."""
        return self._standing.get(element, ())

    def editions_of(self, id: str) -> frozenset[str]:
        """Return all editions in which rules with an id hold."""
        return self._editions.get(id, frozenset())

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
