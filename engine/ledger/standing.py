"""Which entries of a chain still stand: a send-back takes the matter to before earlier ones.

The entries stay in the ledger. An entry once undone is undone for ever: the matter goes on from the
state before the step that it was sent back to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.ledger.kinds import EntryKind

RESTORED = "restored"
"""The key under which a send-back's payload names the entry whose earlier state it restored."""


def undone_entries(entries: Sequence[Any], payloads: Mapping[int, Mapping[str, Any]]) -> set[int]:
    """Return the numbers of the entries that later send-backs took the matter to before.

    ``entries`` (with ``seq`` and ``kind``) are all of one matter, in order.
    """
    gone: set[int] = set()
    for entry in entries:
        if entry.kind == EntryKind.SENT_BACK:
            gone |= set(range(payloads[entry.seq].get(RESTORED, entry.seq), entry.seq))
    return gone
