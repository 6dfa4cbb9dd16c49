"""Every error the engine raises. Errors know nothing of HTTP; the web maps them in one table.

A class's docstring says when it is raised. ``template`` is the Chinese sentence for people: what is
wrong and what to do, with ``%(name)s`` places that ``params`` fill, so that it can be translated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Self


def N_(message: str) -> str:
    """Mark a message for translation and return it unchanged."""
    return message


class GuichengError(Exception):
    """Base of all errors that a person or a program may be told about."""

    code: ClassVar[str] = "error"
    default: ClassVar[str] = N_("操作没有完成，请稍后再试。")

    def __init__(self, template: str | None = None, /, **params: Any) -> None:
        self.template = template or self.default
        self.params = params
        super().__init__(self.template % params if params else self.template)


class InvalidInput(GuichengError):
    """What was submitted breaks a rule of its form. ``fields`` maps a field path to sentences."""

    code = "invalid_input"
    default = N_("填写的内容有误，请按提示改正后再提交。")

    def __init__(
        self,
        fields: Mapping[str, Sequence[str]] | None = None,
        template: str | None = None,
        /,
        **params: Any,
    ) -> None:
        self.fields: dict[str, list[str]] = {k: list(v) for k, v in (fields or {}).items()}
        super().__init__(template, **params)

    def __str__(self) -> str:
        details = "；".join(f"{key}：{'、'.join(v)}" for key, v in self.fields.items())
        return f"{super().__str__()}{details}"


class NotAllowed(GuichengError):
    """The access policy says no."""

    code = "not_allowed"
    default = N_("您没有办理此事的权限。如有需要，请联系本组织的管理员。")


class NotFound(GuichengError):
    """The thing does not exist, or the actor may not know that it does."""

    code = "not_found"
    default = N_("没有找到，可能已被删除，或您无权查看。")


class Conflict(GuichengError):
    """The state has moved on since the actor looked. Nothing was changed."""

    code = "conflict"
    default = N_("情况已有变化，本次操作没有生效，请刷新后再办理。")


class StaleRevision(Conflict):
    """The revision that the command was based on is no longer the current one."""

    code = "stale_revision"
    default = N_("此事项刚刚被他人更新，本次操作没有生效，请查看最新情况后再办理。")


class AlreadyClaimed(Conflict):
    """Another person has claimed the task."""

    code = "already_claimed"
    default = N_("该任务已由他人签收，如需由您办理，请先请其放回。")


class TaskClosed(Conflict):
    """The task is no longer open."""

    code = "task_closed"
    default = N_("该任务已经办结或已收回，无需再次办理。")


class NotRunning(Conflict):
    """The matter is suspended or has ended."""

    code = "not_running"
    default = N_("该事项已挂起或已结束，现在不能办理。")


class Severity(StrEnum):
    """How bad a problem in a package is."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a process package, said so that its author can mend it."""

    file: str
    element: str | None
    line: int | None
    code: str
    message: str
    cure: str
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        place = self.file + (f":{self.line}" if self.line else "")
        element = f" [{self.element}]" if self.element else ""
        return f"{place}{element} {self.code}: {self.message} → {self.cure}"


class PackageProblem(GuichengError):
    """A process package (or one file of it) cannot be used."""

    code = "package_problem"
    default = N_("流程包未通过检查。")

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__()

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *map(str, self.problems)])


class EngineFault(GuichengError):
    """A definition misbehaved while running. The matter stays as it was, an incident is kept."""

    code = "engine_fault"
    default = N_("流程运行出现异常，您提交的内容没有生效，已通知管理员处理。")


class ExpressionFault(EngineFault):
    """An expression is not allowed, or failed on the values at hand."""

    code = "expression_fault"
    default = N_("流程中的表达式有误：%(reason)s")


class StepBudgetExceeded(EngineFault):
    """One step ran more automatic activities than allowed: most likely an endless loop."""

    code = "step_budget_exceeded"
    default = N_("一次办理触发的自动步骤超过 %(budget)s 个，疑似流程循环。")


class StuckInstance(EngineFault):
    """After a step nothing is waiting, and yet the matter has not ended."""

    code = "stuck_instance"
    default = N_("办理后流程既未结束，也没有后续任务。")


@dataclass(frozen=True)
class Translatable:
    """A sentence with places to fill, kept apart so that it can be translated later."""

    template: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.template % self.params if self.params else self.template


class Sentence(str):
    """A sentence with its places filled in Chinese, which can still be said in another language.

    It is text like any other for whatever only compares, keeps or sends it. A parameter may be a
    sentence itself, or a tuple of words to be listed.
    """

    template: str
    params: Mapping[str, Any]

    def __new__(cls, template: str, /, **params: Any) -> Self:
        """Fill the places of the template."""
        words = {k: "、".join(v) if isinstance(v, tuple) else v for k, v in params.items()}
        made = super().__new__(cls, template % words if words else template)
        made.template, made.params = template, params
        return made


def say(message: GuichengError | Translatable | str, translate: Callable[[str], str] = str) -> str:
    """Return a message as text; ``translate`` is given each template, by default Chinese stays."""
    if isinstance(message, str) and not isinstance(message, Sentence):
        return translate(message) if message else ""
    template = translate(message.template)
    params = {name: _place(value, translate) for name, value in message.params.items()}
    return template % params if params else template


def _place(value: Any, translate: Callable[[str], str]) -> Any:
    """Return what fills a place of a sentence: words are translated, numbers stay as they are."""
    if isinstance(value, (str, Translatable)):
        return say(value, translate)
    if isinstance(value, tuple):
        return translate(N_("、")).join(say(item, translate) for item in value)
    return value
