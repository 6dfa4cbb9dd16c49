"""The one table from domain errors to pages: what is wrong, why, and what to do now.

Every page says plainly that nothing was changed. Programs get their errors from ``web.api``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import psycopg
import structlog
from flask import Flask, g, render_template, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.wrappers.response import Response

from engine.database import connection_lost, db
from engine.directory.accounts import LoginThrottled
from engine.errors import (
    N_,
    AlreadyClaimed,
    Conflict,
    EngineFault,
    GuichengError,
    InvalidInput,
    NotAllowed,
    NotFound,
    NotRunning,
    StaleRevision,
    TaskClosed,
)
from web import spare
from web.context import LoginRequired, signed_in
from web.language import in_words
from web.security import TOKEN_FIELD, StaleForm, same_origin

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class ErrorPage:
    """How an error is shown: the HTTP status, a heading, and the advice that follows the reason."""

    status: int
    heading: str
    advice: str
    actions: tuple[str, ...] = ("inbox",)


_REFRESH = N_("您填写的内容没有被采用，别人办理的结果不受影响。请先查看最新情况，再决定如何办理。")

PAGES: Final[tuple[tuple[type[Exception], ErrorPage], ...]] = (
    (
        LoginRequired,
        ErrorPage(
            401,
            N_("请重新登录"),
            N_("请重新登录。填写时已自动保存的草稿会保留，登录后可以接着填写。"),
            ("login",),
        ),
    ),
    (
        StaleForm,
        ErrorPage(
            400,
            N_("页面已过期"),
            N_("请回到原来的页面重新办理。如果不是您本人在操作，请关闭此页。"),
            ("back", "inbox"),
        ),
    ),
    (
        LoginThrottled,
        ErrorPage(
            429, N_("登录尝试过于频繁"), N_("请稍后再试；忘记密码请联系管理员。"), ("login",)
        ),
    ),
    (StaleRevision, ErrorPage(409, N_("此事项已有更新"), _REFRESH, ("fresh", "inbox"))),
    (
        AlreadyClaimed,
        ErrorPage(409, N_("任务已由他人签收"), _REFRESH, ("fresh", "inbox")),
    ),
    (
        TaskClosed,
        ErrorPage(
            409,
            N_("任务已不在办理中"),
            N_("同一任务只能办结一次，重复提交不会产生第二份记录。"),
            ("matter", "inbox"),
        ),
    ),
    (
        NotRunning,
        ErrorPage(
            409, N_("事项现在不能办理"), N_("请到事项页查看它的当前状态。"), ("matter", "inbox")
        ),
    ),
    (Conflict, ErrorPage(409, N_("情况已有变化"), _REFRESH, ("fresh", "inbox"))),
    (
        NotAllowed,
        ErrorPage(
            403,
            N_("没有权限"),
            N_("如果这应当由您办理，请联系本组织管理员核对您的职务或代办授权。"),
        ),
    ),
    (NotFound, ErrorPage(404, N_("没有找到"), N_("请核对链接，或从待办、事项中重新进入。"))),
    (InvalidInput, ErrorPage(422, N_("填写的内容有误"), N_("请返回原页改正。"), ("back", "inbox"))),
    (
        EngineFault,
        ErrorPage(
            500,
            N_("流程运行异常"),
            N_("您不需要重复提交。管理员已经收到记录，处理后会继续。"),
            ("matter", "inbox"),
        ),
    ),
    (
        GuichengError,
        ErrorPage(400, N_("操作没有完成"), N_("请返回原页检查后再试。"), ("back", "inbox")),
    ),
)
"""First match wins: subclasses stand before their bases."""

_HTTP_REASONS: Final = {
    400: N_("请求的内容不完整。"),
    404: NotFound.default,
    405: N_("这个地址不接受这种操作，没有任何内容被改动。"),
    413: N_("提交的内容太大，没有保存。请减少或压缩所附文件。"),
    415: N_("提交的内容格式不对，没有保存。"),
}


def page_for(error: Exception) -> ErrorPage:
    """Return the page of an error."""
    return next(page for kind, page in PAGES if isinstance(error, kind))


def show(page: ErrorPage, reason: str) -> Response | tuple[str, int]:
    """Render an error as a page, or as one sentence when htmx asked."""
    db.session.rollback()
    if request.headers.get("HX-Request"):
        return render_template("errors/fragment.html", page=page, reason=reason), page.status
    task_id = (request.view_args or {}).get("task_id")
    resend = []
    with_files = any(upload.filename for upload in request.files.values())
    # A task has a draft to go back to; what was typed elsewhere stands on the error page only.
    again = signed_in() if page is _STALE else page is _LOGIN and task_id is None
    if again and same_origin() and not with_files:
        # The browser vouches for the page; after a new login the reader may send it once more.
        resend = [(k, v) for k, v in request.form.items(multi=True) if k != TOKEN_FIELD]
    return (
        render_template(
            "errors/page.html",
            page=page,
            reason=reason,
            task_id=task_id,
            resend=resend,
            login=page is _LOGIN,
        ),
        page.status,
    )


_STALE = page_for(StaleForm())
_LOGIN = page_for(LoginRequired())


def show_domain_error(error: GuichengError) -> Response | tuple[str, int]:
    """Show an error of the engine."""
    if isinstance(error, StaleForm) and signed_in() is None and request.blueprint != "auth":
        error = LoginRequired()  # the token went with the session: that is what to say
    if isinstance(error, EngineFault):
        log.error("engine_fault", code=error.code)
    return show(page_for(error), in_words(error))


def show_http_error(error: HTTPException) -> Response | tuple[str, int] | HTTPException:
    """Show what the framework refused: unknown address, wrong method, too large."""
    code = error.code or 500
    if code < 400:
        return error
    if isinstance(error, RequestEntityTooLarge):
        code = 413
    heading = N_("没有找到") if code == 404 else N_("操作没有完成")
    reason = _HTTP_REASONS.get(code, N_("请求没有被接受。"))
    advice = page_for(NotFound()).advice if code == 404 else N_("请返回原页检查后再试。")
    return show(ErrorPage(code, heading, advice, ("back", "inbox")), in_words(reason))


def show_crash(error: Exception) -> Response | tuple[str, int]:
    """Log an unexpected failure and show a page without any detail of it."""
    if connection_lost(error):
        return show_lost(error)
    if _holds_nul(error):
        return show(UNSTORABLE, in_words(UNSTORABLE_REASON))
    log.exception("unhandled", kind=type(error).__name__, endpoint=request.endpoint)
    page = ErrorPage(
        500,
        N_("系统出现问题"),
        N_("您的操作没有生效，已有内容不受影响。请稍后再试；如仍出现，请告诉管理员出现的时间。"),
    )
    return show(page, in_words(N_("服务器在处理时遇到意外情况。")))


UNSTORABLE: Final = ErrorPage(400, N_("填写的内容有误"), N_("请返回原页改正。"), ("back", "inbox"))
UNSTORABLE_REASON: Final = N_("内容里有不能保存的空字符，没有保存。")


def _holds_nul(error: Exception) -> bool:
    """Tell whether a text had a NUL, which PostgreSQL has no place for and no browser sends."""
    cause = getattr(error, "orig", error)
    return isinstance(cause, psycopg.DataError) and "NUL" in str(cause)


LOST: Final = ErrorPage(
    503,
    N_("暂时连不上数据库"),
    N_("请过一会儿再打开待办查看：任务还在，就重新办理；已经办结的，重复提交不会产生第二份记录。"),
)
LOST_REASON: Final = N_("与数据库的连接中断了，不能确定刚才的操作是否已经生效。")


def show_lost(error: Exception) -> Response | tuple[str, int]:
    """Say that the database is away, on a page that asks nothing of it."""
    log.error("database_lost", kind=type(error).__name__, endpoint=request.endpoint)
    spare.forget()
    g.signed_in = None
    return show(LOST, in_words(LOST_REASON))


def register(app: Flask) -> None:
    """Bind the table to the application."""
    app.register_error_handler(GuichengError, show_domain_error)
    app.register_error_handler(HTTPException, show_http_error)
    app.register_error_handler(Exception, show_crash)
