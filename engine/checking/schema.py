"""The format of a matter's file as a JSON Schema, for those who write such files by program."""

from __future__ import annotations

from typing import Any

from engine.checking.reading import FORMAT
from engine.checking.steps import MOST_STEPS
from engine.directory.codes import MembershipStatus, OrganisationKind, PostKind


def matter_schema() -> dict[str, Any]:
    """Return the schema (JSON Schema 2020-12)."""
    text = {"type": "string", "minLength": 1}
    day = {"type": "string", "format": "date"}
    flag = {"type": "boolean"}
    status = {"enum": [code.value for code in MembershipStatus]}
    span = {"since": day, "until": day}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://guicheng.example/schema/matter-1.json",
        "title": "规程事项文件 matter of a procedure",
        **_table(
            {
                "format": {"const": FORMAT},
                "title": {"type": "string"},
                "procedure": text,
                "organisation": text,
                "subject": text,
                "today": day,
                "ended_on": day,
                "outcome": text,
                "organisations": _list(
                    {
                        "name": text,
                        "kind": {"enum": [code.value for code in OrganisationKind]},
                        "approves": flag,
                        "parent": text,
                    },
                    ["name", "kind"],
                ),
                "people": _list(
                    {
                        "name": text,
                        "status": {
                            "oneOf": [
                                status,
                                _list({"status": status, "since": day}, ["status", "since"]),
                            ]
                        },
                        "restricted": _list(span, []),
                        "posts": _list(
                            {
                                "post": {"enum": [code.value for code in PostKind]},
                                "at": text,
                                **span,
                            },
                            ["post", "at"],
                        ),
                    },
                    ["name"],
                ),
                "parameters": {"type": "object"},
                "holidays": {"type": "array", "items": {"type": "object", "required": ["year"]}},
                "steps": {
                    **_list(
                        {
                            "step": text,
                            "on": day,
                            "recorded_on": day,
                            "by": text,
                            "at": text,
                            "by_timer": flag,
                            "edition": text,
                            "status": {
                                "type": "object",
                                "propertyNames": status,
                                "additionalProperties": day,
                            },
                            "roll": {
                                "type": "object",
                                "additionalProperties": {"type": "array", "items": text},
                            },
                            "data": {"type": "object"},
                        },
                        ["step", "on"],
                    ),
                    "minItems": 1,
                    "maxItems": MOST_STEPS,
                },
            },
            ["procedure", "organisation", "organisations", "steps"],
        ),
    }


def _table(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _list(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "array", "items": _table(properties, required)}
