"""Definitions ready to run: a package with its parsed diagram, forms and compiled expressions.

Everything that can be worked out from the files alone is worked out here, once a version; a step of
a matter only looks things up. Definitions are immutable and shared between threads.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.definitions.models import ProcessFile, ProcessVersion
from engine.definitions.package import (
    Effect,
    Lane,
    MessageAction,
    Package,
    Stage,
    Who,
    load_package,
)
from engine.definitions.parsing import FrozenSpec, parse_bpmn
from engine.definitions.parts import At
from engine.errors import N_, EngineFault, NotFound, PackageProblem, Problem
from engine.expressions import Expression, compile_expression
from engine.forms import FormSchema, compile_form

CACHED_VERSIONS = 64
"""How many versions a process keeps ready. A version takes some hundred kilobytes."""

PROVIDED_NAMES = frozenset({"on", "subject", "organisation", "started_on"})
"""Names that every expression of a package may use besides form fields and roles."""


@dataclass(frozen=True, slots=True)
class CompiledEffect:
    """An effect with its expressions compiled."""

    effect: Effect
    when: Expression | None
    since: Expression | None


@dataclass(frozen=True, slots=True)
class Roll:
    """An activity with a task for each of a list of people (花名册): who is still missing?"""

    element: str
    """The activity: a user task, or the subprocess that each of them goes through."""
    collection: str
    """The variable that holds the list."""
    steps: tuple[str, ...]
    """The user tasks that each has to do; the last one of them done, the person is done."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A version of a process definition, ready to run."""

    version_id: int | None
    """None for a package that is not deployed: in lint and in scenarios."""
    package: Package
    spec: FrozenSpec
    forms: Mapping[str, FormSchema]
    """By the name that steps and messages use."""
    lanes: Mapping[str, Lane]
    """The lane of each user task, by BPMN element."""
    stages: Mapping[str, Stage]
    """The stage of each element that stands in one."""
    due: Mapping[str, Expression]
    earliest: Mapping[str, Expression]
    effects: Mapping[str, tuple[CompiledEffect, ...]]
    kept: Mapping[str, frozenset[str]]
    """By form: its fields that expressions outside the form use; the workflow keeps only them."""
    variables: frozenset[str]
    """The names that some expression outside its own form uses."""
    dates: frozenset[str]
    """The elements whose day some expression asks for as ``on["element"]``."""
    messages_by_name: Mapping[str, MessageAction]
    ballots: frozenset[str]
    """The steps with a secret ballot."""
    rolls: Mapping[str, Roll]
    """By activity: where each person of a list has a task of their own."""
    ruled: bool
    """Whether there are rules that measure its steps."""
    superiors_begin: bool
    """Whether only an organisation above the matter's own begins one."""

    @property
    def keeps_apart(self) -> bool:
        """Whether some may see a matter of it and yet not read all of its steps (VIEW_EACH)."""
        return bool(self.rolls) or any(form.keeps_apart for form in self.forms.values())

    def form_of(self, element: str) -> FormSchema:
        """Return the form of a step. Raises KeyError for an element without step."""
        return self.forms[self.package.steps[element].form]


def build_definition(package: Package, version_id: int | None = None) -> Definition:
    """Make a package ready to run, without a database.

    Raises PackageProblem when the diagram, a form or an expression does not compile.
    """
    problems: list[Problem] = []
    forms: dict[str, FormSchema] = {}
    spec: FrozenSpec | None = None
    try:
        spec = parse_bpmn(package.bpmn_files, package.key)
    except PackageProblem as refused:
        problems += refused.problems
    wanted = [step.form for step in package.steps.values()]
    wanted += [message.form for message in package.messages.values() if message.form]
    for name in dict.fromkeys(wanted):
        path = package.form_file(name)
        if path not in package.files:
            problems.append(
                Problem(path, None, None, "form-missing", f"没有表单文件 {path}", "请补上表单文件")
            )
            continue
        try:
            forms[name] = compile_form(package.files[path], file=path)
        except PackageProblem as refused:
            problems += refused.problems
    compiler = _Compiler(package)
    due = {e: compiler.compile(s.due, "step", e, "due") for e, s in package.steps.items() if s.due}
    earliest = {
        e: compiler.compile(s.earliest, "step", e, "earliest")
        for e, s in package.steps.items()
        if s.earliest
    }
    effects = {
        after: tuple(
            CompiledEffect(
                effect,
                compiler.compile(effect.when, "effect", after, "when") if effect.when else None,
                compiler.compile(effect.since, "effect", after, "since") if effect.since else None,
            )
            for effect in group
        )
        for after, group in package.effects.items()
    }
    problems += compiler.problems
    if problems or spec is None:
        raise PackageProblem([package.locate(problem) for problem in problems])
    outside: set[str] = set(spec.variables)
    dates: set[str] = set(spec.dates)
    for expression in compiler.compiled:
        outside |= expression.names
        dates |= expression.dates
    for expected in package.forecast.values():
        for expression in expected.expressions:
            outside |= expression.names
            dates |= expression.dates
    for form in forms.values():
        for expression in form.expressions():
            outside |= expression.names - form.keys
            dates |= expression.dates
    return Definition(
        version_id=version_id,
        package=package,
        spec=spec,
        forms=MappingProxyType(forms),
        lanes=MappingProxyType(_lanes(package, spec)),
        stages=MappingProxyType(_stages(package, spec)),
        due=MappingProxyType(due),
        earliest=MappingProxyType(earliest),
        effects=MappingProxyType(effects),
        kept=MappingProxyType(
            {name: frozenset(form.keys) & outside for name, form in forms.items()}
        ),
        variables=frozenset(outside),
        dates=frozenset(dates),
        messages_by_name=MappingProxyType({m.name: m for m in package.messages.values()}),
        ballots=frozenset(e for e, s in package.steps.items() if forms[s.form].ballots),
        rolls=MappingProxyType(_rolls(package, spec)),
        ruled=bool(package.rule_files()),
        superiors_begin=_superiors_begin(package),
    )


def _superiors_begin(package: Package) -> bool:
    lanes = [package.lanes[lane] for lane in package.start.lanes if lane in package.lanes]
    return bool(lanes) and all(lane.at is At.PARENT for lane in lanes)


class _Compiler:
    """Compiles the expressions of process.toml and collects what is wrong with them."""

    def __init__(self, package: Package) -> None:
        self.package = package
        self.problems: list[Problem] = []
        self.compiled: list[Expression] = []

    def compile(self, source: str, kind: str, element: str, key: str) -> Expression:
        try:
            expression = compile_expression(source)
        except EngineFault as fault:
            line = self.package.lines.get(f"{kind}:{element}")
            message = f"{key} 的表达式不能使用：{fault}"
            cure = "请按表达式的写法改正"
            self.problems.append(
                Problem("process.toml", element, line, "expression-invalid", message, cure)
            )
            return compile_expression("None")
        self.compiled.append(expression)
        return expression


def match_lane(package: Package, id: str | None, name: str | None) -> Lane | None:
    """Return the lane of process.toml for a BPMN lane: by its id, else by its name as title.

    A diagram may draw one lane several times, once a stage; these share their name.
    """
    if id is not None and id in package.lanes:
        return package.lanes[id]
    if not name:
        return None
    return next((lane for lane in package.lanes.values() if lane.title == name), None)


def _lanes(package: Package, spec: FrozenSpec) -> dict[str, Lane]:
    found = {}
    for element in package.steps:
        info = spec.elements.get(element)
        lane = match_lane(package, info.lane, info.lane_name) if info else None
        if lane is not None:
            found[element] = lane
    return found


def _rolls(package: Package, spec: FrozenSpec) -> dict[str, Roll]:
    steps: dict[str, list[str]] = {}
    for element, lane in _lanes(package, spec).items():
        if lane.who is Who.ITEM and (holder := list_holder(spec, element)) is not None:
            steps.setdefault(holder, []).append(element)
    return {
        holder: Roll(holder, spec.elements[holder].collection or "", tuple(inside))
        for holder, inside in steps.items()
    }


def list_holder(spec: FrozenSpec, element: str) -> str | None:
    """Return the activity that runs for each of a list, the element itself or one around it."""
    at: str | None = element
    while at is not None and (info := spec.elements.get(at)) is not None:
        if info.multi_instance:
            return at if info.collection else None
        at = info.parent
    return None


def _stages(package: Package, spec: FrozenSpec) -> dict[str, Stage]:
    by_element = {stage.element: stage for stage in package.stages}
    by_id = {stage.id: stage for stage in package.stages}
    found: dict[str, Stage] = {}
    for element in spec.elements:
        scope: str | None = element
        while scope is not None and scope not in by_element:
            info = spec.elements.get(scope)
            scope = info.parent if info else None
        if scope is not None:
            found[element] = by_element[scope]
    for element, step in package.steps.items():
        if step.stage in by_id:
            found[element] = by_id[step.stage]
    return found


class DefinitionCache:
    """The definitions most recently used, by version id. Safe to use from many threads."""

    def __init__(self, size: int = CACHED_VERSIONS) -> None:
        self._size = size
        self._found: OrderedDict[int, Definition] = OrderedDict()
        self._lock = Lock()
        self._building: dict[int, Lock] = {}

    def get(self, version_id: int, build: Callable[[], Definition]) -> Definition:
        """Return the definition of a version, building it once however many threads ask."""
        with self._lock:
            if (found := self._found.get(version_id)) is not None:
                self._found.move_to_end(version_id)
                return found
            building = self._building.setdefault(version_id, Lock())
        with building:
            with self._lock:
                if (found := self._found.get(version_id)) is not None:
                    return found
            try:
                definition = build()
            finally:
                with self._lock:
                    self._building.pop(version_id, None)
            with self._lock:
                self._found[version_id] = definition
                while len(self._found) > self._size:
                    self._found.popitem(last=False)
            return definition

    def clear(self) -> None:
        """Forget all definitions."""
        with self._lock:
            self._found.clear()


definitions = DefinitionCache()


def load_definition(session: Session, version_id: int) -> Definition:
    """Return a deployed version, ready to run, from the cache of this process or the database.

    Raises NotFound for an unknown version, EngineFault when the stored files are not those that
    were deployed.
    """
    return definitions.get(version_id, lambda: _read(session, version_id))


def active_version(session: Session, key: str) -> int | None:
    """Return the id of the version on which new matters of a procedure start."""
    return session.execute(
        select(ProcessVersion.id).where(ProcessVersion.key == key, ProcessVersion.active)
    ).scalar_one_or_none()


def _read(session: Session, version_id: int) -> Definition:
    sha256 = session.execute(
        select(ProcessVersion.sha256).where(ProcessVersion.id == version_id)
    ).scalar_one_or_none()
    if sha256 is None:
        raise NotFound(N_("没有这个流程版本。"))
    rows = session.execute(
        select(ProcessFile.path, ProcessFile.content).where(ProcessFile.version_id == version_id)
    )
    package = load_package({row.path: bytes(row.content) for row in rows})
    if package.sha256 != sha256:
        raise EngineFault(N_("流程版本 %(version)s 的文件与部署时不一致。"), version=version_id)
    return build_definition(package, version_id)
