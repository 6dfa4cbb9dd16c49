"""The case file (卷宗): one ZIP for one matter, which verifies by itself and ties to the record.

Its parts vouch for each other. The manifest lists every file with its digest; the manifest's own
digest goes into a new entry of the matter's chain, which says who took what away; that entry is
``receipt.json`` and follows the last one of ``ledger.jsonl``. So the ledger in the ZIP ends right
before the export, and the export is recorded before anything is handed out.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC
from importlib.resources import files
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
from engine.documents.ledger_lines import ledger_lines, line_of
from engine.documents.page import Export, diagrams, render_page
from engine.documents.papers import MadePaper, ready_papers
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
    archive = Archive(target)
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


def write_parts(
    archive: Archive,
    contents: Contents,
    export: Export,
    papers: list[MadePaper],
    sealer: Sealer,
) -> None:
    """Add everything but the attachments, the manifest and the receipt."""
    instance_id = contents.view.row.id
    archive.add("ledger.jsonl", ledger_lines(sealer.session, instance_id, contents.closed))
    proofs = sealer.proofs(instance_id)
    placed = [(f"papers/{safe_name(paper.title)}.docx", paper) for paper in papers]
    for path, paper in placed:
        archive.add(path, [paper.content])
    whole, pictures = diagrams(contents)
    page = render_page(
        contents,
        export,
        papers=[(path, paper.title) for path, paper in placed],
        keys=proofs["keys"],
        pictures=pictures,
        organisation=contents.view.row.organisation_name,
    )
    archive.add_text("index.html", page)
    archive.add_text("diagram.svg", whole)
    package = contents.definition.package
    archive.add("diagram.bpmn", [package.files[package.bpmn]])
    archive.add_text("attachments.json", _pretty([_attachment(f) for f in contents.attachments]))
    archive.add_text("forms.json", _pretty(_forms(contents)))
    archive.add_text("findings.json", _pretty(_findings(contents)))
    archive.add_text("proofs.json", _pretty(proofs))
    verifier = files("engine.documents") / "offline" / "verify.py"
    archive.add("verify.py", [verifier.read_bytes()])


def _manifest(archive: Archive, contents: Contents, export: Export) -> str:
    row = contents.view.row
    return _pretty(
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


def _attachment(file: CaseAttachment) -> dict[str, Any]:
    return {
        "id": file.id,
        "name": file.name,
        "document": file.document,
        "sha256": file.sha256,
        "size": file.size,
        "media_type": file.media_type,
        "uploaded_by": file.uploader,
        "uploaded_at": file.uploaded_at,
        "state": "withheld" if file.path is None else "included",
        "path": file.path,
    }


def _forms(contents: Contents) -> list[dict[str, Any]]:
    return [
        {
            "seq": form.seq,
            "element": form.element,
            "number": form.number,
            "title": form.title,
            "occurred_on": form.occurred_on.isoformat() if form.occurred_on else None,
            "answers": [
                {
                    "name": a.name,
                    "label": a.label,
                    "text": a.text,
                    "files": list(a.files),
                    "literal": a.literal,
                }
                for a in form.answers
            ],
            "data": form.data,
            "corrects": form.corrects,
        }
        for form in contents.forms.values()
    ]


def _findings(contents: Contents) -> list[dict[str, Any]]:
    return [
        {
            "rule": f.rule,
            "title": f.title,
            "element": f.element,
            "round": f.round,
            "seq": f.seq,
            "outcome": f.outcome,
            "severity": f.severity,
            "outcome_label": f.outcome_label,
            "sentence": f.sentence,
            "articles": [vars(a) for a in f.articles],
            "numbers": dict(f.numbers),
            "until": f.until,
            "state": f.state,
            "notes": list(f.notes),
        }
        for f in contents.findings
    ]


def _pretty(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
