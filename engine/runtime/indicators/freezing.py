"""Freeze the indicators of a procedure: what was on record at the end of the day before a step.

Only days that are over are looked at: nobody can record anything more on them, so whoever counts
again, whenever that is, finds the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from engine.clock import start_of_day
from engine.compliance.books import rule_book
from engine.compliance.from_ledger import Told, facts_of
from engine.compliance.parameter_store import parameter_view
from engine.compliance.parameters import ParameterView
from engine.definitions.duties import Amount
from engine.definitions.indicators import Indicator
from engine.directory.models import Organisation
from engine.errors import ExpressionFault, NotFound
from engine.expressions import compile_expression
from engine.forms.frozen_lists import KEPT
from engine.forms.schema import FormSchema
from engine.ledger.kinds import EntryKind
from engine.runtime.indicators.counting import KnownMatter, Span, count, rows_of
from engine.runtime.matters import Matter

YEARS_BACK: Final = 3
"""How many years before the one counted a matter may have begun, to count in it."""

_ENTRIES = text(
    """
    SELECT e.chain_id, e.seq, e.kind, e.recorded_at, e.occurred_on, e.actor_id, e.element,
        e.payload, i.organisation_id
    FROM instance i JOIN process_version v ON v.id = i.version_id
    JOIN ledger_entry e ON e.chain_id = i.id
    WHERE starts_with(i.path, :path) AND (i.organisation_id = :organisation OR :below)
        AND v.key = ANY(:processes) AND i.started_on BETWEEN :oldest AND :last
        AND e.recorded_at < :until
    ORDER BY e.chain_id, e.seq
    """
)


def known_matters(
    session: Session, organisation: Organisation, indicators: Iterable[Indicator], span: Span
) -> list[KnownMatter]:
    """Return the matters that indicators look at, each as it was known at the end of a day.

    A matter that had been cancelled by then does not count.
    """
    wanted = list(indicators)
    rows = session.execute(
        _ENTRIES,
        {
            "path": organisation.path,
            "organisation": organisation.id,
            "below": any(indicator.below for indicator in wanted),
            "processes": sorted({key for indicator in wanted for key in indicator.processes}),
            "oldest": date(span.first.year - YEARS_BACK, 1, 1),
            "last": span.as_of,
            "until": start_of_day(span.as_of + timedelta(days=1)),
        },
    )
    found = []
    for (chain, place), group in groupby(rows, key=lambda e: (e.chain_id, e.organisation_id)):
        told = [
            Told(
                seq=e.seq,
                kind=e.kind,
                recorded_at=e.recorded_at,
                occurred_on=e.occurred_on,
                actor_id=e.actor_id,
                element=e.element,
                payload=json.loads(e.payload or "{}"),
            )
            for e in group
        ]
        facts = facts_of(told)
        if facts is not None and all(e.kind != EntryKind.CANCELLED for e in told):
            found.append(KnownMatter(chain, facts, place == organisation.id))
    return found


def frozen(
    session: Session,
    matter: Matter,
    form: FormSchema,
    variables: Mapping[str, Any],
    day: date,
    author: int | None,
) -> dict[str, Any]:
    """Return the figures that a form freezes on ``day``, and who scores them."""
    organisation = _organisation(session, matter.organisation_id)
    package = matter.definition.package
    span = Span.of(year_of(form, variables, day), day - timedelta(days=1))
    matters = known_matters(session, organisation, package.indicators.values(), span)
    book = rule_book(session, matter.definition)
    view = ParameterView({})
    if book is not None:
        view = parameter_view(session, organisation.path, book.parameters)
    rows = rows_of(package.indicators, matters, span, amounts(view, span.as_of))
    return {"rows": rows, "author": author}


def kept_rows(form: FormSchema, data: Mapping[str, Any], author: int | None) -> dict[str, Any]:
    """Return the figures that a step froze, as :func:`frozen` did: to correct its scores."""
    rows = [
        {key: row[key] for key in KEPT if key in row}
        | {"was": {key: row[key] for key in ("score", "reason", "author") if key in row}}
        for field in form.freezing
        for row in data.get(field.key) or ()
    ]
    return {"rows": rows, "author": author}


def counted_again(
    session: Session,
    indicators: Mapping[str, Indicator],
    organisation_id: int,
    rows: Sequence[Mapping[str, Any]],
) -> dict[str, bool]:
    """Tell of each frozen figure whether the records still give it, and from the same entries."""
    organisation = _organisation(session, organisation_id)
    found: dict[str, bool] = {}
    spans = {
        tuple(date.fromisoformat(row[key]) for key in ("first", "last", "as_of")) for row in rows
    }
    for days in spans:
        span = Span(*days)
        matters = known_matters(session, organisation, indicators.values(), span)
        for row in rows:
            indicator = indicators.get(row["indicator"])
            if indicator is None or row["as_of"] != span.as_of.isoformat():
                continue
            figure = count(indicator, matters, span)
            sources = [source.as_data() for source in figure.sources]
            same = figure.value == row["value"] and sources == row.get("sources", [])
            found[row["indicator"]] = same
    return found


def year_of(form: FormSchema, variables: Mapping[str, Any], day: date) -> int:
    """Return the year whose figures a form freezes: as its list says, else that of the day."""
    for field in form.freezing:
        if source := field.props.get("year"):
            try:
                year = compile_expression(source).evaluate(variables, {})
            except ExpressionFault:
                continue
            if isinstance(year, int) and 1900 < year < 2200:
                return year
    return day.year


def amounts(view: ParameterView, day: date) -> Callable[[Amount], int]:
    """Return what gives the numbers of indicators: as they stand, or of the parameter they name."""

    def amount(given: Amount) -> int:
        if not isinstance(given, str):
            return given
        value = view.value(given, day).value
        return value if isinstance(value, int) else 0

    return amount


def _organisation(session: Session, organisation_id: int) -> Organisation:
    found = session.get(Organisation, organisation_id)
    if found is None:
        raise NotFound
    return found
