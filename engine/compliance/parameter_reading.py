"""Read ``[[parameter]]`` tables, of ``parameters.toml`` and of a package's ``rules.toml`` alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from engine.compliance.parameters import Level, Parameter, ParameterType, Value
from engine.definitions.reading import Report, Table, parse_toml
from engine.errors import InvalidInput

FILE = "parameters.toml"
_NAME = re.compile(r"[a-z][a-z0-9_]*")


def read_parameters(data: bytes, report: Report) -> dict[str, Parameter]:
    """Return the declarations of a ``parameters.toml`` by name; mistakes go into ``report``."""
    values, lines = parse_toml(data, report)
    top = Table(values, report, lines)
    found = declared(top)
    top.done()
    return found


def declared(top: Table, process: str | None = None) -> dict[str, Parameter]:
    """Return the ``[[parameter]]`` tables of a file by name; ``process`` declares them, if any."""
    found: dict[str, Parameter] = {}
    for table in top.tables("parameter"):
        parameter = read_parameter(table, process)
        if parameter is None:
            continue
        if parameter.name in found:
            table.error("duplicate-parameter", f"参数“{parameter.name}”写了两次", "请换一个 key")
        found[parameter.name] = parameter
    return found


def read_parameter(table: Table, process: str | None = None) -> Parameter | None:
    """Return one declaration, or None when it is too faulty to be made."""
    name = table.element = table.text("key")
    if name and not _NAME.fullmatch(name):
        table.error(
            "wrong-type", f"key“{name}”应当是小写英文加下划线", "例如 talk_months", key="key"
        )
    title, title_en = table.text("title"), table.text("title_en", "")
    kind = table.code("type", ParameterType)
    level = table.code("level", Level, Level.NONE) or Level.NONE
    choices = _choices(table, kind)
    default, low, high = (_plain(table.raw(key)) for key in ("default", "min", "max"))
    source, note = table.text("source", ""), table.text("note", "")
    unverified, procedures = table.flag("unverified"), table.texts("procedures")
    table.done()
    if not name or kind is None:
        return None
    if default is None:
        table.error("missing-key", "缺少“default”", "请写明默认值 default = …")
        return None
    parameter = Parameter(
        name=name,
        title=title,
        type=kind,
        default=default,
        level=level,
        process=process,
        title_en=title_en,
        choices=choices,
        source=source,
        unverified=unverified,
        note=note,
        procedures=procedures,
    )
    bounds = {"min": low, "max": high}
    for key, value in bounds.items():
        if value is not None and not _fits(parameter, value, table, key):
            bounds[key] = None
    parameter = replace(parameter, minimum=bounds["min"], maximum=bounds["max"])
    if not _fits(parameter, default, table, "default"):
        return None
    return replace(parameter, default=parameter.check(default))


def _choices(table: Table, kind: ParameterType | None) -> Mapping[str, str]:
    raw = table.raw("choices")
    if isinstance(raw, list) and all(isinstance(item, str) for item in raw):
        raw = {item: item for item in raw}
    if raw is None:
        raw = {}
    if not isinstance(raw, Mapping) or not all(isinstance(v, str) for v in raw.values()):
        table.error(
            "wrong-type",
            "“choices”应当是值和说明的表",
            '请写成 choices = { decision = "决定之日" }',
            key="choices",
        )
        return {}
    if bool(raw) != (kind is ParameterType.CHOICE) and kind is not None:
        table.error(
            "choices-mismatch",
            "有 choices 的参数 type 应当是 choice，反之亦然",
            "请补上 choices 或改正 type",
        )
    return dict(raw)


def _plain(value: Any) -> Value | None:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, (int, bool, str)) else None


def _fits(parameter: Parameter, value: Value, table: Table, key: str) -> bool:
    try:
        parameter.check(value)
    except InvalidInput as refused:
        said = " ".join(text for texts in refused.fields.values() for text in texts)
        table.error(
            "parameter-value", f"“{key}”的值不能使用：{said}", "请按类型和范围改正", key=key
        )
        return False
    return True
