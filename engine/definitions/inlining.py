"""Puts the diagram of a component in the place where it is called.

A package may call the process of a component in a ``callActivity``. When the package is read, the
call becomes a collapsed subprocess with the component's elements in it and the component's drawing
as a plane of its own, which is how BPMN modellers draw a subprocess that one opens. So everything
that knows subprocesses knows components: the engine, the linter, forecasts, replays and screens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from engine.definitions.xml import BPMN, children, local_name, read_xml
from engine.errors import N_, PackageProblem, Problem

BPMNDI: Final = "http://www.omg.org/spec/BPMN/20100524/DI"
_CALL: Final = f"{{{BPMN}}}callActivity"
_DIAGRAM, _PLANE = f"{{{BPMNDI}}}BPMNDiagram", f"{{{BPMNDI}}}BPMNPlane"
_SHAPE: Final = f"{{{BPMNDI}}}BPMNShape"
_SHARED: Final = ("message", "signal", "error", "escalation")
"""Elements beside the processes that two files may both declare, if they say the same."""


@dataclass
class Inlined:
    """A diagram with its components in it."""

    data: bytes
    files: dict[str, str] = field(default_factory=dict)
    """The file of each element (and flow, lane …) that came from a component."""
    problems: list[Problem] = field(default_factory=list)


def inline(main: bytes, file: str, components: Mapping[str, tuple[str, bytes]]) -> Inlined:
    """Return a diagram in which each call of a component holds the component's process.

    ``components`` gives file and content by the id of the process. Calls of anything else stay.
    A diagram that cannot be read is returned as it is: whoever reads it next will say why.
    """
    try:
        root = read_xml(main, file)
    except PackageProblem:
        return Inlined(main)
    return _Inliner(root, file, components).run()


class _Inliner:
    def __init__(
        self, root: etree._Element, file: str, components: Mapping[str, tuple[str, bytes]]
    ) -> None:
        self.root, self.file, self.components = root, file, components
        self.found = Inlined(b"")
        self.ids = dict.fromkeys(_ids(root), file)
        self.called: set[str] = set()

    def run(self) -> Inlined:
        waiting = list(self.root.iter(_CALL))
        while waiting:
            call = waiting.pop(0)
            key = call.get("calledElement") or ""
            if key not in self.components:
                continue
            if key in self.called:
                self._problem(
                    self._file_of(call),
                    call,
                    "component-called-twice",
                    f"{N_('组件被调用了两次')}：{key}",
                    N_("每个组件只调用一次；要重复的，请用循环或多实例"),
                )
                continue
            self.called.add(key)
            waiting += self._put(call, key)
        for key in self.components:
            if key not in self.called:
                self.found.problems.append(
                    Problem(
                        self.file,
                        None,
                        None,
                        "component-not-called",
                        f"{N_('流程图没有调用组件')}：{key}",
                        N_("请画一个 calledElement 为该组件的调用活动，或从 uses 中删去"),
                    )
                )
        self.found.data = etree.tostring(self.root, xml_declaration=True, encoding="UTF-8")
        return self.found

    def _put(self, call: etree._Element, key: str) -> list[etree._Element]:
        """Turn a call into a subprocess; return the calls that came with it."""
        file, data = self.components[key]
        root = read_xml(data, file)
        process = next((p for p in children(root, "process") if p.get("id") == key), None)
        if process is None:
            self._problem(
                file,
                root,
                "process-missing",
                f"{N_('没有这个流程')}：{key}",
                N_("流程的 id 必须与流程包的 key 相同"),
            )
            return []
        for id, element in _ids(root).items():
            if element is process or local_name(element) in ("definitions", *_SHARED):
                continue
            if id in self.ids:
                self._problem(
                    file,
                    element,
                    "component-clash",
                    f"id“{id}”{N_('与另一个文件中的重复')}：{self.ids[id]}",
                    N_("请给其中一个换名；各个文件的 id 不能相同"),
                )
            self.ids[id] = self.found.files[id] = file
        del call.attrib["calledElement"]
        call.tag = f"{{{BPMN}}}subProcess"
        for child in process:
            if local_name(child) not in ("documentation", "extensionElements"):
                call.append(deepcopy(child))
        self._share(root, file)
        self._draw(root, process, call.get("id") or key)
        return list(call.iter(_CALL))

    def _share(self, root: etree._Element, file: str) -> None:
        """Take over messages, signals and errors; the same again is no second one."""
        known: dict[str, etree._Element] = {
            e.get("id") or "": e for e in children(self.root, *_SHARED)
        }
        at = next(children(self.root, "process"), None)
        for element in children(root, *_SHARED):
            there = known.get(element.get("id") or "")
            if there is None and at is not None:
                at.addprevious(deepcopy(element))
                self.ids[element.get("id") or ""] = file
            elif there is not None and sorted(there.items()) != sorted(element.items()):
                id = element.get("id")
                self._problem(
                    file,
                    element,
                    "component-clash",
                    f"id“{id}”{N_('与另一个文件中的重复')}：{self.ids.get(id or '', self.file)}",
                    N_("请给其中一个换名；各个文件的 id 不能相同"),
                )

    def _draw(self, root: etree._Element, process: etree._Element, call: str) -> None:
        """Add the component's drawing as the plane of the subprocess, which is shown closed."""
        for shape in self.root.iter(_SHAPE):
            if shape.get("bpmnElement") == call:
                shape.set("isExpanded", "false")
        for diagram in root.iter(_DIAGRAM):
            copied = deepcopy(diagram)
            plane = next(copied.iter(_PLANE), None)
            if plane is None or plane.get("bpmnElement") != process.get("id"):
                continue
            plane.set("bpmnElement", call)
            for element in copied.iter():
                if element.get("id"):
                    element.set("id", f"{call}_{element.get('id')}")
            self.root.append(copied)

    def _file_of(self, element: etree._Element) -> str:
        return self.found.files.get(element.get("id") or "", self.file)

    def _problem(
        self, file: str, element: etree._Element, code: str, message: str, cure: str
    ) -> None:
        line: int | None = element.sourceline  # type: ignore[assignment]
        self.found.problems.append(Problem(file, element.get("id"), line, code, message, cure))


def _ids(root: etree._Element) -> dict[str, etree._Element]:
    """Return the elements of the model (not of its drawing) by id."""
    return {e.get("id") or "": e for e in _model(root) if e.get("id")}


def _model(root: etree._Element) -> Iterator[etree._Element]:
    for element in root.iter():
        if local_name(element):
            yield element
