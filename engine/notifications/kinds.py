"""What is told to whom: the one table. The sweep and the pages both follow it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from engine.coded import Coded
from engine.directory.codes import PostKind
from engine.errors import N_


class NoticeKind(Coded):
    """Why somebody is told something."""

    OPENED = "opened", N_("有新的待办")
    RETURNED = "returned", N_("任务被退回")
    DELEGATED = "delegated", N_("任务委托给您")
    REMINDED = "reminded", N_("提醒您办理")
    SOON = "soon", N_("任务即将到期")
    OVERDUE = "overdue", N_("任务已超期")
    MOVED = "moved", N_("您的事项有进展")
    ENDED = "ended", N_("您的事项已结束")
    FINDING = "finding", N_("发现新的问题")
    ASKED = "asked", N_("上级要求说明问题")
    EXPLAINED = "explained", N_("对方已作说明")
    DUTY_DUE = "duty_due", N_("应办的工作快到期限")
    DUTY_LATE = "duty_late", N_("应办的工作已逾期")
    INCIDENT = "incident", N_("流程运行出现异常")


class Audience(Coded):
    """Who is told."""

    DOERS = "doers", N_("可以办理的人")
    HOLDER = "holder", N_("承办人")
    SUBJECT = "subject", N_("当事人")
    POSTS = "posts", N_("任有关职务的人")
    ASKER = "asker", N_("提出要求的人")


@dataclass(frozen=True, slots=True)
class Told:
    """One row of the table. ``posts``: which, at the organisation concerned or above it.

    ``mutable``: the person may switch the line on the page off. What somebody else expressly asks
    of a person always reaches them.
    """

    to: Audience
    posts: frozenset[PostKind] = frozenset()
    mutable: bool = True
    outside: bool = True
    """May go to a mail box or a robot, in the few words that name nobody."""


OFFICE: Final = frozenset(
    {PostKind.SECRETARY, PostKind.DEPUTY_SECRETARY, PostKind.ORGANISATION_COMMISSIONER}
)
"""Who answers for what an organisation has to do."""

TABLE: Final[Mapping[NoticeKind, Told]] = {
    NoticeKind.OPENED: Told(Audience.DOERS),
    NoticeKind.RETURNED: Told(Audience.DOERS),
    NoticeKind.DELEGATED: Told(Audience.HOLDER, mutable=False),
    NoticeKind.REMINDED: Told(Audience.HOLDER, mutable=False),
    NoticeKind.SOON: Told(Audience.DOERS),
    NoticeKind.OVERDUE: Told(Audience.DOERS),
    NoticeKind.MOVED: Told(Audience.SUBJECT),
    NoticeKind.ENDED: Told(Audience.SUBJECT),
    NoticeKind.FINDING: Told(Audience.POSTS, OFFICE),
    NoticeKind.ASKED: Told(Audience.POSTS, OFFICE, mutable=False),
    NoticeKind.EXPLAINED: Told(Audience.ASKER),
    NoticeKind.DUTY_DUE: Told(Audience.POSTS, OFFICE),
    NoticeKind.DUTY_LATE: Told(Audience.POSTS, OFFICE),
    # A robot of a branch's group has nothing to do with the machinery.
    NoticeKind.INCIDENT: Told(
        Audience.POSTS, frozenset({PostKind.ADMINISTRATOR}), mutable=False, outside=False
    ),
}

ABOUT_TASKS: Final = frozenset(
    {
        NoticeKind.OPENED,
        NoticeKind.RETURNED,
        NoticeKind.DELEGATED,
        NoticeKind.REMINDED,
        NoticeKind.SOON,
        NoticeKind.OVERDUE,
    }
)
"""All of them share one line a task and person: the latest word counts."""

ROBOT_KINDS: Final = tuple(
    kind
    for kind, told in TABLE.items()
    if told.outside and told.to in (Audience.DOERS, Audience.POSTS)
)
"""What an organisation's robot may say. What concerns one person alone is not for a group."""


class Format(Coded):
    """What a webhook's receiver understands."""

    GENERIC = "generic", N_("通用（JSON，带签名）")
    WECOM = "wecom", N_("企业微信群机器人")
    DINGTALK = "dingtalk", N_("钉钉群机器人（加签）")


class MailMode(Coded):
    """When a person gets e-mail."""

    NONE = "none", N_("不发邮件")
    DIGEST = "digest", N_("每天汇总一封")
    INSTANT = "instant", N_("本人的任务随时发，其余每天汇总")


class DeliveryState(Coded):
    """How far a delivery is."""

    WAITING = "waiting", N_("等待发送")
    SENDING = "sending", N_("正在发送")
    SENT = "sent", N_("已发送")
    DROPPED = "dropped", N_("不再需要")
    DEAD = "dead", N_("发送失败")


class Channel(Coded):
    """How something leaves the house."""

    MAIL = "mail", N_("邮件")
    CODE = "code", N_("邮箱验证码")
    WEBHOOK = "webhook", N_("群机器人")
