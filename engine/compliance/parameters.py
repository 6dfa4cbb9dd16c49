"""Parameters (参数): what the regulations leave open, decided by whoever is entitled to.

A declaration has a national default. An organisation at the level that may decide can set another
value for itself and everything below it, from a day on. The value that counts for a matter is that
of the nearest organisation, from its own upwards, that has one on the day in question.

Pure values: the same view serves a rule in the database's installation, ``guicheng check`` on a
file, and tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from engine.coded import Coded
from engine.errors import N_, InvalidInput

Value = int | bool | str
"""What a parameter can be: a number, a truth value, or text (a choice, ``1/3``, an ISO day)."""


class ParameterType(StrEnum):
    """What kind of value a parameter takes."""

    MONTHS = "months"
    DAYS = "days"
    WORKDAYS = "workdays"
    COUNT = "count"
    BOOL = "bool"
    CHOICE = "choice"
    FRACTION = "fraction"
    DATE = "date"


NUMBERS = frozenset(
    {ParameterType.MONTHS, ParameterType.DAYS, ParameterType.WORKDAYS, ParameterType.COUNT}
)
"""Types whose values are whole numbers."""


class Level(Coded):
    """The lowest level that may decide a parameter otherwise than the default."""

    COUNTY = "county", N_("县级党委及以上")
    """An organisation with an organisation below it that may approve members."""
    APPROVING = "approving", N_("有审批权限的党委及以上")
    """An organisation that may approve members."""
    NONE = "none", N_("全国统一，不得另行设置")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A declaration: what may be decided, within which bounds, by whom, and where it comes from."""

    name: str
    """As rules and expressions call it."""
    title: str
    type: ParameterType
    default: Value
    level: Level = Level.NONE
    process: str | None = None
    """The procedure that declares it; None for a national one."""
    title_en: str = ""
    minimum: Value | None = None
    maximum: Value | None = None
    choices: Mapping[str, str] = field(default_factory=dict)
    """Value → what people read."""
    source: str = ""
    """Where the default comes from: article and confidence tag."""
    unverified: bool = False
    """The default rests on something that nobody has checked against the official text."""
    note: str = ""
    procedures: tuple[str, ...] = ()
    """The procedures that a national one is used in; none named: any."""

    @property
    def key(self) -> str:
        """Return the name under which values are stored: unique in the installation."""
        return self.name if self.process is None else f"{self.process}.{self.name}"

    def check(self, value: object) -> Value:
        """Return ``value`` as it is stored.

        Raises InvalidInput on the field ``value`` when its type is wrong or it leaves the bounds.
        """
        return _CHECKS[self.type](self, value)

    def from_text(self, text: str) -> Value:
        """Return the value that somebody typed. Raises InvalidInput on the field ``value``."""
        text = text.strip()
        if not text:
            raise _wrong(N_("请填写新的值。"))
        if self.type in NUMBERS:
            if not text.isascii() or not text.removeprefix("-").isdigit():
                raise _wrong(N_("请填写整数。"))
            return self.check(int(text))
        if self.type is ParameterType.BOOL:
            if text not in ("true", "false"):
                raise _wrong(N_("请选择是或者否。"))
            return text == "true"
        return self.check(text)


@dataclass(frozen=True, slots=True)
class ParameterValue:
    """The value that counts, and where it comes from: shown wherever it is used."""

    key: str
    value: Value
    origin: str = "default"
    """``default`` or ``organisation``."""
    organisation_id: int | None = None
    organisation_name: str = ""
    since: date | None = None
    reason: str = ""

    @property
    def number(self) -> int:
        """Return a whole number. Raises TypeError for a parameter of another type."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            raise TypeError(f"parameter {self.key} is not a number")
        return self.value

    @property
    def fraction(self) -> Fraction:
        """Return the value of a fraction, such as 1/3."""
        return Fraction(str(self.value))

    @property
    def day(self) -> date:
        """Return the value of a date."""
        return date.fromisoformat(str(self.value))


@dataclass(frozen=True, slots=True)
class Setting:
    """A value that an organisation has set, valid on both end days; ``until`` None is open."""

    key: str
    organisation_id: int
    organisation_name: str
    value: Value
    since: date
    until: date | None
    reason: str

    def holds_on(self, day: date) -> bool:
        """Tell whether it counts on ``day``."""
        return self.since <= day and (self.until is None or day <= self.until)


Settings = Mapping[tuple[str, int], tuple[Setting, ...]]
"""All settings by key and organisation; of two that hold on a day the first one counts."""


def settings_by_place(settings: Iterable[Setting]) -> Settings:
    """Return settings in the form that views read.

    They come with those set last first: of two that begin on one day, that one counts.
    """
    found: dict[tuple[str, int], list[Setting]] = {}
    for setting in settings:
        found.setdefault((setting.key, setting.organisation_id), []).append(setting)
    return MappingProxyType(
        {place: tuple(sorted(group, key=lambda s: s.since, reverse=True))
         for place, group in found.items()}
    )  # fmt: skip


MOST_KNOWN = 2_000
"""Values that a view remembers."""


class ParameterView:
    """What the parameters are for one organisation. Immutable, cheap to make and to ask."""

    __slots__ = ("_ancestry", "_declared", "_known", "_settings")

    def __init__(
        self,
        declared: Mapping[str, Parameter],
        settings: Settings | None = None,
        ancestry: tuple[int, ...] = (),
    ) -> None:
        """Make a view of ``declared`` parameters by name.

        ``ancestry`` holds the organisation's id and those above it, its own first.
        """
        self._declared = declared
        self._settings = {} if settings is None else settings
        self._ancestry = ancestry
        self._known: dict[tuple[str, date], ParameterValue] = {}

    def of(self, declared: Mapping[str, Parameter], settings: Settings) -> bool:
        """Tell whether this is the view of these very declarations and settings."""
        return self._declared is declared and self._settings is settings

    @property
    def declared(self) -> Mapping[str, Parameter]:
        """The declarations by the name that rules use."""
        return self._declared

    def value(self, name: str, day: date) -> ParameterValue:
        """Return what counts on ``day``. Raises KeyError for a parameter that is not declared."""
        found = self._known.get((name, day))
        if found is None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            found = self._known[name, day] = self._find(name, day)
        return found

    def _find(self, name: str, day: date) -> ParameterValue:
        parameter = self._declared[name]
        if self._settings:
            key = parameter.key
            for organisation_id in self._ancestry:
                for setting in self._settings.get((key, organisation_id), ()):
                    if setting.holds_on(day):
                        return ParameterValue(
                            key,
                            setting.value,
                            "organisation",
                            organisation_id,
                            setting.organisation_name,
                            setting.since,
                            setting.reason,
                        )
        return ParameterValue(parameter.key, parameter.default)

    def is_constant(self, name: str) -> bool:
        """Tell whether it is the same on every day, because nobody here has set it."""
        declared = self._declared.get(name)
        return declared is None or not any(
            (declared.key, place) in self._settings for place in self._ancestry
        )

    def values(self, day: date) -> dict[str, Value]:
        """Return all values by name, as expressions see them in ``param``."""
        return {name: self.value(name, day).value for name in self._declared}


def ancestry_of(path: str) -> tuple[int, ...]:
    """Return the ids on an organisation's path, its own first: ``/1/4/`` gives (4, 1)."""
    return tuple(int(part) for part in reversed(path.strip("/").split("/")) if part)


# -- checks -----------------------------------------------------------------------------------


def _wrong(message: str) -> InvalidInput:
    return InvalidInput({"value": [message]})


def _within(parameter: Parameter, value: Any, read: Any) -> None:
    low, high = parameter.minimum, parameter.maximum
    if (low is not None and value < read(low)) or (high is not None and value > read(high)):
        raise _wrong(N_("超出了允许的范围，请按提示填写。"))


def _number(parameter: Parameter, value: object) -> Value:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(N_("请填写整数。"))
    if value < 0:
        raise _wrong(N_("不能小于零。"))
    _within(parameter, value, int)
    return value


def _truth(parameter: Parameter, value: object) -> Value:
    if not isinstance(value, bool):
        raise _wrong(N_("请选择是或者否。"))
    return value


def _choice(parameter: Parameter, value: object) -> Value:
    if not isinstance(value, str) or value not in parameter.choices:
        raise _wrong(N_("请从列出的选项中选择。"))
    return value


def _fraction(parameter: Parameter, value: object) -> Value:
    try:
        found = Fraction(value) if isinstance(value, str) and len(value) <= 12 else None
    except (ValueError, ZeroDivisionError):
        found = None
    if found is None:
        raise _wrong(N_("请填写分数，例如 1/3。"))
    if not 0 <= found <= 1:
        raise _wrong(N_("分数须在零和一之间。"))
    _within(parameter, found, Fraction)
    return f"{found.numerator}/{found.denominator}"


def _day(parameter: Parameter, value: object) -> Value:
    try:
        found = date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None:
        raise _wrong(N_("请填写日期，例如 2026-05-18。"))
    _within(parameter, found, lambda text: date.fromisoformat(str(text)))
    return found.isoformat()


_CHECKS = {
    **dict.fromkeys(NUMBERS, _number),
    ParameterType.BOOL: _truth,
    ParameterType.CHOICE: _choice,
    ParameterType.FRACTION: _fraction,
    ParameterType.DATE: _day,
}
