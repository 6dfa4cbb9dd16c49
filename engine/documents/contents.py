"""Gather what a case file tells, in words, as far as the person who exports may read it.

What may not be read is left out and counted: the reader is told that it exists, and its digest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from engine.attachments.operations import clean_name
from engine.clock import Clock
from engine.definitions.package import Basis
from engine.definitions.versions import Definition
from engine.directory.actors import Actor
from engine.directory.policy import Action, Decision, decide, require
from engine.directory.things import AttachmentView
from engine.documents.findings import CaseFinding, Findings, findings_of
from engine.forms.fields import FieldKind, walk
from engine.ledger.kinds import EntryKind
from engine.runtime.queries import matter_view
from engine.runtime.queries.access import Opened, open_matter
from engine.runtime.queries.records import Trail, apart, read_trail
from engine.runtime.views import MatterView

_FILES = text(
    "SELECT a.id, a.name, a.document, a.sha256, a.uploaded_by, a.uploaded_at, b.media_type, b.size,"
    " a.erased_at,"
    " p.name AS uploader FROM attachment a JOIN blob b ON b.sha256 = a.sha256"
    " JOIN person p ON p.id = a.uploaded_by WHERE a.instance_id = :id ORDER BY a.id"
)

_TENS = {"十": 10, "百": 100}
_LITERAL = frozenset({FieldKind.TEXTFIELD, FieldKind.TEXTAREA})


@dataclass(frozen=True)
class CaseAnswer:
    """One answer of a form. ``literal``: the words are the recorded value itself."""

    name: str
    label: str
    text: str
    files: tuple[int, ...]
    literal: bool


@dataclass(frozen=True)
class CaseForm:
    """What was handed in with one entry of the record."""

    seq: int
    element: str
    number: str | None
    title: str
    occurred_on: date | None
    answers: tuple[CaseAnswer, ...]
    data: Mapping[str, Any]
    corrects: int | None = None
    """The entry that this one puts right (更正); its data are what changed."""


@dataclass(frozen=True)
class CaseAttachment:
    """A file of the matter; ``path`` is where it lies in the case file, or None if withheld."""

    id: int
    name: str
    document: str
    sha256: str
    size: int
    media_type: str
    uploader: str
    uploaded_at: str
    sensitive: bool
    path: str | None


@dataclass(frozen=True)
class Contents:
    """All that a case file tells of a matter."""

    opened: Opened
    decision: Decision
    view: MatterView
    trail: Trail
    forms: Mapping[int, CaseForm]
    """By number of the entry, as it was handed in."""
    standing: Mapping[int, CaseForm]
    """The same with corrections carried out: what papers and tables go by."""
    closed: frozenset[int]
    """Entries whose content the exporter may not read."""
    attachments: tuple[CaseAttachment, ...]
    judged: Findings

    @property
    def findings(self) -> tuple[CaseFinding, ...]:
        """What the rules say."""
        return self.judged.found

    @property
    def definition(self) -> Definition:
        """The version of the procedure that the matter runs on."""
        return self.trail.definition

    @property
    def withheld(self) -> tuple[CaseAttachment, ...]:
        """The files that are left out."""
        return tuple(file for file in self.attachments if file.path is None)

    def articles(self) -> tuple[Basis, ...]:
        """The articles on which its steps and its findings rest, each once."""
        steps = [s for stage in self.view.stages for s in stage.steps if s.records or s.task_id]
        full = self.judged.titles
        bases = [
            replace(b, regulation=full.get(b.regulation, b.regulation))
            for step in steps
            for b in step.basis
        ]
        found = {
            (b.regulation, b.edition, number_in(b.article), b.article): b
            for b in (*bases, *self.judged.articles)
        }
        return tuple(found[key] for key in sorted(found))


def number_in(article: str) -> int:
    """Return the number that 第三十一条 says, for sorting; 0 if it says none."""
    digits = "零一二三四五六七八九"
    total, last = 0, 0
    for character in article:
        if character in digits:
            last = digits.index(character)
        elif character in _TENS:
            total, last = total + (last or 1) * _TENS[character], 0
        elif character == "条":
            break
    return total + last


def open_for_export(session: Session, actor: Actor, clock: Clock, instance_id: int) -> Opened:
    """Return the matter if the actor may take its case file away. Raises NotFound, NotAllowed."""
    opened = open_matter(session, actor, clock, instance_id)
    require(actor, Action.EXPORT_CASE_FILE, opened.view)
    return opened


def read_contents(session: Session, actor: Actor, clock: Clock, instance_id: int) -> Contents:
    """Gather a matter for its case file. Raises NotFound, NotAllowed."""
    open_for_export(session, actor, clock, instance_id)
    return gather(session, actor, clock, instance_id)


def gather(
    session: Session, actor: Actor, clock: Clock, instance_id: int, *, with_rules: bool = True
) -> Contents:
    """Gather a matter as far as the actor may read it. Raises NotFound."""
    opened = open_matter(session, actor, clock, instance_id)
    decision = decide(actor, Action.EXPORT_CASE_FILE, opened.view)
    trail = read_trail(session, opened.matter.definition, instance_id)
    attachments = read_attachments(session, actor, opened)
    closed = _closed_entries(trail, opened, actor)
    forms = _forms(trail, closed)
    return Contents(
        opened=opened,
        decision=decision,
        view=matter_view(session, actor, clock, instance_id),
        trail=trail,
        forms=forms,
        standing=_standing(trail, forms),
        closed=closed,
        attachments=attachments,
        judged=findings_of(session, opened, clock) if with_rules else Findings(),
    )


def read_attachments(session: Session, actor: Actor, opened: Opened) -> tuple[CaseAttachment, ...]:
    """Return the files of a matter, each with its place in the case file or without one."""
    sensitive = {d.title for d in opened.matter.definition.package.documents if d.sensitive}
    found = []
    for row in session.execute(_FILES, {"id": opened.row.id}):
        view = AttachmentView(opened.view, row.uploaded_by, row.document in sensitive)
        readable = decide(actor, Action.READ_ATTACHMENT, view).allowed
        found.append(
            CaseAttachment(
                id=row.id,
                name=row.name,
                document=row.document,
                sha256=row.sha256,
                size=row.size,
                media_type=row.media_type,
                uploader=row.uploader,
                uploaded_at=row.uploaded_at.isoformat(timespec="seconds"),
                sensitive=view.sensitive,
                path=f"attachments/{row.id}-{safe_name(row.name)}"
                if readable and row.erased_at is None
                else None,
            )
        )
    return tuple(found)


def safe_name(name: str) -> str:
    """Return a file name that every operating system takes."""
    return "".join("_" if c in '<>:"/\\|?*' else c for c in clean_name(name)) or "_"


def _closed_entries(trail: Trail, opened: Opened, actor: Actor) -> frozenset[int]:
    """Return the entries that the actor may not read, or not all of.

    What the form of a step with sensitive papers says is as delicate as the papers themselves, and
    a case file leaves the house: it is left out as a whole. So is what others handed in for
    themselves, and what says something of single people.
    """
    others = {e.seq for e in trail.entries if apart(trail, e, opened.own_only)}
    return _sensitive_entries(trail, opened, actor) | others


def _sensitive_entries(trail: Trail, opened: Opened, actor: Actor) -> frozenset[int]:
    files = AttachmentView(opened.view, None, sensitive=True)
    if decide(actor, Action.READ_ATTACHMENT, files).allowed:
        return frozenset()
    steps = {d.step for d in trail.definition.package.documents if d.sensitive}
    told = {e.seq for e in trail.entries if e.element in steps and _data(trail, e.seq) is not None}
    return frozenset(told)


def _data(trail: Trail, seq: int) -> Mapping[str, Any] | None:
    data = trail.payloads[seq].get("data")
    return data if isinstance(data, dict) else None


def _forms(trail: Trail, closed: frozenset[int]) -> dict[int, CaseForm]:
    forms: dict[int, CaseForm] = {}
    package = trail.definition.package
    for entry in trail.entries:
        data = _data(trail, entry.seq)
        if data is None or entry.seq in closed:
            continue
        step = package.steps.get(entry.element)
        message = package.messages.get(entry.element)
        corrects = trail.payloads[entry.seq].get("seq")
        forms[entry.seq] = CaseForm(
            seq=entry.seq,
            element=entry.element or "",
            number=step.number if step else None,
            title=step.title if step else message.title if message else "",
            occurred_on=entry.occurred_on,
            answers=_answers(trail, entry.element, data),
            data=data,
            corrects=corrects if entry.kind == EntryKind.CORRECTED else None,
        )
    return forms


def _answers(trail: Trail, element: str | None, data: Mapping[str, Any]) -> tuple[CaseAnswer, ...]:
    package = trail.definition.package
    step, message = package.steps.get(element or ""), package.messages.get(element or "")
    name = step.form if step else message.form if message else None
    form = trail.definition.forms.get(name) if name else None
    if form is None:
        return ()
    literal = {f.key for f in walk(form.fields) if f.kind in _LITERAL and f.path == f.key}
    return tuple(
        CaseAnswer(a.name, a.label, a.text, a.files, a.name in literal)
        for a in form.in_words(data, trail.names)
    )


def _standing(trail: Trail, forms: Mapping[int, CaseForm]) -> dict[int, CaseForm]:
    """Return what each step says once corrected; None in a correction takes an answer away."""
    standing = {seq: form for seq, form in forms.items() if form.corrects is None}
    for correction in forms.values():
        if (form := standing.get(correction.corrects or 0)) is None:
            continue
        merged = {**form.data, **correction.data}
        data = {name: value for name, value in merged.items() if value is not None}
        day = trail.payloads[correction.seq].get("occurred_on")
        standing[form.seq] = replace(
            form,
            data=data,
            answers=_answers(trail, form.element, data),
            occurred_on=date.fromisoformat(day) if day else form.occurred_on,
        )
    return standing
