"""Forms for programs: the tree of fields, who may be chosen, what is hidden, and the values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from marshmallow import fields

from engine.forms.fields import Field, FieldKind, FormContext
from engine.forms.schema import FormSchema
from web.api.fields import Shape


class OptionSchema(Shape):
    """One choice of a list."""

    value = fields.String(required=True)
    label = fields.String(required=True)


class PersonChoiceSchema(Shape):
    """A person who may be chosen; ``detail`` tells namesakes apart."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    detail = fields.String(required=True)


class LimitsSchema(Shape):
    """Bounds of a value; null is not bounded."""

    min_length = fields.Integer(required=True, allow_none=True)
    max_length = fields.Integer(required=True, allow_none=True)
    min = fields.Float(required=True, allow_none=True)
    max = fields.Float(required=True, allow_none=True)
    pattern = fields.String(required=True, allow_none=True)
    decimals = fields.Integer(required=True)


class FieldSchema(Shape):
    """One component of a form, with the components inside it."""

    kind = fields.String(required=True)
    key = fields.String(required=True)
    path = fields.String(required=True)
    label = fields.String(required=True)
    hint = fields.String(required=True)
    text = fields.String(required=True, metadata={"description": "What a text component says."})
    required = fields.Boolean(required=True)
    readonly = fields.Boolean(required=True)
    multiple = fields.Boolean(required=True)
    options = fields.List(fields.Nested(OptionSchema), required=True)
    choices = fields.List(
        fields.Nested(PersonChoiceSchema),
        required=True,
        metadata={"description": "People or organisations that may be chosen; a roll of voters."},
    )
    limits = fields.Nested(LimitsSchema, required=True)
    properties = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    fields_ = fields.List(fields.Nested(lambda: FieldSchema()), required=True, data_key="fields")


class FormSchemaSchema(Shape):
    """A form for a day, as it stands with its values."""

    id = fields.String(required=True)
    fields_ = fields.List(fields.Nested(FieldSchema), required=True, data_key="fields")
    hidden = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Paths of the fields that do not count with these values."},
    )
    values = fields.Dict(required=True)


def form_shape(form: FormSchema, values: Mapping[str, Any], context: FormContext) -> dict[str, Any]:
    """Return a form with its values, as JSON has it."""

    def text_of(field: Field) -> str:
        return form.text(field, values, context) if field.kind is FieldKind.TEXT else ""

    def tree(items: Sequence[Field]) -> list[dict[str, Any]]:
        return [
            {
                **field_shape(item),
                "text": text_of(item),
                "choices": _choices(item, context),
                "fields": tree(item.children),
            }
            for item in items
        ]

    return {
        "id": form.id,
        "fields": tree(form.fields),
        "hidden": sorted(form.hidden(values, context)),
        "values": dict(values),
    }


def blank_form(form: FormSchema) -> dict[str, Any]:
    """Return a form of no matter: nothing is filled in, hidden, or to be chosen from."""

    def tree(items: Sequence[Field]) -> list[dict[str, Any]]:
        return [{**field_shape(item), "fields": tree(item.children)} for item in items]

    return {"id": form.id, "fields": tree(form.fields), "hidden": [], "values": {}}


def field_shape(item: Field) -> dict[str, Any]:
    """Return a field without what depends on a matter."""
    limits = item.limits
    return {
        "kind": item.kind.value,
        "key": item.key,
        "path": item.path,
        "label": item.label,
        "hint": item.hint,
        "text": "".join(piece for piece in item.text if isinstance(piece, str)),
        "required": item.required,
        "readonly": item.readonly,
        "multiple": item.multiple,
        "options": [{"value": option.value, "label": option.label} for option in item.options],
        "choices": [],
        "limits": {
            "min_length": limits.min_length,
            "max_length": limits.max_length,
            "min": limits.min,
            "max": limits.max,
            "pattern": limits.pattern,
            "decimals": limits.decimals,
        },
        "properties": dict(item.props),
        "fields": [],
    }


def _choices(item: Field, context: FormContext) -> list[dict[str, Any]]:
    """Return who or what may be entered where the form has no fixed list."""
    if item.kind in (FieldKind.PERSON, FieldKind.PEOPLE):
        people = context.people_choices(item)
    elif item.kind is FieldKind.ATTENDANCE:
        people = context.roll(item.props.get("body", "members"), context.occurred_on)
    elif item.kind is FieldKind.ORGANISATION:
        found = context.organisation_choices(item)
        return [{"id": place.id, "name": place.name, "detail": ""} for place in found]
    else:
        return []
    return [{"id": who.id, "name": who.name, "detail": who.detail} for who in people]
