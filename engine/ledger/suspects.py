"""Which field of a changed entry was changed, and what stood there before.

The digest of the entry still knows. Where the former value is one of few (a kind, a day, a person)
we put each in its place until the digest is right again. Only entries found faulty come here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from engine.digests import FORMS
from engine.ledger.chain import entry_digest, payload_digest
from engine.ledger.kinds import EntryKind

YEARS_TRIED: Final = 30
"""How far from the day of recording a former day is looked for."""

UNGUESSABLE: Final = ("recorded_at", "task_id", "command_id", "snapshot")
"""Fields whose former values are too many to try; one of them it is when no other one explains."""


@dataclass(frozen=True)
class Suspects:
    """Former values to try, asked for only when they are needed."""

    length: int
    """The greatest number an entry of the chain may have had."""
    previous: bytes
    """The digest of the entry before."""
    chains: Callable[[bytes], Iterable[int]] = lambda previous: ()
    """Chains with an entry of this digest."""
    people: Callable[[], Iterable[int]] = lambda: ()
    elements: Callable[[], Iterable[str]] = lambda: ()
    tasks: Callable[[], Iterable[int]] = lambda: ()


@dataclass(frozen=True)
class Change:
    """A field, and what it was."""

    field: str
    former: Any


def find_change(row: Mapping[str, Any], suspects: Suspects) -> Change | None:
    """Return the one change that explains why the row and its digest disagree, if one does."""
    wanted = bytes(row["digest"])
    for field, values in _candidates(row, suspects):
        for value in values:
            if value != row[field] and _digest({**row, field: value}) == wanted:
                return Change(field, value)
    return None


def _digest(row: Mapping[str, Any]) -> bytes | None:
    try:
        return entry_digest(row)
    except (KeyError, ValueError, OverflowError, AttributeError):
        return None  # an unknown form, or a moment beyond all calendars


def _candidates(row: Mapping[str, Any], suspects: Suspects) -> Iterator[tuple[str, Iterable[Any]]]:
    yield "previous", [suspects.previous]
    yield "form", FORMS
    if row["payload"] is not None and row["salt"] is not None and row["form"] in FORMS:
        text, salt = row["payload"], bytes(row["salt"])
        yield "payload_digest", [payload_digest(row["form"], salt, text)]
    yield "kind", [str(kind) for kind in EntryKind]
    yield "seq", range(1, suspects.length + 2)
    yield "snapshot_digest", [None]
    yield "snapshot", [None]
    yield "command_id", [None]
    yield "element", [None, *suspects.elements()]
    yield "task_id", [None, *suspects.tasks()]
    yield "occurred_on", _days(row)
    for field in ("actor_id", "on_behalf_of"):
        yield field, [None, *suspects.people()]
    yield "chain_id", suspects.chains(bytes(row["previous"]))


def _days(row: Mapping[str, Any]) -> Iterator[Any]:
    yield None
    if row["recorded_at"] is None:
        return
    recorded = row["recorded_at"].date()
    for distance in range(YEARS_TRIED * 366):
        try:
            yield recorded - timedelta(days=distance)
            yield recorded + timedelta(days=distance)
        except OverflowError:
            return
