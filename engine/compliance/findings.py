"""What rules found of a matter, written in the transaction of the step that they judge.

Only what is not met, or has to be met by a day to come, is kept as a row. What was a problem once
keeps its row when it is met later; what was only to come goes when it is done.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any, Final

from sqlalchemy.orm import Session

from engine.coded import Coded
from engine.compliance.facts import Facts
from engine.compliance.results import Result, sentence_data
from engine.compliance.standing import (
    KEPT,
    Standing,
    change_of,
    in_json,
    read_standing,
    standing_of,
)
from engine.database import Later, Record, fetch, fetch_later
from engine.errors import N_


class FindingState(Coded):
    """What people have made of a finding."""

    OPEN = "open", N_("待处理")
    ASKED = "asked", N_("待说明")
    EXPLAINED = "explained", N_("已说明")
    CONCLUDED = "concluded", N_("已结论")
    WAIVED = "waived", N_("已豁免")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a matter belongs, as its findings carry it."""

    instance_id: int
    process_key: str
    organisation_id: int
    path: str


_READ_FACTS = "SELECT facts, standing FROM matter_facts WHERE instance_id = %(id)s"

_WRITE_FACTS = """
    INSERT INTO matter_facts (instance_id, facts, standing)
    VALUES (%(chain_id)s, %(facts)s, %(standing)s)
    ON CONFLICT (instance_id) DO UPDATE SET facts = excluded.facts, standing = excluded.standing
"""
"""What is kept beside a matter for its next step; ``chain_id`` is the matter."""

_SETTLING = """
    said AS (
        SELECT * FROM unnest((SELECT %(rules)s::text[]), (SELECT %(elements)s::text[]),
            (SELECT %(rounds)s::integer[]), (SELECT %(outcomes)s::text[]))
            AS n(rule, element, round, outcome)
    ),
    settled AS (
        SELECT f.id, f.outcome AS before, coalesce(n.outcome, 'not_applicable') AS outcome
        FROM finding f LEFT JOIN said n USING (rule, element, round)
        WHERE f.instance_id = %(chain_id)s AND CASE WHEN n.outcome IS NULL
            THEN f.rule = ANY((SELECT %(heard)s::text[])::text[]) AND (f.seq IS NULL OR %(all)s)
            ELSE n.outcome NOT IN ('not_met', 'pending') END
    ),
    gone AS (
        DELETE FROM finding f USING settled s WHERE f.id = s.id AND s.before = 'pending'
    ),
    over AS (
        UPDATE finding f SET outcome = s.outcome, resolved_at = %(recorded_at)s,
            changed_at = %(recorded_at)s,
            state = CASE WHEN s.outcome = 'waived' THEN 'waived' ELSE f.state END
        FROM settled s WHERE f.id = s.id AND s.before NOT IN ('pending', s.outcome)
    )
"""
"""Parts of a statement that settle what is no longer kept.

Something only to come goes, a problem stays with how it ended. What a rule said of a step not done,
and no longer says, does not apply any more. What the planner cannot see (SELECT …) it cannot plan
for anew each time.
"""

_KEEPING = """
    kept AS (
        INSERT INTO finding (instance_id, process_key, organisation_id, path, rule, element, round,
            seq, outcome, severity, regulation, edition, articles, day, until, provisional,
            overridden, template, params, state, found_at, changed_at)
        SELECT %(chain_id)s, %(process_key)s, %(organisation_id)s, %(path)s, n.rule, n.element,
            n.round, n.seq, n.outcome, n.severity, n.regulation, n.edition, n.articles, n.day,
            n.until, n.provisional, n.overridden, n.template, n.params, 'open', %(recorded_at)s,
            %(recorded_at)s
        FROM jsonb_to_recordset((SELECT %(results)s::jsonb)) AS n(rule text, element text,
            round integer, seq integer, outcome text, severity text, regulation text,
            edition text, articles text[], day date, until date, provisional boolean,
            overridden boolean, template text, params jsonb)
        ON CONFLICT (instance_id, rule, element, round) DO UPDATE SET seq = excluded.seq,
            outcome = excluded.outcome, severity = excluded.severity,
            regulation = excluded.regulation, edition = excluded.edition,
            articles = excluded.articles, day = excluded.day, until = excluded.until,
            provisional = excluded.provisional, overridden = excluded.overridden,
            template = excluded.template, params = excluded.params,
            changed_at = excluded.changed_at, resolved_at = NULL,
            state = CASE WHEN finding.outcome = excluded.outcome THEN finding.state
                ELSE 'open' END,
            found_at = CASE WHEN finding.outcome = excluded.outcome THEN finding.found_at
                ELSE excluded.found_at END
        WHERE (finding.outcome, finding.seq, finding.until, finding.params, finding.template,
                finding.edition, finding.provisional, finding.overridden)
            IS DISTINCT FROM (excluded.outcome, excluded.seq, excluded.until, excluded.params,
                excluded.template, excluded.edition, excluded.provisional, excluded.overridden)
        RETURNING id, element, outcome, found_at
    )
"""
"""A part that keeps what is new or differs: never what is settled, so both may see what was."""

_NEW_PROBLEMS = """
    SELECT id FROM kept
    WHERE outcome = 'not_met' AND found_at = %(recorded_at)s
"""

_WRITE = {
    (False, False): _WRITE_FACTS,
    (True, False): f"WITH {_SETTLING} {_WRITE_FACTS}",
    (False, True): f"WITH facts AS ({_WRITE_FACTS}), {_KEEPING} {_NEW_PROBLEMS}",
    (True, True): f"WITH facts AS ({_WRITE_FACTS}), {_SETTLING}, {_KEEPING} {_NEW_PROBLEMS}",
}
"""By whether findings are settled, and whether some are kept: each part costs the server something
even if it finds nothing to do."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is kept beside a matter for its next step."""

    facts: Facts
    standing: Standing | None
    """The findings that stand; None: not known."""
    text: str | None
    """The same, as it is kept."""


def load_facts(session: Session, instance_id: int) -> Facts | None:
    """Return the facts kept of a matter, None when there are none yet."""
    rows = fetch(session, _READ_FACTS, {"id": instance_id})
    return _kept.read(instance_id, rows[0].facts, rows[0].standing).facts if rows else None


def remembered(session: Session, row: Record) -> Remembered | None:
    """Return what is kept beside the locked matter in ``row``, asking only if the row lacks it."""
    if not hasattr(row, "facts"):
        found = fetch(session, _READ_FACTS, {"id": row.instance_id})
        if not found:
            return None
        facts, standing = found[0].facts, found[0].standing
    else:
        facts, standing = row.facts, row.standing
    if facts is None:
        return None
    return _kept.read(row.instance_id, facts, standing)


class _Kept:
    """What was written lately, each with its text: reading the same text needs no parsing.

    The text in the database decides. Safe to use from many threads.
    """

    def __init__(self, most: int = 500) -> None:
        self._most = most
        self._known: OrderedDict[int, tuple[str, Remembered]] = OrderedDict()
        self._lock = Lock()

    def read(self, instance_id: int, facts: str, standing: str | None) -> Remembered:
        with self._lock:
            known = self._known.get(instance_id)
        if known is not None and known[0] == facts and known[1].text == standing:
            return known[1]
        return Remembered(Facts.from_json(facts), read_standing(standing), standing)

    def remember(self, instance_id: int, facts: str, kept: Remembered) -> None:
        with self._lock:
            self._known[instance_id] = facts, kept
            self._known.move_to_end(instance_id)
            while len(self._known) > self._most:
                self._known.popitem(last=False)


_kept = _Kept()


class Breaches:
    """The findings that became a problem. Known once their statement has been carried out."""

    def __init__(self, later: Later | None) -> None:
        self._later = later

    def ids(self) -> list[int]:
        """Return the ids of what became a problem just now."""
        return [] if self._later is None else [row.id for row in self._later.rows()]


NO_BREACHES: Final = Breaches(None)


@dataclass(frozen=True, slots=True)
class Found:
    """What judging a matter came to, ready to be written."""

    place: Place
    facts: str
    standing: str | None
    rows: tuple[str, ...]
    """Findings that are new or differ, as JSON."""
    said: Sequence[tuple[str, str, int, str]]
    """``(rule, element, round, outcome)`` of what may stand no longer."""
    heard: Collection[str] = ()
    """Rules whose findings are to be settled unless they were ``said`` again."""
    complete: bool = False


def found_of(
    place: Place,
    facts: Facts,
    heard: Collection[str],
    results: Sequence[Result],
    *,
    before: Remembered | None = None,
    complete: bool = False,
) -> Found:
    """Return what the rules ``heard`` (by id) found of a matter, with its facts.

    Findings of other rules are left alone. Of those heard, what they said of steps not done yet is
    settled if they no longer say it; with ``complete``, whatever they no longer say. Where it is
    known what stood ``before``, only what differs is to be written.
    """
    rows = [row_of(result) for result in results if result.outcome in KEPT]
    text = facts.to_json()
    if before is not None and before.standing is not None:
        change = change_of(before.standing, heard, results, rows, complete=complete)
        after: Standing | None = change.standing
        stands = before.text if after is before.standing else in_json(after)
        found = Found(place, text, stands, change.rows, change.settled)
    else:
        said = [(*result.key, str(result.outcome)) for result in results]
        after = standing_of(rows) if complete else None
        stands = None if after is None else in_json(after)
        found = Found(place, text, stands, tuple(map(in_json, rows)), said, heard, complete)
    _kept.remember(place.instance_id, text, Remembered(facts, after, stands))
    return found


def write_found(session: Session, found: Found, now: datetime) -> Breaches:
    """Write what was found of a matter, and what its next step needs, with what comes next."""
    rules, elements, rounds, outcomes = [list(c) for c in zip(*found.said, strict=True)] or [[]] * 4
    settles, keeps = bool(found.said or found.heard), bool(found.rows)
    place = found.place
    values = {
        "chain_id": place.instance_id,
        "process_key": place.process_key,
        "organisation_id": place.organisation_id,
        "path": place.path,
        "recorded_at": now,
        "facts": found.facts,
        "standing": found.standing,
        "rules": rules,
        "elements": elements,
        "rounds": rounds,
        "outcomes": outcomes,
        "heard": list(found.heard),
        "all": found.complete,
        "results": f"[{','.join(found.rows)}]",
    }
    later = fetch_later(session, _WRITE[settles, keeps], values)
    return Breaches(later if keeps else None)


def row_of(result: Result) -> dict[str, Any]:
    """Return the row that a result makes."""
    template, params = sentence_data(result.sentence)
    first = result.articles[0] if result.articles else None
    return {
        "rule": result.rule.id,
        "element": result.element,
        "round": result.round,
        "seq": result.seq,
        "outcome": str(result.outcome),
        "severity": str(result.severity),
        "regulation": first.regulation if first else None,
        "edition": result.edition,
        "articles": [article.article for article in result.articles],
        "day": result.day.isoformat(),
        "until": result.until.isoformat() if result.until else None,
        "provisional": result.provisional,
        "overridden": result.overridden,
        "template": template,
        "params": params,
    }
