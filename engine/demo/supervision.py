"""What those who supervise have said of the demo's findings, by the real commands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from sqlalchemy import select

from engine.audit import commands
from engine.clock import Clock, FixedClock
from engine.compliance.models import Finding
from engine.compliance.results import Outcome
from engine.database import db
from engine.directory.actors import Actor, load_actor
from engine.directory.codes import PostKind
from engine.directory.models import Organisation, Post
from engine.runtime.models import Instance

Saying = tuple[Callable[..., object], PostKind, str]
"""A command, who gives it, and what they say."""

_ASKED: Saying = (
    commands.ask_explanation,
    PostKind.AUDITOR,
    "请说明超过时限的原因和以后怎样避免。",
)
_EXPLAINED: Saying = (
    commands.explain,
    PostKind.ORGANISATION_COMMISSIONER,
    "当时集中防汛，工作推迟，已向镇党委口头报告。以后按期限提前一周安排。",
)
_CONCLUDED: Saying = (
    commands.conclude,
    PostKind.AUDITOR,
    "情况属实，已提醒支部注意时限，不再追究。",
)
_WAIVED: Saying = (
    commands.waive,
    PostKind.SECRETARY,
    "会议材料原件在案，因道路中断延期，经镇党委会议研究同意豁免。",
)
TALKS: Sequence[Sequence[Saying]] = (
    (),
    (_ASKED,),
    (_ASKED, _EXPLAINED),
    (),
    (_ASKED, _EXPLAINED, _CONCLUDED),
    (_ASKED, _EXPLAINED, _WAIVED),
)
"""What was said of the findings, in turn."""


def talk_about_findings(clock: Clock) -> None:
    """Let auditors ask, branches explain, auditors conclude and the committee waive."""
    session = db.session()
    rows = session.execute(
        select(Finding.id, Instance.path, Instance.subject_id)
        .join(Instance, Instance.id == Finding.instance_id)
        .where(Finding.outcome == str(Outcome.NOT_MET))
        .order_by(Finding.id)
    ).all()
    for number, row in enumerate(rows):
        talk = TALKS[number % len(TALKS)]
        for place, (command, kind, words) in enumerate(talk):
            at = FixedClock(clock.now() - timedelta(days=2 * (len(talk) - place)))
            line = [int(part) for part in row.path.strip("/").split("/")]
            actor = _holder(line, kind, row.subject_id, clock, command is commands.waive)
            if actor is not None:
                command(row.id, words, actor=actor, clock=at)


DUTY_TALKS: Sequence[Sequence[Saying]] = ((_ASKED,), (), (_ASKED, _EXPLAINED), ())
"""What was said of what was not held in time, in turn."""


def talk_about_duties(clock: Clock) -> None:
    """Let auditors ask about meetings that were not held, and some branches explain."""
    rows = db.session.execute(
        select(Finding.id, Finding.path)
        .where(Finding.outcome == str(Outcome.NOT_MET), Finding.duty_id.is_not(None))
        .order_by(Finding.organisation_id, Finding.day, Finding.id)
    ).all()
    for number, row in enumerate(rows):
        talk = DUTY_TALKS[number % len(DUTY_TALKS)]
        for place, (command, kind, words) in enumerate(talk):
            at = FixedClock(clock.now() - timedelta(minutes=20 * (len(talk) - place)))
            line = [int(part) for part in row.path.strip("/").split("/")]
            if command is commands.explain:  # a branch speaks for itself, the smallest by its head
                own = line[-1:]
                actor = _holder(own, kind, None, clock, approving=False)
                actor = actor or _holder(own, PostKind.SECRETARY, None, clock, approving=False)
            else:
                actor = _holder(line, kind, None, clock, approving=False)
            if actor is not None:
                command(row.id, words, actor=actor, clock=at)


def _holder(
    line: Sequence[int], kind: PostKind, subject_id: int | None, clock: Clock, approving: bool
) -> Actor | None:
    """Return the holder of a post nearest to the branch, the person concerned left out."""
    session = db.session()
    query = (
        select(Post.person_id)
        .join(Organisation, Organisation.id == Post.organisation_id)
        .where(
            Post.organisation_id.in_(line),
            Post.kind == kind,
            Post.until.is_(None),
            Post.person_id.is_distinct_from(subject_id),
        )
        .order_by(Organisation.path.desc(), Post.id)
    )
    if approving:
        query = query.where(Organisation.can_approve_members)
    person_id = session.scalars(query).first()
    return None if person_id is None else load_actor(session, clock.today(), person_id=person_id)
