"""Turns a form's fields and what was entered into views that the templates draw.

The templates know nothing of schemas; everything they show is decided here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from flask_babel import gettext

from engine.attachments.content import ACCEPT
from engine.forms.apart import person_column
from engine.forms.fields import INDICATORS, OPEN_ITEMS, Field, FieldKind, FormContext
from engine.forms.frozen_lists import known_rows
from engine.forms.reading import Entry
from engine.forms.schema import FormSchema
from web.forms.posted import FILE_PREFIX
from web.forms.prose import prose
from web.forms.sentences import Say, exclusion_reasons, say_attendance, say_vote

KINDS: Final[Mapping[FieldKind, str]] = {
    FieldKind.TEXTFIELD: "text",
    FieldKind.TEXT: "prose",
    FieldKind.SEPARATOR: "rule",
    FieldKind.TAGLIST: "checklist",
    FieldKind.FILES: "files",
    FieldKind.LIST: "list",
}
"""The templates' names of kinds, where they differ from the engine's."""


@dataclass(frozen=True)
class Choice:
    """An option, a person or an organisation to choose."""

    value: str
    label: str
    detail: str = ""
    selected: bool = False


@dataclass(frozen=True)
class FileView:
    """A file that was attached already."""

    id: int
    name: str
    size: int


@dataclass(frozen=True)
class RollLine:
    """A person who is due at a meeting."""

    id: int
    name: str
    detail: str
    present: bool
    reason: str
    input_name: str
    errors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Box:
    """One number of a vote."""

    code: str
    title: str
    name: str
    value: str
    errors: tuple[str, ...] = ()


@dataclass(frozen=True)
class BallotPart:
    """Numbers of a vote that belong together."""

    title: str
    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class FieldView:
    """One field as it is drawn. ``path`` names it for the server, ``id`` on the page."""

    kind: str
    name: str
    path: str
    id: str
    label: str
    hint: str = ""
    required: bool = False
    readonly: bool = False
    hidden: bool = False
    value: Any = ""
    options: tuple[Choice, ...] = ()
    children: tuple[FieldView, ...] = ()
    items: tuple[tuple[FieldView, ...], ...] = ()
    known: tuple[Mapping[str, Any], ...] = ()
    """What is known of each row: the open item or figure, or the person it is about."""
    errors: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    say: Say | None = None
    oob: bool = False
    roll: tuple[RollLine, ...] = ()
    reasons: tuple[tuple[str, str], ...] = ()
    approved_name: str = ""
    approved: bool = False
    ballots: tuple[BallotPart, ...] = ()
    files: tuple[FileView, ...] = ()
    upload_name: str = ""
    upload_url: str = ""
    accept: str = ""
    multiple: bool = False
    max_bytes: int = 0


@dataclass(frozen=True)
class Drawing:
    """What all fields of one page share."""

    schema: FormSchema
    entry: Entry
    context: FormContext
    values: Mapping[str, Any]
    errors: Mapping[str, Sequence[str]]
    hidden: Collection[str]
    files: Mapping[int, FileView]
    upload_url: str
    max_bytes: int
    prefilled: Collection[str] = ()


def draw(fields: Sequence[Field], drawing: Drawing) -> tuple[FieldView, ...]:
    """Return the views of all fields of a form."""
    return _level(fields, drawing, drawing.values, "")


def speaking(views: Sequence[FieldView]) -> tuple[FieldView, ...]:
    """Return the fields that say something while one types, for an update out of band."""
    found: list[FieldView] = []
    for view in views:
        if view.say is not None:
            found.append(replace(view, oob=True))
        found.extend(speaking(view.children))
        for item in view.items:
            found.extend(speaking(item))
    return tuple(found)


def element_id(path: str) -> str:
    """Return the id of a field's element on the page."""
    return "f-" + path.replace(".", "--").replace("#", "n")


def _level(
    fields: Sequence[Field], drawing: Drawing, values: Any, prefix: str
) -> tuple[FieldView, ...]:
    here = values if isinstance(values, Mapping) else {}
    return tuple(_draw(f, drawing, here, prefix) for f in fields)


def _draw(f: Field, drawing: Drawing, values: Mapping[str, Any], prefix: str) -> FieldView:
    path = prefix + f.slot
    value = values.get(f.key) if f.key else None
    view = FieldView(
        kind=KINDS.get(f.kind, f.kind.value),
        name=path,
        path=path,
        id=element_id(path),
        label=f.label,
        hint=f.hint,
        required=f.required,
        readonly=f.readonly,
        hidden=path in drawing.hidden,
        errors=tuple(drawing.errors.get(path, ())),
        source=gettext("根据已有记录填好，请核对。") if path in drawing.prefilled else "",
    )
    match f.kind:
        case FieldKind.GROUP:
            inner = (value, path + ".") if f.key else (values, prefix)
            return replace(view, children=_level(f.children, drawing, *inner))
        case FieldKind.LIST if f.props.get("domain") == OPEN_ITEMS:
            return _open_items(f, view, drawing, value)
        case FieldKind.LIST if f.props.get("domain") == INDICATORS:
            return _indicators(f, view, drawing, value)
        case FieldKind.LIST:
            least = int(f.props.get("min", "1" if f.required else "0"))
            # What must hold something begins with rows to fill in; one left empty is not sent.
            rows = (value if isinstance(value, list) else []) or [{}] * least
            if f.each is not None:
                return _rows_of_people(f, view, drawing, rows)
            return replace(
                view,
                items=tuple(
                    _level(f.children, drawing, row, f"{path}-{index}.")
                    for index, row in enumerate(rows)
                ),
            )
        case FieldKind.TEXT:
            return replace(
                view, value=prose(drawing.schema.text(f, drawing.values, drawing.context))
            )
        case FieldKind.CHECKBOX:
            return replace(view, value=value is True or str(value).lower() in ("true", "on", "1"))
        case FieldKind.SELECT | FieldKind.RADIO | FieldKind.CHECKLIST | FieldKind.TAGLIST:
            chosen = _chosen(value)
            return replace(
                view,
                options=tuple(Choice(o.value, o.label, "", o.value in chosen) for o in f.options),
            )
        case FieldKind.PERSON | FieldKind.PEOPLE:
            chosen = _chosen(value)
            return replace(
                view,
                options=tuple(
                    Choice(str(p.id), p.name, p.detail, str(p.id) in chosen)
                    for p in drawing.context.people_choices(f)
                ),
            )
        case FieldKind.ORGANISATION:
            chosen = _chosen(value)
            return replace(
                view,
                options=tuple(
                    Choice(str(o.id), o.name, "", str(o.id) in chosen)
                    for o in drawing.context.organisation_choices(f)
                ),
            )
        case FieldKind.ATTENDANCE:
            return _attendance(f, view, drawing, value)
        case FieldKind.VOTE:
            return _vote(f, view, drawing, value)
        case FieldKind.FILES:
            ids = [int(i) for i in _chosen(value) if i.isdecimal()]
            return replace(
                view,
                files=tuple(drawing.files[i] for i in ids if i in drawing.files),
                upload_name=FILE_PREFIX + path,
                upload_url=drawing.upload_url,
                accept=ACCEPT,
                multiple=f.flag("multiple"),
                max_bytes=drawing.max_bytes,
            )
    return replace(view, value="" if value is None else value, attributes=_attributes(f))


def _rows_of_people(f: Field, view: FieldView, drawing: Drawing, rows: Sequence[Any]) -> FieldView:
    """Return rows each under the name of the person it is about, who need not be chosen again.

    A row of which nobody is chosen yet, or somebody who may not be, asks for the person.
    """
    column = person_column(f)
    assert column is not None  # seen to when the form was compiled
    names = {str(p.id): p.name for p in drawing.context.people_choices(column)}
    known, items = [], []
    for index, row in enumerate(rows):
        prefix = f"{view.path}-{index}."
        person = str(row.get(column.key) or "") if isinstance(row, Mapping) else ""
        named = person in names and not drawing.errors.get(prefix + column.key)
        known.append(
            {"name": names[person], "input": prefix + column.key, "value": person} if named else {}
        )
        shown = [c for c in f.children if c is not column or not named]
        items.append(_level(shown, drawing, row, prefix))
    return replace(view, known=tuple(known), items=tuple(items))


def _open_items(f: Field, view: FieldView, drawing: Drawing, value: Any) -> FieldView:
    """Return a row for each item that is still open, whatever was kept of the answers."""
    given = {
        str(row.get("item")): row
        for row in (value if isinstance(value, list) else [])
        if isinstance(row, Mapping)
    }
    known = drawing.context.variables.get(OPEN_ITEMS) or ()
    columns = [c for c in f.children if c.key not in ("item", "problem")]
    return replace(
        view,
        kind="open_items",
        known=tuple(known),
        items=tuple(
            _level(columns, drawing, given.get(str(item["item"]), {}), f"{view.path}-{index}.")
            for index, item in enumerate(known)
        ),
        errors=(
            *view.errors,
            *(
                e
                for n in range(len(known))
                for e in drawing.errors.get(f"{view.path}-{n}.item", ())
            ),
        ),
    )


def _indicators(f: Field, view: FieldView, drawing: Drawing, value: Any) -> FieldView:
    """Return a row for each figure as it is counted, with the score and reason given so far."""
    given = {
        row.get("indicator"): row
        for row in (value if isinstance(value, list) else [])
        if isinstance(row, Mapping)
    }
    known = known_rows(drawing.context.variables)
    columns = [c for c in f.children if c.key in ("score", "reason")]
    rows = []
    for index, row in enumerate(known):
        start = row.get("was") or {"score": row["calculated"]}
        said = {**start, **{k: v for k, v in given.get(row["indicator"], {}).items() if v != ""}}
        rows.append(_level(columns, drawing, said, f"{view.path}-{index}."))
    return replace(view, kind="indicators", known=tuple(known), items=tuple(rows))


def _chosen(value: Any) -> set[str] | list[str]:
    if value in (None, ""):
        return []
    if isinstance(value, (list, tuple)):
        return [str(v) for v in value]
    return [str(value)]


def _attributes(f: Field) -> dict[str, str]:
    limits, found = f.limits, {}
    if f.kind in (FieldKind.TEXTFIELD, FieldKind.TEXTAREA):
        found["maxlength"] = str(limits.max_length or 10_000)
        if limits.min_length:
            found["minlength"] = str(limits.min_length)
    return found


def _attendance(f: Field, view: FieldView, drawing: Drawing, value: Any) -> FieldView:
    given = value if isinstance(value, Mapping) else {}
    present = set(_chosen(given.get("present")))
    excluded = {
        str(row.get("person")): str(row.get("reason") or "")
        for row in given.get("excluded") or ()
        if isinstance(row, Mapping)
    }
    people = drawing.context.roll(f.props.get("body", "members"), drawing.context.occurred_on)
    lines = tuple(
        RollLine(
            id=person.id,
            name=person.name,
            detail=person.detail,
            present=str(person.id) in present,
            reason=excluded.get(str(person.id), ""),
            input_name=f"{view.path}.{person.id}",
            errors=tuple(drawing.errors.get(f"{view.path}.{person.id}", ())),
        )
        for person in people
    )
    return replace(
        view,
        roll=lines,
        reasons=exclusion_reasons(f),
        approved_name=f"{view.path}.excluded_approved",
        approved=given.get("exclusions_approved") in (True, "true", "on", "1"),
        errors=(
            *view.errors,
            *drawing.errors.get(f"{view.path}.excluded_approved", ()),
            *(e for line in lines for e in line.errors),
        ),
        say=say_attendance(f, drawing.entry, value),
    )


def _vote(f: Field, view: FieldView, drawing: Drawing, value: Any) -> FieldView:
    given = value if isinstance(value, Mapping) else {}
    written = given.get("written")

    def box(code: str, title: str) -> Box:
        *group, last = code.split(".")
        source = (written if isinstance(written, Mapping) else {}) if group else given
        found = source.get(last)
        return Box(
            code.replace(".", "-"),
            title,
            f"{view.path}.{code}",
            "" if found is None else str(found),
            tuple(drawing.errors.get(f"{view.path}.{code}", ())),
        )

    parts = []
    if f.flag("secret", True):
        parts.append(
            BallotPart(
                gettext("选票"),
                (box("issued", gettext("发出")), box("collected", gettext("收回"))),
            )
        )
    parts.append(
        BallotPart(
            gettext("计票"),
            (
                box("for", gettext("赞成")),
                box("against", gettext("不赞成")),
                box("abstain", gettext("弃权")),
            ),
        )
    )
    if f.flag("written_opinions"):
        parts.append(
            BallotPart(
                gettext("未到会人员的书面意见"),
                (
                    box("written.for", gettext("赞成")),
                    box("written.against", gettext("不赞成")),
                    box("written.abstain", gettext("弃权")),
                ),
            )
        )
    inner = [e for part in parts for b in part.boxes for e in b.errors]
    return replace(
        view,
        ballots=tuple(parts),
        errors=(*view.errors, *inner),
        say=say_vote(f, drawing.entry, value),
    )
