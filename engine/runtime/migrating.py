"""Move running matters to another version of their procedure (换用流程版本), where that is safe.

Each matter moves in a transaction of its own, or stays with the reasons why. Nothing is done to the
workflow itself: a matter that moves stands where it stood, and what lies ahead of it is new.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.compliance.from_ledger import read_told
from engine.database import Record, unit_of_work
from engine.definitions.models import ProcessVersion
from engine.definitions.operations import require_keeper
from engine.definitions.versions import Definition, load_definition
from engine.directory.actors import Actor
from engine.errors import (
    N_,
    EngineFault,
    GuichengError,
    InvalidInput,
    NotFound,
    PackageProblem,
    Sentence,
)
from engine.runtime import store
from engine.runtime.carrying_over import carry_over
from engine.runtime.fitting import lasting_differences, reasons_to_stay
from engine.runtime.fitting_records import past_of
from engine.runtime.models import format_number
from engine.runtime.world import make_world, matter_of

MOST_AT_ONCE: Final = 200
"""How many matters are looked at, or moved, while somebody waits for the page."""

BATCH: Final = 200

_ELSEWHERE: Final = """
    FROM instance i JOIN process_version v ON v.id = i.version_id
    WHERE v.key = :key AND v.id <> :version AND (CAST(:source AS bigint) IS NULL OR v.id = :source)
        AND i.status IN ('active', 'suspended') AND i.id > :after
"""
_RUNNING = text(
    f"""
    SELECT i.id AS instance_id, i.version_id, i.organisation_id, i.path, i.subject_id, i.status,
        i.stage, i.snapshot, i.started_on, i.prefix, i.year, i.serial
    {_ELSEWHERE} ORDER BY i.id LIMIT :batch
    """
)
_LEFT = text(f"SELECT count(*) {_ELSEWHERE}")


@dataclass(frozen=True)
class Looked:
    """A matter that was looked at. It is named by its number only, and so are its steps."""

    instance_id: int
    number: str
    version_id: int
    """The version it was on."""
    reasons: tuple[Sentence, ...] = ()
    """Why it stays."""


@dataclass(frozen=True)
class Outlook:
    """What a move comes to, or would."""

    moving: tuple[Looked, ...]
    staying: tuple[Looked, ...]
    left: int
    """How many were not looked at, because there are so many."""


@dataclass
class _Course:
    """Where matters go, and from where: what is the same for all of them."""

    target: Definition
    version_id: int
    source: int | None
    clock: Clock
    _known: dict[int, tuple[Sentence, ...]] = field(default_factory=dict)

    def reasons(self, session: Session, row: Record) -> tuple[Sentence, ...]:
        """Say why the matter in ``row`` stays; empty when it can move."""
        try:
            if row.version_id not in self._known:
                old = load_definition(session, row.version_id)
                self._known[row.version_id] = lasting_differences(old, self.target)
            if lasting := self._known[row.version_id]:
                return lasting
            past = past_of(read_told(session, row.instance_id))
            world = make_world(session, self.clock)
            return reasons_to_stay(matter_of(session, row), self.target, past, world)
        except (EngineFault, PackageProblem) as fault:
            return (_unreadable(fault),)

    def rows(self, session: Session, after: int) -> list[Record]:
        """Return the next running matters on other versions."""
        return list(session.execute(_RUNNING, {**self._where(after), "batch": BATCH}))

    def left(self, session: Session, after: int) -> int:
        """Count the running matters on other versions that come after one."""
        return int(session.scalar(_LEFT, self._where(after)) or 0)

    def _where(self, after: int) -> dict[str, Any]:
        return {
            "key": self.target.package.key,
            "version": self.version_id,
            "source": self.source,
            "after": after,
        }


def preview_move(
    session: Session,
    clock: Clock,
    actor: Actor,
    version_id: int,
    *,
    source: int | None = None,
    most: int | None = MOST_AT_ONCE,
) -> Outlook:
    """Say which running matters would move to a version, and why the others would stay.

    ``source``: only those on this version. Raises NotAllowed, NotFound.
    """
    require_keeper(session, actor)
    return look_ahead(session, clock, version_id, source=source, most=most)


def look_ahead(
    session: Session,
    clock: Clock,
    version_id: int,
    *,
    source: int | None = None,
    most: int | None = None,
) -> Outlook:
    """Return what :func:`preview_move` does, whoever asks."""
    course = _course(session, version_id, source, clock)
    looked: list[Looked] = []
    for row in _each(lambda after: course.rows(session, after)):
        if len(looked) == most:
            return _outlook(looked, left=course.left(session, looked[-1].instance_id))
        looked.append(_looked(row, course.reasons(session, row)))
    return _outlook(looked)


def move_matters(
    clock: Clock,
    actor: Actor,
    version_id: int,
    *,
    reason: str,
    source: int | None = None,
    most: int | None = None,
) -> Outlook:
    """Let an administrator move the running matters of a procedure to a version where it is safe.

    ``most``: after so many have moved the others are left for another time. Raises NotAllowed,
    NotFound, InvalidInput.
    """
    with unit_of_work() as session:
        require_keeper(session, actor)
    return move_running(
        clock, version_id, reason=reason, actor_id=actor.person_id, source=source, most=most
    )


def move_running(
    clock: Clock,
    version_id: int,
    *,
    reason: str,
    actor_id: int | None = None,
    source: int | None = None,
    most: int | None = None,
) -> Outlook:
    """Move running matters, each in a transaction of its own; ``actor_id`` is None on the server.

    Carried out twice, or by two at once, each matter moves once.
    """
    if not reason.strip():
        raise InvalidInput({"reason": [N_("请写明换用流程版本的理由。")]})
    with unit_of_work() as session:
        course = _course(session, version_id, source, clock)
    looked: list[Looked] = []
    moved = 0

    def rows(after: int) -> list[Record]:
        with unit_of_work() as session:
            return course.rows(session, after)

    for row in _each(rows):
        if moved == most:
            with unit_of_work() as session:
                return _outlook(looked, left=course.left(session, looked[-1].instance_id))
        reasons = _move(course, row.instance_id, reason.strip(), actor_id)
        if reasons is not None:
            looked.append(_looked(row, reasons))
            moved += not reasons
    return _outlook(looked)


def _course(session: Session, version_id: int, source: int | None, clock: Clock) -> _Course:
    target = load_definition(session, version_id)
    if source is not None:
        from_version = session.get(ProcessVersion, source)
        if from_version is None or from_version.key != target.package.key or source == version_id:
            raise NotFound(N_("没有这个流程版本。"))
    return _Course(target, version_id, source, clock)


def _each(rows: Callable[[int], list[Record]]) -> Iterator[Record]:
    after = 0
    while found := rows(after):
        yield from found
        after = found[-1].instance_id


def _looked(row: Record, reasons: tuple[Sentence, ...]) -> Looked:
    number = format_number(row.prefix, row.year, row.serial)
    return Looked(row.instance_id, number, row.version_id, reasons)


def _outlook(looked: Iterable[Looked], *, left: int = 0) -> Outlook:
    matters = list(looked)
    moving = tuple(matter for matter in matters if not matter.reasons)
    return Outlook(moving, tuple(matter for matter in matters if matter.reasons), left)


def _move(
    course: _Course, instance_id: int, reason: str, actor_id: int | None
) -> tuple[Sentence, ...] | None:
    """Move one matter; return why it stays instead, or None when there is nothing to do any more.

    The matter is looked at under its lock: whoever completed a step just now was first, and who
    comes just after finds the matter on its new version.
    """
    try:
        with unit_of_work() as session:
            row = store.lock_instance(session, instance_id)
            if row is None or row.status not in ("active", "suspended"):
                return None
            if row.version_id == course.version_id or course.source not in (None, row.version_id):
                return None
            if reasons := course.reasons(session, row):
                return reasons
            carry_over(session, row, course.target, reason, actor_id, course.clock)
            return ()
    except EngineFault as fault:
        return (_unreadable(fault),)


def _unreadable(fault: GuichengError) -> Sentence:
    return Sentence(N_("读取办理状态出错：%(detail)s"), detail=str(fault))
