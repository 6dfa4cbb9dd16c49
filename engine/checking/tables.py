"""Read the parts of a matter's file one by one, and gather everything that is wrong."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from engine.checking.problems import FileWrong, Places, Wrong
from engine.errors import N_, Sentence


class Report:
    """Everything that is wrong with a file so far."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.problems: list[Wrong] = []

    def wrong(self, path: str, what: str) -> None:
        """Note something that is wrong at a part of the file."""
        self.problems.append(Wrong(self.places(path), what))

    def stop(self) -> None:
        """Raise FileWrong when something was wrong."""
        if self.problems:
            raise FileWrong(self.problems)


class Part:
    """A table of the file; what nobody asked for is an error, so that a slip is not passed over."""

    def __init__(self, report: Report, path: str, values: Any) -> None:
        self.report = report
        self.path = path
        self._asked: set[str] = set()
        self.values: Mapping[str, Any] = {}
        if isinstance(values, Mapping):
            self.values = values
        else:
            report.wrong(path, Sentence(N_("应当是一组“名称 = 值”。")))

    def at(self, key: str) -> str:
        """Return the path of a value."""
        return f"{self.path}.{key}" if self.path else key

    def wrong(self, key: str, what: str) -> None:
        """Note that a value is wrong."""
        self.report.wrong(self.at(key), what)

    def get(self, key: str) -> Any:
        """Return a value as it stands; an empty text counts as none."""
        self._asked.add(key)
        value = self.values.get(key)
        return None if value == "" else value

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text; without default it has to be there."""
        value = self.get(key)
        if value is None and default is not None:
            return default
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str) or not value.strip():
            self.wrong(
                key, Sentence(N_("请填写。")) if value is None else Sentence(N_("应当是文字。"))
            )
            return default or ""
        return value.strip()

    def flag(self, key: str) -> bool:
        """Return yes or no, no unless given."""
        value = self.get(key)
        if value is None or isinstance(value, bool):
            return bool(value)
        if value in ("是", "否"):
            return bool(value == "是")
        self.wrong(key, Sentence(N_("应当是 true 或者 false（表格中填“是”或者“否”）。")))
        return False

    def day(self, key: str) -> date | None:
        """Return a day, None when it is not given."""
        return as_day(self.report, self.at(key), self.get(key))

    def needed_day(self, key: str) -> date:
        """Return a day that has to be there."""
        if self.get(key) is None:
            self.wrong(key, Sentence(N_("请填写日期，例如 2026-05-18。")))
        return self.day(key) or date.min

    def parts(self, key: str) -> list[Part]:
        """Return the tables of a list."""
        value = self.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.wrong(key, Sentence(N_("应当是一个列表。")))
            return []
        return [Part(self.report, f"{self.at(key)}[{n}]", item) for n, item in enumerate(value)]

    def part(self, key: str) -> Part:
        """Return an inner table, an empty one when it is not given."""
        return Part(self.report, self.at(key), {} if self.get(key) is None else self.get(key))

    def done(self) -> None:
        """Note what nobody asked for."""
        for key in self.values:
            if key not in self._asked:
                near = hint(key, self._asked)
                self.wrong(key, Sentence(N_("没有“%(word)s”这一项%(near)s。"), word=key, near=near))


def hint(word: str, known: Iterable[str]) -> str:
    """Return "，是否想写“…”" for a word like one that is known, or nothing."""
    near = difflib.get_close_matches(word, list(known), 1, 0.5 if len(word) < 4 else 0.6)
    return Sentence(N_("，是否想写“%(word)s”"), word=near[0]) if near else ""


def choice(code: str, label: str) -> Sentence:
    """Return what may be written for a choice: its code, or its name."""
    return Sentence(N_("%(code)s（%(label)s）"), code=code, label=label)


def as_day(report: Report, path: str, value: Any) -> date | None:
    """Return the day that a value is; None when there is none or it is wrong."""
    if value is None:
        return None
    if isinstance(value, str):
        try:
            found = date.fromisoformat(value.strip())
        except ValueError:
            found = None
        if found is not None and 1921 <= found.year <= 2200:
            return found
    report.wrong(
        path, Sentence(N_("“%(value)s”不是日期，请写成 2026-05-18 这样。"), value=str(value))
    )
    return None
