"""What a package does not take from a component, or takes under another name.

``[adapts.<component>]`` in process.toml says so, before anything is read:

* ``leaves_out``: steps, documents, papers, rules, parameters … by name, or whole files. A step is
  taken out of the diagram and the flow goes on behind it;
* ``rename``: what elements of the component are called here, in the diagram, in expressions, in
  process.toml, in rules and among the names of forms;
* ``lanes``: lanes of the package that stand in for the component's;
* ``timers``: other expressions for timers of the component, by the name that counts here.

Only the copy that the package reads is changed; what is stored are the component's files as they
are. Lines stay where they were, so that mistakes are still found in the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lxml import etree

from engine.definitions.reading import Report, Table, parse_toml
from engine.definitions.taking_out import Refuse, model, take_out, timing_of
from engine.definitions.xml import BPMN, read_xml
from engine.errors import N_, PackageProblem

_HEADER: Final = re.compile(r"^\[(\[?)([A-Za-z0-9_]+)((?:\.[A-Za-z0-9_]+)*)\]?\]\s*(?:#.*)?$")
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_NAMING: Final[Mapping[str, str]] = {
    "step": "element",
    "document": "id",
    "paper": "id",
    "duty": "id",
    "effect": "after",
    "rule": "id",
    "parameter": "key",
}
"""Arrays of tables of process.toml and rules.toml, and the key by which each is left out."""
_TABLES: Final = ("lanes", "participants", "messages", "forecast")


@dataclass(frozen=True)
class Adaptation:
    """How a package takes a component."""

    leaves_out: tuple[str, ...] = ()
    rename: Mapping[str, str] | None = None
    lanes: Mapping[str, str] | None = None
    timers: Mapping[str, str] | None = None


def read_adaptation(table: Table) -> Adaptation:
    """Read ``[adapts.<component>]``; mistakes go to the report of the table."""

    def words(key: str) -> dict[str, str]:
        inner = table.table(key)
        found = {} if inner is None else {name: inner.text(name) for name in inner.keys}
        if inner is not None:
            inner.done()
        return found

    read = Adaptation(table.texts("leaves_out"), words("rename"), words("lanes"), words("timers"))
    table.done()
    return read


def adapt(
    files: Mapping[str, bytes],
    how: Adaptation,
    own: Mapping[str, Any],
    refuse: Refuse,
) -> dict[str, bytes]:
    """Return the files of a component as a package takes them.

    ``own`` is the package's process.toml. What cannot be done is refused; the files returned then
    are of no use.
    """
    return _Adapter(files, how, own, refuse).run()


class _Adapter:
    def __init__(
        self,
        files: Mapping[str, bytes],
        how: Adaptation,
        own: Mapping[str, Any],
        refuse: Refuse,
    ) -> None:
        self.files, self.how, self.refuse = dict(files), how, refuse
        self.titles = _titles(own.get("lanes"))
        values, _ = parse_toml(self.files.get("process.toml", b""), Report(""))
        self.below = _titles(values.get("lanes"))
        self.labels = _labels(own.get("step"))
        self.rename = dict(how.rename or {})
        self.lanes = dict(how.lanes or {})
        self.out = set(how.leaves_out)
        self.used: set[str] = set()
        """What of ``leaves_out`` was found."""

    def run(self) -> dict[str, bytes]:
        for path in sorted(self.out & set(self.files)):
            del self.files[path]
            self.used.add(path)
        diagrams = {p: d for p, d in self.files.items() if p.endswith(".bpmn")}
        try:
            roots = {path: read_xml(data, path) for path, data in diagrams.items()}
        except PackageProblem:
            return self.files  # said when the diagram is put in
        self._check_names(roots)
        left = self._leave_steps_out(roots)
        for path in [p for p in self.files if p.endswith(".toml")]:
            self.files[path] = self._toml(self.files[path])
        for path, root in roots.items():
            self.files[path] = self._diagram(root)
        self._forms(left)
        for name in sorted(self.out - self.used):
            self.refuse(
                "adapts-unknown",
                f"{N_('组件里没有')}“{name}”",
                N_("leaves_out 里写组件的环节、材料、文书、规则、参数的名称或者文件"),
            )
        return self.files

    # ── names

    def _check_names(self, roots: Mapping[str, etree._Element]) -> None:
        ids = {e.get("id") or "" for root in roots.values() for e in model(root)}
        keys = {key for path in self.files if path.endswith(".form") for key in self._keys(path)}
        staying = ids - set(self.rename) - self.out
        for old, new in self.rename.items():
            if old not in ids:
                self._unknown(old)
            elif not _NAME.fullmatch(new) or new in staying or self._twice(new):
                self.refuse(
                    "adapts-name",
                    f"“{old}”{N_('不能改称')}“{new}”",
                    N_("新名称写成小写英文加下划线，不与组件里别的名称相同"),
                )
            elif old in keys:
                self.refuse(
                    "adapts-name",
                    f"“{old}”{N_('同时是表单字段，不能改称')}",
                    N_("请在组件里给字段换一个名称"),
                )
        for old, new in self.lanes.items():
            if old not in self.below:
                self._unknown(old)
            elif new not in self.titles:
                self.refuse(
                    "adapts-unknown",
                    f"{N_('没有泳道')}“{new}”",
                    N_("lanes 里写：组件的泳道 = 本流程的泳道"),
                )

    def _twice(self, new: str) -> bool:
        return list(self.rename.values()).count(new) > 1

    def _unknown(self, name: str) -> None:
        self.refuse(
            "adapts-unknown", f"{N_('组件里没有')}“{name}”", N_("请对照组件的流程图改正名称")
        )

    def _keys(self, path: str) -> Iterator[str]:
        try:
            waiting: list[Any] = [json.loads(self.files[path])]
        except ValueError:
            return  # said when the form is read
        while waiting:
            at = waiting.pop()
            if isinstance(at, list):
                waiting += at
            elif isinstance(at, dict):
                if isinstance(key := at.get("key"), str):
                    yield key
                waiting += [at.get("components", [])]

    def _renamed(self, text: str, names: Mapping[str, str]) -> str:
        """Replace names where they are whole words in quotes, between tags or in a path."""
        if not names:
            return text
        any_of = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
        whole = re.compile(
            rf"""(?<=["'>|])({any_of})(?=["'<|.])|(?<=\[forecast\.)({any_of})(?=\])"""
        )
        return whole.sub(lambda found: names[found[1] or found[2]], text)

    # ── text files

    def _toml(self, data: bytes) -> bytes:
        """Blank what is left out and the lanes that others stand in for; rename the rest."""
        values, _ = parse_toml(data, Report(""))
        lines = data.decode("utf-8", "replace").split("\n")
        starts = [n for n, line in enumerate(lines) if _HEADER.match(line)]
        gone = self.out | set(self.lanes)
        count: dict[str, int] = {}
        dropping: str | None = None
        for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
            found = _HEADER.match(lines[start])
            assert found is not None
            array, head, rest = found[1], found[2], found[3].removeprefix(".")
            if rest and head in _NAMING:
                drop = dropping == head  # a table below the one before
            elif array and head in _NAMING:
                at = count[head] = count.get(head, -1) + 1
                table = values.get(head, [{}] * (at + 1))[at]
                name = str(table.get(_NAMING[head], ""))
                drop = name in self.out
                self.used |= {name} & self.out
                dropping = head if drop else None
            else:
                drop = head in _TABLES and rest in gone
                self.used |= {rest} & self.out if drop else set()
            if drop:
                lines[start:end] = [""] * (end - start)
        text = self._renamed("\n".join(lines), {**self.rename, **self.lanes})
        return text.encode()

    # ── the diagram

    def _leave_steps_out(self, roots: Mapping[str, etree._Element]) -> set[str]:
        found = set()
        for root in roots.values():
            for task in list(root.iter(f"{{{BPMN}}}userTask")):
                if (id := task.get("id") or "") in self.out:
                    self.used.add(id)
                    found.add(id)
                    take_out(root, task, self.refuse)
        return found

    def _diagram(self, root: etree._Element) -> bytes:
        for lane in root.iter(f"{{{BPMN}}}lane"):
            for below, own in self.lanes.items():
                known = lane.get("id") == below or lane.get("name") == self.below.get(below)
                if known and own in self.titles:
                    lane.set("name", self.titles[own])
                    break
        text = etree.tostring(root, encoding="unicode")
        root = etree.fromstring(self._renamed(text, self.rename))
        for task in root.iter(f"{{{BPMN}}}userTask"):
            if (label := self.labels.get(task.get("id") or "")) is not None:
                task.set("name", label)
        events = {e.get("id"): e for e in model(root)}
        for name, source in (self.how.timers or {}).items():
            event = events.get(name)
            when = None if event is None else timing_of(event)
            if when is None:
                self.refuse(
                    "adapts-unknown",
                    f"{N_('组件里没有定时事件')}“{name}”",
                    N_("timers 里写组件的定时事件和表达式"),
                )
            else:
                when.text = source
        return etree.tostring(root, xml_declaration=True, encoding="UTF-8")

    def _forms(self, left: set[str]) -> None:
        """Name the forms as their steps are named; those of steps left out go with them."""
        for name in left:
            self.files.pop(f"forms/{name}.form", None)
        moved = {f"forms/{old}.form": f"forms/{new}.form" for old, new in self.rename.items()}
        self.files = {moved.get(path, path): data for path, data in self.files.items()}


def _titles(lanes: object) -> dict[str, str]:
    tables = lanes if isinstance(lanes, dict) else {}
    return {
        name: str(table.get("title", ""))
        for name, table in tables.items()
        if isinstance(table, dict)
    }


def _labels(steps: object) -> dict[str, str]:
    """Return what the package's own steps are called in the diagram: number and title."""
    tables = [s for s in steps if isinstance(s, dict)] if isinstance(steps, list) else []
    return {
        str(step.get("element")): f"{step.get('number', '')} {step['title']}".strip()
        for step in tables
        if "title" in step
    }
