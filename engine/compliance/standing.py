"""Which findings of a matter stand as rows, and what of them a step changes.

A step judges a dozen rules, and most of what they say it has found already. What stands is kept in
short beside the matter's facts, so that only what differs is written.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final, cast

from engine.compliance.results import Outcome, Result

KEPT = frozenset({Outcome.NOT_MET, Outcome.PENDING})
"""Outcomes that make a row of their own."""

in_json: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""Made once: ``json.dumps`` with arguments of its own makes one each time."""

Standing = Mapping[str, str]
"""By ``rule|element|round`` a digest of the row; with ``-`` before it, of a step not done yet."""


@dataclass(frozen=True, slots=True)
class Change:
    """What to write of the findings of a matter."""

    settled: tuple[tuple[str, str, int, str], ...]
    """``(rule, element, round, outcome)`` of what stands no longer."""
    rows: tuple[str, ...]
    """Rows that are new or differ, as JSON."""
    standing: Standing
    """What stands afterwards."""


def read_standing(text: str | None) -> Standing | None:
    """Return what stands as it was kept."""
    return None if text is None else cast(Standing, json.loads(text))


def change_of(
    before: Standing,
    heard: Collection[str],
    results: Iterable[Result],
    rows: Collection[Mapping[str, Any]],
    *,
    complete: bool,
) -> Change:
    """Return what the rules ``heard`` (by id) change, ``rows`` being those of ``results`` kept.

    What they said of steps not done and no longer say does not apply any more; with ``complete``,
    whatever they no longer say.
    """
    if not before and not rows:
        return Change((), (), before)
    after = dict(before)
    settled: list[tuple[str, str, int, str]] = []
    said = set()
    for result in results:
        key = _key(*result.key)
        said.add(key)
        if result.outcome not in KEPT and after.pop(key, None) is not None:
            settled.append((*result.key, str(result.outcome)))
    for key, mark in before.items():
        rule, element, round = key.split("|")
        if key not in said and rule in heard and (complete or mark.startswith("-")):
            del after[key]
            settled.append((rule, element, int(round), str(Outcome.NOT_APPLICABLE)))
    changed = []
    for row in rows:
        text = in_json(row)
        key, mark = _key(row["rule"], row["element"], row["round"]), _mark(row, text)
        if after.get(key) != mark:
            after[key] = mark
            changed.append(text)
    same = not settled and not changed
    return Change(tuple(settled), tuple(changed), before if same else after)


def standing_of(rows: Iterable[Mapping[str, Any]]) -> Standing:
    """Return what stands when these are all rows there are."""
    return {
        _key(row["rule"], row["element"], row["round"]): _mark(row, in_json(row)) for row in rows
    }


def _key(rule: str, element: str, round: int) -> str:
    return f"{rule}|{element}|{round}"


def _mark(row: Mapping[str, Any], text: str) -> str:
    return ("-" if row["seq"] is None else "") + blake2b(text.encode(), digest_size=8).hexdigest()
