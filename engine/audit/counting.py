"""Findings counted: by organisation, rule, article and month, in one pass over the table."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import Any

from sqlalchemy import Date as DateType
from sqlalchemy import cast, func, select, tuple_
from sqlalchemy.orm import Session

from engine.audit.owed import duty_of
from engine.audit.rows import Words
from engine.audit.scope import FindingFilter, Place, conditions
from engine.audit.views import (
    ArticleTally,
    MonthTally,
    OrganisationTally,
    Overview,
    RuleTally,
    Tally,
)
from engine.compliance.findings import FindingState
from engine.compliance.models import Finding
from engine.compliance.results import Severity
from engine.directory.actors import Actor
from engine.directory.models import Organisation

MONTHS = 24
"""How many months back the trend goes."""


def count_findings(
    session: Session, actor: Actor, wanted: FindingFilter, place: Place, today: date
) -> Overview:
    """Return the findings of a filter below ``place``, counted.

    Organisations are rolled up to the level below it. One scan: PostgreSQL counts by all groupings
    at once.
    """
    next_below = func.split_part(Finding.path, "/", place.depth + 2)
    month = cast(func.date_trunc("month", Finding.day), DateType)
    inner = (
        select(
            next_below.label("place"),
            Finding.process_key,
            Finding.rule,
            Finding.regulation,
            Finding.edition,
            Finding.articles,
            month.label("month"),
            Finding.severity,
            Finding.state,
        )
        .where(*conditions(session, actor, wanted), Finding.path.like(f"{place.path}%"))
        .subquery()
    )
    c = inner.c
    grouping = func.grouping(c.place, c.rule, c.regulation, c.month)
    rows = session.execute(
        select(
            grouping.label("level"),
            c.place,
            c.process_key,
            c.rule,
            c.regulation,
            c.edition,
            c.articles,
            c.month,
            func.count().filter(c.severity == str(Severity.HARD)).label("hard"),
            func.count().filter(c.severity != str(Severity.HARD)).label("warning"),
            func.count().filter(c.state == str(FindingState.ASKED)).label("waiting"),
        ).group_by(
            func.grouping_sets(
                tuple_(c.place),
                tuple_(c.process_key, c.rule),
                tuple_(c.regulation, c.edition, c.articles),
                tuple_(c.month),
            )
        )
    ).all()
    by_level: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        by_level[row.level].append(row)
    words = Words(session)
    organisations = _organisations(session, place, by_level[0b0111])
    return Overview(
        total=sum((o.tally for o in organisations), Tally()),
        organisations=organisations,
        rules=_rules(words, by_level[0b1011]),
        articles=_articles(words, by_level[0b1101]),
        months=_months(by_level[0b1110], today),
    )


def _tally(row: Any) -> Tally:
    return Tally(row.hard, row.warning, row.waiting)


def _organisations(
    session: Session, place: Place, rows: list[Any]
) -> tuple[OrganisationTally, ...]:
    tallies = {int(row.place) if row.place else place.id: _tally(row) for row in rows}
    names = dict(
        session.execute(
            select(Organisation.id, Organisation.short_name).where(Organisation.id.in_(tallies))
        ).all()
    )
    found = [
        OrganisationTally(id, names.get(id, ""), id == place.id, tally)
        for id, tally in tallies.items()
    ]
    return tuple(sorted(found, key=lambda o: (-o.tally.hard, -o.tally.all, o.organisation_id)))


def _rules(words: Words, rows: list[Any]) -> tuple[RuleTally, ...]:
    found = []
    for row in rows:
        rule = words.rule_now(row.process_key, row.rule)
        definition = words.active(row.process_key)
        duty = None if rule else duty_of(definition, None, row.rule)
        known = rule or duty
        found.append(
            RuleTally(
                row.process_key,
                definition.package.title if definition else row.process_key,
                row.rule,
                known.title if known else row.rule,
                known.title_en if known else row.rule,
                _tally(row),
            )
        )
    return tuple(sorted(found, key=lambda r: (-r.tally.hard, -r.tally.all, r.rule)))


def _articles(words: Words, rows: list[Any]) -> tuple[ArticleTally, ...]:
    """Return the counts by article; a finding that rests on two counts at both."""
    tallies: dict[tuple[str, str, str], Tally] = defaultdict(Tally)
    for row in rows:
        for number in row.articles or ():
            tallies[row.regulation or "", row.edition or "", number] += _tally(row)
    found = [ArticleTally(words.cited(*key), tally) for key, tally in tallies.items()]
    return tuple(
        sorted(found, key=lambda a: (-a.tally.hard, -a.tally.all, a.cited.edition, a.cited.number))
    )


def _months(rows: list[Any], today: date) -> tuple[MonthTally, ...]:
    """Return the counts of the last months without a gap, the oldest first."""
    tallies = {row.month: _tally(row) for row in rows}
    last = max([today.replace(day=1), *(month for month in tallies if month <= today)])
    months = [_back(last, n) for n in range(MONTHS - 1, -1, -1)]
    first = min((m for m in months if m in tallies), default=last)
    # At least a year, so that a short history still reads as one.
    shown = [month for month in months if month >= min(first, _back(last, 11))]
    return tuple(MonthTally(month, tallies.get(month, Tally())) for month in shown)


def _back(month: date, months: int) -> date:
    index = month.year * 12 + month.month - 1 - months
    return date(index // 12, index % 12 + 1, 1)
