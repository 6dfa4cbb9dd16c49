"""What a check looks at, told from the values that it is made of.

The judged step itself stands under ``OWN``: a rule may stand at several steps.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Final

from engine.compliance.names import SPECIAL
from engine.compliance.rules import Condition, Element, Field, Setting
from engine.expressions import Expression

OWN: Final = ""
"""Stands for the judged step."""

Part = Element | Field | Condition | Setting | Expression

_DATA: Final = re.compile(
    r"""\bdata\s*\[\s*['"](?P<element>\w+)['"]\s*\](?:\s*\[\s*['"](?P<field>\w+)['"]\s*\])?"""
)
_PARAM: Final = re.compile(r"""\bparam\s*\[\s*['"](\w+)['"]\s*\]""")


def parts_of(value: object) -> Iterator[Part]:
    """Yield everything in a check that names a step, a field, a parameter or an expression."""
    if isinstance(value, (Element, Field, Condition, Setting, Expression)):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from parts_of(key)
            yield from parts_of(item)
    elif isinstance(value, (tuple, list, frozenset)):
        for item in value:
            yield from parts_of(item)
    elif is_dataclass(value) and not isinstance(value, type):
        for one in fields(value):
            yield from parts_of(getattr(value, one.name))


def expressions_of(value: object) -> Iterator[Expression]:
    """Yield the expressions in a check."""
    for part in parts_of(value):
        if isinstance(part, Expression):
            yield part
        elif isinstance(part, Condition):
            yield part.expression


def settings_of(value: object) -> frozenset[str]:
    """Return the names of the parameters that a check asks for."""
    named = {part.parameter for part in parts_of(value) if isinstance(part, Setting)}
    for expression in expressions_of(value):
        named.update(_PARAM.findall(expression.source))
    return frozenset(named)


def reads_of(value: object) -> dict[str, set[str]]:
    """Return the elements that a check looks at, each with the fields it reads there."""
    found: dict[str, set[str]] = {}
    for part in parts_of(value):
        match part:
            case Element():
                found.setdefault(str(part), set())
            case Field():
                # Who did a step and whom the matter is about are no fields of a form.
                names = {part.name} - SPECIAL
                found.setdefault(str(part.element or OWN), set()).update(names)
            case Condition():
                for element in part.of:
                    _read(part.expression, str(element), found)
            case Expression():
                _read(part, OWN, found)
    return found


def _read(expression: Expression, own: str, found: dict[str, set[str]]) -> None:
    found.setdefault(own, set()).update(expression.names - SPECIAL)
    for element in expression.dates:
        found.setdefault(element, set())
    for match in _DATA.finditer(expression.source):
        names = found.setdefault(match["element"], set())
        if match["field"]:
            names.add(match["field"])
