"""The record of a matter: its ledger entries as steps, as history lines, and in words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from engine.compliance.items import ITEM_KINDS
from engine.definitions.versions import Definition
from engine.forms.ballot_fields import numbers_only, unpublished
from engine.forms.words import Answer
from engine.ledger.kinds import EntryKind
from engine.ledger.models import LedgerEntry
from engine.ledger.standing import undone_entries
from engine.runtime.queries.rows import Names, step_label
from engine.runtime.views import AttachmentRef, Correction, HistoryEntry, StepRecord


@dataclass(frozen=True)
class Trail:
    """The entries of a matter, read once, with the files of the matter."""

    definition: Definition
    entries: Sequence[Any]
    payloads: Mapping[int, Mapping[str, Any]]
    files: Mapping[int, AttachmentRef]
    names: Names

    @property
    def undone(self) -> frozenset[int]:
        """The entries that a later send-back has taken the matter to before."""
        return frozenset(undone_entries(self.entries, self.payloads))


def read_trail(session: Session, definition: Definition, instance_id: int) -> Trail:
    """Read the record of a matter."""
    entries = session.execute(
        select(
            LedgerEntry.seq,
            LedgerEntry.kind,
            LedgerEntry.recorded_at,
            LedgerEntry.occurred_on,
            LedgerEntry.actor_id,
            LedgerEntry.on_behalf_of,
            LedgerEntry.element,
            LedgerEntry.task_id,
            LedgerEntry.payload,
            LedgerEntry.digest,
        )
        .where(LedgerEntry.chain_id == instance_id)
        .order_by(LedgerEntry.seq)
    ).all()
    payloads = {e.seq: json.loads(e.payload) if e.payload else {} for e in entries}
    names = Names(session)
    names.fetch(person for e in entries for person in (e.actor_id, e.on_behalf_of))
    names.fetch(p.get(name) for p in payloads.values() for name in ("item", "person"))
    files = read_files(session, instance_id)
    names.files = {number: file.name for number, file in files.items()}
    return Trail(definition, list(entries), payloads, files, names)


def read_files(session: Session, instance_id: int) -> dict[int, AttachmentRef]:
    """Return the files of a matter by id."""
    rows = session.execute(
        text(
            "SELECT a.id, a.name, a.document, a.uploaded_at, b.media_type, b.size"
            " FROM attachment a JOIN blob b ON b.sha256 = a.sha256 WHERE a.instance_id = :id"
            " AND a.erased_at IS NULL ORDER BY a.id"
        ),
        {"id": instance_id},
    )
    return {row.id: AttachmentRef(**row._mapping) for row in rows}


def step_records(trail: Trail, *, with_data: bool, own_only: int | None = None) -> list[StepRecord]:
    """Return every completion of a task, oldest first; data only for those who may read it.

    ``own_only``: somebody who reads only their own of steps with a task for each person, and of
    answers about single people (``readers``) only what is about themselves or was recorded by them.
    """
    undone = trail.undone
    corrections = _corrections(trail, with_data=with_data, own_only=own_only)
    found = []
    for entry in trail.entries:
        if entry.kind != EntryKind.COMPLETED:
            continue
        payload = trail.payloads[entry.seq]
        step = trail.definition.package.steps.get(entry.element)
        data = payload.get("data") or {}
        form = trail.definition.forms.get(step.form) if step else None
        whose = payload.get("item")
        if own_only is not None and form is not None and form.ballots:
            data = numbers_only(data, unpublished(form.ballots))
        theirs = own_only is None or whose in (None, own_only)
        about = None if entry.actor_id == own_only else own_only
        if about is not None and form is not None:
            data = form.part_for(data, about)
        readable = with_data and theirs
        answers = form.in_words(data, trail.names) if readable and form is not None else []
        lines, documents = _shown(trail, answers)
        post = payload.get("post")
        found.append(
            StepRecord(
                seq=entry.seq,
                element=entry.element,
                number=step.number if step else None,
                title=step.title if step else entry.element,
                occurred_on=entry.occurred_on,
                recorded_at=entry.recorded_at,
                person_id=entry.actor_id,
                person_name=trail.names.person(entry.actor_id),
                post=trail.names.principal(post) if post else None,
                on_behalf_of=trail.names.person(entry.on_behalf_of) or None,
                backfilled=bool(payload.get("backfilled")),
                undone=entry.seq in undone,
                data=lines,
                documents=documents,
                corrections=tuple(corrections.get(entry.seq, ())) if theirs else (),
                for_name=trail.names.person(whose) if whose is not None else None,
                frozen=with_data and bool(data) and form is not None and bool(form.freezing),
            )
        )
    return found


def _corrections(
    trail: Trail, *, with_data: bool, own_only: int | None
) -> dict[int, list[Correction]]:
    """Return what was put right, by the entry of the step.

    The reason may say what the data do not: it is for those who read all that was put right.
    """
    found: dict[int, list[Correction]] = {}
    for entry in trail.entries:
        payload = trail.payloads[entry.seq]
        if entry.kind != EntryKind.CORRECTED or not payload:
            continue
        step = trail.definition.package.steps.get(entry.element)
        form = trail.definition.forms.get(step.form) if step else None
        data = whole = payload.get("data", {})
        if own_only is not None and own_only != entry.actor_id and form is not None:
            data = form.part_for(whole, own_only)
        answers = form.in_words(data, trail.names) if with_data and form is not None else []
        lines, documents = _shown(trail, answers)
        day = payload.get("occurred_on")
        found.setdefault(payload["seq"], []).append(
            Correction(
                seq=entry.seq,
                at=entry.recorded_at,
                person_name=trail.names.person(entry.actor_id),
                reason=str(payload.get("reason") or "") if with_data and data == whole else "",
                occurred_on=date.fromisoformat(day) if day else None,
                data=lines,
                documents=documents,
            )
        )
    return found


def _shown(
    trail: Trail, answers: Sequence[Answer]
) -> tuple[tuple[tuple[str, str], ...], tuple[AttachmentRef, ...]]:
    """Return the answers that are words, and the files of the others."""
    return (
        tuple((answer.label, answer.text) for answer in answers if not answer.files),
        tuple(
            trail.files[number]
            for answer in answers
            for number in answer.files
            if number in trail.files
        ),
    )


def apart(trail: Trail, entry: Any, own_only: int | None) -> bool:
    """Tell whether somebody who reads only what is about themselves may not read all of an entry.

    It is what another handed in for themselves, or its form says something of single people.
    """
    if own_only is None or entry.actor_id == own_only:
        return False
    step = trail.definition.package.steps.get(entry.element)
    form = trail.definition.forms.get(step.form) if step else None
    others = trail.payloads[entry.seq].get("item") not in (None, own_only)
    return others or (form is not None and form.keeps_apart)


def history(
    trail: Trail, *, with_reasons: bool, own_only: int | None = None
) -> tuple[HistoryEntry, ...]:
    """Return every entry as a line, newest first; ``own_only`` as of :func:`step_records`."""
    lines = []
    for entry in trail.entries:
        payload = trail.payloads[entry.seq]
        kind = EntryKind(entry.kind)
        # Why something was put right may say what it was.
        closed = kind is EntryKind.CORRECTED and apart(trail, entry, own_only)
        lines.append(
            HistoryEntry(
                seq=entry.seq,
                at=entry.recorded_at,
                occurred_on=entry.occurred_on,
                actor_name=trail.names.person(entry.actor_id),
                on_behalf_of=trail.names.person(entry.on_behalf_of) or None,
                kind=kind.value,
                kind_label=kind.label,
                text=_what(trail, kind, entry.element, payload),
                reason=_said(payload) if with_reasons and not closed else "",
                digest=bytes(entry.digest).hex(),
            )
        )
    return tuple(reversed(lines))


def _said(payload: Mapping[str, Any]) -> str:
    """Return what somebody gave as reason, or said of a finding."""
    return str(payload.get("reason") or payload.get("text") or "")


def _what(trail: Trail, kind: EntryKind, element: str | None, payload: Mapping[str, Any]) -> str:
    definition = trail.definition
    if kind is EntryKind.STARTED:
        return definition.package.title
    if kind is EntryKind.SENT_BACK and element:
        target = step_label(definition, str(payload.get("target")))
        return f"{step_label(definition, element)} → {target}"
    if kind is EntryKind.MESSAGE_RECEIVED and element:
        action = definition.package.messages.get(element)
        return action.title if action else element
    if kind in (EntryKind.PARTICIPANT_ADDED, EntryKind.PARTICIPANT_REMOVED) and element:
        person = payload.get("person")
        return f"{step_label(definition, element)} · {trail.names.person(person)}"
    if kind in ITEM_KINDS and element:
        return f"{step_label(definition, element)} · {payload.get('number', '')}"
    if kind is EntryKind.DELEGATED and element:
        return f"{step_label(definition, element)} → {trail.names.person(payload.get('to'))}"
    if kind is EntryKind.MIGRATED and payload:
        before, after = payload["from"], payload["to"]
        return f"{before['version']} #{before['id']} → {after['version']} #{after['id']}"
    return step_label(definition, element) if element else ""


def chinese_day(day: date) -> str:
    """Return a day as people write it: 2026年11月22日."""
    return f"{day.year}年{day.month}月{day.day}日"
