"""Answers in JSON, made from plain dictionaries; the schemas only describe them.

Dumping a page of tasks through marshmallow costs more than reading it from the database, so the
shapes are written by hand and the tests hold them against their schemas.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from flask import Response

MEDIA_TYPE: Final = "application/json"

_in_json: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def reply(
    body: Mapping[str, Any],
    status: int = 200,
    *,
    revision: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return ``body`` as JSON; ``revision`` becomes the ETag."""
    answer = Response(_in_json(body), status, content_type=MEDIA_TYPE)
    if revision is not None:
        answer.headers["ETag"] = f'"{revision}"'
    if headers:
        answer.headers.update(headers)
    return answer


def empty() -> Response:
    """Return 204: done, and nothing to say."""
    return Response(status=204)


def day(value: date | None) -> str | None:
    """Return a day as JSON has it."""
    return None if value is None else value.isoformat()


def moment(value: datetime | None) -> str | None:
    """Return a moment as JSON has it: with its offset."""
    return None if value is None else value.isoformat()
