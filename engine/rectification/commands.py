"""What people do about an item: say how it goes, give more time, close it, open it again.

Each is an entry in the chain of the matter that raised the item, whether that one still runs or has
ended. That it is put right is never for its owner alone to say, unless the procedure lets them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.attachments.operations import bind_attachments
from engine.clock import Clock
from engine.compliance.items import SETTLED, ItemState
from engine.database import Record
from engine.directory.actors import Actor
from engine.directory.policy import Action, require
from engine.directory.things import ItemView
from engine.errors import N_, Conflict, InvalidInput, NotFound, StaleRevision
from engine.ledger.kinds import EntryKind
from engine.runtime.commands import Command, Done, carry_out
from engine.runtime.locking import instance_row
from engine.runtime.rectification import Saying, say
from engine.runtime.rectification_models import RectificationItem

EVIDENCE: Final = "整改佐证材料"
"""What a file handed in with a report is called in the matter."""
MOST_WORDS: Final = 4000
MOST_FILES: Final = 10


@dataclass(frozen=True)
class Words:
    """What is said of an item: the words, when it happened, and what it comes with."""

    text: str
    occurred_on: date | None = None
    due: date | None = None
    done: bool = False
    files: Sequence[int] = ()


def report_item(
    item_id: int,
    words: Words,
    *,
    actor: Actor,
    clock: Clock,
    command_id: UUID | None = None,
    revision: int | None = None,
) -> Done:
    """Say how an item goes, with evidence; ``words.done``: that all is done and it may be closed.

    Raises NotFound, NotAllowed, InvalidInput, StaleRevision; Conflict once it is settled.
    """
    return _say(
        "report_item",
        EntryKind.ITEM_REPORTED,
        Action.REPORT_ITEM,
        item_id,
        words,
        actor,
        clock,
        command_id,
        revision,
    )


def extend_item(
    item_id: int,
    words: Words,
    *,
    actor: Actor,
    clock: Clock,
    command_id: UUID | None = None,
    revision: int | None = None,
) -> Done:
    """Give an item more time, until ``words.due``, with the reason. Raises as the others."""
    return _say(
        "extend_item",
        EntryKind.ITEM_EXTENDED,
        Action.EXTEND_ITEM,
        item_id,
        words,
        actor,
        clock,
        command_id,
        revision,
    )


def close_item(
    item_id: int,
    words: Words,
    *,
    actor: Actor,
    clock: Clock,
    command_id: UUID | None = None,
    revision: int | None = None,
) -> Done:
    """Close an item (销号): the problem is put right. Raises as the others."""
    return _say(
        "close_item",
        EntryKind.ITEM_CLOSED,
        Action.CLOSE_ITEM,
        item_id,
        words,
        actor,
        clock,
        command_id,
        revision,
    )


def reopen_item(
    item_id: int,
    words: Words,
    *,
    actor: Actor,
    clock: Clock,
    command_id: UUID | None = None,
    revision: int | None = None,
) -> Done:
    """Open a closed item again, with the reason and a new last day. Raises as the others."""
    return _say(
        "reopen_item",
        EntryKind.ITEM_REOPENED,
        Action.REOPEN_ITEM,
        item_id,
        words,
        actor,
        clock,
        command_id,
        revision,
    )


def item_view(item: RectificationItem, subject_id: int | None) -> ItemView:
    """Return what the access policy is asked about."""
    return ItemView(
        organisation_id=item.organisation_id,
        path=item.path,
        owner_id=item.owner_id,
        settled=ItemState(item.state) in SETTLED,
        owner_closes=item.owner_closes,
        subject_id=subject_id,
    )


# --- inside -------------------------------------------------------------------------------------


def _say(
    name: str,
    kind: EntryKind,
    action: Action,
    item_id: int,
    words: Words,
    actor: Actor,
    clock: Clock,
    command_id: UUID | None,
    revision: int | None,
) -> Done:
    def step(session: Session) -> Done:
        item, row = _locked(session, item_id)
        view = item_view(item, row.subject_id)
        require(actor, Action.VIEW_ITEM, view)
        decision = require(actor, action, view)
        if item.state == ItemState.WITHDRAWN.value:
            raise Conflict(N_("提出这一项的环节已被退回或更正，这一项已撤销。"))
        if revision is not None and revision != item.revision:
            raise StaleRevision
        day = words.occurred_on or clock.today()
        _check(item, kind, words, day, clock)
        files = bind_attachments(
            session,
            dict.fromkeys(words.files, EVIDENCE),
            instance_id=item.instance_id,
            person_id=actor.person_id,
        )
        saying = Saying(
            kind=kind,
            day=day,
            text=words.text.strip(),
            actor_id=actor.person_id,
            on_behalf_of=decision.on_behalf_of,
            post=decision.post.key if decision.post else None,
            due=words.due if kind in _WITH_DAY else None,
            done=words.done and kind == EntryKind.ITEM_REPORTED,
            files=files,
            command_id=command_id,
        )
        say(session, row, item, saying, clock)
        return Done(item.instance_id)

    arguments = {"item_id": item_id, "text": words.text}
    return carry_out(Command(name, arguments, command_id, actor.person_id), step, clock)


_WITH_DAY: Final = frozenset({EntryKind.ITEM_EXTENDED, EntryKind.ITEM_REOPENED})


def _check(item: RectificationItem, kind: EntryKind, words: Words, day: date, clock: Clock) -> None:
    """Raise InvalidInput with everything that is wrong."""
    wrong: dict[str, list[str]] = {}
    if not words.text.strip():
        wrong["text"] = [N_("请写明内容。")]
    elif len(words.text) > MOST_WORDS:
        wrong["text"] = [N_("最多填写 4000 个字。")]
    if day > clock.today():
        wrong["occurred_on"] = [N_("发生日期不能晚于今天。")]
    elif day < item.raised_on:
        wrong["occurred_on"] = [N_("发生日期不能早于提出这一项的日期。")]
    if kind in _WITH_DAY:
        if words.due is None:
            wrong["due"] = [N_("请填写新的整改期限。")]
        elif kind == EntryKind.ITEM_EXTENDED and words.due <= item.due_on:
            wrong["due"] = [N_("新的整改期限须晚于原来的期限。")]
        elif words.due < clock.today():
            wrong["due"] = [N_("新的整改期限不能早于今天。")]
    if len(words.files) > MOST_FILES:
        wrong["files"] = [N_("一次最多上传 10 个文件。")]
    if wrong:
        raise InvalidInput(wrong)


def _locked(session: Session, item_id: int) -> tuple[RectificationItem, Record]:
    """Return the item with its matter, locked. Raises NotFound."""
    instance_id = session.scalar(
        select(RectificationItem.instance_id).where(RectificationItem.id == item_id)
    )
    if instance_id is None:
        raise NotFound
    row = instance_row(session, instance_id, running=False)
    return session.get_one(RectificationItem, item_id, populate_existing=True), row
