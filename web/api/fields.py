"""Strict fields for what programs send: the type that is said, nothing that is merely like it.

PostgreSQL stores no NUL and Python reads half of a surrogate pair that UTF-8 cannot carry, so no
text with either is let in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from engine.errors import N_

MAX_ID: Final = 2**63 - 1
"""Largest id that the database holds."""

UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
"""Characters that cannot be stored."""

_NUMBER: Final = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_REQUIRED: Final = N_("缺少此项。")
_NULL: Final = N_("此项不能为空。")


class Shape(Schema):
    """Base of all schemas: what is not described is refused."""

    class Meta:
        unknown = RAISE

    error_messages = {  # noqa: RUF012 - marshmallow's own way to say it
        "unknown": N_("没有这一项。"),
        "type": N_("内容的结构不对。"),
    }


class _Strict(fields.Field[Any]):
    default_error_messages = {  # noqa: RUF012 - marshmallow's own way to say it
        "required": _REQUIRED,
        "null": _NULL,
    }


class Text(_Strict, fields.String):
    """A text without characters that cannot be stored."""

    def __init__(self, *, longest: int = 200, shortest: int = 0, **kwargs: Any) -> None:
        limits = validate.Length(
            min=shortest or None,
            max=longest,
            error=N_("长度应为 {min} 至 {max} 个字符。") if shortest else N_("最多 {max} 个字符。"),
        )
        super().__init__(validate=limits, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError(N_("应为文本。"))
        if UNSTORABLE.search(value):
            raise ValidationError(N_("含有无法保存的字符。"))
        return value


class Whole(_Strict, fields.Integer):
    """A whole number within bounds: a JSON number, or digits where the query string has it."""

    def __init__(
        self, *, least: int = 1, most: int = MAX_ID, from_text: bool = False, **kwargs: Any
    ) -> None:
        self.from_text = from_text
        bounds = validate.Range(least, most, error=N_("应为 {min} 至 {max} 的整数。"))
        super().__init__(validate=bounds, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> int:
        if self.from_text and isinstance(value, str) and _NUMBER.fullmatch(value):
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValidationError(N_("应为整数。"))
        return value


class Day(_Strict, fields.Date):
    """A day, written 2026-06-10 and in no other way."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> date:
        try:
            if isinstance(value, str) and _DAY.fullmatch(value):
                return date.fromisoformat(value)
        except ValueError:
            pass
        raise ValidationError(N_("应为日期，例如 2026-06-10。"))


class Data(_Strict, fields.Dict):
    """The data of a form: an object, whose content the form itself checks."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValidationError(N_("应为对象（JSON object）。"))
        return value


class Choice(Text):
    """One of a closed set of codes."""

    def __init__(self, codes: type, **kwargs: Any) -> None:
        super().__init__(longest=40, **kwargs)
        allowed = [str(code) for code in codes]  # type: ignore[attr-defined]
        error = N_("应为以下之一：{choices}。")
        self.validators = [validate.OneOf(allowed, error=error)]


def flatten(messages: Any, path: str = "") -> dict[str, list[str]]:
    """Return marshmallow's tree of messages as sentences by field path: ``data.vote``."""
    found: dict[str, list[str]] = {}
    if isinstance(messages, Mapping):
        for key, inner in messages.items():
            name = path if key == "_schema" else f"{path}.{key}" if path else str(key)
            for field, sentences in flatten(inner, name).items():
                found.setdefault(field, []).extend(sentences)
    elif isinstance(messages, list):
        found[path] = [str(message) for message in messages]
    else:
        found[path] = [str(messages)]
    return found
