"""What was not done in time is a finding: without a matter, of an organisation and a period."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.compliance.regulation_store import current_regulations
from engine.compliance.regulations import Regulations
from engine.compliance.results import Outcome, sentence_data
from engine.definitions.duties import Duty, DutyPeriod
from engine.definitions.package import Basis
from engine.duties.catalogue import Catalogue, KnownDuty
from engine.duties.codes import DutyState
from engine.duties.models import DutyRow
from engine.duties.tallies import PlaceTally, tallies
from engine.errors import N_, Translatable

BATCH: Final = 1000

_KEEP = text(
    """
    INSERT INTO finding (duty_id, process_key, organisation_id, path, rule, element, round, outcome,
        severity, regulation, edition, articles, day, provisional, overridden, template, params,
        state, found_at, changed_at)
    SELECT n.duty_id, n.process_key, n.organisation_id, n.path, n.rule, n.element, 1, 'not_met',
        n.severity, n.regulation, n.edition, n.articles, n.day, false, false, n.template, n.params,
        'open', :now, :now
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS n(duty_id bigint, process_key text,
        organisation_id bigint, path text, rule text, element text, severity text, regulation text,
        edition text, articles text[], day date, template text, params jsonb)
    ON CONFLICT (duty_id) WHERE duty_id IS NOT NULL DO UPDATE SET
        template = excluded.template, params = excluded.params, path = excluded.path,
        outcome = CASE WHEN finding.outcome = 'waived' THEN 'waived' ELSE 'not_met' END,
        resolved_at = CASE WHEN finding.outcome = 'waived' THEN finding.resolved_at END,
        changed_at = excluded.changed_at,
        state = CASE WHEN finding.outcome IN ('not_met', 'waived') THEN finding.state
            ELSE 'open' END
    WHERE finding.outcome NOT IN ('not_met', 'waived') OR finding.params <> excluded.params
        OR finding.template <> excluded.template
    """
)

_SETTLE = text(
    """
    UPDATE finding SET outcome = :outcome, resolved_at = :now, changed_at = :now
    WHERE duty_id = ANY(:ids) AND outcome = 'not_met'
    """
)


def keep_findings(session: Session, known: Catalogue, ids: Sequence[int], clock: Clock) -> None:
    """Let the findings of these duties say how they stand: late, made up, or not broken at all."""
    for at in range(0, len(ids), BATCH):
        rows = session.execute(
            select(
                DutyRow.id,
                DutyRow.organisation_id,
                DutyRow.path,
                DutyRow.key,
                DutyRow.since,
                DutyRow.until,
                DutyRow.due_on,
                DutyRow.times,
                DutyRow.done,
                DutyRow.done_on,
                DutyRow.state,
            ).where(DutyRow.id.in_(ids[at : at + BATCH]))
        ).all()
        _keep(session, known, rows, clock)


def _keep(session: Session, known: Catalogue, rows: Sequence[Any], clock: Clock) -> None:
    regulations = current_regulations(session)
    counted = _counted(session, known, rows)
    broken, met, gone = [], [], []
    for row in rows:
        duty = known.duties.get(row.key)
        match row.state:
            case DutyState.LATE | DutyState.MADE_UP if duty is not None:
                broken.append(_row(duty, row, regulations, counted.get(row.id)))
            case DutyState.DONE:
                met.append(row.id)
            case DutyState.LAPSED | DutyState.DUE | DutyState.PLANNED:
                gone.append(row.id)
    if broken:
        session.execute(_KEEP, {"rows": json.dumps(broken, ensure_ascii=False), "now": clock.now()})
    for outcome, ids in ((Outcome.MET, met), (Outcome.NOT_APPLICABLE, gone)):
        if ids:
            session.execute(_SETTLE, {"outcome": str(outcome), "ids": ids, "now": clock.now()})


def _counted(session: Session, known: Catalogue, rows: Sequence[Any]) -> dict[int, PlaceTally]:
    """Return how far the members are, of the duties that are late tallies."""
    groups: dict[tuple[str, date, date], list[Any]] = defaultdict(list)
    for row in rows:
        duty = known.duties.get(row.key)
        if duty is not None and duty.duty.tally is not None and row.state == DutyState.LATE:
            groups[row.key, row.since, row.until].append(row)
    found: dict[int, PlaceTally] = {}
    for (key, since, until), group in groups.items():
        places = [row.organisation_id for row in group]
        by_place = tallies(session, known.duties[key], places, since, until)
        found |= {row.id: by_place[row.organisation_id] for row in group}
    return found


def _row(
    known: KnownDuty, row: Any, regulations: Regulations, counted: PlaceTally | None
) -> dict[str, Any]:
    duty = known.duty
    said = broken_sentence(duty, row) if counted is None else short_sentence(duty, row, counted)
    template, params = sentence_data(said)
    cited = basis_on(duty, row.until, regulations)
    first = cited[0] if cited else None
    regulation = regulations.find(first.regulation) if first else None
    return {
        "duty_id": row.id,
        "process_key": duty.process,
        "organisation_id": row.organisation_id,
        "path": row.path,
        "rule": duty.rule,
        "element": duty.counts[0].element,
        "severity": duty.severity,
        "regulation": (regulation.id if regulation else first.regulation) if first else None,
        "edition": first.edition if first else None,
        "articles": [
            basis.article
            for basis in cited
            if first and (basis.regulation, basis.edition) == (first.regulation, first.edition)
        ],
        "day": row.due_on.isoformat(),
        "template": template,
        "params": params,
    }


def basis_on(duty: Duty, day: date, regulations: Regulations) -> tuple[Basis, ...]:
    """Return the articles of a duty in the editions that were in force on ``day``."""
    found = []
    for basis in duty.basis:
        regulation = regulations.find(basis.regulation)
        edition = regulation.edition_on(day) if regulation else None
        if edition is None or edition.id == basis.edition:
            found.append(basis)
    return tuple(found) or duty.basis


def broken_sentence(duty: Duty, row: Any) -> Translatable:
    """Return what was owed, what was done and what lacks, with the days."""
    params: Mapping[str, Any] = {
        "period": period_words(duty.period, row.since, row.until),
        "duty": Translatable(duty.title),
        "times": row.times,
        "due": row.due_on.isoformat(),
        "done": row.done,
        "lacking": row.times - row.done,
    }
    if row.state == DutyState.MADE_UP:
        made_up = {**params, "day": row.done_on.isoformat()}
        return Translatable(
            N_(
                "%(period)s应办“%(duty)s” %(times)s 次，最迟 %(due)s；"
                "到 %(day)s 才补足，晚 %(late)s 天。"
            ),
            {**made_up, "late": (row.done_on - row.due_on).days},
        )
    return Translatable(
        N_(
            "%(period)s应办“%(duty)s” %(times)s 次，最迟 %(due)s；"
            "按记录已办 %(done)s 次，缺 %(lacking)s 次。"
        ),
        params,
    )


def short_sentence(duty: Duty, row: Any, counted: PlaceTally) -> Translatable:
    """Return how many members lack how much. Names stand on the branch's own page only."""
    return Translatable(
        N_(
            "%(period)s“%(duty)s”：核对党员 %(judged)s 名，一般不少于 %(least)s，"
            "班子成员不少于 %(leading)s；按记录 %(short)s 名不足，共缺 %(lacking)s。"
        ),
        {
            "period": period_words(duty.period, row.since, row.until),
            "duty": Translatable(duty.title),
            "judged": counted.judged,
            "least": counted.least,
            "leading": counted.leading,
            "short": len(counted.short),
            "lacking": f"{counted.lacking:g}",
        },
    )


def period_words(kind: DutyPeriod, since: date, until: date) -> Translatable:
    """Return a period as people call it."""
    match kind:
        case DutyPeriod.MONTH:
            return Translatable(
                N_("%(year)s年%(month)s月"), {"year": since.year, "month": since.month}
            )
        case DutyPeriod.QUARTER if since.month % 3 == 1:
            quarter = (since.month + 2) // 3
            return Translatable(
                N_("%(year)s年第%(quarter)s季度"), {"year": since.year, "quarter": quarter}
            )
        case DutyPeriod.YEAR if since.month == 1:
            return Translatable(N_("%(year)s年度"), {"year": since.year})
    return Translatable(
        N_("%(since)s 至 %(until)s"), {"since": since.isoformat(), "until": until.isoformat()}
    )
