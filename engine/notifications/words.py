"""What is said outside the house: a procedure, a step, a day, and where to look. Never a name.

A mail is written by a worker, which has none of the web's catalogues: each sentence stands here in
both languages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from engine.notifications.kinds import ABOUT_TASKS, NoticeKind

MOST_LINES: Final = 20
"""A message names no more; how many there are it says all the same."""


@dataclass(frozen=True, slots=True)
class Said:
    """One line of a message. ``count``: of how many things alike."""

    kind: NoticeKind
    procedure: str = ""
    step: str = ""
    due_on: date | None = None
    count: int = 1


_KINDS: Final = {
    NoticeKind.OPENED: "new to do",
    NoticeKind.RETURNED: "sent back",
    NoticeKind.DELEGATED: "given to you",
    NoticeKind.REMINDED: "you are reminded",
    NoticeKind.SOON: "due soon",
    NoticeKind.OVERDUE: "overdue",
    NoticeKind.MOVED: "your matter has moved on",
    NoticeKind.ENDED: "your matter has ended",
    NoticeKind.FINDING: "a problem was found",
    NoticeKind.ASKED: "an explanation is asked for",
    NoticeKind.EXPLAINED: "an explanation was given",
    NoticeKind.DUTY_DUE: "due soon",
    NoticeKind.DUTY_LATE: "late",
    NoticeKind.INCIDENT: "the engine reports a fault",
}
_TEXTS: Final[dict[str, tuple[str, str]]] = {
    "tasks": (
        "您有 %(count)s 项待办，请登录规程查看。",
        "You have %(count)s to do. Please sign in to Guicheng.",
    ),
    "notices": (
        "您有 %(count)s 条通知，请登录规程查看。",
        "You have %(count)s notices. Please sign in to Guicheng.",
    ),
    "robot": (
        "本组织有 %(count)s 项新情况，请有关同志登录规程查看。",
        "There is news for this organisation (%(count)s). Please sign in to Guicheng.",
    ),
    "subject_tasks": ("规程：您有 %(count)s 项待办", "Guicheng: %(count)s to do"),
    "subject_notices": ("规程：您有 %(count)s 条通知", "Guicheng: %(count)s notices"),
    "subject_code": ("规程：邮箱验证码", "Guicheng: code to confirm your e-mail address"),
    "code": (
        (
            "您的验证码是 %(code)s，%(minutes)s 分钟内有效。请在规程的“通知设置”页面填写。"
            "如非您本人操作，请不必理会。"
        ),
        (
            "Your code is %(code)s, good for %(minutes)s minutes. Enter it on the page “Notice"
            " settings” of Guicheng. If you did not ask for it, ignore this mail."
        ),
    ),
    "due": ("%(day)s前", "due %(day)s"),
    "times": ("%(count)s 项", "%(count)s"),
    "more": ("另有 %(count)s 项未列出。", "%(count)s more are not listed."),
    "link": ("查看：%(url)s", "Look: %(url)s"),
    "foot": (
        "本邮件由系统自动发出，请勿回复。如不想再收到，请在规程的“通知设置”中修改。",
        (
            "This mail was sent by a machine; please do not reply. What you are sent is set on the"
            " page “Notice settings” of Guicheng."
        ),
    ),
    "test": ("这是一条测试消息，收到即说明设置正确。", "This is a test: the settings work."),
}


def text(name: str, language: str, /, **params: Any) -> str:
    """Return one of the sentences."""
    chosen = _TEXTS[name][1 if language == "en" else 0]
    return chosen % params if params else chosen


def one_line(said: Said, language: str) -> str:
    """Return a line, as in 发展党员 02 党组织派人谈话（有新的待办，12月4日前）."""
    english = language == "en"
    notes = [_KINDS[said.kind] if english else said.kind.label]
    if said.due_on is not None:
        day = said.due_on.isoformat() if english else f"{said.due_on.month}月{said.due_on.day}日"
        notes.append(text("due", language, day=day))
    if said.count > 1:
        notes.append(text("times", language, count=said.count))
    what = " ".join(part for part in (said.procedure, said.step) if part)
    if not what:
        return ", ".join(notes) if english else "，".join(notes)
    return f"{what} ({', '.join(notes)})" if english else f"{what}（{'，'.join(notes)}）"


def count_of(lines: Sequence[Said]) -> int:
    """Return of how many things the lines tell."""
    return sum(line.count for line in lines)


def list_of(lines: Sequence[Said], language: str) -> list[str]:
    """Return the lines, and how many are left out."""
    listed = [f"- {one_line(line, language)}" for line in lines[:MOST_LINES]]
    if len(lines) > MOST_LINES:
        listed.append(text("more", language, count=count_of(lines[MOST_LINES:])))
    return listed


def mail_words(lines: Sequence[Said], language: str, url: str) -> tuple[str, str]:
    """Return subject and body of a mail with these lines."""
    tasks = all(line.kind in ABOUT_TASKS for line in lines)
    name, count = ("tasks" if tasks else "notices"), count_of(lines)
    body = [text(name, language, count=count), "", *list_of(lines, language), ""]
    if url:
        body += [text("link", language, url=f"{url}/notices"), ""]
    body.append(text("foot", language))
    return text(f"subject_{name}", language, count=count), "\n".join(body) + "\n"


def robot_words(lines: Sequence[Said], url: str) -> str:
    """Return what a robot says in a group."""
    if not lines:
        return text("test", "zh")
    said = [text("robot", "zh", count=count_of(lines)), *list_of(lines, "zh")]
    if url:
        said.append(text("link", "zh", url=url))
    return "\n".join(said)
