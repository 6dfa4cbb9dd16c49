"""What people see of matters and tasks: frozen rows, read by the pages and the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from engine.coded import Coded
from engine.compliance.grounds import Ground
from engine.definitions.package import Basis, Document
from engine.errors import N_
from engine.forms.fields import PersonChoice
from engine.forms.schema import FormSchema
from engine.runtime.people import DatabaseFormContext


class Bucket(Coded):
    """The parts of an inbox."""

    OVERDUE = "overdue", N_("已超期")
    SOON = "soon", N_("即将到期")
    TODO = "todo", N_("待办")
    WAITING = "waiting", N_("等待他人")
    DONE = "done", N_("已办")


class MatterStatus(Coded):
    """The state of a matter."""

    ACTIVE = "active", N_("进行中")
    SUSPENDED = "suspended", N_("已挂起")
    COMPLETED = "completed", N_("已办结")
    CANCELLED = "cancelled", N_("已终止")


class Progress(Coded):
    """Where a key step or a stage stands."""

    DONE = "done", N_("已完成")
    NOW = "now", N_("办理中")
    AHEAD = "ahead", N_("未开始")
    SKIPPED = "skipped", N_("未经过")


@dataclass(frozen=True)
class TaskRow:
    """A task as one line of a list."""

    id: int
    instance_id: int
    matter_number: str
    process_key: str
    process_title: str
    subject_id: int | None
    subject_name: str
    organisation_id: int
    organisation_name: str
    for_id: int | None
    """Whose task it is, in a step with one for each of a list of people."""
    for_name: str
    stage_title: str | None
    element: str
    step_number: str | None
    title: str
    action: str
    description: str
    basis: tuple[Ground, ...]
    """The articles in force on the day of the step, or today."""
    due_on: date | None
    earliest_on: date | None
    not_before: date | None
    workdays_left: int | None
    """Working days from today until the limit; calendar days over it, negative."""
    state: str
    claimed_by: int | None
    claimed_by_name: str | None
    waiting_for: str
    has_draft: bool
    returned: bool
    decision: bool
    """People decide it one by one: never to be done in bulk."""
    revision: int
    created_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True)
class Inbox:
    """A page of tasks with the counts of all buckets (no count goes above ``most``)."""

    counts: Mapping[str, int]
    rows: tuple[TaskRow, ...]
    next_cursor: str | None
    processes: tuple[tuple[str, str], ...]
    organisations: tuple[tuple[int, str], ...]
    most: int


@dataclass(frozen=True)
class AttachmentRef:
    """A file of a matter."""

    id: int
    name: str
    document: str
    media_type: str
    size: int
    uploaded_at: datetime


@dataclass(frozen=True)
class Correction:
    """What was put right of a step afterwards. What stood there before is still shown."""

    seq: int
    at: datetime
    person_name: str
    reason: str
    occurred_on: date | None
    """The day as it should have been, if that was corrected."""
    data: tuple[tuple[str, str], ...]
    documents: tuple[AttachmentRef, ...]


@dataclass(frozen=True)
class StepRecord:
    """One completion of a task. ``data`` holds label and value in words."""

    seq: int
    element: str
    number: str | None
    title: str
    occurred_on: date
    recorded_at: datetime
    person_id: int | None
    person_name: str
    post: str | None
    on_behalf_of: str | None
    backfilled: bool
    undone: bool
    """A later send-back has taken the matter to before this."""
    data: tuple[tuple[str, str], ...]
    documents: tuple[AttachmentRef, ...]
    corrections: tuple[Correction, ...] = ()
    for_name: str | None = None
    """Whose it was, of a step with a task for each of a list of people."""
    frozen: bool = False
    """It froze figures that can be looked at and counted again."""
    correctable: bool = False
    """The reader may put it right (更正), as long as it stands."""


@dataclass(frozen=True)
class HistoryEntry:
    """One line of the full history (留痕)."""

    seq: int
    at: datetime
    occurred_on: date | None
    actor_name: str
    on_behalf_of: str | None
    kind: str
    kind_label: str
    text: str
    reason: str
    digest: str


@dataclass(frozen=True)
class TaskView:
    """All that a task page shows."""

    row: TaskRow
    form: FormSchema
    context: DatabaseFormContext
    values: Mapping[str, Any]
    """Raw: the draft if there is one, else what is known already."""
    draft_saved_at: datetime | None
    occurred_on: date
    may: frozenset[str]
    why: str
    """The sentence that says why the actor may complete it; or why not."""
    candidates: tuple[str, ...]
    send_back_targets: tuple[tuple[str, str], ...]
    delegates: tuple[PersonChoice, ...]
    send_back_reason: str | None
    previous: tuple[StepRecord, ...]
    history: tuple[HistoryEntry, ...]
    diagram: Mapping[str, str]
    grounds: tuple[Ground, ...]
    """What the step rests on, on the form's day."""


@dataclass(frozen=True)
class StepState:
    """A step of the procedure in one matter, with all its rounds."""

    element: str
    number: str | None
    title: str
    description: str
    basis: tuple[Basis, ...]
    state: Progress
    records: tuple[StepRecord, ...]
    task_id: int | None
    """The open task, if the actor may open it."""
    waiting_for: str | None
    due_on: date | None
    earliest_on: date | None


@dataclass(frozen=True)
class StageState:
    """A stage of the procedure in one matter."""

    id: str
    number: str
    title: str
    state: Progress
    steps: tuple[StepState, ...]


class Place(Coded):
    """Where a person of a list stands."""

    MISSING = "missing", N_("未办")
    DONE = "done", N_("已办")
    LEFT = "left", N_("已移出")


@dataclass(frozen=True)
class Taking:
    """A person on a list: done, still missing, or gone."""

    person_id: int
    name: str
    place: Place
    since: date | None
    """Since when the task waits."""
    done_on: date | None
    joined_on: date | None
    """The day on which they came late."""
    left_on: date | None
    reason: str
    """Why they came late or left."""
    task_id: int | None
    may_do: bool = False
    """The reader may do the task: it is their own, or they enter papers for others."""


@dataclass(frozen=True)
class RollView:
    """The list of a step with a task for each of a list of people."""

    element: str
    """The activity that runs for each person."""
    number: str | None
    title: str
    done: int
    missing: int
    left: int
    people: tuple[Taking, ...]
    """Empty for those who may only see the numbers."""
    reminded_on: date | None
    may_remind: bool
    may_change: bool


@dataclass(frozen=True)
class MatterRow:
    """A matter as one line of a list."""

    id: int
    number: str
    process_key: str
    process_title: str
    version_id: int
    subject_id: int | None
    subject_name: str
    organisation_id: int
    organisation_name: str
    status: MatterStatus
    outcome: str | None
    outcome_title: str | None
    stage_title: str | None
    now: tuple[str, ...]
    started_on: date
    ended_on: date | None
    backfilled: bool
    revision: int


@dataclass(frozen=True)
class Waiting:
    """Something a matter waits for by itself: a timer with its day."""

    element: str
    title: str
    until: date


@dataclass(frozen=True)
class MatterView:
    """All that a matter's page shows."""

    row: MatterRow
    stages: tuple[StageState, ...]
    timers: tuple[Waiting, ...]
    history: tuple[HistoryEntry, ...]
    documents: tuple[AttachmentRef, ...]
    expected_documents: tuple[Document, ...]
    diagram: Mapping[str, str]
    """BPMN element id → ``done``, ``now`` or ``skipped``."""
    may: frozenset[str]
    why: str
    messages: tuple[tuple[str, str], ...]
    participants: tuple[tuple[str, tuple[str, ...]], ...]
    rolls: tuple[RollView, ...] = ()


@dataclass(frozen=True)
class MessageForm:
    """What the page of a request to a running matter shows, a withdrawal say."""

    key: str
    title: str
    description: str
    row: MatterRow
    form: FormSchema | None
    context: DatabaseFormContext
    values: Mapping[str, Any]
    occurred_on: date


@dataclass(frozen=True)
class CorrectionForm:
    """What the page shows on which the record of a step is put right."""

    row: MatterRow
    seq: int
    title: str
    number: str | None
    grounds: tuple[Ground, ...]
    form: FormSchema
    context: DatabaseFormContext
    values: Mapping[str, Any]
    """The step as it stands, earlier corrections included; raw."""
    occurred_on: date
    standing_on: date
    """The day as it stands."""
    fixed: frozenset[str]
    """Fields that decided the way of the matter: they cannot be corrected."""


@dataclass(frozen=True)
class StartChoice:
    """A procedure that may be started; ``why_not`` says why the actor may not."""

    key: str
    title: str
    description: str
    why_not: str | None


@dataclass(frozen=True)
class StartView:
    """All that a start page shows."""

    key: str
    title: str
    description: str
    step_title: str
    action: str
    grounds: tuple[Ground, ...]
    form: FormSchema
    context: DatabaseFormContext
    values: Mapping[str, Any]
    occurred_on: date
    organisation_id: int
    subject_id: int | None
    subjects: tuple[PersonChoice, ...]
    organisations: tuple[tuple[int, str], ...]
