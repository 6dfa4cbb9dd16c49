"""Checks of every expression of a package: does it compile, and does what it names exist.

An expression with a wrong name does not fail: a missing name counts as empty, so a gateway would
quietly take its default. That is why names, days and option values are all looked up here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from engine.definitions.package import MANIFEST, Package
from engine.definitions.timers import FORM_OF, Form, is_literal
from engine.definitions.versions import PROVIDED_NAMES
from engine.definitions.xml import children
from engine.errors import ExpressionFault
from engine.expressions import Expression, compile_expression
from engine.forms.fields import Field, FieldKind, walk
from engine.forms.votes import Outcome as VoteOutcome
from engine.lint.diagram import Diagram, first, text_of
from engine.lint.events import message_of, timers_of
from engine.lint.findings import Findings
from engine.lint.forms import Forms
from engine.lint.names import HUMAN, did_you_mean
from engine.lint.paths import Paths, Point, done, entry

FORM_NAMES = frozenset({"branch_committee", "branch_members", "occurred_on", "person"})
"""Names that expressions of forms may use besides."""
_DATE_CALLS = frozenset(
    {
        "add_days",
        "add_months",
        "add_years",
        "workdays_after",
        "next_day",
        "latest",
        "earliest",
        "today",
    }
)


@dataclass(frozen=True)
class Use:
    """An expression, where it stands, and the points of the procedure at which it is evaluated."""

    source: str
    file: str
    element: str
    line: int
    what: str
    at: tuple[Point, ...]
    own: frozenset[str] = frozenset()
    """Further names that can be used in this place."""
    gives: Form | None = None
    """``date``, ``duration`` or ``cycle`` when the value has to be one."""


def check_expressions(
    package: Package, diagram: Diagram, forms: Forms, paths: Paths | None
) -> Findings:
    """Check all expressions of the diagram, of process.toml and of the forms.

    ``paths`` are those of the diagram; None if it is too broken to follow them.
    """
    found = Findings()
    context = _Context.of(package, diagram, forms, paths)
    uses = [
        *_diagram_uses(diagram),
        *_package_uses(package),
        *_form_uses(package, diagram, forms),
    ]
    for use in uses:
        _check(use, context, found)
    return found


@dataclass(frozen=True)
class _Context:
    names: frozenset[str] | None
    """All names that can be used; None when a form is broken, so that they are not known."""
    fields: Mapping[str, tuple[Field, ...]]
    """The fields of all forms by top-level key."""
    dated: frozenset[str]
    """Elements whose day is remembered."""
    paths: Paths | None

    @classmethod
    def of(cls, package: Package, diagram: Diagram, forms: Forms, paths: Paths | None) -> _Context:
        fields: dict[str, tuple[Field, ...]] = {}
        for name in forms.schemas:
            for path, item in (forms.fields(name) or {}).items():
                if path and "." not in path:
                    fields[path] = (*fields.get(path, ()), item)
        names = {
            *PROVIDED_NAMES,
            *package.constants,
            *package.participants,
            *fields,
            *_loop_names(diagram),
        }
        dated = {
            node.id
            for node in diagram.nodes.values()
            if node.kind in HUMAN
            or (message_of(diagram, node) and node.kind not in {"endEvent", "sendTask"})
        }
        known = frozenset(names) if forms.complete else None
        return cls(known, fields, frozenset(dated), paths)


# --- where expressions stand --------------------------------------------------------------------


def _loop_names(diagram: Diagram) -> Iterator[str]:
    for node in diagram.nodes.values():
        many = first(node.xml, "multiInstanceLoopCharacteristics")
        if many is not None:
            for item in children(many, "inputDataItem", "outputDataItem"):
                yield item.get("id", "")
            if output := text_of(first(many, "loopDataOutputRef")):
                yield output
    for scope in diagram.scopes.values():
        for item in children(scope.xml, "dataObject"):
            yield item.get("id", "")


def _diagram_uses(diagram: Diagram) -> Iterator[Use]:
    file = diagram.file
    for flow in diagram.flows.values():
        if flow.condition and flow.source in diagram.nodes:
            at = (entry(flow.source),)
            yield Use(flow.condition, file, flow.id, flow.line, "条件", at)
    for node in diagram.nodes.values():
        # A boundary event is armed when its activity begins.
        at = (entry(node.attached_to or node.id),)
        for kind, text in timers_of(node):
            yield Use(text, file, node.id, node.line, "定时", at, gives=FORM_OF.get(kind, "date"))
        for event in node.events:
            if (asked := text_of(first(event, "condition"))) is not None:
                yield Use(asked, file, node.id, node.line, "条件", at)
        for loop in children(
            node.xml, "multiInstanceLoopCharacteristics", "standardLoopCharacteristics"
        ):
            for part in children(loop, "loopCardinality", "completionCondition", "loopCondition"):
                if source := text_of(part):
                    yield Use(source, file, node.id, node.line, "循环", at)
            items = text_of(first(loop, "loopDataInputRef"))
            if items:
                yield Use(items, file, node.id, node.line, "循环的列表", at)


def _package_uses(package: Package) -> Iterator[Use]:
    for step in package.steps.values():
        line = package.lines.get(f"step:{step.element}", 0)
        for what, source in (("due", step.due), ("earliest", step.earliest)):
            if source:
                at = (entry(step.element),)
                yield Use(source, MANIFEST, step.element, line, what, at, gives="date")
    for index, effect in enumerate(package.all_effects()):
        line = package.lines.get(f"effect:{effect.after}", 0) or index
        at = (done(effect.after),)
        if effect.when:
            yield Use(effect.when, MANIFEST, effect.after, line, "when", at)
        if effect.since:
            yield Use(effect.since, MANIFEST, effect.after, line, "since", at, gives="date")


def _form_uses(package: Package, diagram: Diagram, forms: Forms) -> Iterator[Use]:
    for name, schema in forms.schemas.items():
        steps = [entry(step.element) for step in package.steps.values() if step.form == name]
        messages = {m.name for m in package.messages.values() if m.form == name}
        steps += [
            entry(node.id)
            for node in diagram.nodes.values()
            if messages and message_of(diagram, node) in messages
        ]
        own = frozenset(item.key for item in walk(schema.fields)) | FORM_NAMES
        for item in walk(schema.fields):
            expressions: list[tuple[str, Expression | None]]
            expressions = [("hide", item.hide), ("prefill", item.prefill), ("check", item.check)]
            expressions.append(("each", item.each))
            expressions += [("text", part) for part in item.text if isinstance(part, Expression)]
            for what, expression in expressions:
                if expression is not None:
                    file, place = package.form_file(name), item.path or item.key
                    yield Use(expression.source, file, place, 0, what, tuple(steps), own)


# --- the checks ---------------------------------------------------------------------------------


def _check(use: Use, context: _Context, found: Findings) -> None:
    if use.gives and is_literal(use.source, use.gives):
        return
    try:
        expression = compile_expression(use.source)
    except ExpressionFault as fault:
        found.error(
            "expression-invalid",
            use.file,
            f"{use.what}的表达式不能使用：{fault}",
            "请按表达式的写法改正",
            element=use.element,
            line=use.line,
        )
        return
    tree = ast.parse(" ".join(use.source.split()), mode="eval").body
    known = expression.names if context.names is None else context.names | use.own
    for name in sorted(expression.names - known):
        found.error(
            "name-unknown",
            use.file,
            f"{use.what}中的“{name}”没有任何表单字段、角色或循环提供{did_you_mean(name, known)}",
            "请改正名称，或在此前环节的表单中加上这个字段",
            element=use.element,
            line=use.line,
        )
    _check_days(use, tree, context, found)
    _check_values(use, tree, context, found)
    if use.gives and not _gives(tree, use.gives, context):
        wanted = {"date": "日期", "duration": "时长", "cycle": "周期"}[use.gives]
        found.error(
            "timer-not-date" if use.what == "定时" else "not-a-date",
            use.file,
            f"{use.what}的表达式得不出{wanted}：{use.source}",
            {
                "date": '请写成例如 add_months(on["decide_activist"], 12)',
                "duration": "请写成例如 P10D",
                "cycle": "请写成例如 R3/P1M",
            }[use.gives],
            element=use.element,
            line=use.line,
        )


def _check_days(use: Use, tree: ast.expr, context: _Context, found: Findings) -> None:
    asked, tested = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and _is_on(node.value):
            asked |= _constants([node.slice])
        if isinstance(node, ast.Compare) and any(_is_on(c) for c in node.comparators):
            tested |= _constants([node.left])
    for element in sorted(asked | tested):
        if element not in context.dated:
            hint = did_you_mean(element, context.dated)
            found.error(
                "date-unknown",
                use.file,
                f"{use.what}中的 on[“{element}”] 不是用户任务{hint}",
                "on 里只有已办结的用户任务和收到的消息的日期，请写它们的 id",
                element=use.element,
                line=use.line,
            )
        elif element not in tested and not _always_done(use, element, context):
            found.warn(
                "date-not-always-before",
                use.file,
                f"{use.what}用到“{element}”的日期，而走到这里时它不一定已经办理",
                f'请先判断，例如 on["{element}"] if "{element}" in on else None',
                element=use.element,
                line=use.line,
            )


def _always_done(use: Use, element: str, context: _Context) -> bool:
    if context.paths is None:
        return True
    always = context.paths.always
    return all(element in always[point] for point in use.at if point in always)


def _is_on(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "on"


def _constants(nodes: Iterable[ast.expr]) -> set[str]:
    found = set()
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
        elif isinstance(node, (ast.List, ast.Tuple)):
            found |= _constants(node.elts)
    return found


def _check_values(use: Use, tree: ast.expr, context: _Context, found: Findings) -> None:
    """Look up the option values that an expression compares a field with."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        for side in sides:
            options = _options(side, context)
            if options is None:
                continue
            for value in sorted(_constants(s for s in sides if s is not side) - options - {""}):
                found.error(
                    "value-unknown",
                    use.file,
                    f"{use.what}中与“{ast.unparse(side)}”比较的“{value}”不是它的选项"
                    + did_you_mean(value, options),
                    "可用的选项：" + "、".join(sorted(options)),
                    element=use.element,
                    line=use.line,
                )


def _options(node: ast.expr, context: _Context) -> frozenset[str] | None:
    """Return the values that something in an expression can have; None when they are open."""
    if isinstance(node, ast.Name) and node.id in context.fields:
        fields = context.fields[node.id]
        closed = {FieldKind.RADIO, FieldKind.SELECT, FieldKind.CHECKLIST, FieldKind.TAGLIST}
        if all(item.kind in closed and item.options for item in fields):
            return frozenset(option.value for item in fields for option in item.options)
    if (
        isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Name)
        and _constants([node.slice]) == {"outcome"}
        and (fields := context.fields.get(node.value.id, ()))
        and all(item.kind is FieldKind.VOTE for item in fields)
    ):
        return frozenset(VoteOutcome)
    return None


def _gives(node: ast.expr, wanted: Form, context: _Context) -> bool:
    """Tell whether an expression can give a date (or a duration, or a cycle)."""
    if isinstance(node, ast.IfExp):
        return all(
            _gives(part, wanted, context) or (isinstance(part, ast.Constant) and part.value is None)
            for part in (node.body, node.orelse)
        )
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and is_literal(node.value, wanted)
    if wanted != "date":
        return isinstance(node, (ast.Name, ast.BinOp))
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in _DATE_CALLS
    if isinstance(node, ast.Subscript):
        return _is_on(node.value)
    if isinstance(node, ast.Name):
        if node.id in PROVIDED_NAMES:
            return node.id == "started_on"
        fields = context.fields.get(node.id, ())
        # A name without fields is unknown, which is said already.
        return all(item.kind is FieldKind.DATE for item in fields)
    return isinstance(node, ast.BoolOp) and all(_gives(v, wanted, context) for v in node.values)
