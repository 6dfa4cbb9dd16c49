"""The 全程纪实表: every completion of a step as one line, in the order of the record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from engine.documents.contents import CaseForm, Contents
from engine.forms.fields import FieldKind, walk
from engine.runtime.queries.records import step_records

_TELLING: Final = frozenset({FieldKind.RADIO, FieldKind.VOTE, FieldKind.ATTENDANCE})
"""The kinds of answers that say what a step came to."""
_LONGEST: Final = 120
_WHO_CAME: Final = "。到会："
"""Where the words of an attendance go on to the names, see ``engine.forms.words``."""


@dataclass(frozen=True)
class RecordRow:
    """One line of the table."""

    step: str
    stage: str
    occurred_on: date
    recorded_at: datetime
    who: str
    what: str
    undone: bool


def record_rows(contents: Contents) -> list[RecordRow]:
    """Return the lines of the 全程纪实表, oldest first."""
    rows = []
    for record in step_records(contents.trail, with_data=False):
        stage = contents.definition.stages.get(record.element)
        who = record.person_name + (f"（{record.post}）" if record.post else "")
        if record.on_behalf_of:
            who += f"，代{record.on_behalf_of}"
        form = contents.standing.get(record.seq)
        remarks = [_came_to(contents, form)]
        if form is not None and form != contents.forms[record.seq]:
            remarks.append("经更正")
        if record.seq in contents.closed:
            remarks.append("内容未随卷")
        if record.backfilled:
            remarks.append("补录")
        if record.undone:
            remarks.append("后经退回重办")
        rows.append(
            RecordRow(
                step=f"{record.number} {record.title}" if record.number else record.title,
                stage=f"{stage.number} {stage.title}" if stage else "",
                occurred_on=(form and form.occurred_on) or record.occurred_on,
                recorded_at=record.recorded_at,
                who=who,
                what="；".join(filter(None, remarks)),
                undone=record.undone,
            )
        )
    return rows


def _came_to(contents: Contents, form: CaseForm | None) -> str:
    """Return in a line what a step came to: its decision, roll and vote."""
    if form is None:
        return ""
    step = contents.definition.package.steps.get(form.element)
    schema = contents.definition.forms.get(step.form) if step else None
    kinds: Mapping[str, FieldKind] = (
        {field.path: field.kind for field in walk(schema.fields)} if schema else {}
    )
    told = [
        # Who came stands in the form; here it would push everything else aside.
        f"{a.label}：{a.text.partition(_WHO_CAME)[0]}"
        for a in form.answers
        if kinds.get(a.name) in _TELLING
    ]
    words = "；".join(told)
    return words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…"
