"""The parts of a form: a tree of frozen fields, and what a form asks of its surroundings."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final, Protocol

from engine.expressions import Expression

MAX_TEXT: Final = 10_000
"""Longest text, in characters, where the form sets no other limit."""
MAX_ROWS: Final = 200
"""Most rows of a dynamic list, and most people or files in one field."""
MAX_ROLL: Final = 5_000
"""Most people on the roll of one meeting."""
MAX_NUMBER: Final = 10**15
"""Largest magnitude of a number; exact as a float too."""


class FieldKind(StrEnum):
    """What a field holds. The first fourteen are form-js types, the rest are of our domain."""

    TEXTFIELD = "textfield"
    TEXTAREA = "textarea"
    NUMBER = "number"
    DATE = "date"
    CHECKBOX = "checkbox"
    CHECKLIST = "checklist"
    RADIO = "radio"
    SELECT = "select"
    TAGLIST = "taglist"
    GROUP = "group"
    LIST = "dynamiclist"
    FILES = "filepicker"
    TEXT = "text"
    SEPARATOR = "separator"
    PERSON = "person"
    PEOPLE = "people"
    ORGANISATION = "organisation"
    ATTENDANCE = "attendance"
    VOTE = "vote"
    BALLOT = "ballot"


RECTIFICATION: Final = "rectification"
"""Domain of a list whose rows become items of the rectification ledger (整改台账)."""
OPEN_ITEMS: Final = "open_items"
"""Domain of a list in which the items still open are answered, and its name in expressions."""
INDICATORS: Final = "indicators"
"""Domain of a list that freezes figures counted from records, and where they are among facts."""

MANY: Final = frozenset({FieldKind.CHECKLIST, FieldKind.TAGLIST, FieldKind.FILES, FieldKind.PEOPLE})
"""Kinds whose value is a list of plain values."""

NAMING: Final = frozenset({FieldKind.PERSON, FieldKind.PEOPLE, FieldKind.ATTENDANCE})
"""Kinds whose value names people."""

PLAIN: Final = frozenset({FieldKind.TEXT, FieldKind.SEPARATOR})
"""Kinds that are only looked at."""


@dataclass(frozen=True)
class Option:
    """One choice of a list."""

    value: str
    label: str


@dataclass(frozen=True)
class Limits:
    """Bounds of a value; what is None is not bounded (beyond the general limits)."""

    min_length: int | None = None
    max_length: int | None = None
    min: float | None = None
    max: float | None = None
    pattern: str | None = None
    decimals: int = 0


@dataclass(frozen=True)
class Layout:
    """Where form-js puts the component: fields of one ``row`` share 16 columns."""

    row: str | None = None
    columns: int | None = None


@dataclass(frozen=True)
class Field:
    """One component of a form.

    ``key`` names it among its siblings, ``path`` within the form (rows of a list are left out:
    ``visits.date``). A group without key adds no level to the data; it and what is only looked at
    have a number instead (``#3``), so that they too can be hidden. ``text`` holds the pieces of a
    ``text`` component, expressions among them.
    """

    kind: FieldKind
    key: str
    path: str
    label: str = ""
    hint: str = ""
    required: bool = False
    readonly: bool = False
    options: tuple[Option, ...] = ()
    limits: Limits = Limits()
    hide: Expression | None = None
    prefill: Expression | None = None
    each: Expression | None = None
    """The people for each of whom a list begins with a row."""
    check: Expression | None = None
    """What must hold of all answers together; ``props["check_text"]`` says what is wrong."""
    default: Any = None
    text: tuple[str | Expression, ...] = ()
    props: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    children: tuple[Field, ...] = ()
    layout: Layout = Layout()
    questions: tuple[Field, ...] = ()
    """What a secret ballot asks; they are answered in the box, never in this form."""
    people: tuple[Any, ...] = ()
    """Whom a ballot, or a question of it, names; see ballot_fields.py."""

    @cached_property
    def slot(self) -> str:
        """The last part of the path: the key, or ``#3`` where there is none."""
        return self.path.rpartition(".")[2]

    @cached_property
    def takes_input(self) -> bool:
        """Whether the field has a value that people may enter."""
        return self.kind not in PLAIN and self.kind is not FieldKind.BALLOT and not self.readonly

    @cached_property
    def names_people(self) -> bool:
        """Whether the field, or one inside it, names people or says who was at a meeting."""
        return self.kind in NAMING or any(child.names_people for child in self.children)

    @property
    def multiple(self) -> bool:
        """Whether the value is a list of plain values."""
        return self.kind in MANY

    def flag(self, name: str, default: bool = False) -> bool:
        """Read a property that is "true" or "false"."""
        return self.props.get(name, str(default).lower()) == "true"


def walk(fields: Sequence[Field]) -> Iterator[Field]:
    """Yield every field of the tree, parents first."""
    for item in fields:
        yield item
        yield from walk(item.children)


@dataclass(frozen=True)
class PersonChoice:
    """A person as offered in a form; ``detail`` tells namesakes apart (post, branch)."""

    id: int
    name: str
    detail: str = ""


@dataclass(frozen=True)
class OrganisationChoice:
    """An organisation as offered in a form."""

    id: int
    name: str


def may_be_among(field: Field, variables: Mapping[str, Any], person_id: int) -> bool:
    """Tell whether a person stands in the list, made in an earlier step, that a field keeps to."""
    listed = variables.get(field.props.get("among", ""))
    if not isinstance(listed, list):
        return True
    return person_id in [one.get("person") if isinstance(one, Mapping) else one for one in listed]


class FormContext(Protocol):
    """What a form asks of the matter, the directory and the attachments. All for one day."""

    @property
    def occurred_on(self) -> date:
        """The day the step happened: eligibility and rolls are of that day."""
        ...

    @property
    def variables(self) -> Mapping[str, Any]:
        """Facts that expressions of the form may read."""
        ...

    @property
    def functions(self) -> Mapping[str, Callable[..., Any]]:
        """Date functions for expressions."""
        ...

    @property
    def subject_id(self) -> int | None:
        """The person whom the matter is about."""
        ...

    @property
    def ballots(self) -> Mapping[str, Any]:
        """The counts of the step's secret ballots, by field."""
        ...

    def find_person(self, person_id: int, field: Field) -> PersonChoice | None:
        """Return the person if they may be chosen in ``field`` on that day, else None.

        ``field.props`` says who may: ``status`` (membership codes, comma-separated) and ``scope``.
        """
        ...

    def people_choices(self, field: Field) -> Sequence[PersonChoice]:
        """Return whom to offer in ``field``; may be cut short where there are very many."""
        ...

    def organisation_choices(self, field: Field) -> Sequence[OrganisationChoice]:
        """Return which organisations may be chosen in ``field``."""
        ...

    def roll(self, body: str, day: date) -> Sequence[PersonChoice]:
        """Return who is due at a meeting of ``body`` ("members", "committee"), nobody excluded."""
        ...

    def usable(self, files: Sequence[int]) -> Collection[int]:
        """Return those of some attachments (by id) that exist, are sound and may be used here."""
        ...
