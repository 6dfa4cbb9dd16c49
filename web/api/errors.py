"""The one table from errors to problem details (RFC 9457) for programs.

``code`` is stable and what a program should look at; ``title`` and ``detail`` are for people, in
the language of ``Accept-Language``. Nothing was changed when an answer is a problem.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import structlog
from flask import Flask, Response, request
from flask.typing import ResponseReturnValue
from flask_babel import force_locale
from werkzeug.exceptions import HTTPException

from engine.database import connection_lost, db
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
    PackageProblem,
    StaleRevision,
    TaskClosed,
)
from web import spare
from web.errors import LOST, LOST_REASON, show_crash, show_domain_error, show_http_error
from web.language import in_words
from web.security import API_PREFIX

log = structlog.get_logger(__name__)

MEDIA_TYPE: Final = "application/problem+json"

E = TypeVar("E", bound=Exception)


class Unauthenticated(GuichengError):
    """The request carries no token, or one that is unknown, revoked or expired."""

    code = "unauthenticated"
    default = N_("请在 Authorization 请求头中提供有效的令牌（Bearer）。")


@dataclass(frozen=True)
class Kind:
    """How a class of errors is told to programs."""

    status: int
    title: str


PROBLEMS: Final[tuple[tuple[type[GuichengError], Kind], ...]] = (
    (Unauthenticated, Kind(401, N_("没有有效的令牌"))),
    (NotAllowed, Kind(403, N_("没有权限"))),
    (NotFound, Kind(404, N_("没有找到"))),
    (StaleRevision, Kind(412, N_("此事项已有更新"))),
    (AlreadyClaimed, Kind(409, N_("任务已由他人签收"))),
    (TaskClosed, Kind(409, N_("任务已不在办理中"))),
    (NotRunning, Kind(409, N_("事项现在不能办理"))),
    (Conflict, Kind(409, N_("情况已有变化"))),
    (InvalidInput, Kind(422, N_("填写的内容有误"))),
    (PackageProblem, Kind(422, N_("流程包未通过检查"))),
    (EngineFault, Kind(500, N_("流程运行异常"))),
    (GuichengError, Kind(400, N_("操作没有完成"))),
)
"""First match wins: subclasses stand before their bases."""

_HTTP: Final[Mapping[int, tuple[str, str, str]]] = {
    400: ("malformed_request", N_("请求无法读取"), N_("请求不是有效的 JSON，没有任何内容被改动。")),
    404: ("not_found", N_("没有找到"), NotFound.default),
    405: ("method_not_allowed", N_("不接受这种操作"), N_("这个地址不接受这种请求方法。")),
    413: ("too_large", N_("内容太大"), N_("提交的内容太大，没有保存。")),
    415: ("unsupported_media_type", N_("格式不对"), N_("请按接口说明的内容类型提交。")),
}
_OTHER: Final = ("http_error", N_("操作没有完成"), N_("请求没有被接受。"))
_CRASH: Final = ("internal_error", N_("系统出现问题"), N_("服务器在处理时遇到意外情况。"))


def kind_of(error: GuichengError) -> Kind:
    """Return how an error is told."""
    return next(kind for base, kind in PROBLEMS if isinstance(error, base))


def problem(error: GuichengError) -> Response:
    """Return an error of the engine as a problem."""
    kind = kind_of(error)
    more: dict[str, Any] = {}
    if isinstance(error, InvalidInput) and error.fields:
        more["fields"] = {name: [_say(text) for text in e] for name, e in error.fields.items()}
    if isinstance(error, PackageProblem):
        more["problems"] = [
            {
                "file": found.file,
                "element": found.element,
                "line": found.line,
                "code": found.code,
                "message": found.message,
                "cure": found.cure,
                "severity": found.severity.value,
            }
            for found in error.problems
        ]
    if isinstance(error, EngineFault):
        log.error("engine_fault", code=error.code)
    answer = _respond(kind.status, error.code, _say(kind.title), _say(error), more)
    if isinstance(error, Unauthenticated):
        refused = ', error="invalid_token"' if "Authorization" in request.headers else ""
        answer.headers["WWW-Authenticate"] = f'Bearer realm="guicheng"{refused}'
    return answer


def http_problem(error: HTTPException) -> ResponseReturnValue:
    """Return what the framework refused as a problem; its headers (``Allow``) stay."""
    status = error.code or 500
    if status < 400:
        return error.get_response()
    code, title, detail = _HTTP.get(status, _CRASH if status >= 500 else _OTHER)
    answer = _respond(status, code, _say(title), _say(detail), {})
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            answer.headers[name] = value
    return answer


def crash_problem(error: Exception) -> Response:
    """Log an unexpected failure and return a problem without any detail of it."""
    if connection_lost(error):
        log.error("database_lost", kind=type(error).__name__, endpoint=request.endpoint)
        spare.forget()
        reason = _say(LOST_REASON)
        return _respond(LOST.status, "database_lost", _say(LOST.heading), reason, {})
    log.exception("unhandled", kind=type(error).__name__, endpoint=request.endpoint)
    code, title, detail = _CRASH
    return _respond(500, code, _say(title), _say(detail), {})


def _say(message: GuichengError | str) -> str:
    """Return a message in the language asked for. The API looks at no cookie, so not at ours."""
    wanted = request.accept_languages.best_match(("zh", "en"), default="zh")
    with force_locale("en" if wanted == "en" else "zh_Hans_CN"):
        return in_words(message)


def _respond(status: int, code: str, title: str, detail: str, more: dict[str, Any]) -> Response:
    db.session.rollback()
    body = {
        "type": f"urn:guicheng:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        **more,
    }
    # What the client sent may stand in it, half a surrogate pair included: stay with ASCII.
    return Response(json.dumps(body), status, content_type=MEDIA_TYPE)


def register(app: Flask) -> None:
    """Answer programs with problems and leave everybody else to the pages' table.

    Wrong addresses and methods belong to no blueprint, so this is done for the whole application.
    """

    def choose(
        for_programs: Callable[[E], ResponseReturnValue],
        for_people: Callable[[E], ResponseReturnValue | HTTPException],
    ) -> Callable[[E], Any]:
        def handle(error: E) -> Any:
            return (for_programs if request.path.startswith(API_PREFIX) else for_people)(error)

        return handle

    app.register_error_handler(GuichengError, choose(problem, show_domain_error))
    app.register_error_handler(HTTPException, choose(http_problem, show_http_error))
    app.register_error_handler(Exception, choose(crash_problem, show_crash))
