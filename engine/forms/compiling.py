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
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from engine.errors import N_, PackageProblem, Problem
from engine.expressions import FUNCTION_NAMES, Expression
from engine.forms.attributes import (
    Refuse,
    check_properties,
    read_check,
    read_expression,
    read_limits,
    read_options,
    read_properties,
    refuse_unsupported,
)
from engine.forms.ballot_fields import (
    QUESTION_PROPERTIES,
    Who,
    check_questions,
    question_bounds,
    read_question_people,
    read_roll,
)
from engine.forms.fields import (
    INDICATORS,
    OPEN_ITEMS,
    RECTIFICATION,
    Field,
    FieldKind,
    Layout,
    walk,
)
from engine.forms.item_columns import check_item_list

MAX_SOURCE: Final = 500_000
"""Largest form file, in bytes."""
MAX_COMPONENTS: Final = 300
MAX_DEPTH: Final = 5

_KEY = re.compile(r"[a-z][a-z0-9_]{0,62}")
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
            FieldKind.BALLOT,
        }
    },
}
_DOMAIN: Final[Mapping[str, tuple[FieldKind, str]]] = {
    "person": (FieldKind.PERSON, "textfield"),
    "people": (FieldKind.PEOPLE, "textfield"),
    "organisation": (FieldKind.ORGANISATION, "textfield"),
    "attendance": (FieldKind.ATTENDANCE, "group"),
    "vote": (FieldKind.VOTE, "group"),
    "ballot": (FieldKind.BALLOT, "group"),
    RECTIFICATION: (FieldKind.LIST, "dynamiclist"),
    OPEN_ITEMS: (FieldKind.LIST, "dynamiclist"),
    INDICATORS: (FieldKind.LIST, "dynamiclist"),
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
        self.in_ballot = False

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
        refuse = partial(self.refuse, name)
        properties = read_properties(component, refuse)
        kind = _kind(component, properties, refuse)
        if kind is None:
            return None
        refuse_unsupported(component, refuse)
        key = _key(kind, given, path, taken, refuse)
        inner = f"{path}.{key}" if path and key else path or key
        slot = key or f"#{self.count}"
        if kind is FieldKind.ATTENDANCE and (inside_list or path):
            refuse(
                "domain",
                N_("attendance 不能放在列表或分组里"),
                N_("把它移到表单的最外层"),
            )
        if properties.get("domain") in (RECTIFICATION, OPEN_ITEMS) and (inside_list or path):
            refuse(
                "domain",
                N_("整改清单不能放在列表或分组里"),
                N_("把它移到表单的最外层"),
            )
        if properties.get("domain") == INDICATORS and (inside_list or path):
            refuse(
                "domain",
                N_("指标列表不能放在列表或分组里"),
                N_("把它移到表单的最外层"),
            )
        read_expression(properties.get("year"), "year", refuse)
        children: list[Field] = []
        if kind in (FieldKind.GROUP, FieldKind.LIST):
            children = self.level(
                component.get("components", []),
                inner,
                depth + 1,
                inside_list=inside_list or kind is FieldKind.LIST,
                keys=None if key else taken,
            )
        elif kind is FieldKind.BALLOT:
            pass  # its components are questions, not fields of this form
        elif component.get("components"):
            refuse("domain", N_("%s 不能含有下级项目") % kind, N_("清空 components"))
        check_item_list(properties.get("domain"), children, refuse)
        if "each" in properties and all(c.kind is not FieldKind.PERSON for c in children):
            refuse(
                "property",
                N_("each 的列表没有人员一栏"),
                N_("在列表里加上 domain 为 person 的一栏"),
            )
        if "each" in properties and properties.get("domain") in (OPEN_ITEMS, INDICATORS):
            refuse("property", N_("这种列表的各行由系统列出"), N_("删去 each"))
        if "readers" in properties and inside_list:
            refuse("property", N_("列表里的一栏不能另设 readers"), N_("把 readers 写在整个列表上"))
        validate = component.get("validate") or {}
        if not isinstance(validate, Mapping):
            refuse("validate", N_("validate 应为对象"), N_("写成 { … }"))
            validate = {}
        # A meeting form without its figures is no record; an author has to say so explicitly.
        by_default = kind in (FieldKind.ATTENDANCE, FieldKind.VOTE, FieldKind.BALLOT)
        people = self.people(kind, properties, refuse)
        asked = question_bounds(properties, refuse) if self.in_ballot else {}
        if self.in_ballot:
            properties = {k: v for k, v in properties.items() if k not in QUESTION_PROPERTIES}
        return Field(
            kind=kind,
            key=key,
            path=f"{path}.{slot}" if path else slot,
            label=str(component.get("label") or component.get("dateLabel") or "").strip(),
            hint=str(component.get("description") or "").strip(),
            required=validate.get("required", by_default) is True,
            readonly=bool(component.get("readonly") or component.get("disabled")),
            options=read_options(kind, component, refuse),
            limits=read_limits(kind, component, validate, refuse),
            hide=_hide(component, refuse),
            prefill=read_expression(properties.get("prefill"), "prefill", refuse),
            each=read_expression(properties.get("each"), "each", refuse),
            check=read_check(properties, inside_list, refuse),
            default=component.get("defaultValue"),
            text=_text(kind, component, refuse),
            props=MappingProxyType(
                {**check_properties(kind, properties, component, refuse), **asked}
            ),
            children=tuple(children),
            layout=_layout(component.get("layout")),
            questions=self.questions(kind, component, path, depth, inside_list, refuse),
            people=people,
        )

    def people(
        self, kind: FieldKind, properties: Mapping[str, str], refuse: Refuse
    ) -> tuple[Who, ...]:
        """Read whom a ballot or one of its questions names."""
        if kind is FieldKind.BALLOT:
            return read_roll(properties.get("roll", "members"), refuse)
        return read_question_people(properties, refuse) if self.in_ballot else ()

    def questions(
        self,
        kind: FieldKind,
        component: Mapping[str, Any],
        path: str,
        depth: int,
        inside_list: bool,
        refuse: Refuse,
    ) -> tuple[Field, ...]:
        """Compile the questions of a ballot."""
        if kind is not FieldKind.BALLOT:
            return ()
        if inside_list or path:
            refuse("domain", N_("ballot 不能放在列表或分组里"), N_("把它移到表单的最外层"))
        self.in_ballot = True
        try:
            found = self.level(component.get("components", []), "", depth + 1, inside_list=True)
        finally:
            self.in_ballot = False
        return check_questions(found, refuse)

    def link_votes(self, fields: list[Field]) -> None:
        """See that every vote names an attendance of this form."""
        meetings = [item.key for item in walk(fields) if item.kind is FieldKind.ATTENDANCE]
        for item in walk(fields):
            if item.kind is not FieldKind.VOTE or "attendance_before" in item.props:
                continue
            named = item.props.get("attendance", meetings[0] if len(meetings) == 1 else None)
            if named not in meetings:
                self.refuse(
                    item.key,
                    "domain",
                    N_("表决没有对应的到会登记"),
                    N_("把 properties.attendance 写成本表单中 attendance 项的键"),
                )


def _kind(
    component: Mapping[str, Any], properties: Mapping[str, str], refuse: Refuse
) -> FieldKind | None:
    given = component.get("type")
    domain = properties.get("domain")
    if domain is not None:
        kind, standard = _DOMAIN.get(domain, (None, ""))
        if kind is None:
            refuse(
                "domain",
                N_("没有 domain “%s”") % domain,
                N_("改为 %s 之一") % "、".join(_DOMAIN),
            )
        elif given != standard:
            refuse(
                "domain",
                N_("domain “%(domain)s” 须写在 %(standard)s 上，现为 %(type)s")
                % {"domain": domain, "standard": standard, "type": given},
                N_("把 type 改为 %s") % standard,
            )
            kind = None
        return kind
    kind = _STANDARD.get(given) if isinstance(given, str) else None
    if kind is None:
        refuse(
            "type",
            N_("不支持类型 %s") % given,
            N_("改用 %s") % "、".join(_STANDARD),
        )
    elif kind is FieldKind.DATE and component.get("subtype", "date") != "date":
        refuse(
            "type",
            N_("datetime 只支持日期，现为 %s") % component.get("subtype"),
            N_("把 subtype 改为 date"),
        )
    return kind


def _key(kind: FieldKind, given: Any, path: str, taken: set[str], refuse: Refuse) -> str:
    if kind in (FieldKind.TEXT, FieldKind.SEPARATOR) or (kind is FieldKind.GROUP and not given):
        return ""
    if not isinstance(given, str) or not _KEY.fullmatch(given):
        refuse(
            "key",
            N_("键 “%s” 不合规则") % given,
            N_("用小写英文字母开头，只含小写字母、数字和下划线，如 talk_date"),
        )
        return ""
    if not path and (given in FUNCTION_NAMES or keyword.iskeyword(given)):
        refuse(
            "key",
            N_("键 “%s” 与表达式中的函数或关键字同名，表达式无法读取") % given,
            N_("换一个名称，如 %s_value") % given,
        )
    if given in taken:
        refuse("duplicate_key", N_("键 “%s” 重复") % given, N_("换一个名称"))
    taken.add(given)
    return given


def _hide(component: Mapping[str, Any], refuse: Refuse) -> Expression | None:
    conditional = component.get("conditional") or {}
    if not isinstance(conditional, Mapping) or set(conditional) - {"hide"}:
        refuse("expression", N_("conditional 只支持 hide"), N_('写成 {"hide": "…"}'))
        return None
    source = conditional.get("hide")
    if isinstance(source, str):
        source = source.strip().removeprefix("=")
    return read_expression(source, "conditional.hide", refuse)


def _text(
    kind: FieldKind, component: Mapping[str, Any], refuse: Refuse
) -> tuple[str | Expression, ...]:
    if kind is not FieldKind.TEXT:
        return ()
    pieces: list[str | Expression] = []
    # Splitting by a pattern with one group: text and expressions take turns.
    for index, piece in enumerate(_PLACE.split(str(component.get("text") or ""))):
        if index % 2:
            compiled = read_expression(piece, "text", refuse)
            if compiled is not None:
                pieces.append(compiled)
        elif piece:
            pieces.append(piece)
    return tuple(pieces)


def _layout(given: Any) -> Layout:
    if not isinstance(given, Mapping):
        return Layout()
    row, columns = given.get("row"), given.get("columns")
    return Layout(
        row if isinstance(row, str) else None,
        columns if isinstance(columns, int) and 1 <= columns <= 16 else None,
    )
