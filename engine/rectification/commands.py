"""What people do about an item: say how it goes, give more time, close it, open it again.

Each is an entry in the chain of the matter that raised the item, whether that one still runs or has
ended. That it is put right is never for its owner alone to say, unless the procedure lets them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from engine.runtime.rectification.models import RectificationItem
from engine.runtime.rectification.saying import Saying, say

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


@dataclass(frozen=True)
class Deed:
    """What people may do about an item: the entry that it leaves, and the right that it takes."""

    kind: EntryKind
    action: Action
    new_day: bool = False
    """Whether it gives the item a new last day, ``Words.due``."""


DEEDS: Final[Mapping[str, Deed]] = {
    "report": Deed(EntryKind.ITEM_REPORTED, Action.REPORT_ITEM),
    "extend": Deed(EntryKind.ITEM_EXTENDED, Action.EXTEND_ITEM, new_day=True),
    "close": Deed(EntryKind.ITEM_CLOSED, Action.CLOSE_ITEM),
    "reopen": Deed(EntryKind.ITEM_REOPENED, Action.REOPEN_ITEM, new_day=True),
}
"""Deeds by the name they have in addresses.

*report* says how it goes, with evidence, and with ``Words.done`` that it may be closed; *close*
(销号) that the problem is put right; *reopen* that it is not, after all.
"""


def say_item(
    deed: Deed,
    item_id: int,
    words: Words,
    *,
    actor: Actor,
    clock: Clock,
    command_id: UUID | None = None,
    revision: int | None = None,
) -> Done:
    """Do one of the :data:`DEEDS` about an item, with the words that say what or why.

    Raises NotFound, NotAllowed, InvalidInput, StaleRevision; Conflict once it is withdrawn.
    """

    def step(session: Session) -> Done:
        item, row = _locked(session, item_id)
        view = item_view(item, row.subject_id)
        require(actor, Action.VIEW_ITEM, view)
        decision = require(actor, deed.action, view)
        if item.state == ItemState.WITHDRAWN.value:
            raise Conflict(N_("提出这一项的环节已被退回或更正，这一项已撤销。"))
        if revision is not None and revision != item.revision:
            raise StaleRevision
        day = words.occurred_on or clock.today()
        _check(item, deed, words, day, clock)
        files = bind_attachments(
            session,
            dict.fromkeys(words.files, EVIDENCE),
            instance_id=item.instance_id,
            person_id=actor.person_id,
        )
        saying = Saying(
            kind=deed.kind,
            day=day,
            text=words.text.strip(),
            actor_id=actor.person_id,
            on_behalf_of=decision.on_behalf_of,
            post=decision.post.key if decision.post else None,
            due=words.due if deed.new_day else None,
            done=words.done and deed.kind is EntryKind.ITEM_REPORTED,
            files=files,
            command_id=command_id,
        )
        say(session, row, item, saying, clock)
        return Done(item.instance_id)

    arguments = {"item_id": item_id, "text": words.text}
    return carry_out(
        Command(deed.action.value, arguments, command_id, actor.person_id), step, clock
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


def _check(item: RectificationItem, deed: Deed, words: Words, day: date, clock: Clock) -> None:
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
    if deed.new_day:
        if words.due is None:
            wrong["due"] = [N_("请填写新的整改期限。")]
        elif deed.kind is EntryKind.ITEM_EXTENDED and words.due <= item.due_on:
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
