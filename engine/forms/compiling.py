"""From the JSON of form-js to a tree of fields. Everything wrong is found at once and said plainly.

Domain fields are standard form-js components with ``"properties": {"domain": "…"}``, so that any
form-js editor opens the file. A component or property that we do not support is refused: a form
must never look as if it asked for something that is not checked.
"""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from engine.errors import N_, ExpressionFault, PackageProblem, Problem
from engine.expressions import FUNCTION_NAMES, Expression, compile_expression
from engine.forms.fields import Field, FieldKind, Layout, Limits, Option, walk
from engine.forms.votes import Body, Share, Threshold

MAX_SOURCE: Final = 500_000
"""Largest form file, in bytes."""
MAX_COMPONENTS: Final = 300
MAX_DEPTH: Final = 5

_KEY = re.compile(r"[a-z][a-z0-9_]{0,62}")
_NESTED_REPEAT = re.compile(r"\([^()]*[+*}][^()]*\)[+*{]")
_PLACE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)

_STANDARD: Final[Mapping[str, FieldKind]] = {
    "datetime": FieldKind.DATE,
    **{
        kind.value: kind
        for kind in FieldKind
        if kind
        not in {
            FieldKind.DATE,
            FieldKind.PERSON,
            FieldKind.PEOPLE,
            FieldKind.ORGANISATION,
            FieldKind.ATTENDANCE,
            FieldKind.VOTE,
        }
    },
}
_DOMAIN: Final[Mapping[str, tuple[FieldKind, str]]] = {
    "person": (FieldKind.PERSON, "textfield"),
    "people": (FieldKind.PEOPLE, "textfield"),
    "organisation": (FieldKind.ORGANISATION, "textfield"),
    "attendance": (FieldKind.ATTENDANCE, "group"),
    "vote": (FieldKind.VOTE, "group"),
}
_CHOICES: Final = {
    FieldKind.SELECT,
    FieldKind.RADIO,
    FieldKind.CHECKLIST,
    FieldKind.TAGLIST,
}
_SCOPES: Final = ("branch", "committee", "subtree", "all")
_FLAGS: Final = ("true", "false")
_WHOLE: Final = "whole number"
_TEXT: Final = "text"
_PERSON: Final[dict[str, Any]] = {"status": _TEXT, "scope": _SCOPES, "not_subject": _FLAGS}

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
        "threshold": _TEXT,
        "written_opinions": _FLAGS,
        "secret": _FLAGS,
    },
    FieldKind.FILES: {"document": _TEXT},
    FieldKind.LIST: {"min": _WHOLE, "max": _WHOLE},
}
_DEFAULTS: Final[Mapping[FieldKind, Mapping[str, str]]] = {
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


def compile_fields(source: bytes | str | Mapping[str, Any], file: str) -> tuple[str, list[Field]]:
    """Return the form's id and its fields. Raises PackageProblem with everything found."""
    data = _read(source, file)
    compiler = _Compiler(file)
    fields = compiler.level(data["components"], "", 0, inside_list=False)
    compiler.link_votes(fields)
    if compiler.problems:
        raise PackageProblem(compiler.problems)
    return str(data.get("id") or ""), fields


def _read(source: bytes | str | Mapping[str, Any], file: str) -> Mapping[str, Any]:
    def refuse(message: str, cure: str, line: int | None = None) -> PackageProblem:
        return PackageProblem([Problem(file, None, line, "form_json", message, cure)])

    cure = N_("用 form-js 编辑器重新保存此文件")
    data: Any = source
    if isinstance(source, (bytes, str)):
        if len(source) > MAX_SOURCE:
            raise refuse(N_("表单文件过大"), N_("拆分表单"))
        try:
            data = json.loads(source)
        except json.JSONDecodeError as error:
            raise refuse(N_("不是正确的 JSON"), cure, error.lineno) from None
        except (ValueError, RecursionError):
            raise refuse(N_("不是正确的 JSON"), cure) from None
    if not isinstance(data, Mapping):
        raise refuse(N_("不是表单：最外层应为对象"), cure)
    if data.get("type") != "default":
        raise refuse(N_('不是 form-js 表单：缺少 "type": "default"'), cure)
    if not isinstance(data.get("components"), list):
        raise refuse(N_("表单缺少 components 列表"), cure)
    return data


class _Compiler:
    """Compiles the components of one form and gathers its problems."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.count = 0

    def refuse(self, element: str | None, code: str, message: str, cure: str) -> None:
        """Note a problem; an element comes with its key or, lacking one, its id or label."""
        self.problems.append(Problem(self.file, element, None, f"form_{code}", message, cure))

    def level(
        self, components: Any, path: str, depth: int, *, inside_list: bool, keys: Any = None
    ) -> list[Field]:
        """Compile siblings; ``keys`` are those already taken on this level of the data."""
        taken: set[str] = set() if keys is None else keys
        fields: list[Field] = []
        if not isinstance(components, list):
            self.refuse(path or None, "json", N_("components 应为列表"), N_("写成 [ … ]"))
            return fields
        if depth > MAX_DEPTH:
            self.refuse(path, "depth", N_("分组嵌套过深"), N_("减少分组的层数"))
            return fields
        for component in components:
            self.count += 1
            if self.count > MAX_COMPONENTS:
                self.refuse(None, "size", N_("表单项目过多"), N_("拆分为几个表单"))
                return fields
            if not isinstance(component, Mapping):
                self.refuse(path or None, "json", N_("表单项应为对象"), N_("写成 { … }"))
                continue
            compiled = self.component(component, path, depth, inside_list, taken)
            if compiled is not None:
                fields.append(compiled)
        return fields

    def component(
        self,
        component: Mapping[str, Any],
        path: str,
        depth: int,
        inside_list: bool,
        taken: set[str],
    ) -> Field | None:
        given = component.get("key") or component.get("path") or ""
        name = str(given or component.get("id") or component.get("label") or "?")
        properties = self.properties(component, name)
        kind = self.kind(component, properties, name)
        if kind is None:
            return None
        for attribute, cure in _UNSUPPORTED.items():
            if component.get(attribute):
                self.refuse(name, "attribute", N_("不支持 %s") % attribute, cure)
        key = self.key(kind, given, name, path, taken)
        inner = f"{path}.{key}" if path and key else path or key
        slot = key or f"#{self.count}"
        if kind is FieldKind.ATTENDANCE and (inside_list or path):
            self.refuse(
                name,
                "domain",
                N_("attendance 不能放在列表或分组里"),
                N_("把它移到表单的最外层"),
            )
        children: list[Field] = []
        if kind in (FieldKind.GROUP, FieldKind.LIST):
            children = self.level(
                component.get("components", []),
                inner,
                depth + 1,
                inside_list=inside_list or kind is FieldKind.LIST,
                keys=None if key else taken,
            )
        elif component.get("components"):
            self.refuse(name, "domain", N_("%s 不能含有下级项目") % kind, N_("清空 components"))
        validate = component.get("validate") or {}
        if not isinstance(validate, Mapping):
            self.refuse(name, "validate", N_("validate 应为对象"), N_("写成 { … }"))
            validate = {}
        # A meeting form without its figures is no record; an author has to say so explicitly.
        by_default = kind in (FieldKind.ATTENDANCE, FieldKind.VOTE)
        return Field(
            kind=kind,
            key=key,
            path=f"{path}.{slot}" if path else slot,
            label=str(component.get("label") or component.get("dateLabel") or "").strip(),
            hint=str(component.get("description") or "").strip(),
            required=validate.get("required", by_default) is True,
            readonly=bool(component.get("readonly") or component.get("disabled")),
            options=self.options(kind, component, name),
            limits=self.limits(kind, component, validate, name),
            hide=self.hide(component, name),
            prefill=self.expression(properties.pop("prefill", None), "prefill", name),
            default=component.get("defaultValue"),
            text=self.text(kind, component, name),
            props=MappingProxyType(self.checked(kind, properties, component, name)),
            children=tuple(children),
            layout=_layout(component.get("layout")),
        )

    def kind(
        self, component: Mapping[str, Any], properties: Mapping[str, str], name: str
    ) -> FieldKind | None:
        given = component.get("type")
        domain = properties.get("domain")
        if domain is not None:
            kind, standard = _DOMAIN.get(domain, (None, ""))
            if kind is None:
                self.refuse(
                    name,
                    "domain",
                    N_("没有 domain “%s”") % domain,
                    N_("改为 %s 之一") % "、".join(_DOMAIN),
                )
            elif given != standard:
                self.refuse(
                    name,
                    "domain",
                    N_("domain “%(domain)s” 须写在 %(standard)s 上，现为 %(type)s")
                    % {"domain": domain, "standard": standard, "type": given},
                    N_("把 type 改为 %s") % standard,
                )
                kind = None
            return kind
        kind = _STANDARD.get(given) if isinstance(given, str) else None
        if kind is None:
            self.refuse(
                name,
                "type",
                N_("不支持类型 %s") % given,
                N_("改用 %s") % "、".join(_STANDARD),
            )
        elif kind is FieldKind.DATE and component.get("subtype", "date") != "date":
            self.refuse(
                name,
                "type",
                N_("datetime 只支持日期，现为 %s") % component.get("subtype"),
                N_("把 subtype 改为 date"),
            )
        return kind

    def key(self, kind: FieldKind, given: Any, name: str, path: str, taken: set[str]) -> str:
        if kind in (FieldKind.TEXT, FieldKind.SEPARATOR) or (kind is FieldKind.GROUP and not given):
            return ""
        if not isinstance(given, str) or not _KEY.fullmatch(given):
            self.refuse(
                name,
                "key",
                N_("键 “%s” 不合规则") % given,
                N_("用小写英文字母开头，只含小写字母、数字和下划线，如 talk_date"),
            )
            return ""
        if not path and (given in FUNCTION_NAMES or keyword.iskeyword(given)):
            self.refuse(
                name,
                "key",
                N_("键 “%s” 与表达式中的函数或关键字同名，表达式无法读取") % given,
                N_("换一个名称，如 %s_value") % given,
            )
        if given in taken:
            self.refuse(name, "duplicate_key", N_("键 “%s” 重复") % given, N_("换一个名称"))
        taken.add(given)
        return given

    def properties(self, component: Mapping[str, Any], name: str) -> dict[str, str]:
        given = component.get("properties") or {}
        if not isinstance(given, Mapping) or not all(isinstance(v, str) for v in given.values()):
            self.refuse(
                name, "property", N_("properties 的值须全部是文字"), N_("给数字和真假值加上引号")
            )
            return {}
        return dict(given)

    def checked(
        self,
        kind: FieldKind,
        properties: dict[str, str],
        component: Mapping[str, Any],
        name: str,
    ) -> dict[str, str]:
        """Check the properties that the kind knows; add defaults and what form-js itself has."""
        known = _PROPERTIES.get(kind, {})
        properties.pop("domain", None)
        for key, value in properties.items():
            allowed = known.get(key)
            if allowed is None:
                self.refuse(
                    name,
                    "property",
                    N_("%(kind)s 没有属性 %(key)s") % {"kind": kind, "key": key},
                    N_("可用的有：%s") % "、".join(["domain", "prefill", *known]),
                )
            elif allowed == _WHOLE and not (value.isascii() and value.isdigit()):
                self.refuse(name, "property", N_("属性 %s 须为整数") % key, N_('写成 "2" 的样子'))
            elif isinstance(allowed, tuple) and value not in allowed:
                self.refuse(
                    name,
                    "property",
                    N_("属性 %(key)s 不能是 “%(value)s”") % {"key": key, "value": value},
                    N_("改为 %s 之一") % "、".join(allowed),
                )
        if "threshold" in properties:
            try:
                Threshold.parse(properties["threshold"])
            except ValueError:
                self.refuse(
                    name,
                    "property",
                    N_("没有表决标准 “%s”") % properties["threshold"],
                    N_("写成 more_than_half_of_due 的样子（%(shares)s，_of_due 或 _of_present）")
                    % {"shares": "、".join(Share)},
                )
        result = {**_DEFAULTS.get(kind, {}), **properties}
        if kind is FieldKind.FILES:
            result["multiple"] = "true" if component.get("multiple") is True else "false"
            result["accept"] = str(component.get("accept") or "")
        return result

    def options(
        self, kind: FieldKind, component: Mapping[str, Any], name: str
    ) -> tuple[Option, ...]:
        if kind not in _CHOICES:
            return ()
        values = component.get("values")
        cure = N_('写成 [{"value": "agree", "label": "同意"}, …]')
        if not isinstance(values, list) or not values:
            self.refuse(name, "options", N_("没有选项"), cure)
            return ()
        options = []
        for item in values:
            value = item.get("value") if isinstance(item, Mapping) else None
            label = item.get("label") if isinstance(item, Mapping) else None
            if not isinstance(value, str) or not value.strip() or not isinstance(label, str):
                self.refuse(name, "options", N_("选项的 value 和 label 须为文字"), cure)
                return ()
            options.append(Option(value.strip(), label.strip() or value.strip()))
        if len({option.value for option in options}) < len(options):
            self.refuse(name, "options", N_("选项的 value 有重复"), N_("每个 value 只用一次"))
        return tuple(options)

    def limits(
        self,
        kind: FieldKind,
        component: Mapping[str, Any],
        validate: Mapping[str, Any],
        name: str,
    ) -> Limits:
        allowed = _VALIDATIONS.get(kind, frozenset[str]())
        wrong = False
        for key, value in validate.items():
            if key == "required" and isinstance(value, bool):
                continue
            if key not in allowed:
                self.refuse(
                    name,
                    "validate",
                    N_("%(kind)s 不支持 validate.%(key)s") % {"kind": kind, "key": key},
                    N_("删去此项，或改用 %s") % "、".join(["required", *sorted(allowed)]),
                )
            elif key == "pattern":
                wrong |= not self.pattern(value, name)
            elif isinstance(value, bool) or not isinstance(value, (int, float)):
                self.refuse(name, "validate", N_("validate.%s 须为数字") % key, N_("写成数字"))
                wrong = True
        decimals = component.get("decimalDigits", 0)
        if kind is FieldKind.NUMBER and not (
            isinstance(decimals, int) and not isinstance(decimals, bool) and 0 <= decimals <= 6
        ):
            self.refuse(name, "validate", N_("decimalDigits 须为 0 至 6 的整数"), N_("改为 0 至 6"))
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

    def pattern(self, value: Any, name: str) -> bool:
        try:
            if not isinstance(value, str) or len(value) > 200:
                raise ValueError
            re.compile(value)
        except (ValueError, re.error, RecursionError, OverflowError):
            self.refuse(name, "validate", N_("pattern 不是正确的正则表达式"), N_("改正或删去"))
            return False
        if _NESTED_REPEAT.search(value):
            self.refuse(
                name,
                "validate",
                N_("pattern 中有重复的重复，可能极慢"),
                N_("去掉内层或外层的 + * {}"),
            )
            return False
        return True

    def hide(self, component: Mapping[str, Any], name: str) -> Expression | None:
        conditional = component.get("conditional") or {}
        if not isinstance(conditional, Mapping) or set(conditional) - {"hide"}:
            self.refuse(name, "expression", N_("conditional 只支持 hide"), N_('写成 {"hide": "…"}'))
            return None
        source = conditional.get("hide")
        if isinstance(source, str):
            source = source.strip().removeprefix("=")
        return self.expression(source, "conditional.hide", name)

    def expression(self, source: Any, place: str, name: str) -> Expression | None:
        if source is None or source == "":
            return None
        try:
            return compile_expression(source)
        except ExpressionFault as fault:
            self.refuse(
                name,
                "expression",
                N_("%(place)s 有误：%(fault)s") % {"place": place, "fault": fault},
                N_("改正表达式"),
            )
            return None

    def text(
        self, kind: FieldKind, component: Mapping[str, Any], name: str
    ) -> tuple[str | Expression, ...]:
        if kind is not FieldKind.TEXT:
            return ()
        pieces: list[str | Expression] = []
        # Splitting by a pattern with one group: text and expressions take turns.
        for index, piece in enumerate(_PLACE.split(str(component.get("text") or ""))):
            if index % 2:
                compiled = self.expression(piece, "text", name)
                if compiled is not None:
                    pieces.append(compiled)
            elif piece:
                pieces.append(piece)
        return tuple(pieces)

    def link_votes(self, fields: list[Field]) -> None:
        """See that every vote names an attendance of this form."""
        meetings = [item.key for item in walk(fields) if item.kind is FieldKind.ATTENDANCE]
        for item in walk(fields):
            if item.kind is not FieldKind.VOTE:
                continue
            named = item.props.get("attendance", meetings[0] if len(meetings) == 1 else None)
            if named not in meetings:
                self.refuse(
                    item.key,
                    "domain",
                    N_("表决没有对应的到会登记"),
                    N_("把 properties.attendance 写成本表单中 attendance 项的键"),
                )


def _layout(given: Any) -> Layout:
    if not isinstance(given, Mapping):
        return Layout()
    row, columns = given.get("row"), given.get("columns")
    return Layout(
        row if isinstance(row, str) else None,
        columns if isinstance(columns, int) and 1 <= columns <= 16 else None,
    )
