"""Which field of a changed entry was changed, and what stood there before.

The digest of the entry still knows. Where the former value is one of few (a kind, a day, a person)
we put each in its place until the digest is right again. Only entries found faulty come here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from engine.digests import FORMS, digester
from engine.ledger.chain import canonical, payload_digest
from engine.ledger.kinds import EntryKind

DAYS_BEFORE: Final = 20 * 366
DAYS_AFTER: Final = 366
"""How far from the day of recording a former day is looked for."""

_HASHED: Final = (
    "form",
    "chain_id",
    "seq",
    "kind",
    "recorded_at",
    "occurred_on",
    "actor_id",
    "on_behalf_of",
    "element",
    "task_id",
    "command_id",
    "payload_digest",
    "state",
    "previous",
)
"""The fields in the order in which they are hashed; ``state`` is the snapshot's digest."""

_OPEN: Final = ("recorded_at", "actor_id", "on_behalf_of", "element", "task_id", "command_id")


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
    for form in FORMS:
        if form != row["form"] and _made(form, _parts({**row, "form": form})) == wanted:
            return Change("form", form)
    if row["form"] not in FORMS:
        return None
    parts = _parts(row)
    make = digester(row["form"])
    for field, values in _candidates(row, suspects):
        index = _HASHED.index("state" if field in ("snapshot", "snapshot_digest") else field)
        before = "[" + "".join(f"{part}," for part in parts[:index])
        after = "".join(f",{part}" for part in parts[index + 1 :]) + "]"
        for value in values:
            text = before + _part(value) + after
            if make(text.encode()).digest() == wanted and value != row[field]:
                return Change(field, None if field == "snapshot" else value)
    return None


def not_excluded(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the fields whose former values are too many to try: one of them, if no other."""
    if row["payload"] is None:
        return (*_OPEN, "payload_digest", "snapshot_digest")
    return (*_OPEN, "snapshot")


def _parts(row: Mapping[str, Any]) -> list[str]:
    """Return the texts of the values that are hashed."""
    state = row["snapshot_digest"]
    if row["snapshot"] is not None:
        state = digester(row["form"])(bytes(row["snapshot"])).digest()
    return [_part(state if field == "state" else row[field]) for field in _HASHED]


def _part(value: Any) -> str:
    match value:
        case bytes():
            return f'"{value.hex()}"'
        case datetime():
            return f'"{value.astimezone(UTC).isoformat(timespec="microseconds")}"'
        case date():
            return f'"{value.isoformat()}"'
        case None | int() | str():
            return canonical(value)
        case _:
            return f'"{value}"'


def _made(form: int, parts: list[str]) -> bytes:
    digest: bytes = digester(form)(f"[{','.join(parts)}]".encode()).digest()
    return digest


def _candidates(row: Mapping[str, Any], suspects: Suspects) -> Iterator[tuple[str, Iterable[Any]]]:
    yield "previous", [suspects.previous]
    if row["payload"] is not None and row["salt"] is not None:
        yield "payload_digest", [payload_digest(row["form"], bytes(row["salt"]), row["payload"])]
    yield "kind", [str(kind) for kind in EntryKind]
    yield "seq", range(1, suspects.length + 2)
    if row["snapshot"] is None:
        yield "snapshot_digest", [None]
    else:
        yield "snapshot", [None, row["snapshot_digest"]]
    yield "command_id", [None]
    yield "element", [None, *suspects.elements()]
    yield "task_id", [None, *suspects.tasks()]
    yield "occurred_on", _days(row)
    people = [None, *suspects.people()]
    yield "actor_id", people
    yield "on_behalf_of", people
    yield "chain_id", suspects.chains(bytes(row["previous"]))


def _days(row: Mapping[str, Any]) -> Iterator[Any]:
    yield None
    if row["recorded_at"] is None:
        return
    recorded = row["recorded_at"].date()
    for distance in range(-DAYS_AFTER, DAYS_BEFORE):
        try:
            yield recorded - timedelta(days=distance)
        except OverflowError:
            continue
