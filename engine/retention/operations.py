"""Erase the content of ledger entries whose time is over; that they happened stays on record.

What people filled in, its salt and the state before the step go; the digests stay, so that chain,
checkpoints and proofs verify as before. Who erased what, and why, is an entry of the same chain:
without it neither the database nor verification accepts an entry without content.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from engine.attachments.operations import erase_files
from engine.clock import Clock
from engine.database import unit_of_work
from engine.digests import digester
from engine.directory.actors import Actor
from engine.directory.policy import Action, require
from engine.errors import N_, Conflict, InvalidInput, Sentence
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind
from engine.ledger.models import LedgerEntry
from engine.ledger.standing import RESTORED, restored_by
from engine.retention.copies import GONE, erase_copies, files_without_entry
from engine.runtime import store
from engine.runtime.locking import instance_row
from engine.runtime.rectification.saying import forget_words
from engine.runtime.world import matter_of, matter_view

SEQS: Final = "seqs"
"""The key under which the entry's payload lists what was erased."""

FILES: Final = "erased_files"
"""The key under which it lists the files that went with them: number and digest."""

_ERASE = text(
    "SELECT erase_ledger_payloads(:chain, CAST(:seqs AS integer[]), CAST(:digests AS bytea[]))"
)


class NotErasable(Conflict):
    """The matter still runs, or an entry has no content that could be erased."""

    code = "not_erasable"
    default = N_("事项办结或终止以后，才能清除其记录的内容。")


def erase_payloads(
    instance_id: int, seqs: Collection[int], reason: str, *, actor: Actor, clock: Clock
) -> int:
    """Erase the content of entries ``seqs`` of a matter that has ended; return how many.

    Entries whose content is gone already are left out. With them go the files that no other entry
    names, and what is kept of them elsewhere; their bytes with :func:`destroy_erased`, which the
    nightly tidying calls too. The matter's own row, with the name of its subject, stays. Raises
    NotAllowed, NotFound, NotErasable, InvalidInput; nothing is erased then.
    """
    with unit_of_work() as session:
        row = instance_row(session, instance_id, running=False)
        decision = require(actor, Action.ERASE_CONTENT, matter_view(row, matter_of(session, row)))
        if row.status in ("active", "suspended"):
            raise NotErasable
        if not reason.strip():
            raise InvalidInput({"reason": [N_("请写明清除的依据和理由。")]})
        found = _entries(session, instance_id, seqs)
        if not found:
            return 0
        payload: dict[str, Any] = {
            SEQS: [entry.seq for entry in found],
            "reason": reason.strip(),
        }
        if restored := restored_by(found):
            payload[RESTORED] = restored
        files = files_without_entry(session, instance_id, payload[SEQS])
        if files:
            payload[FILES] = {str(number): sha256 for number, sha256 in files}
        event = Event(
            EntryKind.ERASED,
            actor_id=actor.person_id,
            on_behalf_of=decision.on_behalf_of,
            occurred_on=clock.today(),
            payload=payload,
        )
        store.write_entry(session, row, event, clock.now())
        erased: int = session.execute(
            _ERASE,
            {
                "chain": instance_id,
                "seqs": payload[SEQS],
                "digests": [
                    None if e.snapshot is None else digester(e.form)(bytes(e.snapshot)).digest()
                    for e in found
                ],
            },
        ).scalar_one()
        assert erased == len(found)
        forget_words(session, instance_id, payload[SEQS], GONE)
        erase_files(session, clock, [number for number, _ in files])
        erase_copies(session, instance_id, payload[SEQS])
        return erased


def _entries(session: Session, instance_id: int, seqs: Collection[int]) -> list[Any]:
    """Return the entries that have content to erase."""
    rows = session.execute(
        select(
            LedgerEntry.seq,
            LedgerEntry.kind,
            LedgerEntry.form,
            LedgerEntry.payload,
            LedgerEntry.snapshot,
        )
        .where(LedgerEntry.chain_id == instance_id, LedgerEntry.seq.in_(sorted(set(seqs))))
        .order_by(LedgerEntry.seq)
    ).all()
    if missing := sorted(set(seqs) - {row.seq for row in rows}):
        numbers = tuple(map(str, missing))
        raise InvalidInput({"seqs": [Sentence(N_("没有这些条目：%(seqs)s"), seqs=numbers)]})
    if any(row.kind == EntryKind.ERASED for row in rows):
        raise NotErasable(N_("清除记录本身不能清除。"))
    return [row for row in rows if row.payload is not None]
