"""What the access policy is asked about: small views that the callers fill from their own tables.

The directory knows nothing of the runtime; these are the facts of a matter that decide who may
do what. ``path`` is the path of the organisation, see the model ``Organisation``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

NOBODY: frozenset[int] = frozenset()
NONE: frozenset[str] = frozenset()


@dataclass(frozen=True)
class OrganisationView:
    """An organisation as the owner of something; ``subject_id`` is whom a change there is about."""

    organisation_id: int
    path: str
    subject_id: int | None = None


@dataclass(frozen=True)
class PersonView:
    """A person in the directory. Without an organisation nobody but himself sees him."""

    person_id: int
    organisation_id: int | None
    path: str | None
    subject_id: int | None = None


@dataclass(frozen=True)
class MatterView:
    """A matter. ``working``: the principals in whose inbox one of its open tasks lies.

    ``deciding``: principals of the lanes with decision steps; they read the sensitive files.
    """

    instance_id: int
    organisation_id: int
    path: str
    subject_id: int | None = None
    participants: frozenset[int] = NOBODY
    working: frozenset[str] = NONE
    deciding: frozenset[str] = NONE
    active: bool = True
    superiors_begin: bool = False
    """Only an organisation above begins a matter of its kind."""


@dataclass(frozen=True)
class EntryView:
    """A recorded step of a matter. ``recorded_at``: the organisation of the post it was done in."""

    matter: MatterView
    recorded_at: int | None

    @property
    def organisation_id(self) -> int:
        """Return the matter's organisation."""
        return self.matter.organisation_id

    @property
    def path(self) -> str:
        """Return the path of the matter's organisation."""
        return self.matter.path

    @property
    def subject_id(self) -> int | None:
        """Return the person the matter is about."""
        return self.matter.subject_id


@dataclass(frozen=True)
class TaskView:
    """A task of a matter. ``organisation_id`` is who has to act: the branch, or one above it.

    ``decision``: a decision step; ``not_subject``: its lane excludes the person it is about.
    """

    task_id: int
    matter: MatterView
    candidates: frozenset[str]
    assignee_id: int | None = None
    organisation_id: int | None = None
    open: bool = True
    decision: bool = False
    not_subject: bool = False

    @property
    def path(self) -> str:
        """Return the path of the matter's organisation."""
        return self.matter.path

    @property
    def subject_id(self) -> int | None:
        """Return the person the matter is about."""
        return self.matter.subject_id


@dataclass(frozen=True)
class AttachmentView:
    """A file. Without a matter it is a fresh upload that only its uploader may see."""

    matter: MatterView | None
    uploaded_by: int | None = None
    sensitive: bool = False

    @property
    def subject_id(self) -> int | None:
        """Return the person the matter is about."""
        return None if self.matter is None else self.matter.subject_id


@dataclass(frozen=True)
class BallotView:
    """A secret ballot. ``candidates``: the principals of the task that it belongs to.

    ``voters``: those on the roll, as far as was asked for; ``tellers`` count the paper ballots.
    """

    box_id: int
    task: TaskView
    voters: frozenset[int] = NOBODY
    tellers: frozenset[int] = NOBODY
    open: bool = True

    @property
    def matter(self) -> MatterView:
        """Return the matter it belongs to."""
        return self.task.matter

    @property
    def subject_id(self) -> int | None:
        """Return the person the matter is about."""
        return self.task.subject_id


@dataclass(frozen=True)
class StartView:
    """A matter that somebody wants to start: ``principals`` of the lanes that may."""

    organisation_id: int
    path: str
    subject_id: int | None
    principals: frozenset[str]
    not_subject: bool = False


@dataclass(frozen=True)
class MessageView:
    """A message that somebody wants to send to a running matter, such as a withdrawal."""

    matter: MatterView
    principals: frozenset[str]

    @property
    def subject_id(self) -> int | None:
        """Return the person the matter is about."""
        return self.matter.subject_id


@dataclass(frozen=True)
class ItemView:
    """An item of the rectification ledger; ``subject_id`` is whom its matter is about.

    ``owner_closes``: its procedure lets the owner close it alone.
    """

    organisation_id: int
    path: str
    owner_id: int
    settled: bool = False
    owner_closes: bool = False
    subject_id: int | None = None


@dataclass(frozen=True)
class SubstitutionView:
    """A substitution of ``principal_id`` at an organisation."""

    principal_id: int
    organisation_id: int
    path: str
    until: date | None = None
    subject_id: int | None = None
