"""Lists of findings, the latest first, and the choices of their filters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from engine.audit.rows import Words, read_rows
from engine.audit.scope import FindingFilter, conditions
from engine.audit.views import Cited, FindingRow
from engine.compliance.models import Finding
from engine.definitions.models import ProcessVersion
from engine.directory.actors import Actor
from engine.runtime.queries.cursors import day_and_id

BATCH = 1000
"""Findings read at once for an export."""


def list_findings(
    session: Session,
    actor: Actor,
    wanted: FindingFilter,
    *,
    cursor: str | None = None,
    limit: int = 50,
) -> tuple[tuple[FindingRow, ...], str | None]:
    """Return a page of the findings that the actor may see, and the cursor of the next.

    Raises InvalidInput for a cursor that we did not give; NotFound, NotAllowed for an organisation
    that the actor may not look at.
    """
    query = (
        select(Finding.id, Finding.day)
        .where(*conditions(session, actor, wanted))
        .order_by(Finding.day.desc(), Finding.id.desc())
        .limit(limit + 1)
    )
    if cursor:
        query = query.where(tuple_(Finding.day, Finding.id) < tuple_(*day_and_id(cursor)))
    rows = session.execute(query).all()
    more = f"{rows[limit - 1].day.isoformat()}.{rows[limit - 1].id}" if len(rows) > limit else None
    return tuple(read_rows(session, [row.id for row in rows[:limit]])), more


def every_finding(session: Session, actor: Actor, wanted: FindingFilter) -> Iterator[FindingRow]:
    """Yield all findings of a filter, some at a time."""
    cursor: str | None = None
    while True:
        rows, cursor = list_findings(session, actor, wanted, cursor=cursor, limit=BATCH)
        yield from rows
        if cursor is None:
            return


@dataclass(frozen=True)
class Choices:
    """What the filters offer: the rules of the procedures in use, and their articles."""

    processes: tuple[tuple[str, str], ...]
    rules: tuple[tuple[str, str, str], ...]
    """Rule, title, English title."""
    articles: tuple[Cited, ...]


def choices(session: Session) -> Choices:
    """Return what can be chosen in the filters."""
    words = Words(session)
    keys = session.execute(
        select(ProcessVersion.key, ProcessVersion.title)
        .where(ProcessVersion.active)
        .order_by(ProcessVersion.key)
    ).all()
    rules: dict[str, tuple[str, str, str]] = {}
    articles: dict[tuple[str, str, str], Cited] = {}
    for key, _ in keys:
        definition = words.active(key)
        book = words.book(definition) if definition is not None else None
        for rule in book.rules if book is not None else ():
            rules.setdefault(rule.id, (rule.id, rule.title, rule.title_en))
            for refs in rule.refs.values():
                for cited in words.cited_of(refs):
                    articles[cited.title, cited.edition, cited.number] = cited
        for duty in definition.package.duties.values() if definition is not None else ():
            rules.setdefault(duty.rule, (duty.rule, duty.title, duty.title_en))
            for basis in duty.basis:
                owed = words.cited(basis.regulation, basis.edition, basis.article)
                articles[owed.title, owed.edition, owed.number] = owed
    order = {
        (regulation.short, edition.id, number): place
        for regulation in words.regulations
        for edition in regulation.editions
        for place, number in enumerate(edition.articles)
    }
    return Choices(
        tuple((key, title) for key, title in keys),
        tuple(rules[rule] for rule in sorted(rules)),
        tuple(
            articles[name]
            for name in sorted(articles, key=lambda n: (n[0], n[1], order.get(n, 0)), reverse=False)
        ),
    )
