"""A county in numbers: branches under committees, with a year of what they owe and did.

The rows are made by SQL, as many as a real year has, spread so that every state occurs. The duties
are those of small procedures, so that nothing here depends on the packages of the product.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import psycopg

from engine.definitions.package import Package
from tests.factories import UserTask, procedure

YEAR = 2026

DUTIES: Sequence[tuple[str, str, str, str]] = (
    # procedure, duty of each month, quarter or year, who owes it
    ("members_meeting_x", "quarter", "branch", "R-TM-01"),
    ("committee_meeting_x", "month", "branch", "R-TM-02"),
    ("group_meeting_x", "month", "group", "R-TM-03"),
    ("theme_day_x", "month", "branch", "R-TM-04"),
    ("party_lesson_x", "quarter", "branch", "R-TM-05"),
    ("life_meeting_x", "year", "branch", "R-OL-01"),
    ("review_x", "year", "branch", "R-DR-01"),
    ("assessment_x", "year", "branch", "R-AS-01"),
    ("dues_x", "year", "branch", "R-PN-08"),
    ("leaders_x", "year", "committee", "R-DL-01"),
)


def packages() -> list[Package]:
    """Return the procedures that these duties belong to."""
    return [
        procedure(
            key,
            [UserTask("prepare"), UserTask("hold"), UserTask("close")],
            prefix=f"X{chr(ord('A') + number)}",
            more=(
                f'[[duty]]\nid = "owed"\nrule = "{rule}"\ntitle = "{key}"\nperiod = "{each}"\n'
                f'kinds = ["{kind}"]\ncounts = ["hold"]\n'
            ),
        )
        for number, (key, each, kind, rule) in enumerate(DUTIES)
    ]


_PLACES = """
INSERT INTO organisation (parent_id, path, kind, name, short_name, code, can_approve_members,
    has_committee)
SELECT p.id, p.path, %(kind)s, %(name)s || n, %(name)s || n, %(code)s || p.id || '-' || n,
    %(kind)s = 'committee', true
FROM (SELECT *, row_number() OVER (ORDER BY id) - 1 AS place, count(*) OVER () AS whole
    FROM organisation WHERE code LIKE %(above)s) p
JOIN generate_series(1, %(count)s) n ON (n - 1) %% p.whole = p.place
"""
_PATHS = "UPDATE organisation SET path = path || id || '/' WHERE code LIKE %(below)s"

_MATTERS = """
INSERT INTO instance (version_id, prefix, year, serial, organisation_id, path, title, status, stage,
    revision, snapshot, chain_length, chain_head, started_on, started_at, watch, backfilled)
SELECT v.id, 'Y', %(year)s, row_number() OVER (), o.id, o.path, o.short_name,
    CASE WHEN (o.id + n) %% 12 = 0 THEN 'active' ELSE 'completed' END,
    (ARRAY['prepare', 'hold', 'close'])[1 + (o.id + n) %% 3], 1, NULL, 1, '',
    make_date(%(year)s, 1, 1) + (n * 7 %% 360), now(), 0, false
FROM organisation o JOIN generate_series(1, %(each)s) n ON o.kind IN ('branch', 'group')
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place, count(*) OVER () AS whole
    FROM process_version WHERE active) v ON v.place = (o.id + n) %% v.whole
"""

_DUTIES = """
INSERT INTO duty (organisation_id, path, key, process_key, rule, since, until, due_on, draft_on,
    remind_on, times, done, done_on, state, instance_id, changed_at)
SELECT o.id, o.path, %(key)s, %(process)s, %(rule)s, p.since, p.until, p.until, p.until - 20,
    p.until - 7, 1, CASE WHEN s.state IN ('done', 'made_up') THEN 1 ELSE 0 END,
    CASE s.state WHEN 'done' THEN p.until - 3 WHEN 'made_up' THEN p.until + 5 END, s.state, NULL,
    now()
FROM organisation o
CROSS JOIN LATERAL (
    SELECT d::date AS since, (d + %(each)s::interval - interval '1 day')::date AS until
    FROM generate_series(make_date(%(year)s, 1, 1), make_date(%(year)s, 12, 31),
        %(each)s::interval) d
) p
CROSS JOIN LATERAL (SELECT CASE WHEN p.since > %(today)s THEN 'planned'
    WHEN p.until >= %(today)s THEN 'due' WHEN (o.id * 7 + extract(doy FROM p.since)) %% 23 = 0
    THEN 'late' WHEN (o.id + extract(doy FROM p.since)) %% 31 = 0 THEN 'made_up' ELSE 'done' END
    AS state) s
WHERE o.kind = %(kind)s
"""

_EVENTS = """
INSERT INTO duty_event (instance_id, seq, key, organisation_id, element, day, duty_id)
SELECT i.id, d.id, d.key, d.organisation_id, 'hold', d.done_on, d.id
FROM duty d CROSS JOIN LATERAL (
    SELECT id FROM instance WHERE organisation_id = d.organisation_id LIMIT 1
) i
WHERE d.done_on IS NOT NULL
"""

_FINDINGS = """
INSERT INTO finding (duty_id, process_key, organisation_id, path, rule, element, round, outcome,
    severity, articles, day, provisional, overridden, template, params, state, found_at, changed_at)
SELECT id, process_key, organisation_id, path, rule, 'hold', 1, 'not_met', 'warning', '{}', due_on,
    false, false, '缺 %(lacking)s 次。', '{"lacking": 1}', 'open', now(), now()
FROM duty WHERE state IN ('late', 'made_up')
"""

_EACH = {"month": "1 month", "quarter": "3 months", "year": "1 year"}


def fill_year(
    connection: psycopg.Connection[Any],
    *,
    top: str,
    committees: int = 30,
    branches: int = 3_000,
    groups: int = 6_000,
    matters: int = 12,
    today: date = date(YEAR, 11, 22),
) -> None:
    """Put a county below the organisation with code ``top``, and its year into the tables.

    ``matters`` are those of each branch and group, a twelfth of them running. The years in short
    are for :func:`engine.duties.strips.write_all_years` to write.
    """
    for kind, name, code, above, count in (
        ("committee", "党委", "yc", top, committees),
        ("branch", "支部", "yb", "yc%", branches),
        ("group", "小组", "yg", "yb%", groups),
    ):
        given = {"kind": kind, "name": name, "code": code, "above": above, "count": count}
        connection.execute(_PLACES, given)
        connection.execute(_PATHS, {"below": f"{code}%"})
    connection.execute(_MATTERS, {"year": YEAR, "each": matters})
    for key, each, kind, rule in DUTIES:
        connection.execute(
            _DUTIES,
            {
                "key": f"{key}.owed",
                "process": key,
                "rule": rule,
                "each": _EACH[each],
                "kind": kind,
                "year": YEAR,
                "today": today,
            },
        )
    connection.execute(_EVENTS)
    connection.execute(_FINDINGS.encode())
