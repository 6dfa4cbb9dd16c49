"""Years in short: all periods of a duty in a year as one text, for boards that count thousands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from engine.calendars.arithmetic import Period
from engine.duties.board_views import Tally
from engine.duties.codes import DutyState

LETTERS: Final[Mapping[str, DutyState]] = {
    "p": DutyState.PLANNED,
    "o": DutyState.DUE,
    "d": DutyState.DONE,
    "l": DutyState.LATE,
    "m": DutyState.MADE_UP,
    "x": DutyState.LAPSED,
}
MONTHS: Final = "ABCDEFGHIJKL"
"""Letters of the months in which a period ends."""

_LETTER = "CASE d.state " + " ".join(f"WHEN '{s}' THEN '{c}'" for c, s in LETTERS.items()) + " END"
_STRIPS = f"""
    SELECT d.organisation_id, d.key, extract(year FROM d.until)::smallint AS year, d.path,
        string_agg(chr(64 + extract(month FROM d.until)::int) || {_LETTER}, '' ORDER BY d.until)
            AS states
    FROM duty d WHERE {{which}} GROUP BY 1, 2, 3, 4
"""  # noqa: S608 - constants of this module; values are bound
_WRITE = """
    WITH now AS (
        INSERT INTO duty_year (organisation_id, key, year, path, states) {strips}
        ON CONFLICT (organisation_id, key, year, path) DO UPDATE SET states = excluded.states
        WHERE duty_year.states <> excluded.states
    )
    DELETE FROM duty_year d WHERE {which} AND NOT EXISTS (
        SELECT FROM duty t WHERE t.organisation_id = d.organisation_id AND t.key = d.key
            AND t.path = d.path AND extract(year FROM t.until)::smallint = d.year
    )
"""
_SOME = "(d.organisation_id, d.key) IN (SELECT * FROM unnest(:places, CAST(:keys AS text[])))"

_WRITE_SOME = text(
    _WRITE.format(strips=_STRIPS.format(which=_SOME), which=_SOME).replace(
        "unnest(:places,", "unnest(CAST(:places AS bigint[]),"
    )
)
_WRITE_ALL = text(
    _WRITE.format(
        strips=_STRIPS.format(which="d.until >= make_date(:year, 1, 1)"), which="d.year >= :year"
    )
)


def write_years(session: Session, pairs: Iterable[tuple[int, str]]) -> None:
    """Write the years of these organisations and duties anew."""
    known = sorted(set(pairs))
    if known:
        session.execute(
            _WRITE_SOME, {"places": [p for p, _ in known], "keys": [k for _, k in known]}
        )


def write_all_years(session: Session, oldest: date) -> None:
    """Write all years from that of ``oldest`` on anew; what is right already is left alone."""
    session.execute(_WRITE_ALL, {"year": oldest.year})


@lru_cache(maxsize=50_000)
def count_states(states: str, first: int, last: int) -> Tally:
    """Count the periods that end in the months from ``first`` to ``last`` by how they stand."""
    counts = Counter(
        LETTERS[states[at + 1]].value
        for at in range(0, len(states), 2)
        if first <= MONTHS.index(states[at]) + 1 <= last
    )
    counts.pop(DutyState.LAPSED.value, None)
    return Tally(**counts)


def months_of(span: Period) -> tuple[int, int, int]:
    """Return year, first and last month of a span of whole months within a year."""
    return span.first.year, span.first.month, span.last.month
