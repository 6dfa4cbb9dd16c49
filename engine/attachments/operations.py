"""Commands on attachments. Whether an actor may add or read one is decided by the access policy."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import PurePosixPath
from typing import IO, Final

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from engine.attachments.models import Attachment, Blob
from engine.attachments.store import FileRefused, Store, Stored
from engine.clock import Clock
from engine.database import fetch, run, unit_of_work
from engine.errors import N_, InvalidInput

MAX_NAME: Final = 120
"""Longest file name kept, in characters."""
UNUSED_AFTER: Final = timedelta(days=90)
"""A file that no matter uses after this time is forgotten; drafts may lie as long."""


def clean_name(name: str) -> str:
    """Return the last part of a file name without control characters, at most :data:`MAX_NAME`."""
    last = PurePosixPath(name.replace("\\", "/")).name
    kept = "".join(c for c in last if unicodedata.category(c)[0] != "C").strip(" .")
    stem, dot, extension = kept.rpartition(".")
    if not dot:
        return kept[:MAX_NAME]
    return stem[: MAX_NAME - len(extension) - 1] + dot + extension


def add_attachment(
    clock: Clock,
    store: Store,
    stream: IO[bytes],
    *,
    name: str,
    document: str,
    person_id: int,
    instance_id: int | None = None,
    task_id: int | None = None,
) -> Attachment:
    """Check a file, store it and record who handed it in for what.

    Raises :class:`~engine.attachments.store.FileRefused`; then nothing is recorded.
    """
    name = clean_name(name)
    stored = store.put(stream, name)
    with unit_of_work() as session:
        record_blob(session, clock, stored)
        if not stored.path.is_file():  # the same bytes were being destroyed just then
            raise FileRefused({}, N_("文件“%(name)s”没有保存好，请重新上传。"), name=name)
        attachment = Attachment(
            instance_id=instance_id,
            task_id=task_id,
            document=document,
            name=name,
            sha256=stored.sha256,
            uploaded_by=person_id,
            uploaded_at=clock.now(),
        )
        session.add(attachment)
        session.flush()
    return attachment


_HOLD = """
    SELECT id, sha256 FROM attachment
    WHERE id = ANY((SELECT %(ids)s::bigint[])::bigint[]) AND (instance_id = %(instance_id)s
        OR instance_id IS NULL AND uploaded_by = %(person_id)s)
    ORDER BY id FOR NO KEY UPDATE
"""

_GIVE = """
    UPDATE attachment a SET instance_id = %(instance_id)s, document = n.document
    FROM unnest((SELECT %(ids)s::bigint[]), (SELECT %(documents)s::text[])) AS n(id, document)
    WHERE a.id = n.id AND a.instance_id IS NULL
"""


def hold_attachments(
    session: Session, ids: Iterable[int], *, instance_id: int | None, person_id: int
) -> dict[int, str]:
    """Return the SHA-256 of the files that may be handed in, by id.

    They are the matter's, or the person's own and not used yet. Until the end of the transaction
    nobody else can hand them in.
    """
    about = {"ids": list(ids), "instance_id": instance_id, "person_id": person_id}
    return {file.id: file.sha256 for file in fetch(session, _HOLD, about)}


def bind_attachments(
    session: Session,
    documents: Mapping[int, str],
    *,
    instance_id: int,
    person_id: int,
    held: Mapping[int, str] | None = None,
) -> dict[str, str]:
    """Give files that were handed in with a form to its matter, each as the document it is.

    A file that the matter has already stays what it was handed in as. Returns the SHA-256 of each
    by its id, for the ledger entry: with it the entry vouches for the bytes. ``held`` are those
    that :func:`hold_attachments` gave before.

    Raises :class:`~engine.errors.InvalidInput` if one of them is another person's or matter's.
    """
    wanted = sorted(documents)
    if not wanted:
        return {}
    if held is None or not held.keys() >= documents.keys():
        held = hold_attachments(session, wanted, instance_id=instance_id, person_id=person_id)
    if not held.keys() >= documents.keys():
        raise InvalidInput({}, N_("所附材料中有不属于本事项的文件，请重新上传。"))
    names = [documents[number] for number in wanted]
    run(session, _GIVE, {"ids": wanted, "documents": names, "instance_id": instance_id})
    return {str(number): held[number] for number in wanted}


def copy_attachments(clock: Clock, ids: Iterable[int], *, person_id: int) -> dict[int, int]:
    """Record a person's fresh uploads once more, for another matter; return the new ids by the old.

    A file belongs to one matter: one paper for several people is handed in once for each. The bytes
    are kept once. Files of others, and those a matter has already, are left out.
    """
    with unit_of_work() as session:
        found = session.scalars(
            select(Attachment).where(
                Attachment.id.in_(sorted(set(ids))),
                Attachment.instance_id.is_(None),
                Attachment.uploaded_by == person_id,
            )
        ).all()
        copies = {
            old.id: Attachment(
                document=old.document,
                name=old.name,
                sha256=old.sha256,
                uploaded_by=person_id,
                uploaded_at=clock.now(),
            )
            for old in found
        }
        session.add_all(copies.values())
        session.flush()
        return {old: copy.id for old, copy in copies.items()}


def erase_files(session: Session, clock: Clock, ids: Iterable[int]) -> None:
    """Take the content of files away: nobody may read them any more, their digests stay.

    The bytes themselves go with :func:`destroy_erased`, once this is committed.
    """
    session.execute(
        update(Attachment)
        .where(Attachment.id.in_(sorted(ids)), Attachment.erased_at.is_(None))
        .values(erased_at=clock.now(), name="")
    )


def destroy_erased(clock: Clock, store: Store) -> int:
    """Destroy the bytes that only erased files are made of; return how many.

    Twice does no harm. What an upload stores meanwhile is either seen here, or refused there.
    """
    erased = select(Attachment.sha256).where(Attachment.erased_at.is_not(None))
    with unit_of_work() as session:
        locked = session.scalars(
            select(Blob.sha256)
            .where(Blob.destroyed_at.is_(None), Blob.sha256.in_(erased))
            .order_by(Blob.sha256)
            .with_for_update()
        ).all()
        # Asked again now that no upload can add to them: the first question may not have seen it.
        used = session.scalars(
            select(Attachment.sha256).where(
                Attachment.sha256.in_(locked), Attachment.erased_at.is_(None)
            )
        ).all()
        gone = sorted(set(locked) - set(used))
        for sha256 in gone:
            store.path(sha256).unlink(missing_ok=True)
        session.execute(update(Blob).where(Blob.sha256.in_(gone)).values(destroyed_at=clock.now()))
    return len(gone)


def forget_unused(clock: Clock, store: Store) -> int:
    """Remove files that were uploaded for a matter which was never started; return how many."""
    with unit_of_work() as session:
        removed = session.scalars(
            delete(Attachment)
            .where(
                Attachment.instance_id.is_(None),
                Attachment.uploaded_at < clock.now() - UNUSED_AFTER,
            )
            .returning(Attachment.sha256)
        ).all()
        used = select(Attachment.sha256).where(Attachment.sha256 == Blob.sha256).exists()
        orphans = session.scalars(
            delete(Blob).where(Blob.sha256.in_(set(removed)), ~used).returning(Blob.sha256)
        ).all()
        for sha256 in orphans:
            store.path(sha256).unlink(missing_ok=True)
    return len(removed)


def record_blob(session: Session, clock: Clock, stored: Stored) -> None:
    """Write down that a file is in the store; once is enough, however often it is handed in."""
    session.execute(
        insert(Blob)
        .values(
            sha256=stored.sha256,
            size=stored.size,
            media_type=stored.media_type,
            created_at=clock.now(),
        )
        # Also of bytes that are known: the row is locked against their destruction.
        .on_conflict_do_update(index_elements=[Blob.sha256], set_={"destroyed_at": None})
    )
