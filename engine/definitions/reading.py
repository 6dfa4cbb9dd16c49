"""Read TOML tables key by key, so that every mistake becomes a problem with file, line and cure.

A :class:`Table` knows which of its keys were asked for; :meth:`Table.done` reports the rest as
unknown, with the key that was probably meant.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from datetime import date, datetime
from difflib import get_close_matches
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from engine.errors import Problem, Severity

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_HEADER = re.compile(r"\s*\[(\[)?\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"\s*(?:\"([^\"]+)\"|'([^']+)'|([A-Za-z0-9_.-]+))\s*=")

Code = TypeVar("Code", bound=StrEnum)
Part = TypeVar("Part", bound="DataclassInstance")


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """Return a sentence that names the word most like ``word``, or the words there are."""
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return f"是不是“{close[0]}”？"
    return "可用的有：" + "、".join(known) if known else "这里没有可用的值"


class Lines:
    """Where the tables and keys of a TOML text stand. Lines are counted from 1."""

    def __init__(self, text: str) -> None:
        self._text = text.splitlines()
        self._tables: dict[tuple[str, int], int] = {}
        self._keys: dict[tuple[str, int, str], int] = {}
        seen: dict[str, int] = {}
        path, index = "", 0
        for number, line in enumerate(self._text, 1):
            if header := _HEADER.match(line):
                path = re.sub(r"[\"'\s]", "", header[2])
                index = seen.get(path, -1) + 1 if header[1] else 0
                seen[path] = index
                self._tables[path, index] = number
            elif key := _KEY.match(line):
                self._keys.setdefault((path, index, key[1] or key[2] or key[3]), number)

    def table(self, path: str, index: int = 0) -> int | None:
        """Return the line of a table's header."""
        return self._tables.get((path, index))

    def key(self, path: str, index: int, key: str) -> int | None:
        """Return the line on which a key of a table is set, or else the table's own line."""
        found = self._keys.get((path, index, key))
        if found is None and "." in path:  # lanes = { a = {…} } or [lanes] a = {…}
            parent, _, last = path.rpartition(".")
            found = self._keys.get((parent, 0, last))
        return found or self.table(path, index)

    def text(self, wanted: str, after: int | None = None) -> int | None:
        """Return the first line from ``after`` on that holds ``wanted``."""
        for number, line in enumerate(self._text[(after or 1) - 1 :], after or 1):
            if wanted in line:
                return number
        return None


@dataclass
class Report:
    """Collects the problems found in one file."""

    file: str
    problems: list[Problem] = field(default_factory=list)

    def error(
        self, code: str, message: str, cure: str, *, line: int | None = None, at: str | None = None
    ) -> None:
        """Add an error."""
        self.problems.append(Problem(self.file, at, line, code, message, cure, Severity.ERROR))


def parse_toml(data: bytes, report: Report) -> tuple[dict[str, Any], Lines]:
    """Return the content of a TOML file and where it stands; report what does not parse."""
    try:
        text = data.decode("utf-8")
        return tomllib.loads(text), Lines(text)
    except UnicodeDecodeError:
        report.error("toml-encoding", "文件不是 UTF-8 编码", "请另存为 UTF-8 编码")
    except tomllib.TOMLDecodeError as error:
        at_line = re.search(r"line (\d+)", str(error))
        report.error(
            "toml-syntax",
            f"TOML 语法有误：{error}",
            "请按提示的行改正语法",
            line=int(at_line[1]) if at_line else None,
        )
    return {}, Lines("")


_KINDS: dict[str, str] = {"text": "文字", "flag": "true 或 false", "list": "文字的列表"}


class Table:
    """One table of a TOML file, read key by key."""

    def __init__(
        self,
        values: object,
        report: Report,
        lines: Lines,
        *,
        path: str = "",
        index: int = 0,
        line: int | None = None,
    ) -> None:
        self.report, self.lines, self.path, self.index = report, lines, path, index
        self.element: str | None = None
        self.line = line or lines.table(path, index)
        self._asked: list[str] = []
        self._values: Mapping[str, Any] = {}
        if isinstance(values, Mapping):
            self._values = values
            if line is None and not self.line and values:
                self.line = lines.key(path, index, next(iter(values)))
        else:
            self.error("not-a-table", f"“{path}”应当是一个表", f"请写成 [{path}] 及其下的各项")

    def __contains__(self, key: str) -> bool:
        return key in self._values

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that are set, in order."""
        return tuple(self._values)

    def over(self, below: Mapping[str, Any]) -> None:
        """Take what is not set here from another table of the same kind."""
        self._values = {**below, **self._values}

    def line_of(self, key: str) -> int | None:
        """Return the line of a key, or the table's."""
        return self.lines.key(self.path, self.index, key) or self.line

    def error(self, code: str, message: str, cure: str, *, key: str | None = None) -> None:
        """Report an error at a key of this table."""
        line = self.line_of(key) if key else self.line
        self.report.error(code, message, cure, line=line, at=self.element or self.path or None)

    def raw(self, key: str) -> Any:
        """Return a value as it stands, and count the key as known."""
        self._asked.append(key)
        return self._values.get(key)

    def _missing(self, key: str) -> None:
        self.error("missing-key", f"缺少“{key}”", f"请补上 {key} = …")

    def _wrong(self, key: str, kind: str) -> None:
        self.error("wrong-type", f"“{key}”应当是{kind}", f"请改写 {key} 的值", key=key)

    def text(self, key: str, default: str | None = None, *, required: bool = True) -> str:
        """Return a text; a missing one is a problem unless there is a default."""
        value = self.raw(key)
        if value is None:
            if required and default is None:
                self._missing(key)
            return default or ""
        if not isinstance(value, str):
            self._wrong(key, _KINDS["text"])
            return default or ""
        if required and default is None and not value.strip():
            self._missing(key)
        return value.strip()

    def optional(self, key: str) -> str | None:
        """Return a text, or None when the key is not set."""
        return self.text(key, required=False) or None

    def flag(self, key: str, default: bool = False) -> bool:
        """Return a truth value."""
        value = self.raw(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            self._wrong(key, _KINDS["flag"])
            return default
        return value

    def texts(self, key: str, *, required: bool = False) -> tuple[str, ...]:
        """Return a list of texts; a text alone is not one."""
        value = self.raw(key)
        if value is None:
            if required:
                self._missing(key)
            return ()
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            self._wrong(key, _KINDS["list"])
            return ()
        if required and not value:
            self._missing(key)
        return tuple(value)

    def day(self, key: str) -> date | None:
        """Return a calendar day, or None when the key is not set."""
        value = self.raw(key)
        if value is None:
            return None
        if isinstance(value, str):
            try:
                return date.fromisoformat(value)
            except ValueError:
                value = None
        if not isinstance(value, date) or isinstance(value, datetime):
            self._wrong(key, "日期，例如 2026-06-10")
            return None
        return value

    def code(self, key: str, kind: type[Code], default: Code | None = None) -> Code | None:
        """Return a member of a closed set of codes."""
        value = self.text(key, default)
        if not value:
            return default
        try:
            return kind(value)
        except ValueError:
            self.error(
                "unknown-value",
                f"“{key}”的值“{value}”不认识",
                did_you_mean(value, [str(code) for code in kind]),
                key=key,
            )
            return default

    def part(self, kind: type[Part], **given: Any) -> Part:
        """Return a dataclass read field by field, each under its own name; then the table is done.

        A field without a default is required. ``given`` are those that were read otherwise.
        """
        values = dict(given)
        for name, wanted in ((f.name, f) for f in fields(kind) if f.name not in given):
            default = None if wanted.default is MISSING else wanted.default
            match wanted.type:
                case "str":
                    values[name] = self.text(name, default)
                case "str | None":
                    values[name] = self.optional(name)
                case "bool":
                    values[name] = self.flag(name, bool(default))
                case "tuple[str, ...]":
                    values[name] = self.texts(name, required=default is None)
                case other:
                    raise TypeError(f"no reader for {kind.__name__}.{name}: {other}")
        self.done()
        return kind(**values)

    def table(self, key: str) -> Table | None:
        """Return a table inside this one, or None when there is none."""
        value = self.raw(key)
        if value is None:
            return None
        path = f"{self.path}.{key}" if self.path else key
        return Table(value, self.report, self.lines, path=path, line=self.lines.key(path, 0, ""))

    def tables(self, key: str) -> list[Table]:
        """Return the tables of an array of tables, each with its own line."""
        value = self.raw(key)
        if value is None:
            return []
        path = f"{self.path}.{key}" if self.path else key
        if not isinstance(value, list):
            self._wrong(key, f"表的列表，写成 [[{path}]]")
            return []
        found = []
        line = self.line_of(key) if self.lines.table(path) is None else None
        for index, item in enumerate(value):
            if line is not None and isinstance(item, Mapping) and item:
                # Inline tables have no header: look for the text of their first value.
                line = self.lines.text(str(next(iter(item.values()))), line) or line
            found.append(Table(item, self.report, self.lines, path=path, index=index, line=line))
        return found

    def named(self, key: str) -> dict[str, Table]:
        """Return the tables of a table of tables by their name."""
        outer = self.table(key)
        if outer is None:
            return {}
        return {name: table for name in outer.keys if (table := outer.table(name)) is not None}

    def done(self) -> None:
        """Report the keys that nobody asked for."""
        for key in self._values:
            if key not in self._asked:
                cure = did_you_mean(key, sorted(set(self._asked)))
                self.error("unknown-key", f"不认识“{key}”", f"{cure} 否则请删去", key=key)
