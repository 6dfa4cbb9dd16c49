"""Reads one ``process.toml``: its tables become values, each mistake a problem with its line.

What a component (see :mod:`engine.definitions.composition`) has said before is the ground on which
a table of the same name or id is read: a key that the own table does not set keeps its value.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from engine.definitions.duties import Duty, read_duty
from engine.definitions.expected import Expected, read_expected
from engine.definitions.indicators import Indicator, read_indicator
from engine.definitions.parts import (
    At,
    Basis,
    Document,
    Effect,
    Lane,
    MessageAction,
    Paper,
    Participant,
    Stage,
    Start,
    Step,
    Subject,
    Who,
)
from engine.definitions.reading import Table

Part = TypeVar("Part")
Constant = str | int | bool
"""A fixed value of a package that expressions and forms may read."""

ARRAYS: Final[Mapping[str, str]] = {
    "step": "element",
    "document": "id",
    "paper": "id",
    "duty": "id",
    "indicator": "id",
}
"""Arrays of tables in which each table has a name of its own, and the key that holds it."""
NAMED: Final = ("lanes", "participants", "messages", "forecast")
"""Tables of tables."""

Ground = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""What components said: by kind of table and name, the values as written."""


@dataclass
class Manifest:
    """What one process.toml says; of a package with components, what all of them say."""

    key: str = ""
    title: str = ""
    title_en: str = ""
    prefix: str = ""
    version: str = ""
    bpmn: str = ""
    description: str = ""
    subject: Subject = Subject.PERSON
    component: bool = False
    uses: tuple[str, ...] = ()
    start: Start = field(default_factory=Start)
    constants: dict[str, Constant] = field(default_factory=dict)
    stages: tuple[Stage, ...] = ()
    lanes: dict[str, Lane] = field(default_factory=dict)
    participants: dict[str, Participant] = field(default_factory=dict)
    steps: dict[str, Step] = field(default_factory=dict)
    effects: dict[str, tuple[Effect, ...]] = field(default_factory=dict)
    messages: dict[str, MessageAction] = field(default_factory=dict)
    documents: dict[str, Document] = field(default_factory=dict)
    papers: dict[str, Paper] = field(default_factory=dict)
    forecast: dict[str, Expected] = field(default_factory=dict)
    duties: dict[str, Duty] = field(default_factory=dict)
    indicators: dict[str, Indicator] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    """Line by ``step:<element>``, ``lane:<id>``, ``effect:<n>`` …"""


def ground_of(values: Mapping[str, Any]) -> Ground:
    """Return the tables of a process.toml by kind and name, as written."""
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for kind, name in ARRAYS.items():
        tables = values.get(kind)
        if isinstance(tables, list):
            found[kind] = {t[name]: t for t in tables if isinstance(t, dict) and name in t}
    for kind in NAMED:
        tables = values.get(kind)
        if isinstance(tables, dict):
            found[kind] = {name: t for name, t in tables.items() if isinstance(t, dict)}
    return found


def read_manifest(top: Table, ground: Ground, *, shift: int = 0) -> Manifest:
    """Read a process.toml over what components said; mistakes go to the report of the table.

    ``shift`` is added to the lines that are remembered, so that they tell files apart.
    """
    return _Reader(top, ground, shift).read()


class _Reader:
    def __init__(self, top: Table, ground: Ground, shift: int) -> None:
        self.top, self.ground, self.shift = top, ground, shift
        self.found = Manifest()

    def read(self) -> Manifest:
        top, found = self.top, self.found
        found.component = top.flag("component")
        # A component is never started: it has no matters to number and no version of its own.
        default = "" if found.component else None
        found.key, found.title = top.text("key"), top.text("title")
        found.title_en = top.text("title_en", "")
        found.prefix, found.version = top.text("prefix", default), top.text("version", default)
        found.bpmn = top.text("bpmn")
        found.description = top.text("description", "")
        found.subject = top.code("subject", Subject, Subject.PERSON) or Subject.PERSON
        found.uses = top.texts("uses")
        if (table := top.table("constants")) is not None:
            found.constants = _constants(table)
        if (table := top.table("start")) is not None:
            found.start = table.part(Start, lanes=table.texts("lanes", required=True))
            self._remember("start", "", table)
        found.stages = tuple(self._stages())
        found.lanes = self._named("lanes", "lane", _lane)
        found.participants = self._named("participants", "participant", _participant)
        found.steps = self._array("step", _step, "环节“%s”写了两次", "每个用户任务只写一个")
        self._effects()
        found.messages = self._named("messages", "message", _message)
        found.documents = self._array("document", _document, "材料“%s”写了两次", "请换一个 id")
        found.papers = self._array("paper", _paper, "文书“%s”写了两次", "请换一个 id")
        found.duties = self._array(
            "duty", lambda t: read_duty(t, found.key), "活动“%s”写了两次", "请换一个 id"
        )
        found.indicators = self._array(
            "indicator", lambda t: read_indicator(t, found.key), "指标“%s”写了两次", "请换一个 id"
        )
        expected = dict(self._over("forecast", self.top.named("forecast")))
        for element, table in expected.items():
            self._remember("forecast", element, table)
        found.forecast = dict(read_expected(expected))
        top.done()
        return found

    def _remember(self, kind: str, name: object, table: Table) -> None:
        if table.line:
            self.found.lines[f"{kind}:{name}"] = table.line + self.shift

    def _stages(self) -> Iterator[Stage]:
        for table in self.top.tables("stages"):
            stage = table.part(Stage)
            self._remember("stage", stage.element, table)
            yield stage

    def _effects(self) -> None:
        for index, table in enumerate(self.top.tables("effect")):
            effect = _effect(table)
            before = self.found.effects.get(effect.after, ())
            self.found.effects[effect.after] = (*before, effect)
            self._remember("effect", index, table)
            self.found.lines.setdefault(f"effect:{effect.after}", (table.line or 0) + self.shift)

    def _over(self, kind: str, tables: Mapping[str, Table]) -> Iterator[tuple[str, Table]]:
        for name, table in tables.items():
            if (below := self.ground.get(kind, {}).get(name)) is not None:
                table.over(below)
            yield name, table

    def _named(self, kind: str, word: str, read: Callable[[str, Table], Part]) -> dict[str, Part]:
        found = {}
        for name, table in self._over(kind, self.top.named(kind)):
            found[name] = read(name, table)
            self._remember(word, name, table)
        return found

    def _array(
        self, kind: str, read: Callable[[Table], Part], twice: str, cure: str
    ) -> dict[str, Part]:
        found: dict[str, Part] = {}
        for table in self.top.tables(kind):
            key = ARRAYS[kind]
            name = str(table.raw(key) or "").strip()
            if (below := self.ground.get(kind, {}).get(name)) is not None:
                table.over(below)
            part = read(table)
            if name in found:
                table.error(f"duplicate-{kind}", twice % name, cure)
            found[name] = part
            self._remember(kind, name, table)
        return found


def _constants(table: Table) -> dict[str, Constant]:
    found: dict[str, Constant] = {}
    for name in table.keys:
        value = table.raw(name)
        if not (name.isascii() and name.isidentifier()) or keyword.iskeyword(name):
            table.error("constant-name", f"常量名“{name}”不能用", "写成英文小写加下划线", key=name)
        elif isinstance(value, (str, int)):
            found[name] = value
        else:
            table.error(
                "wrong-type",
                f"常量“{name}”应当是文字、整数、true 或 false",
                f"请改写 {name} 的值",
                key=name,
            )
    table.done()
    return found


def _lane(name: str, table: Table) -> Lane:
    table.element = name
    who = table.code("who", Who) or Who.POSTS
    at = table.code("at", At, At.ORGANISATION) or At.ORGANISATION
    return table.part(Lane, id=name, who=who, at=at)


def _participant(name: str, table: Table) -> Participant:
    table.element = name
    source = table.text("from")
    element, dot, field = source.partition(".")
    if source and not (element and dot and field):
        table.error("wrong-type", f"“{source}”应当是“环节.字段”", "例如 assign.people", key="from")
    return table.part(Participant, role=name, element=element, field=field)


def _step(table: Table) -> Step:
    element = table.element = table.text("element")
    return table.part(
        Step,
        element=element,
        action=table.text("action", "提交"),
        basis=tuple(basis.part(Basis) for basis in table.tables("basis")),
        also_at=_also_at(table),
    )


def _also_at(table: Table) -> tuple[At, ...]:
    found: list[At] = []
    for word in table.texts("also_at"):
        if word in set(At):
            found.append(At(word))
        else:
            known = "、".join(At)
            table.error("wrong-type", f"没有“{word}”", f"可写：{known}", key="also_at")
    return tuple(found)


def _effect(table: Table) -> Effect:
    after = table.element = table.text("after")
    effect = table.part(Effect, after=after)
    if not effect.set_status and not effect.outcome:
        table.error("empty-effect", "没有写作用", "请写 set_status = … 或 outcome = …")
    if effect.since and not effect.set_status:
        table.error("empty-effect", "since 只与 set_status 同用", "请删去 since 或补 set_status")
    return effect


def _message(name: str, table: Table) -> MessageAction:
    table.element = name
    return table.part(MessageAction, id=name, name=table.text("name", name))


def _document(table: Table) -> Document:
    table.element = table.optional("id")
    return table.part(Document)


def _paper(table: Table) -> Paper:
    table.element = table.optional("id")
    return table.part(Paper)
