"""One look at what was entered: what of it can be read, what is hidden, and what meetings say.

Used while a person types (nothing may fail) and again when the form is handed in. An
:class:`Entry` belongs to one request; it asks the context for each roll once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from marshmallow import ValidationError
from marshmallow import fields as ma

from engine.errors import ExpressionFault
from engine.expressions import Expression
from engine.forms.fields import Field, FieldKind, FormContext, walk
from engine.forms.votes import (
    ADMISSION_EXCLUSIONS,
    ELECTION_EXCLUSIONS,
    Attendance,
    Exclusion,
    Share,
    Threshold,
    Vote,
    check_attendance,
    check_vote,
    recorded_attendance,
)

MAX_ROUNDS: Final = 10
"""How often visibility is worked out again when hidden fields hide others."""

Problems = dict[str, list[str]]


def exclusions_of(field: Field) -> tuple[Exclusion, ...]:
    """Return the reasons for which a member may be left out in this attendance field."""
    if field.props.get("exclusions") == "election":
        return ELECTION_EXCLUSIONS
    return ADMISSION_EXCLUSIONS


def counts_of(part: Mapping[str, Any]) -> dict[str, int | None]:
    """Return the numbers of a vote by path: ``for``, ``written.for`` …"""
    counts = {key: value for key, value in part.items() if key != "written"}
    written = part.get("written") or {}
    return counts | {f"written.{key}": value for key, value in written.items()}


class Entry:
    """What was entered into one form, read as far as it can be."""

    def __init__(
        self,
        fields: Sequence[Field],
        readers: Mapping[str, ma.Field[Any]],
        raw: Mapping[str, Any],
        context: FormContext,
        *,
        conditional: bool = True,
    ) -> None:
        self.conditional = conditional
        """Whether any field may be hidden."""
        self.fields = fields
        self.readers = readers
        self.raw = raw
        self.context = context
        self._rolls: dict[str, frozenset[int]] = {}
        self._read: dict[tuple[str, int], tuple[Any, Any]] = {}
        self._meetings: dict[tuple[str, bool | None], Attendance | None] = {}

    # --- meetings -------------------------------------------------------------------------------

    def roll(self, body: str) -> frozenset[int]:
        """Return the ids of those due at a meeting of ``body`` on the day of the step."""
        if body not in self._rolls:
            people = self.context.roll(body, self.context.occurred_on)
            self._rolls[body] = frozenset(person.id for person in people)
        return self._rolls[body]

    def reckon_attendance(
        self, field: Field, part: Mapping[str, Any], *, approved: bool | None = None
    ) -> tuple[Attendance | None, Problems]:
        """Reckon an attendance from its part of the data, as its schema has read it."""
        excluded = [
            (item.get("person") or 0, item.get("reason") or "")
            for item in part.get("excluded") or []
        ]
        return check_attendance(
            self.roll(field.props["body"]),
            part.get("present") or [],
            excluded,
            approved=bool(part.get("exclusions_approved")) if approved is None else approved,
            quorum=Share(field.props["quorum"]),
            reasons=exclusions_of(field),
        )

    def reckon_vote(
        self, field: Field, part: Mapping[str, Any], attendance: Attendance
    ) -> tuple[Vote | None, Problems]:
        """Reckon a vote from its part of the data and the attendance it belongs to."""
        return check_vote(
            counts_of(part),
            attendance,
            Threshold.parse(field.props["threshold"]),
            secret=field.flag("secret"),
            written_opinions=field.flag("written_opinions"),
        )

    def meeting_field(self, vote: Field) -> Field:
        """Return the attendance field that a vote refers to; the form's only one by default."""
        meetings = [item for item in walk(self.fields) if item.kind is FieldKind.ATTENDANCE]
        named = vote.props.get("attendance", meetings[0].key)
        return next(item for item in meetings if item.key == named)

    def meeting_of(self, vote: Field, *, approved: bool | None = None) -> Attendance | None:
        """Return the attendance that a vote refers to, or None while it does not add up."""
        if (earlier := vote.props.get("attendance_before")) is not None:
            recorded = self.context.variables.get(earlier)
            return None if recorded is None else recorded_attendance(recorded)
        field = self.meeting_field(vote)
        asked = (field.key, approved)
        if asked not in self._meetings:
            part = self.read(field, self.raw.get(field.key)) or {}
            entered = isinstance(part, Mapping) and (part.get("present") or part.get("excluded"))
            self._meetings[asked] = (
                self.reckon_attendance(field, part, approved=approved)[0] if entered else None
            )
        return self._meetings[asked]

    # --- reading --------------------------------------------------------------------------------

    def read(self, field: Field, value: Any) -> Any:
        """Return the canonical value, or None if it cannot be read."""
        # Kept with its value, so that no other object can come by the same id.
        asked = (field.path, id(value))
        if asked not in self._read:
            try:
                self._read[asked] = value, self.readers[field.path].deserialize(value)
            except (ValidationError, RecursionError):
                self._read[asked] = value, None
        return self._read[asked][1]

    def _value(self, field: Field, value: Any, name: str, hidden: frozenset[str]) -> Any:
        match field.kind:
            case FieldKind.GROUP:
                inner = value if isinstance(value, Mapping) else {}
                return self._level(field.children, inner, f"{name}.", hidden)
            case FieldKind.LIST:
                return [
                    self._level(field.children, row, f"{name}-{index}.", hidden)
                    for index, row in enumerate(rows_of(value))
                ]
            case FieldKind.ATTENDANCE:
                part = self.read(field, value)
                if not isinstance(part, Mapping) or not any(part.values()):
                    return None
                attendance = self.reckon_attendance(field, part)[0]
                return attendance and attendance.as_data()
            case FieldKind.VOTE:
                part = self.read(field, value) or {}
                meeting = self.meeting_of(field)
                if not isinstance(part, Mapping) or meeting is None:
                    return None
                vote = self.reckon_vote(field, part, meeting)[0]
                return vote and vote.as_data()
            case _:
                return self.read(field, value)

    def _level(
        self,
        fields: Sequence[Field],
        raw: Mapping[str, Any],
        prefix: str,
        hidden: frozenset[str],
    ) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for field in fields:
            if field.kind is FieldKind.GROUP and not field.key:
                values |= self._level(field.children, raw, prefix, hidden)
            elif field.takes_input:
                name = prefix + field.key
                value = None
                if name not in hidden:
                    value = self._value(field, raw.get(field.key), name, hidden)
                values[field.key] = value
            elif field.kind is FieldKind.BALLOT:
                values[field.key] = self.context.ballots.get(field.key)
        return values

    @cached_property
    def _settled(self) -> tuple[dict[str, Any], frozenset[str]]:
        hidden = frozenset[str]()
        values: dict[str, Any] = {}
        for _ in range(MAX_ROUNDS):
            values = self._level(self.fields, self.raw, "", hidden)
            found: set[str] = set()
            self._hide(self.fields, values, {**self.context.variables, **values}, "", found, False)
            if found == hidden:
                break
            hidden = frozenset(found)
        return values, hidden

    @property
    def values(self) -> dict[str, Any]:
        """What could be read, by key; None where nothing is, or it cannot be read, or is hidden."""
        return self._settled[0]

    @cached_property
    def hidden(self) -> frozenset[str]:
        """Names of hidden fields as in the HTML form: ``group.key``, ``list-0.key``, ``#3``."""
        return self._settled[1] if self.conditional else frozenset()

    # --- visibility -----------------------------------------------------------------------------

    def is_true(self, expression: Expression, scope: Mapping[str, Any]) -> bool:
        """Evaluate a condition; while something it needs is missing, it does not hold."""
        try:
            return bool(expression.evaluate(scope, self.context.functions))
        except ExpressionFault:
            return False

    def _hide(
        self,
        fields: Sequence[Field],
        values: Mapping[str, Any],
        scope: Mapping[str, Any],
        prefix: str,
        found: set[str],
        all_hidden: bool,
    ) -> None:
        for field in fields:
            name = prefix + field.slot
            gone = all_hidden or (field.hide is not None and self.is_true(field.hide, scope))
            if gone:
                found.add(name)
            if field.kind is FieldKind.GROUP:
                inner = values if not field.key else values.get(field.key) or {}
                below = prefix if not field.key else f"{name}."
                self._hide(field.children, inner, {**scope, **inner}, below, found, gone)
            elif field.kind is FieldKind.LIST and not gone:
                for index, row in enumerate(values.get(field.key) or []):
                    self._hide(
                        field.children, row, {**scope, **row}, f"{name}-{index}.", found, False
                    )


def rows_of(value: Any) -> list[Mapping[str, Any]]:
    """Return the rows of a list as they came; a row that is none counts as empty."""
    if not isinstance(value, (list, tuple)):
        return []
    return [row if isinstance(row, Mapping) else {} for row in value]
