"""Which entries of a chain still stand: a send-back takes the matter to before earlier ones.

The entries stay in the ledger. An entry once undone is undone for ever: the matter goes on from the
state before the step that it was sent back to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from engine.ledger.kinds import EntryKind

RESTORED = "restored"
"""The key under which a send-back's payload names the entry whose earlier state it restored."""


def undone_entries(entries: Sequence[Any], payloads: Mapping[int, Mapping[str, Any]]) -> set[int]:
    """Return the numbers of the entries that later send-backs took the matter to before.

    ``entries`` (with ``seq`` and ``kind``) are all of one matter, in order. An erased payload is
    empty; how far an erased send-back went is told by the entry that erased it.
    """
    told: dict[str, int] = {}
    for entry in entries:
        if entry.kind == EntryKind.ERASED:
            told |= payloads[entry.seq].get(RESTORED, {})
    gone: set[int] = set()
    for entry in entries:
        if entry.kind == EntryKind.SENT_BACK:
            first = payloads[entry.seq].get(RESTORED, told.get(str(entry.seq), entry.seq))
            gone |= set(range(first, entry.seq))
    return gone


def restored_by(entries: Sequence[Any]) -> dict[str, int]:
    """Return how far the send-backs among ``entries`` went, for the entry that erases them.

    ``entries`` have ``seq``, ``kind`` and ``payload``, the last as stored.
    """
    return {
        str(entry.seq): json.loads(entry.payload)[RESTORED]
        for entry in entries
        if entry.kind == EntryKind.SENT_BACK and RESTORED in json.loads(entry.payload)
    }
