"""The whole access policy: who may do what, and why. What is not listed here is refused.

``allow``: any one of these grants suffices. ``bar``: any one of these forbids it all the same.
The grants and bars are in :mod:`engine.directory.rights`; the same rights as database clauses,
for lists, are in :mod:`engine.directory.visibility`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from engine.coded import Coded
from engine.directory import rights as r
from engine.directory.actors import Actor, HeldPost
from engine.directory.codes import PostKind
from engine.directory.rights import COMMITTEE, HEADS, LEADING
from engine.directory.visibility import (
    MatterColumns,
    SupervisedColumns,
    administered_organisations,
    my_tasks,
    supervised,
    visible_matters,
    visible_organisations,
    visible_people,
    visible_tasks,
)
from engine.errors import N_, GuichengError, NotAllowed, NotFound, Translatable

__all__ = [
    "POLICY",
    "Action",
    "Audience",
    "Decision",
    "MatterColumns",
    "SupervisedColumns",
    "administered_organisations",
    "audiences",
    "decide",
    "may",
    "my_tasks",
    "require",
    "supervised",
    "visible_matters",
    "visible_organisations",
    "visible_people",
    "visible_tasks",
]


class Action(Coded):
    """What can be asked of the policy. The comment names the view it is asked about."""

    # MatterView
    VIEW_MATTER = "view_matter", N_("查看该事项")
    VIEW_OPINIONS = "view_opinions", N_("查看该事项的内部意见")
    VIEW_EACH = "view_each", N_("查看该事项中每个人提交的内容")
    VIEW_LEDGER = "view_ledger", N_("查看该事项的留痕")
    VIEW_READERS = "view_readers", N_("查看谁查阅过该事项")
    EXPORT_CASE_FILE = "export_case_file", N_("导出该事项的卷宗")
    CANCEL_MATTER = "cancel_matter", N_("终止该事项")
    SUSPEND_MATTER = "suspend_matter", N_("挂起该事项")
    RESUME_MATTER = "resume_matter", N_("恢复该事项")
    WAIVE_FINDING = "waive_finding", N_("豁免该事项的问题")
    ALLOW_OVERRIDE = "allow_override", N_("准予该事项越过阻断")
    CONCLUDE_FINDING = "conclude_finding", N_("对该事项的问题作出结论")
    ASK_EXPLANATION = "ask_explanation", N_("要求对该事项作出说明")
    GIVE_EXPLANATION = "give_explanation", N_("对该事项的问题作出说明")
    ERASE_CONTENT = "erase_content", N_("清除该事项记录的内容")
    MANAGE_INCIDENT = "manage_incident", N_("处理该事项的异常")
    CHANGE_PARTICIPANTS = "change_participants", N_("增减该事项的参与人")
    REMIND_PEOPLE = "remind_people", N_("提醒该事项未办的人员")
    # EntryView, StartView, MessageView, AttachmentView
    CORRECT_ENTRY = "correct_entry", N_("更正该事项的记录")
    START_MATTER = "start_matter", N_("发起该事项")
    SEND_MESSAGE = "send_message", N_("对该事项提出此项请求")
    READ_ATTACHMENT = "read_attachment", N_("查阅该材料")
    # TaskView
    VIEW_TASK = "view_task", N_("查看该任务")
    COMPLETE_TASK = "complete_task", N_("办理该任务")
    CLAIM_TASK = "claim_task", N_("签收该任务")
    UNCLAIM_TASK = "unclaim_task", N_("放回该任务")
    DELEGATE_TASK = "delegate_task", N_("委托他人办理该任务")
    RECEIVE_TASK = "receive_task", N_("接受委托办理该任务")
    SEND_BACK_TASK = "send_back_task", N_("退回该任务")
    # BallotView
    VIEW_BALLOT = "view_ballot", N_("查看此次投票")
    CAST_BALLOT = "cast_ballot", N_("投票")
    RUN_BALLOT = "run_ballot", N_("主持此次投票")
    COUNT_PAPER = "count_paper", N_("登记和核对纸质票数")
    # ItemView
    VIEW_ITEM = "view_item", N_("查看该整改事项")
    REPORT_ITEM = "report_item", N_("填报该整改事项的进展")
    EXTEND_ITEM = "extend_item", N_("批准该整改事项延期")
    CLOSE_ITEM = "close_item", N_("将该整改事项销号")
    REOPEN_ITEM = "reopen_item", N_("要求重新整改")
    # OrganisationView, PersonView, SubstitutionView
    VIEW_BOARD = "view_board", N_("查看该党组织的工作情况")
    VIEW_BOARD_BELOW = "view_board_below", N_("查看下级党组织的工作情况")
    VIEW_TALLY = "view_tally", N_("查看该党组织各党员的累计情况")
    VIEW_FINDINGS = "view_findings", N_("查看该党组织的问题清单")
    VIEW_PERSON = "view_person", N_("查看该人员的信息")
    VIEW_ROSTER = "view_roster", N_("查看该党组织的名册")
    MANAGE_PERSON = "manage_person", N_("维护该人员的信息")
    CORRECT_STATUS = "correct_status", N_("更正该人员的党员身份和权利")
    MANAGE_ORGANISATION = "manage_organisation", N_("维护该党组织的信息")
    MANAGE_POSTS = "manage_posts", N_("维护该党组织的职务")
    MANAGE_ACCOUNTS = "manage_accounts", N_("维护该党组织人员的账号")
    MANAGE_PROCEDURES = "manage_procedures", N_("部署流程、选用版本、让在办事项换用版本")
    SET_PARAMETERS = "set_parameters", N_("设置该党组织的参数")
    LEND_POSTS = "lend_posts", N_("设立或撤销代办授权")


@dataclass(frozen=True)
class Rule:
    """Who may (any grant), who may not (any bar). ``hidden``: the others must not learn of it."""

    allow: tuple[r.Grants, ...]
    bar: tuple[r.Bars, ...] = ()
    hidden: bool = False


_seeing = (
    r.subject,
    r.participants,
    r.workers,
    r.here(COMMITTEE),
    r.over(LEADING),
    r.auditors,
)
_doing = (r.assignee, r.candidates)
_running = (r.closed, r.not_running)

GROUP = frozenset({PostKind.GROUP_LEADER})

POLICY: Mapping[Action, Rule] = {
    # Everybody sees his own matter, but neither what others wrote about him nor the trail of it.
    Action.VIEW_MATTER: Rule(_seeing, hidden=True),
    Action.VIEW_OPINIONS: Rule(_seeing[1:], bar=(r.about_oneself,)),
    # What members hand in each for themselves, and what a form says of single people
    # (``readers``), is read by those who lead, not by one another.
    Action.VIEW_EACH: Rule(
        (r.here(COMMITTEE), r.over(LEADING), r.auditors), bar=(r.about_oneself,)
    ),
    Action.VIEW_LEDGER: Rule(
        (r.here(COMMITTEE), r.over(LEADING), r.auditors), bar=(r.about_oneself,)
    ),
    Action.VIEW_READERS: Rule((r.subject, r.over(LEADING), r.auditors)),
    Action.EXPORT_CASE_FILE: Rule((r.over(LEADING), r.auditors), bar=(r.about_oneself,)),
    # Heads of the organisation and of those above it steer a matter; never their own.
    Action.CANCEL_MATTER: Rule((r.over(HEADS),), bar=(r.about_oneself, r.begun_above)),
    Action.SUSPEND_MATTER: Rule((r.over(HEADS),), bar=(r.about_oneself, r.begun_above)),
    Action.RESUME_MATTER: Rule((r.over(HEADS),), bar=(r.about_oneself, r.begun_above)),
    # What a superior recorded is put right there or above, never from below.
    Action.CORRECT_ENTRY: Rule((r.over(LEADING),), bar=(r.about_oneself, r.recorded_above)),
    # Who takes part is for the organisation itself to say.
    Action.CHANGE_PARTICIPANTS: Rule((r.here(LEADING),), bar=(r.halted, r.about_oneself)),
    Action.REMIND_PEOPLE: Rule((r.here(COMMITTEE), r.over(LEADING)), bar=(r.halted,)),
    # An organisation does not waive its own findings; an auditor reports and never changes.
    Action.WAIVE_FINDING: Rule((r.above(LEADING),), bar=(r.about_oneself,)),
    Action.ALLOW_OVERRIDE: Rule((r.above(LEADING),), bar=(r.about_oneself,)),
    Action.CONCLUDE_FINDING: Rule((r.above(LEADING), r.auditors), bar=(r.about_oneself,)),
    Action.ASK_EXPLANATION: Rule((r.above(LEADING), r.auditors)),
    Action.GIVE_EXPLANATION: Rule((r.here(COMMITTEE),), bar=(r.about_oneself,)),
    # When its time is over; by those who keep the archive, never by the organisation itself.
    Action.ERASE_CONTENT: Rule((r.above(LEADING), r.administrators), bar=(r.about_oneself,)),
    # Administrators mend the machinery without reading the matters.
    Action.MANAGE_INCIDENT: Rule((r.administrators,)),
    Action.START_MATTER: Rule((r.named,), bar=(r.own_decision,)),
    Action.SEND_MESSAGE: Rule((r.named,), bar=(r.not_running,)),
    Action.READ_ATTACHMENT: Rule(
        (r.uploader, r.unless_sensitive(*_seeing), r.deciders, r.file_auditors),
        bar=(r.sensitive_about_oneself,),
    ),
    Action.VIEW_TASK: Rule((*_doing, r.matter_of(*_seeing)), hidden=True),
    Action.COMPLETE_TASK: Rule(_doing, bar=(*_running, r.own_decision, r.taken)),
    Action.CLAIM_TASK: Rule((r.candidates,), bar=(*_running, r.own_decision, r.taken)),
    Action.UNCLAIM_TASK: Rule((r.assignee, r.steering(r.over(HEADS))), bar=_running),
    Action.DELEGATE_TASK: Rule(
        (*_doing, r.steering(r.over(HEADS))), bar=(*_running, r.own_decision)
    ),
    Action.RECEIVE_TASK: Rule((r.candidates, r.colleagues), bar=(*_running, r.own_decision)),
    Action.SEND_BACK_TASK: Rule(
        (*_doing, r.steering(r.above(HEADS))), bar=(*_running, r.about_oneself)
    ),
    # Whoever has to put it right says how it goes; that it is right, somebody else says.
    Action.VIEW_ITEM: Rule(
        (r.owner, r.unless_subject(r.here(COMMITTEE), r.over(LEADING), r.auditors)), hidden=True
    ),
    Action.REPORT_ITEM: Rule((r.owner, r.unless_subject(r.here(COMMITTEE))), bar=(r.settled,)),
    Action.EXTEND_ITEM: Rule(
        (r.not_for_owner(r.over(LEADING)),), bar=(r.settled, r.about_oneself, r.own_item)
    ),
    Action.CLOSE_ITEM: Rule(
        (r.owner_if_let, r.not_for_owner(r.over(LEADING))),
        bar=(r.settled, r.about_oneself, r.own_item),
    ),
    Action.REOPEN_ITEM: Rule((r.over(LEADING),), bar=(r.not_settled, r.about_oneself)),
    # What an organisation owes in a year, and how far it is: its own posts, and those above.
    Action.VIEW_BOARD: Rule((r.here(COMMITTEE | GROUP), r.over(LEADING), r.auditors)),
    Action.VIEW_BOARD_BELOW: Rule((r.over(LEADING), r.auditors)),
    # What each member has gathered (学时) is for the heads of the branch and those above.
    Action.VIEW_TALLY: Rule((r.here(HEADS), r.above(LEADING))),
    # Who runs a ballot sees who has voted; what anybody voted is seen by nobody.
    Action.VIEW_BALLOT: Rule((r.on_the_roll, r.task_of(*_doing), r.tellers), hidden=True),
    Action.CAST_BALLOT: Rule((r.on_the_roll,), bar=(r.box_closed, r.not_running)),
    Action.RUN_BALLOT: Rule((r.task_of(*_doing),), bar=(r.not_running,)),
    Action.COUNT_PAPER: Rule((r.tellers,), bar=(r.box_closed, r.not_running)),
    # Of an organisation, or of a matter. Nobody supervises their own.
    Action.VIEW_FINDINGS: Rule(
        (r.here(COMMITTEE), r.over(LEADING), r.auditors), bar=(r.about_oneself,)
    ),
    Action.VIEW_PERSON: Rule(
        (r.oneself, r.here(COMMITTEE), r.over(LEADING), r.auditors, r.administrators), hidden=True
    ),
    Action.VIEW_ROSTER: Rule((r.administrators,), hidden=True),
    Action.MANAGE_PERSON: Rule(
        (r.over(frozenset({PostKind.ORGANISATION_COMMISSIONER})), r.administrators)
    ),
    # Nobody gives himself a post or a status, however high his office.
    Action.CORRECT_STATUS: Rule((r.administrators,), bar=(r.being_oneself,)),
    Action.MANAGE_ORGANISATION: Rule((r.administrators,)),
    Action.MANAGE_POSTS: Rule((r.administrators,), bar=(r.about_oneself,)),
    Action.MANAGE_ACCOUNTS: Rule((r.administrators,)),
    Action.MANAGE_PROCEDURES: Rule((r.administrators,)),
    Action.SET_PARAMETERS: Rule(
        (r.over(frozenset({PostKind.ORGANISATION_DEPARTMENT})), r.administrators)
    ),
    Action.LEND_POSTS: Rule((r.lender, r.here(HEADS), r.administrators)),
}


@dataclass(frozen=True)
class Decision:
    """The answer, with the sentence that explains it.

    ``post`` is the post that gave the right, if one did; ``on_behalf_of`` whose post a substitute
    used, to be recorded. ``sensitive``: reading this has to be recorded.
    """

    allowed: bool
    reason: Translatable
    post: HeldPost | None = None
    sensitive: bool = False
    error: GuichengError | None = None

    @property
    def on_behalf_of(self) -> int | None:
        """Return the person for whom a substitute acts."""
        return None if self.post is None else self.post.on_behalf_of


def decide(actor: Actor, action: Action, thing: Any) -> Decision:
    """Say whether the actor may do it, and why or why not."""
    rule = POLICY[action]
    sensitive = getattr(thing, "sensitive", False)
    grant = next((found for g in rule.allow if (found := g(actor, thing))), None)
    if grant is None:
        refusal = _refusal(actor, action, thing)
        no_right = NotAllowed(refusal.template, **refusal.params)
        error = NotFound() if rule.hidden else no_right
        return Decision(False, refusal, None, sensitive, error)
    barred = next((no for b in rule.bar if (no := b(actor, thing))), None)
    if barred is not None:
        return Decision(
            False, Translatable(barred.template, barred.params), grant.post, sensitive, barred
        )
    reason = Translatable(
        N_("%(grounds)s，可以%(action)s。"),
        {"grounds": grant.reason, "action": Translatable(action.label)},
    )
    return Decision(True, reason, grant.post, sensitive)


def may(actor: Actor, action: Action, thing: Any) -> bool:
    """Say whether the actor may do it."""
    return decide(actor, action, thing).allowed


def require(actor: Actor, action: Action, thing: Any) -> Decision:
    """Return the decision that allows it.

    Raises NotAllowed, or what stands in the way (TaskClosed, NotRunning, AlreadyClaimed), or
    NotFound where the actor must not learn that the thing exists.
    """
    decision = decide(actor, action, thing)
    if decision.error is not None:
        raise decision.error
    return decision


class Audience(StrEnum):
    """The parts of the web, each for those who come for it (design §9)."""

    BOARD = "board"
    AUDIT = "audit"
    ADMIN = "admin"


def audiences(actor: Actor) -> frozenset[Audience]:
    """Return the parts of the web that the actor's posts open; the rest is open to everybody."""
    kinds = {post.kind for post in actor.posts}
    opened = {
        Audience.BOARD: COMMITTEE | GROUP | {PostKind.AUDITOR},
        Audience.AUDIT: LEADING | {PostKind.AUDITOR, PostKind.DISCIPLINE_COMMISSIONER},
        Audience.ADMIN: frozenset({PostKind.ADMINISTRATOR}),
    }
    return frozenset(audience for audience, posts in opened.items() if not kinds.isdisjoint(posts))


def _refusal(actor: Actor, action: Action, thing: Any) -> Translatable:
    if thing.subject_id is not None and len(actor.usable_posts(thing.subject_id)) < len(
        actor.posts
    ):
        return Translatable(N_("代办授权不适用于您本人或委托人为当事人的事项。"))
    return Translatable(
        N_("按您现任的职务和身份，不能%(action)s。如有需要，请联系本组织的管理员。"),
        {"action": Translatable(action.label)},
    )
