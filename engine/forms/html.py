"""Plain HTML posts to raw form data, and back. Names: ``key``, ``group.key``, ``list-0.key``.

An attendance posts one select per person, ``attendance.<person id>``, with ``present``, ``absent``
or ``excluded:<reason>``, and the checkbox ``attendance.excluded_approved``. A vote posts
``vote.for``, ``vote.against``, ``vote.abstain``, ``vote.written.for`` …, ``vote.issued`` and
``vote.collected``. Names that the form does not know are left alone: they belong to the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from engine.errors import N_
from engine.forms.fields import MAX_ROWS, PLAIN, Field, FieldKind, Option
from engine.forms.reading import exclusions_of

_TICKED: Final = "true"
_SIDES: Final = ("for", "against", "abstain")


class Posted(Protocol):
    """What Werkzeug's MultiDict offers."""

    def getlist(self, key: str) -> list[str]:
        """Return all values of a name."""
        ...

    def keys(self) -> Iterable[str]:
        """Return the names."""
        ...


def vote_inputs(field: Field) -> tuple[Option, ...]:
    """Return the inputs of a vote in the order of the count: path below the field, and label."""
    inputs: list[Option] = []
    if field.flag("secret"):
        inputs += [Option("issued", N_("发出票数")), Option("collected", N_("收回票数"))]
    inputs += [
        Option("for", N_("赞成")),
        Option("against", N_("反对")),
        Option("abstain", N_("弃权")),
    ]
    if field.flag("written_opinions"):
        inputs += [
            Option("written.for", N_("书面意见：赞成")),
            Option("written.against", N_("书面意见：反对")),
            Option("written.abstain", N_("书面意见：弃权")),
        ]
    return tuple(inputs)


def attendance_options(field: Field) -> tuple[Option, ...]:
    """Return the choices for each person on the roll; the first is the default."""
    return (
        Option("absent", N_("缺席")),
        Option("present", N_("到会")),
        *(
            Option(f"excluded:{reason.value}", N_("不计入应到会：%s") % reason.label)
            for reason in exclusions_of(field)
        ),
    )


def read_html(fields: Sequence[Field], posted: Posted, prefix: str = "") -> dict[str, Any]:
    """Return the raw data that an HTML post means; values stay text."""
    names = list(posted.keys())
    return _read_level(fields, posted, names, prefix)


def _read_level(
    fields: Sequence[Field], posted: Posted, names: Sequence[str], prefix: str
) -> dict[str, Any]:
    raw: dict[str, Any] = {}
    for field in fields:
        if field.kind is FieldKind.GROUP and not field.key:
            raw |= _read_level(field.children, posted, names, prefix)
            continue
        if not field.takes_input:
            continue
        name = prefix + field.key
        value = _read_field(field, posted, names, name)
        if value is not None:
            raw[field.key] = value
    return raw


def _read_field(field: Field, posted: Posted, names: Sequence[str], name: str) -> Any:
    match field.kind:
        case FieldKind.GROUP:
            return _read_level(field.children, posted, names, f"{name}.")
        case FieldKind.LIST:
            return _read_rows(field, posted, names, name)
        case FieldKind.ATTENDANCE:
            return _read_attendance(posted, names, name)
        case FieldKind.VOTE:
            return _read_vote(posted, name)
        case FieldKind.CHECKBOX:
            # A browser does not post an empty checkbox.
            return any(value.strip() for value in posted.getlist(name))
    values = posted.getlist(name)
    if field.multiple:
        return [value for value in values if value.strip()]
    return values[0] if values else None


def _read_rows(
    field: Field, posted: Posted, names: Sequence[str], name: str
) -> list[dict[str, Any]]:
    pattern = re.compile(re.escape(name) + r"-([0-9]{1,6})\.")
    numbers = {int(match[1]) for key in names if (match := pattern.match(key))}
    rows = []
    for number in sorted(numbers)[: MAX_ROWS + 1]:
        row = _read_level(field.children, posted, names, f"{name}-{number}.")
        if _holds_something(row):  # an empty row was offered and not used
            rows.append(row)
    return rows


def _holds_something(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_holds_something, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(_holds_something, value))
    return bool(value.strip()) if isinstance(value, str) else bool(value)


def _read_attendance(posted: Posted, names: Sequence[str], name: str) -> dict[str, Any] | None:
    pattern = re.compile(re.escape(name) + r"\.([0-9]{1,18})")
    present: list[int] = []
    excluded: list[dict[str, Any]] = []
    found = False
    for key in names:
        match = pattern.fullmatch(key)
        if match is None:
            continue
        found = True
        person = int(match[1])
        for value in posted.getlist(key):
            if value == "present":
                present.append(person)
            elif value.startswith("excluded:"):
                excluded.append({"person": person, "reason": value.removeprefix("excluded:")})
    approved = any(value.strip() for value in posted.getlist(f"{name}.excluded_approved"))
    if not found and not approved:
        return None
    return {"present": present, "excluded": excluded, "exclusions_approved": approved}


def _read_vote(posted: Posted, name: str) -> dict[str, Any] | None:
    def one(path: str) -> str | None:
        values = [value for value in posted.getlist(f"{name}.{path}") if value.strip()]
        return values[0] if values else None

    counts = {path: one(path) for path in (*_SIDES, "issued", "collected")}
    raw: dict[str, Any] = {path: value for path, value in counts.items() if value is not None}
    written = {side: value for side in _SIDES if (value := one(f"written.{side}")) is not None}
    if written:
        raw["written"] = written
    return raw or None


def write_html(
    fields: Sequence[Field], raw: Mapping[str, Any], prefix: str = ""
) -> dict[str, list[str]]:
    """Return the values that an HTML form shows for ``raw``, by name; it would post them back.

    Read-only fields are among them. ``raw`` may be a draft with anything in it: what does not fit
    is left out.
    """
    values: dict[str, list[str]] = {}
    for field in fields:
        if field.kind is FieldKind.GROUP and not field.key:
            values |= write_html(field.children, raw, prefix)
        elif field.kind not in PLAIN and raw.get(field.key) is not None:
            _write_field(field, raw[field.key], prefix + field.key, values)
    return values


def _write_field(field: Field, value: Any, name: str, values: dict[str, list[str]]) -> None:
    match field.kind:
        case FieldKind.GROUP if isinstance(value, Mapping):
            values |= write_html(field.children, value, f"{name}.")
        case FieldKind.LIST if isinstance(value, (list, tuple)):
            for index, row in enumerate(value):
                if isinstance(row, Mapping):
                    values |= write_html(field.children, row, f"{name}-{index}.")
        case FieldKind.ATTENDANCE if isinstance(value, Mapping):
            for person in _list(value.get("present")):
                values[f"{name}.{person}"] = ["present"]
            for item in _list(value.get("excluded")):
                if isinstance(item, Mapping):
                    values[f"{name}.{item.get('person')}"] = [f"excluded:{item.get('reason')}"]
            if value.get("exclusions_approved"):
                values[f"{name}.excluded_approved"] = [_TICKED]
        case FieldKind.VOTE if isinstance(value, Mapping):
            for path, count in value.items():
                if path == "written" and isinstance(count, Mapping):
                    values |= {f"{name}.written.{k}": [_text(v)] for k, v in count.items()}
                elif count is not None:
                    values[f"{name}.{path}"] = [_text(count)]
        case FieldKind.CHECKBOX:
            if value is True or value == _TICKED:
                values[name] = [_TICKED]
        case _ if isinstance(value, (list, tuple)):
            values[name] = [_text(item) for item in value]
        case _:
            values[name] = [_text(value)]


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else ()


def _text(value: Any) -> str:
    return "" if value is None else str(value)
