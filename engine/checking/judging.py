"""Judge a matter's file: what its rules say, and how it follows its procedure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from engine.checking.reading import GivenMatter, read_matter, with_end
from engine.checking.sources import open_file
from engine.compliance.evaluation import evaluate
from engine.compliance.results import Outcome, Result, Severity, render
from engine.runtime.conformance import Conformance, replay


@dataclass(frozen=True)
class Checked:
    """A matter with all that was found."""

    matter: GivenMatter
    judged_on: date
    results: tuple[Result, ...]
    conformance: Conformance

    @property
    def broken(self) -> tuple[Result, ...]:
        """The rules that are not met."""
        return tuple(r for r in self.results if r.outcome is Outcome.NOT_MET)

    @property
    def pending(self) -> tuple[Result, ...]:
        """The rules that have still to be met, or cannot be made sure of."""
        return tuple(r for r in self.results if r.outcome is Outcome.PENDING)

    @property
    def hard(self) -> int:
        """How many rules that must be met are not."""
        return sum(r.severity is Severity.HARD for r in self.broken)


def check_file(path: Path, processes: Path, *, today: date | None = None) -> Checked:
    """Judge a file. ``today`` counts unless the file says of what day it is. Raises FileWrong."""
    values, places = open_file(path)
    return check_matter(read_matter(values, places, processes), today=today)


def check_matter(matter: GivenMatter, *, today: date | None = None) -> Checked:
    """Judge a matter that was read."""
    procedure = matter.procedure
    conformance = replay(
        procedure.definition,
        matter.facts,
        holidays=matter.holidays,
        directory=matter.directory,
        regulations=procedure.book.regulations,
        parameters=matter.parameters,
        editions=matter.editions,
    )
    if conformance.completed:
        matter = with_end(matter, conformance.ended_on, conformance.outcome)
    day = matter.today or (matter.judged_on if matter.facts.ended_on else today)
    day = day or matter.judged_on
    results = evaluate(
        procedure.book,
        matter.facts,
        today=day,
        holidays=matter.holidays,
        parameters=matter.parameters,
    )
    return Checked(matter, day, tuple(results), conformance)


def as_json(checked: Checked, translate: Callable[[str], str] = str) -> dict[str, Any]:
    """Return what was found for programs to read; its sentences are said through ``translate``."""
    facts = checked.matter.facts
    return {
        "format": "guicheng-check-1",
        "procedure": facts.key,
        "title": checked.matter.title,
        "judged_on": checked.judged_on.isoformat(),
        "ended_on": facts.ended_on.isoformat() if facts.ended_on else None,
        "outcome": facts.outcome,
        "hard": checked.hard,
        "findings": [_finding(r, translate) for r in checked.broken],
        "pending": [_finding(r, translate) for r in checked.pending],
        "met": sum(r.outcome is Outcome.MET for r in checked.results),
        "deviations": [
            {
                "kind": d.departure.value,
                "element": d.element,
                "round": d.round,
                "day": d.day.isoformat() if d.day else None,
                "sentence": render(d.sentence, translate),
            }
            for d in checked.conformance.deviations
        ],
        "fitness": round(checked.conformance.fitness, 4),
    }


def _finding(result: Result, translate: Callable[[str], str]) -> dict[str, Any]:
    return {
        "rule": result.rule.id,
        "title": result.rule.title,
        "element": result.element,
        "round": result.round,
        "outcome": result.outcome.value,
        "severity": result.severity.value,
        "edition": result.edition,
        "articles": [article.article for article in result.articles],
        "day": result.day.isoformat(),
        "until": result.until.isoformat() if result.until else None,
        "sentence": render(result.sentence, translate),
        "provisional": result.provisional,
    }
