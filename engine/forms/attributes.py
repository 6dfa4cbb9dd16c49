"""The attributes of a form-js component: choices, limits, properties, expressions, checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from engine.directory.codes import MembershipStatus
from engine.errors import N_, ExpressionFault
from engine.expressions import Expression, compile_expression
from engine.forms.apart import CONCERNED
from engine.forms.codes import Body, Share, Threshold
from engine.forms.fields import FieldKind, Limits, Option

Refuse = Callable[[str, str, str], None]
"""Notes a problem of the component at hand: code, what is wrong, cure."""

_NESTED_REPEAT = re.compile(r"\([^()]*[+*}][^()]*\)[+*{]")

_CHOICES: Final = {
    FieldKind.SELECT,
    FieldKind.RADIO,
    FieldKind.CHECKLIST,
    FieldKind.TAGLIST,
}
_SCOPES: Final = ("branch", "leading_body", "committee", "subtree", "all")
_FLAGS: Final = ("true", "false")
_WHOLE: Final = "whole number"
_TEXT: Final = "text"
_PERSON: Final[dict[str, Any]] = {
    "status": _TEXT,
    "scope": _SCOPES,
    "not_subject": _FLAGS,
    "among": _TEXT,
}

_GENERAL: Final = ("domain", "prefill", "check", "check_text", "readers")
"""Properties that every field may have; they are read elsewhere."""
_PROPERTIES: Final[Mapping[FieldKind, Mapping[str, Any]]] = {
    FieldKind.PERSON: _PERSON,
    FieldKind.PEOPLE: {**_PERSON, "min": _WHOLE, "max": _WHOLE},
    FieldKind.ORGANISATION: {"scope": _TEXT, "kind": _TEXT},
    FieldKind.ATTENDANCE: {
        "body": tuple(Body),
        "quorum": tuple(Share),
        "exclusions": ("admission", "election"),
    },
    FieldKind.VOTE: {
        "attendance": _TEXT,
        "attendance_before": _TEXT,
        "threshold": _TEXT,
        "written_opinions": _FLAGS,
        "secret": _FLAGS,
    },
    FieldKind.FILES: {"document": _TEXT},
    FieldKind.BALLOT: {
        "roll": _TEXT,
        "min_size": _WHOLE,
        "publish": _FLAGS,
        "opens": ("with_task", "by_hand"),
    },
    FieldKind.LIST: {
        "min": _WHOLE,
        "max": _WHOLE,
        "owner_closes": _FLAGS,
        "of": _TEXT,
        "each": _TEXT,
        "year": _TEXT,
    },
}
_DEFAULTS: Final[Mapping[FieldKind, Mapping[str, str]]] = {
    FieldKind.BALLOT: {
        "roll": "members",
        "publish": "true",
        "opens": "with_task",
    },
    FieldKind.PERSON: {"scope": "branch"},
    FieldKind.PEOPLE: {"scope": "branch"},
    FieldKind.ATTENDANCE: {
        "body": "members",
        "quorum": "more_than_half",
        "exclusions": "admission",
    },
    FieldKind.VOTE: {
        "threshold": "more_than_half_of_due",
        "written_opinions": "false",
        "secret": "true",
    },
}
_VALIDATIONS: Final[Mapping[FieldKind, frozenset[str]]] = {
    FieldKind.TEXTFIELD: frozenset({"minLength", "maxLength", "pattern"}),
    FieldKind.TEXTAREA: frozenset({"minLength", "maxLength", "pattern"}),
    FieldKind.NUMBER: frozenset({"min", "max"}),
}
_UNSUPPORTED: Final[Mapping[str, str]] = {
    "valuesKey": N_("把选项逐一写在 values 里"),
    "valuesExpression": N_("把选项逐一写在 values 里"),
    "expression": N_("改用 properties.prefill，由服务器计算"),
    "disallowPassedDates": N_("删去此项，日期的先后由规则检查"),
}


def read_properties(component: Mapping[str, Any], refuse: Refuse) -> dict[str, str]:
    """Return the properties, which are text throughout."""
    given = component.get("properties") or {}
    if not isinstance(given, Mapping) or not all(isinstance(v, str) for v in given.values()):
        refuse("property", N_("properties 的值须全部是文字"), N_("给数字和真假值加上引号"))
        return {}
    return dict(given)


def check_properties(
    kind: FieldKind,
    properties: Mapping[str, str],
    component: Mapping[str, Any],
    refuse: Refuse,
) -> dict[str, str]:
    """Check the properties that the kind knows; add defaults and what form-js itself has."""
    known = _PROPERTIES.get(kind, {})
    own = {k: v for k, v in properties.items() if k not in _GENERAL}
    for key, value in own.items():
        allowed = known.get(key)
        if allowed is None:
            refuse(
                "property",
                N_("%(kind)s 没有属性 %(key)s") % {"kind": kind, "key": key},
                N_("可用的有：%s") % "、".join([*_GENERAL, *known]),
            )
        elif allowed == _WHOLE and not (value.isascii() and value.isdigit()):
            refuse("property", N_("属性 %s 须为整数") % key, N_('写成 "2" 的样子'))
        elif isinstance(allowed, tuple) and value not in allowed:
            refuse(
                "property",
                N_("属性 %(key)s 不能是 “%(value)s”") % {"key": key, "value": value},
                N_("改为 %s 之一") % "、".join(allowed),
            )
    if "threshold" in own:
        try:
            Threshold.parse(own["threshold"])
        except ValueError:
            refuse(
                "property",
                N_("没有表决标准 “%s”") % own["threshold"],
                N_("写成 more_than_half_of_due 的样子（%(shares)s，_of_due 或 _of_present）")
                % {"shares": "、".join(Share)},
            )
    known_codes = [status.value for status in MembershipStatus]
    for code in filter(None, (part.strip() for part in own.get("status", "").split(","))):
        if code not in known_codes:
            refuse(
                "property",
                N_("没有党员身份 “%s”") % code,
                N_("改为 %s 之一") % "、".join(known_codes),
            )
    result = {**_DEFAULTS.get(kind, {}), **own}
    if kind is FieldKind.LIST and "domain" in properties:
        result["domain"] = properties["domain"]
    if "check_text" in properties:
        result["check_text"] = properties["check_text"]
    if "readers" in properties:
        if properties["readers"] != CONCERNED:
            refuse(
                "property",
                N_("属性 readers 不能是 “%s”") % properties["readers"],
                N_("改为 %s，或者删去") % CONCERNED,
            )
        result["readers"] = properties["readers"]
    if kind is FieldKind.FILES:
        result["multiple"] = "true" if component.get("multiple") is True else "false"
        result["accept"] = str(component.get("accept") or "")
    return result


def read_options(
    kind: FieldKind, component: Mapping[str, Any], refuse: Refuse
) -> tuple[Option, ...]:
    """Return the choices of a list, in order."""
    properties = component.get("properties")
    named = isinstance(properties, Mapping) and "candidates" in properties
    if kind not in _CHOICES or named:
        return ()
    values = component.get("values")
    cure = N_('写成 [{"value": "agree", "label": "同意"}, …]')
    if not isinstance(values, list) or not values:
        refuse("options", N_("没有选项"), cure)
        return ()
    options = []
    for item in values:
        value = item.get("value") if isinstance(item, Mapping) else None
        label = item.get("label") if isinstance(item, Mapping) else None
        if not isinstance(value, str) or not value.strip() or not isinstance(label, str):
            refuse("options", N_("选项的 value 和 label 须为文字"), cure)
            return ()
        options.append(Option(value.strip(), label.strip() or value.strip()))
    if len({option.value for option in options}) < len(options):
        refuse("options", N_("选项的 value 有重复"), N_("每个 value 只用一次"))
    return tuple(options)


def read_limits(
    kind: FieldKind,
    component: Mapping[str, Any],
    validate: Mapping[str, Any],
    refuse: Refuse,
) -> Limits:
    """Return the bounds of the value; none at all if one of them is wrong."""
    allowed = _VALIDATIONS.get(kind, frozenset[str]())
    wrong = False
    for key, value in validate.items():
        if key == "required" and isinstance(value, bool):
            continue
        if key not in allowed:
            refuse(
                "validate",
                N_("%(kind)s 不支持 validate.%(key)s") % {"kind": kind, "key": key},
                N_("删去此项，或改用 %s") % "、".join(["required", *sorted(allowed)]),
            )
        elif key == "pattern":
            wrong |= not _pattern(value, refuse)
        elif isinstance(value, bool) or not isinstance(value, (int, float)):
            refuse("validate", N_("validate.%s 须为数字") % key, N_("写成数字"))
            wrong = True
    decimals = component.get("decimalDigits", 0)
    if kind is FieldKind.NUMBER and not (
        isinstance(decimals, int) and not isinstance(decimals, bool) and 0 <= decimals <= 6
    ):
        refuse("validate", N_("decimalDigits 须为 0 至 6 的整数"), N_("改为 0 至 6"))
        wrong = True
    if wrong:
        return Limits()
    pattern = validate.get("pattern")
    return Limits(
        min_length=validate.get("minLength"),
        # A pattern runs on short text only, whatever it is.
        max_length=validate.get("maxLength", 200 if pattern else None),
        min=validate.get("min"),
        max=validate.get("max"),
        pattern=pattern,
        decimals=decimals if kind is FieldKind.NUMBER else 0,
    )


def _pattern(value: Any, refuse: Refuse) -> bool:
    try:
        if not isinstance(value, str) or len(value) > 200:
            raise ValueError
        re.compile(value)
    except (ValueError, re.error, RecursionError, OverflowError):
        refuse("validate", N_("pattern 不是正确的正则表达式"), N_("改正或删去"))
        return False
    if _NESTED_REPEAT.search(value):
        refuse(
            "validate",
            N_("pattern 中有重复的重复，可能极慢"),
            N_("去掉内层或外层的 + * {}"),
        )
        return False
    return True


def read_expression(source: Any, place: str, refuse: Refuse) -> Expression | None:
    """Compile an expression; none if there is none or it is wrong."""
    if source is None or source == "":
        return None
    try:
        return compile_expression(source)
    except ExpressionFault as fault:
        refuse(
            "expression",
            N_("%(place)s 有误：%(fault)s") % {"place": place, "fault": fault},
            N_("改正表达式"),
        )
        return None


def refuse_unsupported(component: Mapping[str, Any], refuse: Refuse) -> None:
    """Note what form-js offers and we do not."""
    for attribute, cure in _UNSUPPORTED.items():
        if component.get(attribute):
            refuse("attribute", N_("不支持 %s") % attribute, cure)


def read_check(
    properties: Mapping[str, str], inside_list: bool, refuse: Refuse
) -> Expression | None:
    """Compile ``check``: what must hold of all answers together, said by ``check_text``."""
    check = read_expression(properties.get("check"), "check", refuse)
    if ("check" in properties) != bool(properties.get("check_text", "").strip()):
        refuse(
            "check",
            N_("check 和 check_text 要一起写"),
            N_("check 写必须成立的条件，check_text 写不成立时的提示：错在哪里、依据、怎么办"),
        )
    if check is not None and inside_list:
        refuse("check", N_("列表里的项目不能有 check"), N_("把 check 写在列表之外的项目上"))
    return check
