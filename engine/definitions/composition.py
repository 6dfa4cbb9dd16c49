"""Packages made of parts: what ``uses = ["meeting"]`` in process.toml means.

A *component* is a folder like any other package, with ``component = true`` in its process.toml: a
piece of procedure that several procedures share. It is never started alone. A package that uses it
is read together with it, the package's own word going first:

* a file of the same path (a form, a template) replaces the component's;
* a table of the same name or id (``[[step]]``, ``[lanes.x]`` …) is laid over the component's, so
  that it says only what is different here; ``[constants]`` likewise, name by name;
* effects after the same element, and rules of the same id, replace the component's;
* the component's diagram takes the place of the call activity that calls it.

What a package does not take, or takes under another name, it says in ``[adapts.<component>]``
(see :mod:`engine.definitions.adapting`).

What is stored of a package are its own files and, below ``uses/<component>/``, those of its
components: a version stays whole whatever becomes of the folder beside it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any, Final

from engine.definitions.adapting import Adaptation, adapt, read_adaptation
from engine.definitions.inlining import Inlined, inline
from engine.definitions.manifest import ARRAYS, Ground, Manifest, ground_of, read_manifest
from engine.definitions.reading import Report, Table, parse_toml
from engine.errors import N_, PackageProblem, Problem

MANIFEST: Final = "process.toml"
"""The file that makes a folder a process package."""
FOLDER: Final = "uses/"
"""Below it stand the files of the components, a folder for each."""
SPAN: Final = 10_000_000
"""Lines of the first component are counted from here, those of the second from twice this."""
NAME: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
"""What a component may be called; so no path leads out of the folder."""

_OWN_ONLY: Final = ("scenarios/", "README.md", MANIFEST, "rules.toml")
"""Files of a component that its users do not take over as files."""


@dataclass(frozen=True)
class Composed:
    """A package and its components, read together."""

    manifest: Manifest
    files: Mapping[str, bytes]
    """Own files and those taken over, each by the path by which the package knows it."""
    origins: Mapping[str, str]
    """Path in :attr:`files` → path below ``uses/``, for what was taken over."""
    elements: Mapping[str, str]
    """The file of each element of the diagram that came from a component."""
    components: tuple[str, ...]
    """All components used, also by one another, in the order in which they count."""
    sources: Mapping[str, bytes]
    """What is stored, the components' files as they are adapted: what is read."""
    originals: Mapping[str, str]
    """Name here → name in the component's files, where the two differ; of forms the paths."""


def component_file(component: str, path: str) -> str:
    """Return where a file of a component is stored."""
    return f"{FOLDER}{component}/{path}"


def used_by(manifest: bytes) -> tuple[str, ...]:
    """Return the components that a process.toml names, as far as it can be read."""
    values, _ = parse_toml(manifest, Report(MANIFEST))
    given = values.get("uses")
    if not isinstance(given, list):
        return ()
    return tuple(name for name in given if isinstance(name, str) and NAME.fullmatch(name))


def compose(stored: Mapping[str, bytes]) -> tuple[Composed | None, list[Problem]]:
    """Read a package with its components; return it, or what is wrong."""
    return _Composer(dict(stored)).run()


@dataclass
class _Source:
    """One process.toml: of the package, or of a component."""

    component: str | None
    values: dict[str, Any]
    top: Table
    report: Report


@dataclass
class _Composer:
    stored: dict[str, bytes]
    problems: list[Problem] = field(default_factory=list)
    sources: dict[str, _Source] = field(default_factory=dict)
    """The components, those that others are built upon first."""
    originals: dict[str, str] = field(default_factory=dict)

    def run(self) -> tuple[Composed | None, list[Problem]]:
        own = self._source(None)
        if own is None:
            return None, self.problems
        self._gather(own, ())
        if self.problems:
            return None, self.problems
        components = tuple(reversed(self.sources))
        manifest = self._read(own, components)
        files, origins = self._files(components)
        inlined = self._diagram(manifest, files) if manifest.bpmn in files else None
        if inlined is not None:
            self.problems += inlined.problems
            files[manifest.bpmn] = inlined.data
        if self.problems:
            return None, self.problems
        elements = inlined.files if inlined is not None else {}
        return (
            Composed(manifest, files, origins, elements, components, self.stored, self.originals),
            [],
        )

    def _source(self, component: str | None) -> _Source | None:
        file = MANIFEST if component is None else component_file(component, MANIFEST)
        report = Report(file)
        values, lines = parse_toml(self.stored[file], report)
        self.problems += report.problems
        if report.problems:
            return None
        return _Source(component, values, Table(values, report, lines), report)

    def _gather(self, user: _Source, chain: tuple[str, ...]) -> None:
        names = user.values.get("uses")
        adaptations = self._adaptations(user)
        for name in names if isinstance(names, list) else ():
            line = user.top.line_of("uses")

            def refuse(code: str, message: str, cure: str, line: int | None = line) -> None:
                user.report.error(code, message, cure, line=line)
                self.problems.append(user.report.problems.pop())

            if not isinstance(name, str):
                continue  # said when the key is read
            if not NAME.fullmatch(name):
                refuse(
                    "component-missing",
                    f"“{name}”{N_('不是组件的名称')}",
                    N_("组件名写成小写英文加下划线，例如 meeting"),
                )
            elif name in chain or name == self.own_key:
                way = " → ".join((*chain, name))
                refuse(
                    "component-cycle",
                    f"{N_('组件用到了自己')}：{way}",
                    N_("请从其中一个的 uses 里删去"),
                )
            elif component_file(name, MANIFEST) not in self.stored:
                refuse(
                    "component-missing",
                    f"{N_('没有组件')}“{name}”",
                    N_("组件的文件夹应在流程包旁边；上传的压缩包里应有 uses/<组件>/"),
                )
            elif name not in self.sources:
                if name in adaptations:
                    self._adapt(name, adaptations[name], user, refuse)
                self._component(name, (*chain, name), refuse)

    def _adaptations(self, user: _Source) -> dict[str, Adaptation]:
        """Return how a package or component takes those that it uses."""
        tables = user.top.named("adapts")
        found = {name: read_adaptation(table) for name, table in tables.items()}
        uses = user.values.get("uses")
        for name, table in tables.items():
            if not isinstance(uses, list) or name not in uses:
                table.error(
                    "component-missing",
                    f"{N_('没有用到组件')}“{name}”",
                    N_("[adapts.x] 里的 x 应当写在 uses 里"),
                )
        self.problems += user.report.problems
        user.report.problems.clear()
        return found

    def _adapt(self, name: str, how: Adaptation, user: _Source, refuse: Any) -> None:
        start = component_file(name, "")
        taken = {p.removeprefix(start): d for p, d in self.stored.items() if p.startswith(start)}
        line = user.top.lines.table(f"adapts.{name}") or user.top.line_of("adapts")
        adapted = adapt(taken, how, user.values, lambda *said: refuse(*said, line=line))
        for path in taken:
            del self.stored[start + path]
        self.stored |= {start + path: data for path, data in adapted.items()}
        for old, new in (how.rename or {}).items():
            self.originals[new] = old
            self.originals[f"{start}forms/{new}.form"] = f"{start}forms/{old}.form"

    def _component(self, name: str, chain: tuple[str, ...], refuse: Any) -> None:
        found = self._source(name)
        if found is None:
            return
        if found.values.get("component") is not True:
            refuse(
                "not-a-component",
                f"“{name}”{N_('不是组件，是单独办理的流程')}",
                N_("组件的 process.toml 里要写 component = true"),
            )
            return
        self._gather(found, chain)
        self.sources[name] = found

    @property
    def own_key(self) -> str | None:
        values, _ = parse_toml(self.stored[MANIFEST], Report(MANIFEST))
        key = values.get("key")
        return key if isinstance(key, str) else None

    def _read(self, own: _Source, components: tuple[str, ...]) -> Manifest:
        """Read every process.toml, each over those it is built upon."""
        ground: dict[str, dict[str, Mapping[str, Any]]] = {}
        below = Manifest()
        for name, source in self.sources.items():
            shift = (components.index(name) + 1) * SPAN
            read = self._manifest(source, ground, shift)
            self._clashes(name)
            below = _laid_over(read, below)
            for kind, tables in ground_of(source.values).items():
                ground.setdefault(kind, {}).update(tables)
        return _laid_over(self._manifest(own, ground, 0), below)

    def _manifest(self, source: _Source, ground: Ground, shift: int) -> Manifest:
        read = read_manifest(source.top, ground, shift=shift)
        self.problems += source.report.problems
        return read

    def _clashes(self, name: str) -> None:
        """Two components must not both define a thing, unless one builds upon the other."""
        mine = ground_of(self.sources[name].values)
        for other in self.sources:
            if other == name:
                return
            if other in self._builds_on(name):
                continue
            theirs = ground_of(self.sources[other].values)
            for kind in ARRAYS:
                for id in sorted(set(mine.get(kind, {})) & set(theirs.get(kind, {}))):
                    self.problems.append(
                        Problem(
                            component_file(name, MANIFEST),
                            id,
                            None,
                            "component-clash",
                            f"“{id}”{N_('在另一个组件里也有')}：{other}",
                            N_("请给其中一个换名"),
                        )
                    )

    def _builds_on(self, name: str) -> set[str]:
        found: set[str] = set()
        for used in self.sources[name].values.get("uses", ()):
            found |= {used, *self._builds_on(used)}
        return found

    def _files(self, components: tuple[str, ...]) -> tuple[dict[str, bytes], dict[str, str]]:
        files = {p: data for p, data in self.stored.items() if not p.startswith(FOLDER)}
        origins: dict[str, str] = {}
        for name in components:
            start = component_file(name, "")
            for path, data in self.stored.items():
                own = path.removeprefix(start)
                if own == path or own.startswith(_OWN_ONLY) or own.endswith(".bpmn"):
                    continue
                if own not in files:
                    files[own], origins[own] = data, path
        return files, origins

    def _diagram(self, manifest: Manifest, files: Mapping[str, bytes]) -> Inlined | None:
        if not self.sources:
            return None
        calls = {}
        for name, source in self.sources.items():
            path = component_file(name, str(source.values.get("bpmn", "")))
            if path in self.stored:
                calls[name] = (path, self.stored[path])
            else:
                source.report.error("bpmn-missing", f"没有流程图文件 {path}", "请放入文件")
                self.problems.append(source.report.problems.pop())
        try:
            return inline(files[manifest.bpmn], manifest.bpmn, calls)
        except PackageProblem as refused:
            self.problems += refused.problems
            return None


def _laid_over(own: Manifest, below: Manifest) -> Manifest:
    """Return a manifest with what it does not say itself taken from the one below."""
    return replace(
        own,
        constants={**below.constants, **own.constants},
        stages=own.stages or below.stages,
        start=own.start,
        lanes={**below.lanes, **own.lanes},
        participants={**below.participants, **own.participants},
        steps=_in_order(own.steps, below.steps),
        effects={**below.effects, **own.effects},
        messages={**below.messages, **own.messages},
        documents={**below.documents, **own.documents},
        papers={**below.papers, **own.papers},
        duties={**below.duties, **own.duties},
        indicators={**below.indicators, **own.indicators},
        forecast={**below.forecast, **own.forecast},
        lines={**below.lines, **own.lines},
    )


def _in_order(own: Mapping[str, Any], below: Mapping[str, Any]) -> dict[str, Any]:
    """Own steps keep their order; a component's other steps come where it has them."""
    order = [*own]
    at = 0
    for element in below:
        if element in order:
            at = order.index(element) + 1
        else:
            order.insert(at, element)
            at += 1
    return {element: own[element] if element in own else below[element] for element in order}


def locate(problem: Problem, composed: Composed, stored: Mapping[str, bytes], bpmn: str) -> Problem:
    """Return a problem of a composed package with the file and line in which it is to be mended."""
    file, line = problem.file, problem.line
    if line is not None and line >= SPAN:
        number, line = divmod(line, SPAN)
        name = PurePosixPath(file).name
        return replace(
            problem, file=component_file(composed.components[number - 1], name), line=line or None
        )
    if file in composed.origins:
        origin = composed.origins[file]
        return replace(problem, file=composed.originals.get(origin, origin))
    if file == bpmn and composed.components and problem.element:
        file = composed.elements.get(problem.element, file)
        named = composed.originals.get(problem.element, problem.element)
        return replace(problem, file=file, line=_line(stored.get(file, b""), named))
    return problem


def _line(data: bytes, element: str) -> int | None:
    found = re.search(rb"""\bid\s*=\s*["']""" + re.escape(element.encode()) + rb"""["']""", data)
    return None if found is None else data.count(b"\n", 0, found.start()) + 1
