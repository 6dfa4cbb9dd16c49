"""What an auditor looks for in the record: late entries, overrides, waivers, corrections.

All from the ledger itself, within the matters in which the actor may see findings.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Date as DateType
from sqlalchemy import cast, func, select, text, tuple_
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from engine.audit.rows import Words
from engine.audit.scope import Place, matters_seen
from engine.audit.views import TrailRow
from engine.clock import ZONE, Clock
from engine.coded import Coded
from engine.compliance.backfill import GAP, USUAL_GAP
from engine.compliance.parameter_store import parameter_view
from engine.compliance.regulation_store import current_regulations
from engine.directory.actors import Actor
from engine.directory.models import Organisation
from engine.errors import N_, InvalidInput
from engine.ledger.kinds import EntryKind
from engine.ledger.models import LedgerEntry
from engine.runtime.models import Instance, format_number
from engine.runtime.queries.rows import Names, step_label


class TrailList(Coded):
    """The lists that are read from the ledger."""

    LATE = "late", N_("补录")
    OVERRIDDEN = "overridden", N_("准予越过")
    WAIVED = "waived", N_("豁免")
    CORRECTED = "corrected", N_("更正")


_RECORDED_ON: Final = cast(func.timezone("Asia/Shanghai", LedgerEntry.recorded_at), DateType)
# Literally the condition of the index ix_ledger_entry_late, or it would not be used.
_LATE: Final = text(
    "ledger_entry.kind = 'completed' AND ledger_entry.occurred_on"
    " < ((ledger_entry.recorded_at AT TIME ZONE 'Asia/Shanghai')::date)"
)
_STEERED: Final = text("ledger_entry.kind IN ('overridden', 'waived', 'corrected')")


def gap_allowed(session: Session, place: Place, clock: Clock) -> int:
    """Return how many days may lie between happening and recording, as the place has it."""
    declared = current_regulations(session).parameters
    if GAP not in declared:
        return USUAL_GAP
    return parameter_view(session, place.path, declared).value(GAP, clock.today()).number


def list_trail(
    session: Session,
    actor: Actor,
    wanted: TrailList,
    place: Place,
    *,
    gap: int = 0,
    since: date | None = None,
    until: date | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> tuple[tuple[TrailRow, ...], str | None]:
    """Return entries below ``place``, the latest first, and the cursor of the next page.

    ``gap``: of late entries only those with more days than that; ``since`` and ``until`` are the
    days on which they were recorded. Raises InvalidInput for a cursor that we did not give.
    """
    order = (LedgerEntry.recorded_at, LedgerEntry.chain_id, LedgerEntry.seq)
    query = (
        select(
            LedgerEntry.chain_id,
            LedgerEntry.seq,
            LedgerEntry.kind,
            LedgerEntry.recorded_at,
            LedgerEntry.occurred_on,
            LedgerEntry.actor_id,
            LedgerEntry.element,
            LedgerEntry.payload,
            Instance.version_id,
            Instance.prefix,
            Instance.year,
            Instance.serial,
            Instance.title,
            Organisation.short_name,
        )
        .join(Instance, Instance.id == LedgerEntry.chain_id)
        .join(Organisation, Organisation.id == Instance.organisation_id)
        .where(
            matters_seen(actor),
            Instance.path.like(f"{place.path}%"),
            *_conditions(wanted, gap, since, until),
        )
        .order_by(*(column.desc() for column in order))
        .limit(limit + 1)
    )
    if cursor:
        query = query.where(tuple_(*order) < tuple_(*_position(cursor)))
    rows = session.execute(query).all()
    shown = rows[:limit]
    return tuple(_rows(session, shown)), _cursor(shown[-1]) if len(rows) > limit else None


def _conditions(
    wanted: TrailList, gap: int, since: date | None, until: date | None
) -> list[ColumnElement[bool]]:
    found: list[Any] = []
    if wanted is TrailList.LATE:
        found += [_LATE, _RECORDED_ON - LedgerEntry.occurred_on > gap]
    else:
        found += [_STEERED, LedgerEntry.kind == str(wanted)]
    if since is not None:
        found.append(LedgerEntry.recorded_at >= _midnight(since))
    if until is not None:
        found.append(LedgerEntry.recorded_at < _midnight(until + timedelta(days=1)))
    return found


def _rows(session: Session, rows: Sequence[Any]) -> list[TrailRow]:
    words, names = Words(session), Names(session)
    names.fetch(row.actor_id for row in rows)
    return [_row(row, words, names) for row in rows]


def _row(row: Any, words: Words, names: Names) -> TrailRow:
    definition = words.definition(row.version_id)
    payload = json.loads(row.payload) if row.payload else {}
    kind = EntryKind(row.kind)
    rule_id = str(payload.get("rule") or "")
    book = words.book(definition) if rule_id else None
    rule = book.rule(rule_id) if book is not None else None
    recorded_on = row.recorded_at.astimezone(ZONE).date()
    late = kind is EntryKind.COMPLETED and row.occurred_on is not None
    post = payload.get("post")
    return TrailRow(
        instance_id=row.chain_id,
        matter_number=format_number(row.prefix, row.year, row.serial),
        process_title=definition.package.title,
        subject_name=row.title,
        organisation_name=row.short_name,
        seq=row.seq,
        kind=kind,
        recorded_at=row.recorded_at,
        occurred_on=row.occurred_on,
        gap=(recorded_on - row.occurred_on).days if late else None,
        step=step_label(definition, row.element) if row.element else "",
        person_name=names.person(row.actor_id),
        post=names.principal(post) if post else None,
        reason=str(payload.get("reason") or ""),
        rule=rule_id,
        rule_title=rule.title if rule else rule_id,
        rule_title_en=rule.title_en if rule else rule_id,
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), ZONE)


def _cursor(row: Any) -> str:
    at = row.recorded_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return f"{at}~{row.chain_id}~{row.seq}"


def _position(cursor: str) -> tuple[datetime, int, int]:
    try:
        at, chain_id, seq = cursor.split("~")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is not None and int(chain_id) < 2**63 and int(seq) < 2**31:
            return moment, int(chain_id), int(seq)
    except (ValueError, OverflowError):
        pass
    raise InvalidInput({"cursor": [N_("翻页位置无效，请回到第一页。")]})
