"""How single values are read: one marshmallow field for each kind of form field.

They take JSON values and the text of HTML posts alike, and give canonical JSON values: trimmed
text, whole numbers as int, days as ISO text. An empty value comes out as None (lists: as an empty
list); whether that is allowed is decided where visibility is known.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, missing
from marshmallow import fields as ma

from engine.calendars.arithmetic import parse_day
from engine.errors import N_, Sentence
from engine.forms.fields import MAX_NUMBER, MAX_ROLL, MAX_ROWS, MAX_TEXT, Field, FieldKind, Limits

_BAD = {"Cc", "Cs"}  # control characters and lone surrogates: PostgreSQL stores neither
_NUMBER = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{1,20})?")
_YES = {"true", "on", "1", "yes"}
_NO = {"false", "off", "0", "no", ""}


class FormPart(Schema):
    """Base of the schemas built from forms: what is not asked for is refused."""

    class Meta:
        unknown = RAISE

    error_messages = {  # noqa: RUF012 - marshmallow reads it from the class
        "unknown": N_("没有这一项，或这一项不能由您填写。"),
        "type": N_("内容的结构不对，请刷新页面后重新填写。"),
    }


_STRUCTURE: dict[str, str | list[Any] | dict[Any, Any]] = {
    "type": N_("内容的结构不对，请刷新页面后重新填写。"),
    "invalid": N_("内容的结构不对，请刷新页面后重新填写。"),
}


class Value(ma.Field[Any]):
    """A value that may be empty; subclasses read what is there."""

    def __init__(self, **more: Any) -> None:
        super().__init__(allow_none=True, **more)

    def deserialize(
        self, value: Any, attr: str | None = None, data: Any = None, **more: Any
    ) -> Any:
        # marshmallow's own also asks for what ours never have: validators, hooks, being required.
        if value is missing:
            return self.load_default() if callable(self.load_default) else self.load_default
        return None if value is None else self._deserialize(value, attr, data, **more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        if isinstance(value, str):
            value = value.strip()
        return None if value is None or value == "" else self.read(value)

    def read(self, value: Any) -> Any:
        """Return the canonical value. Raises ValidationError."""
        raise NotImplementedError


class Text(Value):
    """Text: trimmed, line ends as ``\\n``, without control characters."""

    def __init__(self, limits: Limits = Limits(), *, lines: bool = False, **more: Any) -> None:  # noqa: B008 - frozen
        super().__init__(**more)
        self.limits = limits
        self.lines = lines
        self.pattern = re.compile(limits.pattern) if limits.pattern else None

    def read(self, value: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError(N_("请填写文字。"))
        limits = self.limits
        longest = MAX_TEXT if limits.max_length is None else limits.max_length
        text: str = value.replace("\r\n", "\n").replace("\r", "\n")
        if len(text) > longest:
            raise ValidationError(
                Sentence(
                    N_("最多 %(limit)s 个字，现有 %(length)s 个字，请删减。"),
                    limit=longest,
                    length=len(text),
                )
            )
        allowed = "\n\t" if self.lines else ""
        # Whatever is printable is no control character; that is known at once for a whole text.
        if not text.isprintable() and any(
            unicodedata.category(c) in _BAD and c not in allowed for c in text
        ):
            if not self.lines and "\n" in text:
                raise ValidationError(N_("只能填写一行，请去掉换行。"))
            raise ValidationError(N_("含有不能保存的特殊字符，请删除后重新输入。"))
        if limits.min_length is not None and len(text) < limits.min_length:
            raise ValidationError(
                Sentence(
                    N_("至少 %(limit)s 个字，现有 %(length)s 个字，请补充。"),
                    limit=limits.min_length,
                    length=len(text),
                )
            )
        if self.pattern is not None and not self.pattern.search(text):
            raise ValidationError(N_("格式不对，请按提示的格式填写。"))
        return text


class Number(Value):
    """A number with so many decimals at most; a whole one is always an int."""

    def __init__(self, limits: Limits = Limits(), **more: Any) -> None:  # noqa: B008 - frozen
        super().__init__(**more)
        self.limits = limits

    def read(self, value: Any) -> int | float:
        exact = _decimal(value)
        limits = self.limits
        if exact != round(exact, limits.decimals):
            if limits.decimals == 0:
                raise ValidationError(Sentence(N_("须为整数，现为 %(value)s。"), value=value))
            raise ValidationError(
                Sentence(
                    N_("最多 %(places)s 位小数，现为 %(value)s。"),
                    places=limits.decimals,
                    value=value,
                )
            )
        number = int(exact) if exact == int(exact) else float(exact)
        if limits.min is not None and number < limits.min:
            raise ValidationError(
                Sentence(
                    N_("不能小于 %(limit)s，现为 %(value)s。"),
                    limit=_plain(limits.min),
                    value=number,
                )
            )
        if limits.max is not None and number > limits.max:
            raise ValidationError(
                Sentence(
                    N_("不能大于 %(limit)s，现为 %(value)s。"),
                    limit=_plain(limits.max),
                    value=number,
                )
            )
        return number


def _decimal(value: Any) -> Decimal | int:
    if type(value) is int and abs(value) <= MAX_NUMBER:
        return value
    wrong = ValidationError(N_("请填写数字。"))
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise wrong
    if isinstance(value, str):
        # Full-width digits, as Chinese input methods type them, are digits.
        value = unicodedata.normalize("NFKC", value[:60]).strip()
        if not _NUMBER.fullmatch(value):
            raise wrong
    try:
        exact = Decimal(str(value)) if not isinstance(value, int) else Decimal(value)
    except InvalidOperation:
        raise wrong from None
    if not exact.is_finite():
        raise wrong
    if abs(exact) > MAX_NUMBER:
        raise ValidationError(N_("数字过大，请核对。"))
    return exact


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else str(number)


class Day(Value):
    """A day as ISO text, ``2026-06-10``."""

    def read(self, value: Any) -> str:
        if isinstance(value, str):
            try:
                day = parse_day(unicodedata.normalize("NFKC", value[:20]))
            except ValueError:
                pass
            else:
                if not 1900 <= day.year <= 2200:
                    raise ValidationError(
                        Sentence(N_("年份 %(year)s 不合常理，请核对。"), year=day.year)
                    )
                return day.isoformat()
        raise ValidationError(N_("请填写实际存在的日期，格式如 2026-06-10。"))


class YesNo(Value):
    """A tick: true or false, never empty."""

    def __init__(self, **more: Any) -> None:
        super().__init__(load_default=False, **more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> bool:
        if isinstance(value, bool):
            return value
        text = value.strip().lower() if isinstance(value, str) else None
        if value is None or text in _NO:
            return False
        if text in _YES:
            return True
        raise ValidationError(N_("请勾选或不勾选。"))

    def deserialize(self, value: Any, *args: Any, **more: Any) -> Any:
        return False if value is None else super().deserialize(value, *args, **more)


class Choice(Value):
    """One of the values listed."""

    def __init__(self, values: Sequence[str], **more: Any) -> None:
        super().__init__(**more)
        self.values = tuple(values)

    def read(self, value: Any) -> str:
        if not isinstance(value, str) or value not in self.values:
            raise ValidationError(N_("请从列出的选项中选择。"))
        return value


class Identifier(Value):
    """The number of a person, an organisation or an attachment."""

    def read(self, value: Any) -> int:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}", value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 10**18:
            raise ValidationError(N_("选择的内容无法识别，请重新选择。"))
        return value


class Several(Value):
    """A list of plain values, each once; empty when nothing was chosen."""

    def __init__(
        self, inner: Value, *, order: Sequence[str] = (), most: int = MAX_ROWS, **more: Any
    ) -> None:
        super().__init__(load_default=list, **more)
        self.inner = inner
        self.most = most
        self.order = {value: index for index, value in enumerate(order)}

    def deserialize(self, value: Any, *args: Any, **more: Any) -> Any:
        return [] if value is None else super().deserialize(value, *args, **more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> list[Any]:
        if isinstance(value, (str, int)) and not isinstance(value, bool):
            value = [value]
        if not isinstance(value, (list, tuple)):
            raise ValidationError(N_("请从列出的选项中选择。"))
        if len(value) > self.most:
            raise ValidationError(
                Sentence(
                    N_("最多 %(limit)s 项，现有 %(count)s 项。"), limit=self.most, count=len(value)
                )
            )
        read = [self.inner._deserialize(item, None, None) for item in value]
        # A dict keeps the first of equals, in order.
        distinct = list(dict.fromkeys(item for item in read if item is not None))
        return sorted(distinct, key=self.order.__getitem__) if self.order else distinct


class Rows(ma.List[Any]):
    """The rows of a dynamic list."""

    def __init__(self, row: type[Schema], **more: Any) -> None:
        super().__init__(
            ma.Nested(row, error_messages=_STRUCTURE),
            load_default=list,
            allow_none=True,
            error_messages=_STRUCTURE,
            **more,
        )

    def deserialize(self, value: Any, *args: Any, **more: Any) -> Any:
        return [] if value is None else super().deserialize(value, *args, **more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> list[Any]:
        if isinstance(value, (list, tuple)) and len(value) > MAX_ROWS:
            raise ValidationError(
                Sentence(
                    N_("最多 %(limit)s 行，现有 %(count)s 行。"), limit=MAX_ROWS, count=len(value)
                )
            )
        return super()._deserialize(value, attr, data, **more)


class ExclusionPart(FormPart):
    """One member who is not counted as due."""

    person = Identifier()
    reason = Text()


class AttendancePart(FormPart):
    """What may be entered of an attendance; everything else is reckoned."""

    present = Several(Identifier(), most=MAX_ROLL)
    excluded = Rows(ExclusionPart)
    exclusions_approved = YesNo()


_COUNT = Limits(min=0, max=1_000_000)


def _counts(*names: str) -> dict[str, ma.Field[Any]]:
    return {name: Number(_COUNT) for name in names}


WrittenPart = FormPart.from_dict(_counts("for", "against", "abstain"), name="WrittenPart")
"""Written opinions of those absent."""

VotePart = FormPart.from_dict(
    {
        **_counts("for", "against", "abstain", "issued", "collected"),
        "written": ma.Nested(WrittenPart, allow_none=True, error_messages=_STRUCTURE),
    },
    name="VotePart",
)
"""What may be entered of a vote; everything else is reckoned."""


def value_of(field: Field) -> ma.Field[Any]:
    """Return the marshmallow field that reads values of ``field``."""
    about = {"label": field.label, "required": field.required, "hint": field.hint}
    values = [option.value for option in field.options]
    match field.kind:
        case FieldKind.TEXTFIELD:
            return Text(field.limits, metadata=about)
        case FieldKind.TEXTAREA:
            return Text(field.limits, lines=True, metadata=about)
        case FieldKind.NUMBER:
            return Number(field.limits, metadata=about)
        case FieldKind.DATE:
            return Day(metadata=about)
        case FieldKind.CHECKBOX:
            return YesNo(metadata=about)
        case FieldKind.RADIO | FieldKind.SELECT:
            return Choice(values, metadata=about)
        case FieldKind.CHECKLIST | FieldKind.TAGLIST:
            return Several(Choice(values), order=values, metadata=about)
        case FieldKind.PERSON | FieldKind.ORGANISATION:
            return Identifier(metadata=about)
        case FieldKind.PEOPLE | FieldKind.FILES:
            return Several(Identifier(), metadata=about)
        case FieldKind.ATTENDANCE:
            return ma.Nested(
                AttendancePart, allow_none=True, metadata=about, error_messages=_STRUCTURE
            )
        case FieldKind.VOTE:
            return ma.Nested(VotePart, allow_none=True, metadata=about, error_messages=_STRUCTURE)
        case FieldKind.LIST:
            return Rows(part_of(field.children), metadata=about)
        case FieldKind.GROUP:
            return ma.Nested(
                part_of(field.children),
                allow_none=True,
                load_default=dict,
                metadata=about,
                error_messages=_STRUCTURE,
            )
        case FieldKind.TEXT | FieldKind.SEPARATOR | FieldKind.BALLOT:
            raise ValueError("a component that takes no input has no value")


def part_of(fields: Sequence[Field]) -> type[Schema]:
    """Return a schema for one level of the form. Groups without key belong to their parent."""
    values: dict[str, ma.Field[Any]] = {}

    def gather(items: Sequence[Field]) -> None:
        for item in items:
            if item.kind is FieldKind.GROUP and not item.key:
                gather(item.children)
            elif item.takes_input:
                values[item.key] = value_of(item)

    gather(fields)
    return FormPart.from_dict(values, name="FormPart")
