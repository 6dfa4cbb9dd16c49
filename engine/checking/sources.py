"""Open a matter's file, JSON, TOML or Excel: bounded, and with the place of each part of it."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from engine.checking.problems import FileWrong, Places, Wrong
from engine.errors import N_, Sentence

LARGEST_TEXT: Final = 2 * 1024 * 1024
"""Longest JSON or TOML file, in bytes; a long matter takes some ten thousand."""
LARGEST_WORKBOOK: Final = 10 * 1024 * 1024
DEEPEST: Final = 12
"""Deepest nesting of lists and tables."""

_ARRAYS: Final = ("steps", "people", "organisations", "holidays")


def open_file(path: Path) -> tuple[dict[str, Any], Places]:
    """Return what a file holds, and where. Raises FileWrong."""
    kind = path.suffix.lower()
    largest = LARGEST_WORKBOOK if kind == ".xlsx" else LARGEST_TEXT
    try:
        with path.open("rb") as handle:
            content = handle.read(largest + 1)
    except OSError as error:
        why = Sentence(N_("无法打开：%(why)s。"), why=str(error.strerror))
        raise FileWrong([Wrong("", why)]) from error
    if len(content) > largest:
        size = largest // 1024 // 1024
        raise FileWrong([Wrong("", Sentence(N_("文件超过 %(n)s MB，未读取。"), n=size))])
    if kind == ".xlsx":
        from engine.checking.workbook import read_workbook

        return read_workbook(content)
    if kind not in (".json", ".toml"):
        raise FileWrong([Wrong("", Sentence(N_("只能检查 .json、.toml 和 .xlsx 文件。")))])
    return read_text(content, toml=kind == ".toml")


def read_text(content: bytes, *, toml: bool = False) -> tuple[dict[str, Any], Places]:
    """Return what a JSON or TOML text holds, and where. Raises FileWrong."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        why = Sentence(N_("文件不是 UTF-8 编码（第 %(n)s 个字节）。"), n=error.start)
        raise FileWrong([Wrong("", why)]) from None
    try:
        found = tomllib.loads(text) if toml else _json(text)
    except json.JSONDecodeError as error:
        where = Sentence(
            N_("第 %(line)s 行第 %(column)s 列"), line=error.lineno, column=error.colno
        )
        why = Sentence(N_("不是正确的 JSON：%(why)s。"), why=error.msg)
        raise FileWrong([Wrong(where, why)]) from None
    except tomllib.TOMLDecodeError as error:
        why = Sentence(N_("不是正确的 TOML：%(why)s。"), why=str(error))
        raise FileWrong([Wrong("", why)]) from None
    except (RecursionError, ValueError):
        why = Sentence(N_("内容嵌套过深，或者有不能读取的数字。"))
        raise FileWrong([Wrong("", why)]) from None
    if not isinstance(found, dict):
        why = Sentence(N_("最外层应当是一个对象，写明 procedure、steps 等。"))
        raise FileWrong([Wrong("", why)])
    if not _shallow(found, DEEPEST):
        raise FileWrong([Wrong("", Sentence(N_("内容嵌套超过 %(n)s 层。"), n=DEEPEST))])
    lines = _toml_lines(text) if toml else _json_lines(text)
    return _plain(found), Places(
        {path: Sentence(N_("第 %(line)s 行"), line=line) for path, line in lines.items()}
    )


def _json(text: str) -> Any:
    found = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_each_once)
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half a character, such as \ud800, which no output can show
        raise FileWrong([Wrong("", Sentence(N_("含有不成字的字符。")))]) from None
    return found


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a table; JSON itself would let the last of two values of one name count."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise FileWrong([Wrong(name, Sentence(N_("“%(name)s”出现了两次。"), name=name))])
        found[name] = value
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _shallow(value: Any, left: int) -> bool:
    if isinstance(value, dict):
        return left > 0 and all(_shallow(inner, left - 1) for inner in value.values())
    if isinstance(value, list):
        return left > 0 and all(_shallow(inner, left - 1) for inner in value)
    return True


def _plain(value: Any) -> Any:
    """Write dates as text, as JSON does."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, datetime):
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, date) else value


def _toml_lines(text: str) -> dict[str, int]:
    """Return the line of each ``[[table]]`` and each ``[table]``, as written."""
    found: dict[str, int] = {}
    counts: dict[str, int] = {}
    current = ""
    for number, line in enumerate(text.splitlines(), 1):
        if many := re.match(r"\s*\[\[\s*(\w+)\s*\]\]", line):
            name = many[1]
            current = f"{name}[{counts.get(name, 0)}]"
            counts[name] = counts.get(name, 0) + 1
            found[current] = number
        elif one := re.match(r"\s*\[\s*([\w.]+)\s*\]", line):
            head, dot, rest = one[1].partition(".")
            inside = counts.get(head)
            current = one[1] if inside is None else f"{head}[{inside - 1}]{dot}{rest}"
            found[current] = number
        elif given := re.match(r"\s*([\w.]+)\s*=", line):
            found.setdefault(f"{current}.{given[1]}" if current else given[1], number)
    return found


def _json_lines(text: str) -> dict[str, int]:
    """Return the line on which each item of the lists that matter begins."""
    found: dict[str, int] = {}
    decoder = json.JSONDecoder()
    for name in _ARRAYS:
        opened = re.search(rf'"{name}"\s*:\s*\[', text)
        if opened is None:
            continue
        at, index = opened.end(), 0
        while item := re.compile(r"[\s,]*").match(text, at):
            at = item.end()
            if at >= len(text) or text[at] == "]":
                break
            found[f"{name}[{index}]"] = text.count("\n", 0, at) + 1
            _, at = decoder.raw_decode(text, at)
            index += 1
    return found
