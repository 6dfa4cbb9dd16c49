"""The figures that a step froze, counted again for whoever may read the matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.definitions.versions import Definition
from engine.directory.actors import Actor
from engine.directory.models import Organisation, Person
from engine.errors import NotFound
from engine.forms.schema import FormSchema
from engine.ledger.kinds import EntryKind
from engine.ledger.models import LedgerEntry
from engine.runtime.correcting import standing_step
from engine.runtime.indicators.freezing import counted_again
from engine.runtime.models import format_number
from engine.runtime.queries.access import open_matter

_MATTERS = text(
    """
    SELECT i.id, i.prefix, i.year, i.serial, v.title FROM instance i
    JOIN process_version v ON v.id = i.version_id WHERE i.id = ANY(:ids)
    """
)


@dataclass(frozen=True)
class SourceLine:
    """A record behind a figure."""

    instance_id: int
    number: str
    process_title: str
    day: date


@dataclass(frozen=True)
class FigureLine:
    """A frozen figure as it stands on record."""

    indicator: str
    title: str
    value: int
    unit: str
    target: int
    weight: int
    calculated: float
    score: float
    reason: str
    author: str
    sources: tuple[SourceLine, ...]
    same: bool | None
    """Whether counting again gives the same; None when nobody can tell any more."""


@dataclass(frozen=True)
class FrozenFigures:
    """The figures of one step."""

    instance_id: int
    number: str
    seq: int
    organisation: str
    frozen_on: date
    as_of: date
    first: date
    last: date
    lines: tuple[FigureLine, ...]

    @property
    def score(self) -> float:
        """The points together, to a tenth."""
        return round(sum(line.score for line in self.lines), 1)

    @property
    def weight(self) -> int:
        """The points that there are."""
        return sum(line.weight for line in self.lines)


def frozen_figures(
    session: Session, actor: Actor, clock: Clock, instance_id: int, seq: int
) -> FrozenFigures:
    """Return the figures that entry ``seq`` of a matter froze.

    Raises NotFound for who may not read what was said in the matter, and where nothing was frozen.
    """
    opened = open_matter(session, actor, clock, instance_id)
    definition = opened.matter.definition
    if (
        not opened.sees_opinions
        or freezing(definition, _element(session, instance_id, seq)) is None
    ):
        raise NotFound
    standing = standing_step(session, instance_id, seq)
    form = freezing(definition, standing.element)
    rows = [r for f in (form.freezing if form else ()) for r in standing.data.get(f.key) or ()]
    if not rows:
        raise NotFound
    indicators = definition.package.indicators
    same = counted_again(session, indicators, opened.row.organisation_id, rows)
    matters = {
        row.id: row
        for row in session.execute(
            _MATTERS, {"ids": sorted({s[0] for row in rows for s in row.get("sources", ())})}
        )
    }
    authors = sorted({row["author"] for row in rows if row.get("author")})
    people = session.execute(select(Person.id, Person.name).where(Person.id.in_(authors)))
    names = {person.id: person.name for person in people}
    organisation = session.get(Organisation, opened.row.organisation_id)
    first = rows[0]
    row = opened.row
    return FrozenFigures(
        instance_id=instance_id,
        number=format_number(row.prefix, row.year, row.serial),
        seq=seq,
        organisation=organisation.name if organisation else "",
        frozen_on=standing.occurred_on,
        as_of=date.fromisoformat(first["as_of"]),
        first=date.fromisoformat(first["first"]),
        last=date.fromisoformat(first["last"]),
        lines=tuple(_line(r, names, matters, same) for r in rows),
    )


def freezing(definition: Definition, element: str | None) -> FormSchema | None:
    """Return the form of a step that freezes figures, None for another step."""
    step = definition.package.steps.get(element or "")
    form = definition.forms.get(step.form) if step else None
    return form if form is not None and form.freezing else None


def _element(session: Session, instance_id: int, seq: int) -> str | None:
    return session.scalar(
        select(LedgerEntry.element).where(
            LedgerEntry.chain_id == instance_id,
            LedgerEntry.seq == seq,
            LedgerEntry.kind == EntryKind.COMPLETED,
        )
    )


def _line(
    row: Mapping[str, Any],
    names: Mapping[int, str],
    matters: Mapping[int, Any],
    same: Mapping[str, bool],
) -> FigureLine:
    return FigureLine(
        indicator=row["indicator"],
        title=row["title"],
        value=row["value"],
        unit=row.get("unit", ""),
        target=row.get("of", 0),
        weight=row["weight"],
        calculated=row["calculated"],
        score=row["score"],
        reason=row.get("reason", ""),
        author=names.get(row.get("author") or 0, ""),
        sources=tuple(_sources(row.get("sources", ()), matters)),
        same=same.get(row["indicator"]),
    )


def _sources(sources: Sequence[Any], matters: Mapping[int, Any]) -> list[SourceLine]:
    found = []
    for instance_id, _, day in sources:
        matter = matters.get(instance_id)
        if matter is not None:
            number = format_number(matter.prefix, matter.year, matter.serial)
            found.append(SourceLine(instance_id, number, matter.title, date.fromisoformat(day)))
    return found
