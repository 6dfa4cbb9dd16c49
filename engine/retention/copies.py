"""What the application keeps beside the ledger of what was erased from it: it goes as well.

Facts that rules read, the words of findings and of what people said about them, drafts, files. That
a rule was not met, when and by which article, stays on record; the sentence with its numbers goes.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import delete, or_, select, text, update
from sqlalchemy.orm import Session

from engine.attachments.models import Attachment
from engine.compliance.models import Finding, FindingNote, MatterFacts
from engine.errors import N_
from engine.ledger.kinds import EntryKind
from engine.ledger.models import LedgerEntry

GONE: Final = N_("内容已按保管期限清除。")
"""What stands in the place of a sentence."""

_DRAFTS = text("DELETE FROM draft WHERE task_id IN (SELECT id FROM task WHERE instance_id = :id)")


def erase_copies(session: Session, instance_id: int, seqs: Collection[int]) -> None:
    """Take away what is kept of entries ``seqs`` outside the ledger, in the same transaction."""
    session.execute(delete(MatterFacts).where(MatterFacts.instance_id == instance_id))
    session.execute(_DRAFTS, {"id": instance_id})
    # A finding of what was never done rests on the steps before it.
    session.execute(
        update(Finding)
        .where(
            Finding.instance_id == instance_id,
            or_(Finding.seq.in_(seqs), Finding.seq.is_(None)),
        )
        .values(template=GONE, params={})
        .execution_options(synchronize_session=False)
    )
    mine = select(Finding.id).where(Finding.instance_id == instance_id)
    session.execute(
        update(FindingNote)
        .where(FindingNote.finding_id.in_(mine), FindingNote.seq.in_(seqs))
        .values(text=GONE)
        .execution_options(synchronize_session=False)
    )


def files_without_entry(
    session: Session, instance_id: int, seqs: Collection[int]
) -> Sequence[tuple[int, str]]:
    """Return the files of a matter, with their digests, that no entry names but those in ``seqs``.

    Files that were handed in and never used are among them.
    """
    kept = session.execute(
        select(LedgerEntry.payload).where(
            LedgerEntry.chain_id == instance_id,
            LedgerEntry.payload.is_not(None),
            LedgerEntry.kind != EntryKind.ERASED,
            LedgerEntry.seq.not_in(seqs),
        )
    )
    named: set[int] = set()
    for (payload,) in kept:
        named |= _named(json.loads(payload or "{}"))
    rows = session.execute(
        select(Attachment.id, Attachment.sha256)
        .where(Attachment.instance_id == instance_id, Attachment.erased_at.is_(None))
        .order_by(Attachment.id)
    )
    return [(row.id, row.sha256) for row in rows if row.id not in named]


def _named(payload: dict[str, Any]) -> set[int]:
    """Return the files that an entry vouches for."""
    return {int(number) for number in payload.get("files") or {}}
