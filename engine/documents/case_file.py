"""The case file (卷宗): one ZIP for one matter, which verifies by itself and ties to the record.

Its parts vouch for each other. The manifest lists every file with its digest; the manifest's own
digest goes into a new entry of the matter's chain, which says who took what away; that entry is
``receipt.json`` and follows the last one of ``ledger.jsonl``. So the ledger in the ZIP ends right
before the export, and the export is recorded before anything is handed out.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC
from typing import IO, Any, Final

from sqlalchemy.orm import Session

from engine.attachments.store import Store
from engine.clock import Clock
from engine.database import unit_of_work
from engine.directory.actors import Actor
from engine.documents.archive import Archive, chunks_of
from engine.documents.contents import (
    CaseAttachment,
    Contents,
    read_contents,
    safe_name,
)
from engine.documents.ledger_lines import line_of
from engine.documents.page import Export
from engine.documents.papers import ready_papers
from engine.documents.parts import pretty, write_parts
from engine.documents.sealing import Sealer
from engine.errors import N_, Conflict, NotFound
from engine.ledger.chain import Event, canonical
from engine.ledger.kinds import EntryKind
from engine.runtime import store as runtime_store
from engine.settings import Settings

FORMAT: Final = 1
"""The layout of a case file. ``verify.py`` of the same file knows it."""


class FileLost(Conflict):
    """The bytes of a file are not in the store, or not those that were handed in."""

    code = "file_lost"
    default = N_("材料“%(name)s”的文件已丢失或损坏，不能导出卷宗，请联系管理员从备份恢复。")


@dataclass(frozen=True)
class CaseFile:
    """A case file ready to be handed out; ``stream`` is a temporary file, read from its start."""

    name: str
    stream: IO[bytes]
    manifest: str
    """SHA-256 of its manifest, as the ledger has it."""
    size: int


def export_case_file(
    instance_id: int,
    *,
    actor: Actor,
    clock: Clock,
    store: Store,
    settings: Settings,
) -> CaseFile:
    """Write the case file of a matter and record that the actor took it away.

    What the actor may not read is left out and named. Raises NotFound, NotAllowed, FileLost,
    SigningKeyMissing; nothing is recorded then.
    """
    with ExitStack() as unless_handed_out:

        def write(session: Session) -> _Written:
            target = unless_handed_out.enter_context(tempfile.TemporaryFile())
            return _write(session, target, instance_id, actor, clock, store, settings)

        # Nobody has to wait while it is written. Whatever happens to a matter is an entry, so a
        # chain that is as long as before is a matter that is as before.
        with unit_of_work() as session:
            written = write(session)
        with unit_of_work() as session:
            locked = runtime_store.lock_instance(session, instance_id)
            if locked is None:
                raise NotFound
            if locked.chain_length != written.length:
                with written.target:
                    written.archive.close()
                written = write(session)
            contents = written.contents
            event = Event(
                EntryKind.EXPORTED,
                actor_id=actor.person_id,
                on_behalf_of=contents.decision.on_behalf_of,
                occurred_on=clock.today(),
                payload=_payload(contents, written.archive, written.manifest),
            )
            now = clock.now()
            entry = line_of(runtime_store.write_entry(session, locked, event, now))
            statement = Sealer(session, settings, clock).receipt(entry, now)
            receipt = canonical({"entry": entry, "statement": statement})
            written.archive.add_text("receipt.json", receipt + "\n")
            written.archive.close()
        unless_handed_out.pop_all()
    size = written.target.tell()
    written.target.seek(0)
    row = contents.view.row
    name = safe_name(f"卷宗-{row.number}-{row.subject_name or row.process_title}.zip")
    return CaseFile(name, written.target, written.manifest, size)


@dataclass(frozen=True)
class _Written:
    """A case file but for its receipt."""

    target: IO[bytes]
    archive: Archive
    contents: Contents
    manifest: str
    length: int
    """Of the chain that it tells."""


def _write(
    session: Session,
    target: IO[bytes],
    instance_id: int,
    actor: Actor,
    clock: Clock,
    store: Store,
    settings: Settings,
) -> _Written:
    contents = read_contents(session, actor, clock, instance_id)
    archive = Archive(target, compressed=False)
    export = _export(contents, actor, clock)
    try:
        _add_attachments(archive, store, contents.attachments)
        papers = ready_papers(session, contents, clock)
        write_parts(archive, contents, export, papers, Sealer(session, settings, clock))
    except BaseException:
        with suppress(ValueError):  # a member may be half written
            archive.close()
        raise
    manifest = archive.add_text("manifest.json", _manifest(archive, contents, export))
    return _Written(target, archive, contents, manifest, contents.opened.row.chain_length)


def _export(contents: Contents, actor: Actor, clock: Clock) -> Export:
    post = contents.decision.post
    return Export(clock.now(), actor.person_id, actor.name, post.label if post else None)


def _add_attachments(archive: Archive, store: Store, attachments: Iterable[CaseAttachment]) -> None:
    for file in attachments:
        if file.path is None or file.path in archive.listed:
            continue
        path = store.path(file.sha256)
        if not path.is_file() or archive.add(file.path, chunks_of(path)) != file.sha256:
            raise FileLost(name=file.name)


def _manifest(archive: Archive, contents: Contents, export: Export) -> str:
    row = contents.view.row
    return pretty(
        {
            "format": FORMAT,
            "matter": row.number,
            "instance_id": row.id,
            "exported_at": export.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "exported_by": {
                "person_id": export.person_id,
                "name": export.name,
                "post": export.post,
            },
            "files": [
                {"path": name, "size": size, "sha256": sha256}
                for name, (size, sha256) in sorted(archive.listed.items())
            ],
        }
    )


def _payload(contents: Contents, archive: Archive, manifest: str) -> dict[str, Any]:
    """Return what the ledger keeps of an export: what was taken away, and what was not."""
    sensitive = [f.id for f in contents.attachments if f.sensitive and f.path is not None]
    return {
        "manifest": manifest,
        "count": len(archive.listed) - 1,
        **({"post": contents.decision.post.key} if contents.decision.post else {}),
        **({"sensitive": sensitive} if sensitive else {}),
        **({"withheld": [f.id for f in contents.withheld]} if contents.withheld else {}),
        **({"closed": sorted(contents.closed)} if contents.closed else {}),
    }
