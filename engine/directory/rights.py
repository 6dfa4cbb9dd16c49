"""The bricks of the access policy: who somebody is to a thing (grants), and what forbids it (bars).

A grant returns the sentence that explains the right, or None. A bar returns the error to raise, or
None. :mod:`engine.directory.policy` puts them together; nothing here knows an action.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from engine.directory.actors import Actor, HeldPost, person_key
from engine.directory.codes import COMMITTEE_POSTS, PostKind
from engine.directory.things import (
    AttachmentView,
    BallotView,
    EntryView,
    ItemView,
    MatterView,
    MessageView,
    OrganisationView,
    PersonView,
    StartView,
    SubstitutionView,
    TaskView,
)
from engine.errors import (
    N_,
    AlreadyClaimed,
    Conflict,
    GuichengError,
    NotAllowed,
    NotRunning,
    TaskClosed,
)
from engine.errors import Translatable as T


@dataclass(frozen=True)
class Grant:
    """Why something is allowed, and whose post was used."""

    reason: T
    post: HeldPost | None = None


Grants = Callable[[Actor, Any], Grant | None]
Bars = Callable[[Actor, Any], GuichengError | None]

HEADS = frozenset({PostKind.SECRETARY, PostKind.DEPUTY_SECRETARY, PostKind.ORGANISATION_DEPARTMENT})
"""Posts that lead an organisation."""
LEADING = HEADS | {PostKind.ORGANISATION_COMMISSIONER, PostKind.ORGANISER}
"""Posts that see the organisation and everything below it."""
COMMITTEE = LEADING | COMMITTEE_POSTS
"""Posts that see the organisation's own matters."""


# -- posts ------------------------------------------------------------------------------------


def _by_post(post: HeldPost) -> Grant:
    if post.on_behalf_of is None:
        return Grant(T(N_("您是%(post)s"), {"post": post.label}), post)
    return Grant(
        T(
            N_("您受%(principal)s委托，代行%(post)s职责"),
            {"principal": post.on_behalf_name, "post": post.label},
        ),
        post,
    )


def here(kinds: frozenset[PostKind]) -> Grants:
    """Grant to holders of these posts at the very organisation of the thing."""

    def grant(actor: Actor, thing: Any) -> Grant | None:
        for post in actor.usable_posts(thing.subject_id):
            if post.kind in kinds and post.organisation_id == thing.organisation_id:
                return _by_post(post)
        return None

    return grant


def over(kinds: frozenset[PostKind]) -> Grants:
    """Grant to holders of these posts at the organisation of the thing or at one above it.

    A matter keeps the path it began under; its own organisation sees it even after a move.
    """

    def grant(actor: Actor, thing: Any) -> Grant | None:
        for post in actor.usable_posts(thing.subject_id):
            if post.kind in kinds and (
                thing.organisation_id == post.organisation_id
                or (thing.path is not None and thing.path.startswith(post.path))
            ):
                return _by_post(post)
        return None

    return grant


def above(kinds: frozenset[PostKind]) -> Grants:
    """Grant to holders of these posts at a superior organisation, not at the thing's own."""

    def grant(actor: Actor, thing: Any) -> Grant | None:
        for post in actor.usable_posts(thing.subject_id):
            elsewhere = thing.organisation_id != post.organisation_id
            if post.kind in kinds and elsewhere and thing.path.startswith(post.path):
                return _by_post(post)
        return None

    return grant


auditors = over(frozenset({PostKind.AUDITOR}))
administrators = over(frozenset({PostKind.ADMINISTRATOR}))


# -- persons of a matter ----------------------------------------------------------------------


def subject(actor: Actor, matter: MatterView) -> Grant | None:
    """Grant to the person whom the matter is about."""
    if matter.subject_id == actor.person_id:
        return Grant(T(N_("该事项由您本人办理或与您本人有关")))
    return None


def participants(actor: Actor, matter: MatterView) -> Grant | None:
    """Grant to contacts, introducers and others with a role in the matter."""
    if actor.person_id in matter.participants:
        return Grant(T(N_("您在该事项中担任联系人、介绍人等职责")))
    return None


def workers(actor: Actor, matter: MatterView) -> Grant | None:
    """Grant to those who have an open task in the matter."""
    if _shared(actor, matter.working, matter.subject_id):
        return Grant(T(N_("您在该事项中有待办任务")), _post_used(actor, matter.working, matter))
    return None


def deciders(actor: Actor, file: AttachmentView) -> Grant | None:
    """Grant to those who decide in the matter that the file belongs to."""
    matter = file.matter
    if matter is not None and _shared(actor, matter.deciding, matter.subject_id):
        return Grant(T(N_("您负责该事项的审查或审批")), _post_used(actor, matter.deciding, matter))
    return None


def file_auditors(actor: Actor, file: AttachmentView) -> Grant | None:
    """Grant to auditors above the matter that the file belongs to."""
    return None if file.matter is None else auditors(actor, file.matter)


def uploader(actor: Actor, file: AttachmentView) -> Grant | None:
    """Grant to the person who uploaded the file while it belongs to no matter."""
    if file.matter is None and file.uploaded_by == actor.person_id:
        return Grant(T(N_("该材料由您上传")))
    return None


def unless_sensitive(*grants: Grants) -> Grants:
    """Grant what ``grants`` say of the file's matter, when the file is an ordinary one."""

    def grant(actor: Actor, file: AttachmentView) -> Grant | None:
        if file.sensitive or file.matter is None:
            return None
        return next((found for g in grants if (found := g(actor, file.matter))), None)

    return grant


def matter_of(*grants: Grants) -> Grants:
    """Grant what ``grants`` say of the task's matter."""

    def grant(actor: Actor, task: TaskView) -> Grant | None:
        return next((found for g in grants if (found := g(actor, task.matter))), None)

    return grant


def steering(*grants: Grants) -> Grants:
    """Grant what ``grants`` say of the task's matter, but never to the person it is about."""
    granted = matter_of(*grants)

    def grant(actor: Actor, task: TaskView) -> Grant | None:
        return None if about_oneself(actor, task) else granted(actor, task)

    return grant


# -- tasks ------------------------------------------------------------------------------------


def candidates(actor: Actor, task: TaskView) -> Grant | None:
    """Grant to those whom the task is offered to."""
    if not _shared(actor, task.candidates, task.subject_id):
        return None
    if person_key(actor.person_id) in task.candidates:
        return Grant(T(N_("该任务由您本人办理")))
    post = _post_used(actor, task.candidates, task)
    return None if post is None else _by_post(post)


def assignee(actor: Actor, task: TaskView) -> Grant | None:
    """Grant to the person who claimed the task or was given it.

    A decision cannot be handed to somebody outside those whom the lane names, nor kept by one who
    no longer holds the post.
    """
    if task.assignee_id != actor.person_id:
        return None
    if task.decision:
        return candidates(actor, task)
    return Grant(T(N_("该任务由您签收或已委托给您")), _post_used(actor, task.candidates, task))


def colleagues(actor: Actor, task: TaskView) -> Grant | None:
    """Grant to people of the organisation that has to act, unless the task is a decision."""
    if task.decision:
        return None
    organisation_id = task.organisation_id or task.matter.organisation_id
    if actor.organisation_id == organisation_id or any(
        post.organisation_id == organisation_id and post.on_behalf_of is None
        for post in actor.posts
    ):
        return Grant(T(N_("该人员属于承办该任务的党组织")))
    return None


def named(actor: Actor, thing: StartView | MessageView) -> Grant | None:
    """Grant to the principals whom the procedure names for this."""
    if not _shared(actor, thing.principals, thing.subject_id):
        return None
    post = _post_used(actor, thing.principals, thing)
    if post is not None and person_key(actor.person_id) not in thing.principals:
        return _by_post(post)
    return Grant(T(N_("该事项由您本人办理或与您本人有关")))


# -- secret ballots ---------------------------------------------------------------------------


def on_the_roll(actor: Actor, box: BallotView) -> Grant | None:
    """Grant to those who may vote. A right to vote is a person's own: nobody stands in for him."""
    if actor.person_id in box.voters:
        return Grant(T(N_("您在此次投票的名册上")))
    return None


def tellers(actor: Actor, box: BallotView) -> Grant | None:
    """Grant to those appointed to count the paper ballots."""
    return Grant(T(N_("您是此次投票的计票人"))) if actor.person_id in box.tellers else None


def task_of(*grants: Grants) -> Grants:
    """Grant what ``grants`` say of the task that the ballot belongs to."""

    def grant(actor: Actor, box: BallotView) -> Grant | None:
        return next((found for g in grants if (found := g(actor, box.task))), None)

    return grant


def box_closed(actor: Actor, box: BallotView) -> GuichengError | None:
    """Forbid it once the box is closed."""
    return None if box.open else Conflict(N_("投票已经结束，选票没有计入。"))


# -- rectification ----------------------------------------------------------------------------


def owner(actor: Actor, item: ItemView) -> Grant | None:
    """Grant to the person who has to put the problem right."""
    if item.owner_id == actor.person_id:
        return Grant(T(N_("该整改事项由您负责")))
    return None


def owner_if_let(actor: Actor, item: ItemView) -> Grant | None:
    """Grant to the owner where the procedure lets them close it alone."""
    return owner(actor, item) if item.owner_closes else None


def not_for_owner(*grants: Grants) -> Grants:
    """Grant what ``grants`` say of posts other than those that the owner lent."""

    def grant(actor: Actor, item: ItemView) -> Grant | None:
        posts = tuple(post for post in actor.posts if post.on_behalf_of != item.owner_id)
        other = actor if len(posts) == len(actor.posts) else replace(actor, posts=posts)
        return next((found for g in grants if (found := g(other, item))), None)

    return grant


def unless_subject(*grants: Grants) -> Grants:
    """Grant what ``grants`` say, but never to the person whom the matter is about."""

    def grant(actor: Actor, thing: Any) -> Grant | None:
        if about_oneself(actor, thing):
            return None
        return next((found for g in grants if (found := g(actor, thing))), None)

    return grant


# -- directory --------------------------------------------------------------------------------


def oneself(actor: Actor, person: PersonView) -> Grant | None:
    """Grant to the person himself."""
    return Grant(T(N_("这是您本人的信息"))) if person.person_id == actor.person_id else None


def lender(actor: Actor, substitution: SubstitutionView) -> Grant | None:
    """Grant to the person whose posts are lent. A lent post cannot be lent again."""
    owns = any(
        post.organisation_id == substitution.organisation_id and post.on_behalf_of is None
        for post in actor.posts
    )
    if owns and substitution.principal_id == actor.person_id:
        return Grant(T(N_("这是您本人的职务")))
    return None


# -- bars -------------------------------------------------------------------------------------


def about_oneself(actor: Actor, thing: Any) -> GuichengError | None:
    """Forbid it to the person whom the matter is about, whatever posts he holds."""
    if thing.subject_id is not None and thing.subject_id == actor.person_id:
        return NotAllowed(N_("您是该事项的当事人，按规定应当回避，请由其他人员办理。"))
    return None


def begun_above(actor: Actor, matter: MatterView) -> GuichengError | None:
    """Forbid it to those below, where only a superior begins such a matter."""
    if matter.superiors_begin and above(HEADS)(actor, matter) is None:
        return NotAllowed(N_("该事项由上级党组织发起，只能由上级终止、挂起或者恢复。"))
    return None


def recorded_above(actor: Actor, entry: EntryView) -> GuichengError | None:
    """Forbid it to those below the superior that recorded the step."""
    before, at, _ = entry.path.partition(f"/{entry.recorded_at}/")
    if not at or entry.recorded_at is None:
        return None
    superior = OrganisationView(entry.recorded_at, f"{before}{at}", entry.subject_id)
    if over(LEADING)(actor, superior) is None:
        return NotAllowed(N_("这条记录由上级党组织办理，只能由上级更正。"))
    return None


def being_oneself(actor: Actor, person: PersonView) -> GuichengError | None:
    """Forbid it to the person himself."""
    if person.person_id == actor.person_id:
        return NotAllowed(N_("不能由本人办理涉及本人的变更，请由其他管理员办理。"))
    return None


def own_decision(actor: Actor, task: TaskView | StartView) -> GuichengError | None:
    """Forbid a decision, or a task of a lane that excludes him, to the person it is about."""
    if task.not_subject or (isinstance(task, TaskView) and task.decision):
        return about_oneself(actor, task)
    return None


def settled(actor: Actor, item: ItemView) -> GuichengError | None:
    """Forbid it once the item is closed or withdrawn."""
    return Conflict(N_("这一项已经销号或撤销，无需再办。")) if item.settled else None


def not_settled(actor: Actor, item: ItemView) -> GuichengError | None:
    """Forbid it while the item is still open."""
    return None if item.settled else Conflict(N_("这一项还没有销号，不需要重新整改。"))


def own_item(actor: Actor, item: ItemView) -> GuichengError | None:
    """Forbid it to the owner alone, whatever posts they hold."""
    if item.owner_id == actor.person_id and not item.owner_closes:
        return NotAllowed(N_("您是责任人，不能由本人单独办理，请由其他负责人或上级办理。"))
    return None


def sensitive_about_oneself(actor: Actor, file: AttachmentView) -> GuichengError | None:
    """Forbid a sensitive file to the person it is about."""
    return about_oneself(actor, file) if file.sensitive else None


def closed(actor: Actor, task: TaskView) -> GuichengError | None:
    """Forbid it once the task is no longer open."""
    return None if task.open else TaskClosed()


def not_running(actor: Actor, thing: TaskView | MessageView | BallotView) -> GuichengError | None:
    """Forbid it while the matter is suspended or after it has ended."""
    return None if thing.matter.active else NotRunning()


def halted(actor: Actor, matter: MatterView) -> GuichengError | None:
    """Forbid it while the matter itself is suspended or after it has ended."""
    return None if matter.active else NotRunning()


def taken(actor: Actor, task: TaskView) -> GuichengError | None:
    """Forbid it while another person has claimed the task."""
    return None if task.assignee_id in (None, actor.person_id) else AlreadyClaimed()


def _shared(actor: Actor, principals: frozenset[str], subject_id: int | None) -> bool:
    return not principals.isdisjoint(actor.usable_principals(subject_id))


def _post_used(actor: Actor, principals: frozenset[str], thing: Any) -> HeldPost | None:
    """Return the post by which he is among ``principals``; his own before a lent one."""
    posts = [p for p in actor.usable_posts(thing.subject_id) if p.key in principals]
    return min(posts, key=lambda p: p.on_behalf_of is not None, default=None)
