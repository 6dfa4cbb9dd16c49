"""Reading files: through the policy, and recorded where the material is sensitive."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.database import unit_of_work
from engine.directory.actors import Actor
from engine.directory.policy import Action, decide, require
from engine.directory.things import AttachmentView
from engine.errors import N_, Conflict, NotFound
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind
from engine.runtime import store
from engine.runtime.queries.access import Opened, open_matter
from engine.runtime.queries.records import read_files, read_trail, step_records
from engine.runtime.views import AttachmentRef

_FILE = text(
    "SELECT a.id, a.name, a.document, a.sha256, a.instance_id, a.task_id, a.uploaded_by,"
    " a.erased_at, b.media_type, b.size, t.element"
    " FROM attachment a JOIN blob b ON b.sha256 = a.sha256"
    " LEFT JOIN task t ON t.id = a.task_id WHERE a.id = :id"
)


class FileErased(Conflict):
    """The content of a file went by the rule of retention; its digest is all that is left."""

    code = "file_erased"
    default = N_("这份材料的内容已按保管期限清除，只保留摘要。")


@dataclass(frozen=True)
class AttachmentFile:
    """Where the bytes of a file are, and what to call it."""

    name: str
    media_type: str
    sha256: str
    size: int


def attachment(actor: Actor, clock: Clock, attachment_id: int) -> AttachmentFile:
    """Return a file to be read now; reading sensitive material becomes a ledger entry.

    Raises NotFound, NotAllowed, FileErased.
    """
    with unit_of_work() as session:
        row = session.execute(_FILE, {"id": attachment_id}).one_or_none()
        if row is None:
            raise NotFound
        matter, sensitive = None, False
        if row.instance_id is not None:
            opened = open_matter(session, actor, clock, row.instance_id)
            matter = opened.view
            documents = opened.matter.definition.package.documents
            sensitive = any(d.sensitive and d.title == row.document for d in documents)
            mine = _readable(session, opened)
            if mine is not None and row.id not in mine and row.uploaded_by != actor.person_id:
                raise NotFound
        elif row.uploaded_by != actor.person_id:
            raise NotFound  # nobody else is to learn that it was uploaded
        view = AttachmentView(matter, row.uploaded_by, sensitive)
        decision = require(actor, Action.READ_ATTACHMENT, view)
        if row.erased_at is not None:
            raise FileErased
        if sensitive and row.instance_id is not None and actor.person_id != row.uploaded_by:
            locked = store.lock_instance(session, row.instance_id)
            assert locked is not None
            event = Event(
                EntryKind.READ,
                actor_id=actor.person_id,
                on_behalf_of=decision.on_behalf_of,
                occurred_on=clock.today(),
                element=row.element,
                task_id=row.task_id,
                payload={
                    "attachment": row.id,
                    "document": row.document,
                    **({"post": decision.post.key} if decision.post else {}),
                },
            )
            store.write_entry(session, locked, event, clock.now())
        return AttachmentFile(row.name, row.media_type, row.sha256, row.size)


def matter_documents(
    session: Session, actor: Actor, clock: Clock, instance_id: int
) -> tuple[AttachmentRef, ...]:
    """Return the files of a matter that the actor may read."""
    opened = open_matter(session, actor, clock, instance_id)
    if not decide(actor, Action.VIEW_OPINIONS, opened.view).allowed:
        raise NotFound(N_("没有找到，可能已被删除，或您无权查看。"))
    files = read_files(session, instance_id)
    mine = _readable(session, opened)
    return tuple(file for number, file in files.items() if mine is None or number in mine)


def _readable(session: Session, opened: Opened) -> frozenset[int] | None:
    """Return the files that somebody may read who sees of a list only their own; None: all.

    Where each of many hands something in, or something is said of each, they do not read it from
    one another.
    """
    definition = opened.matter.definition
    if opened.own_only is None or not definition.keeps_apart:
        return None
    trail = read_trail(session, definition, opened.row.id)
    records = step_records(trail, with_data=True, own_only=opened.own_only)
    return frozenset(file.id for record in records for file in record.documents)
