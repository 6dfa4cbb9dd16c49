"""Lists that begin with a row for each of some people: ``each``, an expression that gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.errors import ExpressionFault
from engine.forms.apart import person_column
from engine.forms.fields import Field, FormContext


def rows_for_each(
    field: Field, scope: Mapping[str, Any], context: FormContext
) -> list[dict[str, Any]]:
    """Return a row for each person, with nothing filled in but whom it is about."""
    column = person_column(field)
    if field.each is None or column is None:
        return []
    try:
        people = field.each.evaluate(scope, context.functions)
    except ExpressionFault:
        return []
    named = (
        one.get("person") if isinstance(one, Mapping) else one
        for one in (people if isinstance(people, list) else ())
    )
    return [{column.key: person} for person in dict.fromkeys(filter(None, named))]
