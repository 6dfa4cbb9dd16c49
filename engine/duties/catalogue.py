"""All duties of the procedures in use, with the parameters that they ask for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from types import MappingProxyType
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from engine.clock import ZONE
from engine.compliance.declarations import own_parameters
from engine.compliance.fresh import Fresh
from engine.compliance.parameters import Parameter
from engine.compliance.regulation_store import current_regulations
from engine.definitions.duties import CountedStep, Duty
from engine.definitions.models import ProcessVersion
from engine.definitions.package import Package
from engine.definitions.versions import load_definition


@dataclass(frozen=True)
class KnownDuty:
    """A duty of a procedure in use."""

    duty: Duty
    since: date
    """The day on which the procedure was first deployed: before it, nobody knew of the duty."""
    declared: Mapping[str, Parameter]
    """The parameters that it can name."""
    process_title: str

    @property
    def key(self) -> str:
        """Return the name under which it is kept."""
        return self.duty.key


@dataclass(frozen=True)
class Catalogue:
    """The duties by key, in the order in which people read them."""

    duties: Mapping[str, KnownDuty]

    @cached_property
    def counted(self) -> Mapping[CountedStep, tuple[tuple[str, bool], ...]]:
        """For each step that counts: the duties, and whether only where a parameter allows it."""
        found: dict[CountedStep, list[tuple[str, bool]]] = {}
        for key, known in self.duties.items():
            for step in known.duty.counts:
                found.setdefault(step, []).append((key, False))
            for step in known.duty.also_counts:
                found.setdefault(step, []).append((key, True))
            for step in known.duty.tally.made_up if known.duty.tally else ():
                found.setdefault(step, []).append((key, False))
        return MappingProxyType({step: tuple(group) for step, group in found.items()})

    @cached_property
    def processes(self) -> tuple[str, ...]:
        """The procedures of which a step counts."""
        return tuple(sorted({step.process for step in self.counted}))

    @cached_property
    def elements(self) -> frozenset[str]:
        """The elements of the steps that count, whatever their procedure."""
        return frozenset(step.element for step in self.counted)

    @cached_property
    def digest(self) -> str:
        """What changes whenever other steps count than before."""
        said = [
            [
                key,
                sorted((s.process, s.element) for s in known.duty.counts),
                sorted((s.process, s.element) for s in known.duty.also_counts),
                known.duty.when.source if known.duty.when else "",
                *(str(more) for more in (known.duty.tally, known.duty.done_by) if more),
            ]
            for key, known in sorted(self.duties.items())
        ]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]


def catalogue(session: Session) -> Catalogue:
    """Return the duties in use, from the copy of this process."""
    return _known.get(session)


def forget_catalogue() -> None:
    """Ask the database again the next time."""
    _known.forget()


def order_of(known: KnownDuty) -> tuple[Any, ...]:
    """Return how duties are ordered for people: by rule, then as the package has them."""
    family, _, number = known.duty.rule.rpartition("-")
    first = 0 if family == "R-TM" else 1
    return (first, family, int("".join(filter(str.isdigit, number)) or 0))


def _mark(session: Session) -> Sequence[Any]:
    versions = select(func.array_agg(ProcessVersion.id)).where(ProcessVersion.active)
    return [sorted(session.scalar(versions) or []), current_regulations(session).sha256]


def _load(session: Session) -> Catalogue:
    versions = session.execute(
        select(ProcessVersion.id, ProcessVersion.key)
        .where(ProcessVersion.active)
        .order_by(ProcessVersion.key)
    ).all()
    first = dict(
        session.execute(
            select(ProcessVersion.key, func.min(ProcessVersion.deployed_at)).group_by(
                ProcessVersion.key
            )
        ).all()
    )
    national = current_regulations(session).parameters
    found: list[KnownDuty] = []
    for version in versions:
        package = load_definition(session, version.id).package
        if package.duties:
            since = first[version.key].astimezone(ZONE).date()
            found += duties_of(package, national, since)
    return Catalogue(MappingProxyType({known.key: known for known in sorted(found, key=order_of)}))


def duties_of(package: Package, national: Mapping[str, Parameter], since: date) -> list[KnownDuty]:
    """Return the duties of a package, with the parameters that they can name."""
    declared = dict(national)
    for _, content, _ in reversed(package.rule_files()):
        declared |= own_parameters(package.key, content)
    return [KnownDuty(duty, since, declared, package.title) for duty in package.duties.values()]


_known: Fresh[Catalogue] = Fresh(_mark, _load)
