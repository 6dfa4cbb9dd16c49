"""/healthz: for load balancers and for whoever looks after the machine."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, current_app
from sqlalchemy.exc import SQLAlchemyError

from engine.health import check
from engine.migrations import pending
from web.context import reading
from web.language import in_words

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """Answer 200, or 503 with the reasons one a line. It says nothing of people or matters."""
    where = current_app.extensions["guicheng.addresses"]
    try:
        problems = check(reading(), lambda: pending(where))
    except SQLAlchemyError:
        reading().rollback()
        problems = ["数据库查询失败"]
    words = "\n".join(in_words(p) for p in problems) or "ok"
    return Response(words + "\n", 503 if problems else 200, mimetype="text/plain")


def register(app: Flask) -> None:
    """Add the address."""
    app.register_blueprint(blueprint)
