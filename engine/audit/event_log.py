"""The event log of matters as XES (IEEE 1849-2016), for process mining by any tool that reads it.

Events come from the ledger in its order. ``time:timestamp`` is the day on which a step happened, at
midnight in Shanghai, or the moment of recording when that was the same day; when it was recorded
stands beside it in any case. Nobody is named unless names were asked for: people are ``P12``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final
from xml.sax.saxutils import quoteattr

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.audit.exporting import MatterLine, every_matter, names_seen
from engine.audit.wanted import MatterFilter
from engine.clock import ZONE
from engine.directory.actors import Actor
from engine.directory.codes import PostKind
from engine.ledger.kinds import EntryKind
from engine.ledger.models import LedgerEntry
from engine.runtime.queries.rows import Names, step_label

NAMESPACE: Final = "http://www.xes-standard.org/"
_EXTENSIONS: Final = (
    ("Concept", "concept"),
    ("Time", "time"),
    ("Lifecycle", "lifecycle"),
    ("Organizational", "org"),
)
_TRANSITIONS: Final = {
    EntryKind.STARTED: "start",
    EntryKind.CLAIMED: "assign",
    EntryKind.UNCLAIMED: "withdraw",
    EntryKind.DELEGATED: "reassign",
    EntryKind.COMPLETED: "complete",
    EntryKind.SENT_BACK: "ate_abort",
    EntryKind.TIMER_FIRED: "complete",
    EntryKind.MESSAGE_RECEIVED: "complete",
    EntryKind.SUSPENDED: "suspend",
    EntryKind.RESUMED: "resume",
    EntryKind.CANCELLED: "pi_abort",
}
"""The kinds of entries that are events of the procedure, by the standard life cycle of XES."""
_UNFIT: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML cannot carry."""


def write_event_log(
    session: Session, actor: Actor, wanted: MatterFilter, *, with_names: bool
) -> Iterator[str]:
    """Yield the log piece by piece: whatever its length, little of it is ever held.

    Raises NotFound, NotAllowed for an organisation that the actor may not look at.
    """
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f'<log xes.version="1849.2016" xes.features="" xmlns="{NAMESPACE}">\n'
    for name, prefix in _EXTENSIONS:
        yield f'<extension name="{name}" prefix="{prefix}" uri="{NAMESPACE}{prefix}.xesext"/>\n'
    yield f'<global scope="trace">\n{_string("concept:name", "")}</global>\n'
    yield (
        f'<global scope="event">\n{_string("concept:name", "")}'
        f"{_date('time:timestamp', datetime(1970, 1, 1, tzinfo=ZONE))}"
        f"{_string('lifecycle:transition', 'unknown')}</global>\n"
    )
    yield '<classifier name="Activity" keys="concept:name"/>\n'
    yield '<classifier name="ActivityAndTransition" keys="concept:name lifecycle:transition"/>\n'
    yield _string("concept:name", "Guicheng")
    yield _string("lifecycle:model", "standard")
    matters = every_matter(session, actor, wanted)
    while lines := list(islice(matters, 100)):
        yield from _traces(session, actor, lines, with_names)
    yield "</log>\n"


def _traces(
    session: Session, actor: Actor, lines: Sequence[MatterLine], with_names: bool
) -> Iterator[str]:
    rows = session.execute(
        select(
            LedgerEntry.chain_id,
            LedgerEntry.seq,
            LedgerEntry.kind,
            LedgerEntry.recorded_at,
            LedgerEntry.occurred_on,
            LedgerEntry.actor_id,
            LedgerEntry.element,
            LedgerEntry.payload,
        )
        .where(
            LedgerEntry.chain_id.in_([line.id for line in lines]),
            LedgerEntry.kind.in_([str(kind) for kind in _TRANSITIONS]),
        )
        .order_by(LedgerEntry.chain_id, LedgerEntry.seq)
    ).all()
    people: dict[int, str] = {}
    if with_names:
        concerned = {line.subject_id for line in lines} | {row.actor_id for row in rows}
        people = names_seen(session, actor, {who for who in concerned if who is not None})
    names = Names(session)
    events: dict[int, list[Any]] = {}
    for row in rows:
        events.setdefault(row.chain_id, []).append(row)
    for line in lines:
        yield "<trace>\n"
        yield _string("concept:name", line.number)
        yield _string("process", line.definition.package.key)
        yield _string("org:group", line.organisation_name)
        yield _string("status", line.status.value)
        if line.outcome:
            yield _string("outcome", line.outcome)
        if line.subject_id is not None:
            yield _string("subject", people.get(line.subject_id, f"P{line.subject_id}"))
        for row in events.get(line.id, ()):
            yield _event(row, line, people, names)
        yield "</trace>\n"


def _event(row: Any, line: MatterLine, people: dict[int, str], names: Names) -> str:
    kind = EntryKind(row.kind)
    payload = json.loads(row.payload) if row.payload else {}
    recorded = row.recorded_at.astimezone(ZONE)
    at = recorded
    if row.occurred_on is not None and row.occurred_on != recorded.date():
        at = datetime.combine(row.occurred_on, datetime.min.time(), ZONE)
    pieces = [
        _string("concept:name", _activity(kind, row.element, line)),
        _date("time:timestamp", at),
        _string("lifecycle:transition", _TRANSITIONS[kind]),
        _date("recorded", recorded),
        f'<int key="entry" value="{row.seq}"/>\n',
        _string("kind", kind.value),
    ]
    if row.element:
        pieces.append(_string("element", row.element))
    if row.actor_id is not None:
        pieces.append(_string("org:resource", people.get(row.actor_id, f"P{row.actor_id}")))
    post = str(payload.get("post") or "")
    if post.startswith("o"):
        place, _, held = post[1:].partition(":")
        pieces.append(_string("org:role", PostKind(held).label))
        pieces.append(_string("org:group", names.organisation(int(place))))
    return f"<event>\n{''.join(pieces)}</event>\n"


def _activity(kind: EntryKind, element: str | None, line: MatterLine) -> str:
    if (
        kind is EntryKind.MESSAGE_RECEIVED
        and element
        and element in line.definition.package.messages
    ):
        return line.definition.package.messages[element].title
    return step_label(line.definition, element) if element else kind.label


def _string(key: str, value: str) -> str:
    return f'<string key="{key}" value={quoteattr(_UNFIT.sub("", value), _BREAKS)}/>\n'


def _date(key: str, value: datetime) -> str:
    return f'<date key="{key}" value="{value.isoformat(timespec="milliseconds")}"/>\n'


_BREAKS: Final = {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
