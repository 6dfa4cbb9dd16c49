"""What rests on each article and parameter: the steps and rules of procedures that name it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from functools import lru_cache
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.compliance.kinds.spans import START_DAY_COUNTS, Length
from engine.compliance.reading import rule_book
from engine.compliance.reads import settings_of
from engine.compliance.regulation_store import current_regulations
from engine.compliance.regulations import Regulations
from engine.compliance.rules import Rule, RuleBook
from engine.definitions.duties import GENERAL, Duty
from engine.definitions.indicators import Indicator
from engine.definitions.models import ProcessVersion
from engine.definitions.package import Package
from engine.definitions.versions import load_definition
from engine.errors import PackageProblem

Place = tuple[str, str, str]
"""A regulation by id, an edition and the number of an article."""

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Use:
    """A step or a rule that rests on something."""

    process: str
    process_title: str
    name: str
    """The number of a step, or the id of a rule."""
    title: str
    rule: bool
    title_en: str = ""
    parameters: tuple[str, ...] = ()
    """The keys of the parameters that a rule asks for."""


def uses_of(package: Package, regulations: Regulations) -> Iterator[tuple[Place, Use]]:
    """Yield the articles that a package's steps and rules cite, with who cites them.

    What cites a regulation that is not there, and rules that cannot be read, are for lint to name.
    """
    for step in package.steps.values():
        use = Use(package.key, package.title, step.number or "", step.title, rule=False)
        for basis in step.basis:
            if (regulation := regulations.find(basis.regulation)) is not None:
                yield (regulation.id, basis.edition, basis.article), use
    book = _book(package, regulations)
    for duty in package.duties.values():
        use = _owed(package, duty, book)
        for basis in duty.basis:
            if (regulation := regulations.find(basis.regulation)) is not None:
                yield (regulation.id, basis.edition, basis.article), use
    for indicator in package.indicators.values():
        use = _counted(package, indicator, book)
        for basis in indicator.basis:
            if (regulation := regulations.find(basis.regulation)) is not None:
                yield (regulation.id, basis.edition, basis.article), use
    for rule in book.rules:
        regulation = regulations.find(rule.regulation or "")
        if regulation is not None:
            for edition, numbers in rule.articles.items():
                for number in numbers:
                    yield (regulation.id, edition, number), _use(package, rule, book)


def uses_in_force(session: Session) -> dict[Place, tuple[Use, ...]]:
    """Return what rests on each article in the procedures on which new matters start."""
    regulations = current_regulations(session)
    return _grouped(
        found
        for package in _in_use(session)
        for found in _known(_Pair(package.sha256, regulations.sha256, package, regulations))
    )


@dataclass(frozen=True)
class _Pair:
    """A package with the regulations that it cites; the same content is the same pair."""

    package_sha256: str
    regulations_sha256: str
    package: Package = field(compare=False)
    regulations: Regulations = field(compare=False)


@lru_cache(maxsize=64)
def _known(pair: _Pair) -> tuple[tuple[Place, Use], ...]:
    return tuple(uses_of(pair.package, pair.regulations))


def parameter_uses(session: Session, key: str) -> tuple[Use, ...]:
    """Return the rules in use that ask for a parameter, by the key under which it is stored."""
    regulations = current_regulations(session)
    found: dict[Use, None] = {}
    for package in _in_use(session):
        book = _book(package, regulations)
        for rule in book.rules:
            use = _use(package, rule, book)
            if key in use.parameters:
                found[use] = None
        for duty in package.duties.values():
            use = _owed(package, duty, book)
            if key in use.parameters:
                found[use] = None
        for indicator in package.indicators.values():
            use = _counted(package, indicator, book)
            if key in use.parameters:
                found[use] = None
    return tuple(found)


def _in_use(session: Session) -> list[Package]:
    versions = session.scalars(
        select(ProcessVersion.id).where(ProcessVersion.active).order_by(ProcessVersion.key)
    )
    return [load_definition(session, version).package for version in versions]


def _book(package: Package, regulations: Regulations) -> RuleBook:
    try:
        return rule_book(package, regulations)
    except PackageProblem:
        return RuleBook(package.key, (), {}, regulations)


def _use(package: Package, rule: Rule, book: RuleBook) -> Use:
    named = settings_of((rule.check, rule.severity, rule.when, rule.where, rule.pending))
    if START_DAY_COUNTS in book.parameters and _counts_workdays(rule.check):
        named |= {START_DAY_COUNTS}
    return Use(
        package.key,
        package.title,
        rule.id,
        rule.title,
        rule=True,
        title_en=rule.title_en,
        parameters=tuple(sorted(book.parameters[name].key for name in named)),
    )


def _owed(package: Package, duty: Duty, book: RuleBook) -> Use:
    """Return what organisations owe as a use: of its articles, and of what it asks for."""
    named = [name for name in (*duty.parameters, *GENERAL) if name in book.parameters]
    return Use(
        package.key,
        package.title,
        duty.rule,
        duty.title,
        rule=True,
        title_en=duty.title_en,
        parameters=tuple(sorted({book.parameters[name].key for name in named})),
    )


def _counted(package: Package, indicator: Indicator, book: RuleBook) -> Use:
    """Return an indicator as a use: of its articles, and of what it is worth."""
    named = [name for name in indicator.parameters if name in book.parameters]
    return Use(
        package.key,
        package.title,
        "",
        indicator.title,
        rule=True,
        title_en=indicator.title_en,
        parameters=tuple(sorted({book.parameters[name].key for name in named})),
    )


def _counts_workdays(value: object) -> bool:
    """Tell whether a check counts working days, and so asks how the first day counts."""
    if isinstance(value, Length):
        return value.workdays is not None
    if isinstance(value, (tuple, list, frozenset)):
        return any(map(_counts_workdays, value))
    if is_dataclass(value) and not isinstance(value, type):
        return any(_counts_workdays(getattr(value, one.name)) for one in fields(value))
    return False


def _grouped(found: Iterable[tuple[Key, Use]]) -> dict[Key, tuple[Use, ...]]:
    """Return uses by what they rest on, each once, in the order of the procedures."""
    uses: dict[Key, dict[Use, None]] = {}
    for place, use in found:
        uses.setdefault(place, {})[use] = None
    return {place: tuple(group) for place, group in uses.items()}
