"""The parts of a process package as values: stages, lanes, steps, effects, documents, papers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Subject(StrEnum):
    """What a matter of the procedure is about."""

    PERSON = "person"
    ORGANISATION = "organisation"


class Who(StrEnum):
    """How a lane finds the people who act in it."""

    SUBJECT = "subject"
    """The person whom the matter is about."""
    POSTS = "posts"
    """Whoever holds one of the posts at an organisation."""
    PARTICIPANTS = "participants"
    """Whoever was given one of the roles in this matter."""
    ITEM = "item"
    """The person of the item, where there is a task for each of a list of people."""


class At(StrEnum):
    """At which organisation a lane's posts are held."""

    ORGANISATION = "organisation"
    """The organisation of the matter."""
    PARENT = "parent"
    """The organisation directly above it."""
    APPROVING = "approving"
    """The nearest organisation, from the matter's own upwards, that may approve members."""
    ABOVE_APPROVING = "above_approving"
    """The organisation directly above the approving one."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the procedure: an embedded subprocess with a name and a number."""

    id: str
    number: str
    title: str
    element: str


@dataclass(frozen=True, slots=True)
class Lane:
    """Who acts in a lane of the diagram, and how they are found."""

    id: str
    title: str
    who: Who
    posts: tuple[str, ...] = ()
    at: At = At.ORGANISATION
    roles: tuple[str, ...] = ()
    or_lane: str | None = None
    """The lane that acts when nobody holds one of the roles."""
    also: tuple[str, ...] = ()
    """Lanes that may act here too: the branch enters for the applicant what came on paper."""
    not_subject: bool = False
    """The person whom the matter is about never acts here, whatever post they hold."""


@dataclass(frozen=True, slots=True)
class Basis:
    """The article that demands a step, with its content in our own words."""

    regulation: str
    edition: str
    article: str
    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """What people do in one user task. A key step (关键环节) carries a number."""

    element: str
    number: str | None
    title: str
    action: str
    form: str
    basis: tuple[Basis, ...] = ()
    due: str | None = None
    """Expression: the latest lawful day."""
    earliest: str | None = None
    """Expression: no ``occurred_on`` before this day is accepted."""
    send_back: tuple[str, ...] = ()
    description: str = ""
    decision: bool = False
    """A decision: never completed by a timer, and nobody decides on their own matter."""
    stage: str | None = None
    """The stage it counts to, when that is not the subprocess it stands in."""
    only_in: tuple[str, ...] = ()
    """Editions of the first basis that ask for the step, empty: all; else it may be missing."""
    also_at: tuple[At, ...] = ()
    """Organisations, besides that of its lane, at which a record of the step is lawful."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What follows once an element has been passed: a membership status, or the outcome."""

    after: str
    when: str | None = None
    set_status: str | None = None
    since: str | None = None
    """Expression: the day from which the status counts; by default that of the causing step."""
    outcome: str | None = None
    outcome_title: str = ""


@dataclass(frozen=True, slots=True)
class Participant:
    """A role that people take in a matter; ``element.field`` names where they are chosen."""

    role: str
    title: str
    element: str
    field: str


@dataclass(frozen=True, slots=True)
class MessageAction:
    """A message that people may send to the running matter, such as a withdrawal."""

    id: str
    title: str
    lanes: tuple[str, ...]
    name: str
    form: str | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A document of the matter, found in the file field of a step."""

    id: str
    title: str
    step: str
    field: str
    archive: bool = False
    """It goes into the file that is kept of the person."""
    sensitive: bool = False
    """Few may read it, and each reading is recorded."""


@dataclass(frozen=True, slots=True)
class Paper:
    """An official paper (文书) that is filled from the record, from a .docx template."""

    id: str
    title: str
    template: str
    """The file, such as ``documents/notice.docx``."""
    step: str | None = None
    """The step on which it reports: until that is recorded it is a draft. None: the matter."""
    when: str | None = None
    """Expression on the answers of the step: whether there is such a paper at all."""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Start:
    """Who may start a matter, and which membership status its subject may have then."""

    lanes: tuple[str, ...] = ()
    subject_status: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    """Kinds of organisation that have such matters; empty: all."""
