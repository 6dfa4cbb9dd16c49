"""What rests on each article: the steps and rules of procedures that cite it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.compliance.declarations import RULES
from engine.compliance.regulation_store import current_regulations
from engine.compliance.regulations import Regulations
from engine.definitions.models import ProcessVersion
from engine.definitions.package import Package
from engine.definitions.versions import load_definition

Place = tuple[str, str, str]
"""A regulation by id, an edition and the number of an article."""


@dataclass(frozen=True, slots=True)
class Use:
    """A step or a rule that rests on an article."""

    process: str
    process_title: str
    name: str
    """The number of a step, or the id of a rule."""
    title: str
    rule: bool
    title_en: str = ""


def uses_of(package: Package, regulations: Regulations) -> Iterator[tuple[Place, Use]]:
    """Yield the articles that a package's steps and rules cite, with who cites them.

    What cites a regulation that is not there is for lint to name.
    """
    for step in package.steps.values():
        use = Use(package.key, package.title, step.number or "", step.title, rule=False)
        for basis in step.basis:
            if (regulation := regulations.find(basis.regulation)) is not None:
                yield (regulation.id, basis.edition, basis.article), use
    for rule in _rules(package):
        regulation = regulations.find(str(rule.get("regulation", "")))
        articles = rule.get("articles")
        if regulation is None or not isinstance(articles, Mapping):
            continue
        use = Use(
            package.key,
            package.title,
            str(rule.get("id", "")),
            str(rule.get("title", "")),
            rule=True,
            title_en=str(rule.get("title_en", "")),
        )
        for edition, numbers in articles.items():
            for number in numbers if isinstance(numbers, list) else ():
                yield (regulation.id, str(edition), str(number)), use


def by_article(found: Iterable[tuple[Place, Use]]) -> dict[Place, tuple[Use, ...]]:
    """Return uses by article, each once, in the order of the procedures."""
    uses: dict[Place, dict[Use, None]] = {}
    for place, use in found:
        uses.setdefault(place, {})[use] = None
    return {place: tuple(group) for place, group in uses.items()}


def uses_in_force(session: Session) -> dict[Place, tuple[Use, ...]]:
    """Return what rests on each article in the procedures on which new matters start."""
    regulations = current_regulations(session)
    versions = session.scalars(
        select(ProcessVersion.id).where(ProcessVersion.active).order_by(ProcessVersion.key)
    )
    packages = [load_definition(session, version).package for version in versions]
    return by_article(pair for package in packages for pair in uses_of(package, regulations))


def _rules(package: Package) -> list[Mapping[str, object]]:
    """Return the tables of ``rules.toml``; whether they are sound is for lint to ask."""
    try:
        found = tomllib.loads(package.files.get(RULES, b"").decode()).get("rule")
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        return []
    return [rule for rule in found or () if isinstance(rule, Mapping)]
