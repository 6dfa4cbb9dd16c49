"""Strict fields for what programs send: the type that is said, nothing that is merely like it.

PostgreSQL stores no NUL and Python reads half of a surrogate pair that UTF-8 cannot carry, so no
text with either is let in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from marshmallow import RAISE, Schema, ValidationError, fields, missing, validate

from engine.errors import N_, Sentence

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

    def read(self, given: Any) -> dict[str, Any]:
        """Return what ``load`` does, in a short way as long as nothing is wrong.

        ``load`` passes each field through its hooks and keeps an account of errors. The first error
        leads there, so that it is told in one way only. For flat shapes whose fields are named as
        the client names them.
        """
        known = self.load_fields
        if type(given) is not dict or not known.keys() >= given.keys():
            return self._load(given)
        found: dict[str, Any] = {}
        try:
            for name, field in known.items():
                value = field.deserialize(given.get(name, missing), name, given)
                if value is not missing:
                    found[name] = value
        except ValidationError:
            return self._load(given)
        return found

    def _load(self, given: Any) -> dict[str, Any]:
        loaded: dict[str, Any] = self.load(given)
        return loaded


class _Strict(fields.Field[Any]):
    default_error_messages = {  # noqa: RUF012 - marshmallow's own way to say it
        "required": _REQUIRED,
        "null": _NULL,
    }


class _Length(validate.Length):
    """Says its bounds in a sentence that can be translated; so do the two below."""

    def _format_error(self, value: Any, message: str) -> str:
        return Sentence(self.error or message, min=self.min, max=self.max)


class _Range(validate.Range):
    def _format_error(self, value: Any, message: str) -> str:
        return Sentence(self.error or message, min=self.min, max=self.max)


class _OneOf(validate.OneOf):
    def _format_error(self, value: Any) -> str:
        return Sentence(self.error, choices=self.choices_text)


class Text(_Strict, fields.String):
    """A text without characters that cannot be stored."""

    def __init__(self, *, longest: int = 200, shortest: int = 0, **kwargs: Any) -> None:
        limits = _Length(
            min=shortest or None,
            max=longest,
            error=N_("长度应为 %(min)s 至 %(max)s 个字符。")
            if shortest
            else N_("最多 %(max)s 个字符。"),
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
        bounds = _Range(least, most, error=N_("应为 %(min)s 至 %(max)s 的整数。"))
        super().__init__(validate=bounds, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> int:
        if self.from_text and isinstance(value, str) and _NUMBER.fullmatch(value):
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValidationError(N_("应为整数。"))
        return value


class Flag(_Strict, fields.Boolean):
    """``true`` or ``false``, and nothing that is merely like it."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError(N_("应为 true 或 false。"))
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
        error = N_("应为以下之一：%(choices)s。")
        self.validators = [_OneOf(allowed, error=error)]


def flatten(messages: Any, path: str = "") -> dict[str, list[str]]:
    """Return marshmallow's tree of messages as sentences by field path: ``data.vote``."""
    found: dict[str, list[str]] = {}
    if isinstance(messages, Mapping):
        for key, inner in messages.items():
            name = path if key == "_schema" else f"{path}.{key}" if path else str(key)
            for field, sentences in flatten(inner, name).items():
                found.setdefault(field, []).extend(sentences)
    elif isinstance(messages, list):
        found[path] = list(messages)
    else:
        found[path] = [messages]
    return found
