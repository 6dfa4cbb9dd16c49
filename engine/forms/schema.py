"""A compiled form: what the inbox shows, what a task takes, and what an API client may send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from marshmallow import Schema, ValidationError, missing

from engine.errors import N_, ExpressionFault, InvalidInput
from engine.expressions import Expression, compile_expression
from engine.forms.apart import is_apart, part_for
from engine.forms.checking import Check
from engine.forms.compiling import compile_fields
from engine.forms.fields import (
    INDICATORS,
    OPEN_ITEMS,
    PLAIN,
    RECTIFICATION,
    Field,
    FieldKind,
    FormContext,
    walk,
)
from engine.forms.frozen_lists import start_scores
from engine.forms.html import Posted, read_html, write_html
from engine.forms.item_lists import start_rows
from engine.forms.people_lists import rows_for_each
from engine.forms.reading import Entry, Problems
from engine.forms.values import part_of, value_of
from engine.forms.words import (
    Answer,
    Names,
    answers_of,
    label_of,
    meeting_sentences,
    raw_of,
)


class FormSchema:
    """One form of a process package. Immutable and shared; compiled once by :func:`compile_form`.

    ``fields`` is the tree to show. *Raw* data is what people or programs send (JSON, or text from
    HTML posts); *data* is what :meth:`load` made of it. ``keys`` are the top-level keys of data.
    """

    def __init__(self, form_id: str, file: str, fields: Sequence[Field]) -> None:
        self.id = form_id
        self.file = file
        self.fields = tuple(fields)
        self._all = tuple(walk(self.fields))
        self._schema: Schema = part_of(self.fields)()
        self._readers = {
            field.path: value_of(field)
            for field in self._all
            if field.takes_input and (field.key or field.kind is not FieldKind.GROUP)
        }
        self.keys: frozenset[str] = frozenset(self._schema.fields)
        self.names: frozenset[str] = frozenset().union(*(e.names for e in self.expressions()))
        """What the form's expressions ask for."""
        self._conditional = any(field.hide is not None for field in self._all)
        self._all_entered = all(field.takes_input for field in self._all)
        self._checked = tuple(field for field in self._all if field.check is not None)
        self.ballots = tuple(f for f in self.fields if f.kind is FieldKind.BALLOT)
        """The secret ballots whose count the form holds."""
        self.keys |= {field.key for field in self.ballots}
        self.raising = tuple(f for f in self._all if f.props.get("domain") == RECTIFICATION)
        """The lists whose rows become items of the rectification ledger."""
        self.answering = tuple(f for f in self._all if f.props.get("domain") == OPEN_ITEMS)
        """The lists in which open items are answered."""
        self.freezing = tuple(f for f in self._all if f.props.get("domain") == INDICATORS)
        """The lists that freeze figures counted from records."""
        self.keeps_apart = any(map(is_apart, self._all))
        """Whether some of it is read only by the people concerned, and by those who lead."""

    def __repr__(self) -> str:
        return f"FormSchema({self.file!r})"

    @property
    def schema(self) -> Schema:
        """The marshmallow schema of the structure alone: for API documentation."""
        return self._schema

    def expressions(self) -> tuple[Expression, ...]:
        """Return every expression of the form: conditions, prefills, places in texts."""
        return tuple(
            expression
            for field in self._all
            for expression in (
                *(field.hide, field.prefill, field.each, field.check, *field.text),
                *(*_named(field), *_earlier(field)),
            )
            if isinstance(expression, Expression)
        )

    # --- taking in ------------------------------------------------------------------------------

    def load(self, raw: Mapping[str, Any], context: FormContext) -> dict[str, Any]:
        """Check what was handed in and return the data to keep, in canonical JSON values.

        Hidden and read-only fields are dropped, unknown ones refused; attendances and votes are
        reckoned, never taken as sent. Empty values are left out; lists are always there.

        Raises InvalidInput with every problem at once, by field name (``vote.for``,
        ``visits-0.date``).
        """
        if not isinstance(raw, Mapping):
            raise InvalidInput({"": [N_("内容的结构不对，请刷新页面后重新填写。")]})
        entry = self.entry(raw, context)
        problems: Problems = {}
        try:
            if not (self._all_entered and not entry.hidden):
                raw = _without(self.fields, raw, entry.hidden)
            read = self._read(raw)
        except ValidationError as error:
            _flatten(error.messages, "", problems)
            read = error.valid_data
        except RecursionError:
            raise InvalidInput({"": [N_("内容嵌套过深，请刷新页面后重新填写。")]}) from None
        data = Check(entry, problems).level(self.fields, read if isinstance(read, dict) else {})
        if not problems:
            self._check(data, entry, problems)
        if problems:
            raise InvalidInput(problems)
        return data

    def _read(self, raw: Mapping[str, Any]) -> Any:
        """Read the values, one by one: nearly always every one of them is right.

        Else the schema is asked, which gathers all that is wrong. Raises its ValidationError.
        """
        readers = self._schema.load_fields
        if raw.keys() <= readers.keys():
            try:
                read = {
                    key: reader.deserialize(raw.get(key, missing))
                    for key, reader in readers.items()
                }
            except ValidationError:
                pass
            else:
                return {key: value for key, value in read.items() if value is not missing}
        return self._schema.load(raw)

    def _check(self, data: Mapping[str, Any], entry: Entry, problems: Problems) -> None:
        """Ask what must hold of all answers together, once each of them is right by itself."""
        if not self._checked:
            return
        blank = dict.fromkeys(self.keys)
        scope = {**entry.context.variables, **blank, **data}
        for field in self._checked:
            if field.check is None or field.path in entry.hidden:
                continue
            if not field.check.evaluate(scope, entry.context.functions):
                problems.setdefault(field.path, []).append(field.props["check_text"])

    def from_html(self, posted: Posted) -> dict[str, Any]:
        """Return the raw data that a plain HTML post means. Never fails; :meth:`load` checks."""
        return read_html(self.fields, posted)

    def to_html(self, raw: Mapping[str, Any]) -> dict[str, list[str]]:
        """Return the values to show for ``raw``, by the names of the HTML form."""
        return write_html(self.fields, raw)

    def raw_of(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Turn kept data back into raw data, to be shown and corrected."""
        return raw_of(self.fields, data)

    # --- showing --------------------------------------------------------------------------------

    def prefill(self, context: FormContext) -> dict[str, Any]:
        """Return raw data to start from: what is known already, else the form's default values.

        A prefill that cannot be evaluated yet, or gives a value the field does not take, is left
        out.
        """
        raw: dict[str, Any] = {}
        self._prefill(self.fields, raw, dict(context.variables), context)
        return raw

    def entry(self, raw: Mapping[str, Any], context: FormContext) -> Entry:
        """Return one look at what is entered, from which several questions can be answered."""
        return Entry(self.fields, self._readers, raw, context, conditional=self._conditional)

    def hidden(self, raw: Mapping[str, Any], context: FormContext) -> frozenset[str]:
        """Return the names of the fields hidden for what is entered: ``key``, ``list-0.key``.

        What has no key goes by its slot, ``#3``.
        """
        return self.entry(raw, context).hidden

    def live(self, raw: Mapping[str, Any], context: FormContext) -> list[str]:
        """Say in plain words what the attendances and votes entered so far come to."""
        return meeting_sentences(self.entry(raw, context))

    def text(self, field: Field, raw: Mapping[str, Any], context: FormContext) -> str:
        """Return the content of a ``text`` field, its places filled. Plain text: escape it."""
        if all(isinstance(piece, str) for piece in field.text):
            return "".join(str(piece) for piece in field.text)
        scope = {**context.variables, **self.entry(raw, context).values}
        pieces = []
        for piece in field.text:
            if isinstance(piece, Expression):
                try:
                    value = piece.evaluate(scope, context.functions)
                except ExpressionFault:
                    value = None
                pieces.append("—" if value is None else str(value))
            else:
                pieces.append(piece)
        return "".join(pieces)

    def label(self, name: str) -> str:
        """Return the label for a field name from an error, with row numbers and parents."""
        return label_of(self.fields, name)

    def part_for(self, data: Mapping[str, Any], person_id: int) -> dict[str, Any]:
        """Return of kept data what somebody reads who sees only what is about themselves."""
        return part_for(self.fields, data, person_id)

    def in_words(self, data: Mapping[str, Any], names: Names) -> list[Answer]:
        """Return kept data as labels and words, in the order of the form."""
        return answers_of(self.fields, data, names)

    # --- inside ---------------------------------------------------------------------------------

    def _prefill(
        self,
        fields: Sequence[Field],
        raw: dict[str, Any],
        scope: dict[str, Any],
        context: FormContext,
    ) -> None:
        for field in fields:
            if field.kind is FieldKind.GROUP:
                inner = raw if not field.key else {}
                self._prefill(field.children, inner, scope, context)
                if field.key and inner:
                    raw[field.key] = inner
                    scope[field.key] = inner
            elif field.kind not in PLAIN:
                value = self._start_value(field, scope, context)
                if value is not None and value != []:
                    raw[field.key] = value
                    scope[field.key] = value

    def _start_value(self, field: Field, scope: Mapping[str, Any], context: FormContext) -> Any:
        if field.props.get("domain") == OPEN_ITEMS:
            return start_rows(field, scope)
        if field.props.get("domain") == INDICATORS:
            return start_scores(scope)
        if field.each is not None and field.prefill is None:
            return rows_for_each(field, scope, context)
        value = field.default
        if field.prefill is not None:
            try:
                found = field.prefill.evaluate(scope, context.functions)
            except ExpressionFault:
                found = None
            value = value if found is None else found
        if value is None or value == "":
            return None
        if field.kind is FieldKind.LIST:
            # What is known of a row is filled in; whoever fills in the form adds the rest.
            keys = [child.key for child in field.children if child.key]
            rows = value if isinstance(value, list) else []
            return [{k: row[k] for k in keys if k in row} for row in rows if isinstance(row, dict)]
        try:
            return value_of(field).deserialize(value)
        except ValidationError:
            return None


def _named(field: Field) -> list[Any]:
    """Return what says whom a ballot names: words and expressions."""
    return [one.who for part in (field, *field.questions) for one in part.people]


def _earlier(field: Field) -> list[Expression]:
    """Return what of earlier steps the matter keeps for a field: an attendance, a year, a list."""
    named = map(field.props.get, ("attendance_before", "year", "among"))
    return [compile_expression(name) for name in named if name]


@lru_cache(maxsize=512)
def _compile_text(source: bytes | str, file: str) -> FormSchema:
    return FormSchema(*_identified(source, file))


def compile_form(source: bytes | str | Mapping[str, Any], *, file: str) -> FormSchema:
    """Compile a form-js form. The same text gives the same object.

    Raises PackageProblem with every problem found: unsupported types, duplicate keys, bad
    expressions, unknown properties; each with file, component and cure.
    """
    if isinstance(source, (bytes, str)):
        return _compile_text(source, file)
    return FormSchema(*_identified(source, file))


def _identified(source: bytes | str | Mapping[str, Any], file: str) -> tuple[str, str, list[Field]]:
    form_id, fields = compile_fields(source, file)
    return form_id, file, fields


def _without(
    fields: Sequence[Field],
    raw: Mapping[str, Any],
    hidden: frozenset[str],
    prefix: str = "",
) -> dict[str, Any]:
    """Return raw data without what is hidden or read-only."""
    kept = dict(raw)
    for field in fields:
        name = prefix + field.slot
        if field.kind is FieldKind.GROUP and not field.key:
            kept = _without(field.children, kept, hidden, prefix)
        elif field.key not in kept:
            continue
        elif name in hidden or not field.takes_input:
            del kept[field.key]
        elif field.kind is FieldKind.GROUP and isinstance(kept[field.key], Mapping):
            kept[field.key] = _without(field.children, kept[field.key], hidden, f"{name}.")
        elif field.kind is FieldKind.LIST and isinstance(kept[field.key], (list, tuple)):
            kept[field.key] = [
                _without(field.children, row, hidden, f"{name}-{index}.")
                if isinstance(row, Mapping)
                else row
                for index, row in enumerate(kept[field.key])
            ]
    return kept


def _flatten(messages: Any, path: str, problems: Problems) -> None:
    """Turn marshmallow's tree of messages into sentences by field name."""
    if isinstance(messages, Mapping):
        for key, inner in messages.items():
            if key == "_schema":
                _flatten(inner, path, problems)
            elif isinstance(key, int):
                _flatten(inner, f"{path}-{key}", problems)
            else:
                shown = str(key)[:60]
                _flatten(inner, f"{path}.{shown}" if path else shown, problems)
    elif isinstance(messages, (list, tuple)):
        problems.setdefault(path, []).extend(messages)
    else:
        problems.setdefault(path, []).append(messages)
