"""Reading JSON from programs: UTF-8, finite numbers, and nothing that could not be stored."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Final

from flask import request
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from engine.errors import N_, InvalidInput
from web.api.fields import UNSTORABLE

MAX_BYTES: Final = 1024 * 1024
"""Largest JSON body. Drafts and forms are far smaller."""

MAX_DIGITS: Final = 18
"""Longest whole number: all of them fit the database's widest column."""


def read_json() -> Any:
    """Return the JSON body; none at all is an empty object.

    Raises BadRequest for what is not JSON, UnsupportedMediaType, RequestEntityTooLarge, and
    InvalidInput when a text holds what cannot be stored.
    """
    request.max_content_length = MAX_BYTES
    raw = request.get_data(cache=False)
    if not raw:
        return {}
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    try:
        # Not json.loads: it would guess the encoding and let in halves of surrogate pairs.
        value = _DECODER.decode(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        raise BadRequest from None
    # Only an escape can bring in what UTF-8 itself cannot carry, and NUL.
    if b"\\u" in raw and _unstorable(value):
        raise InvalidInput({"": [N_("含有无法保存的字符。")]})
    return value


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


def _whole(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_DIGITS:
        raise ValueError("the number is too large")
    return int(digits)


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError("the number is too large")
    return value


_DECODER: Final = json.JSONDecoder(parse_constant=_refuse, parse_int=_whole, parse_float=_finite)


def _unstorable(value: Any) -> bool:
    if isinstance(value, str):
        return UNSTORABLE.search(value) is not None
    if isinstance(value, Mapping):
        return any(_unstorable(key) or _unstorable(inner) for key, inner in value.items())
    if isinstance(value, list):
        return any(_unstorable(inner) for inner in value)
    return False
