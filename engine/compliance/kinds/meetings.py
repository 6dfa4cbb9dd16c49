"""Attendance and votes as forms record them, read with care: records may come from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.compliance.case import Case
from engine.compliance.rules import Field

ADOPTED, LOST, NO_QUORUM = "adopted", "lost", "no_quorum"


@dataclass(frozen=True, slots=True)
class Present:
    """Who was due and who came."""

    field: str
    due: int
    present: int
    people: tuple[int, ...]
    excluded: tuple[tuple[int, str], ...]
    approved: bool
    """Leaving people out was agreed to by the superior and adopted by the meeting."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted, and what was said to follow from it."""

    yes: int
    no: int
    abstain: int
    written_yes: int
    written_no: int
    written_abstain: int
    issued: int | None
    collected: int | None
    due: int
    present: int
    outcome: str | None

    @property
    def cast(self) -> int:
        """Votes of those present."""
        return self.yes + self.no + self.abstain

    @property
    def written(self) -> int:
        """Written opinions of those absent."""
        return self.written_yes + self.written_no + self.written_abstain

    @property
    def held(self) -> bool:
        """Whether there was a vote at all: a meeting without quorum holds none."""
        return bool(self.cast or self.written) or self.outcome in (ADOPTED, LOST)


def present_of(case: Case, fields: tuple[Field, ...]) -> Present | None:
    """Return the attendance that the first of ``fields`` holds."""
    for field in fields:
        value = case.value(field)
        if isinstance(value, Mapping):
            people = tuple(p for p in value.get("present_people") or () if isinstance(p, int))
            return Present(
                field.name,
                _whole(value.get("due")),
                len(set(people)) if people else _whole(value.get("present")),
                people,
                tuple(
                    (item["person"], str(item.get("reason", "")))
                    for item in value.get("excluded") or ()
                    if isinstance(item, Mapping) and isinstance(item.get("person"), int)
                ),
                value.get("exclusions_approved") is not False,
            )
    return None


def counted_of(case: Case, fields: tuple[Field, ...]) -> Counted | None:
    """Return the vote that the first of ``fields`` holds."""
    for field in fields:
        value = case.value(field)
        if isinstance(value, Mapping):
            written = value.get("written")
            if not isinstance(written, Mapping):
                written = {}
            return Counted(
                _whole(value.get("for")),
                _whole(value.get("against")),
                _whole(value.get("abstain")),
                _whole(written.get("for")),
                _whole(written.get("against")),
                _whole(written.get("abstain")),
                _number(value.get("issued")),
                _number(value.get("collected")),
                _whole(value.get("due")),
                _whole(value.get("present")),
                value.get("outcome"),
            )
    return None


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _whole(value: Any) -> int:
    return _number(value) or 0
