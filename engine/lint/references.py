"""Checks that the parts of a package fit together: process.toml, diagram, forms and files."""

from __future__ import annotations

import re
from collections.abc import Mapping

from engine.definitions.package import MANIFEST, Package, Subject
from engine.forms.fields import FieldKind
from engine.lint.diagram import SUBPROCESSES, Diagram, Node
from engine.lint.events import message_of
from engine.lint.findings import Findings
from engine.lint.forms import Forms
from engine.lint.names import HUMAN, Entry, check_statuses, did_you_mean, entry_of
from engine.lint.paths import Paths
from engine.lint.structure import SNAKE_CASE

_PREFIX = re.compile(r"[A-Z]{1,6}")
_FILES = re.compile(
    r"process\.toml|rules\.toml|README(\.\w+)?\.md|[a-z0-9_]+\.(bpmn|dmn)"
    r"|forms/[a-z0-9_]+\.form|scenarios/[a-z0-9_]+\.toml|documents/[^/]+\.(docx|toml|md)"
)


def check_references(
    package: Package, diagram: Diagram, forms: Forms, paths: Paths | None
) -> Findings:
    """Check every name in process.toml that stands for something elsewhere, and the reverse.

    ``paths`` are those of the diagram; None if it is too broken to follow them.
    """
    found = Findings()
    _check_files(package, found)
    _check_steps(package, diagram, found)
    _check_tasks(package, diagram, found)
    _check_numbers(package, found)
    _check_send_back(package, paths, found)
    _check_effects(package, diagram, found)
    _check_fields(package, forms, found)
    _check_stages(package, diagram, found)
    _check_messages(package, diagram, found)
    return found


def _check_files(package: Package, found: Findings) -> None:
    if not _PREFIX.fullmatch(package.prefix):
        found.error(
            "prefix-invalid",
            MANIFEST,
            f"事项编号的字头“{package.prefix}”应为 1 至 6 个大写字母",
            "请改为例如 FZ",
        )
    for path in package.files:
        if not _FILES.fullmatch(path):
            found.error(
                "file-unexpected",
                path,
                "流程包里不应有这个文件，或它的文件名不是小写英文加下划线",
                "只可有 process.toml、*.bpmn、forms/*.form、scenarios/*.toml 等数据文件",
            )


def _check_steps(package: Package, diagram: Diagram, found: Findings) -> None:
    for step in package.steps.values():
        place = entry_of(package, "step", step.element)
        node = diagram.nodes.get(step.element)
        if node is None or node.kind not in HUMAN:
            tasks = [n.id for n in diagram.nodes.values() if n.kind in HUMAN]
            found.error(
                "step-unknown",
                MANIFEST,
                f"环节“{step.element}”不是流程图中的用户任务{did_you_mean(step.element, tasks)}",
                "请改正 element，或在流程图中画出",
                at=place,
            )
        elif step.number and step.number not in node.name.split():
            found.warn(
                "step-name-differs",
                diagram.file,
                f"“{node.name}”没有以环节编号“{step.number}”开头",
                f"请把名称写成“{step.number} {step.title}”",
                at=node,
            )
        if step.number and not step.basis:
            found.warn(
                "basis-missing",
                MANIFEST,
                f"关键环节“{step.number} {step.title}”没有写依据",
                "请写 basis = [{regulation=…, edition=…, article=…, text=…}]",
                at=place,
            )
        if step.stage is not None and step.stage not in {stage.id for stage in package.stages}:
            found.error(
                "stage-unknown",
                MANIFEST,
                f"环节“{step.element}”的阶段“{step.stage}”没有定义",
                "请写 stages 中已有的 id",
                at=place,
            )


def _check_tasks(package: Package, diagram: Diagram, found: Findings) -> None:
    for node in diagram.nodes.values():
        if node.kind not in HUMAN:
            continue
        if node.id not in package.steps:
            kind = {"task": "未指明类型的任务", "manualTask": "手工任务"}.get(node.kind, "用户任务")
            found.error(
                "task-without-step",
                diagram.file,
                f"{kind}“{node.name or node.id}”在 process.toml 中没有对应的环节，事项会停在这里",
                f'请写 [[step]] 和 element = "{node.id}"，或删去该任务',
                at=node,
            )
        if diagram.lane(node) is None:
            found.error(
                "task-without-lane",
                diagram.file,
                f"用户任务“{node.name or node.id}”不在任何泳道中，没有人可以办理",
                "请把它放进一个泳道",
                at=node,
            )
        step = package.steps.get(node.id)
        if step is None or not step.decision:
            continue
        for boundary in diagram.boundaries.get(node.id, ()):
            if boundary.interrupting and "timer" in boundary.event_kinds:
                found.error(
                    "decision-by-timer",
                    diagram.file,
                    f"定时“{boundary.name or boundary.id}”会代替人作出“{node.name}”的决定",
                    "定时只可提醒：请改为不打断的边界事件",
                    at=boundary,
                )


def _check_numbers(package: Package, found: Findings) -> None:
    seen: dict[str, str] = {}
    for step in package.steps.values():
        if step.number is None:
            continue
        other = seen.setdefault(step.number, step.element)
        # One key step may be done in two places of the diagram; then it has one title.
        if other != step.element and package.steps[other].title != step.title:
            found.error(
                "number-twice",
                MANIFEST,
                f"编号“{step.number}”用于两个不同的环节：“{other}”和“{step.element}”",
                "请改用不同的编号；同一环节画在两处的，title 请写成相同",
                at=entry_of(package, "step", step.element),
            )


def _check_send_back(package: Package, paths: Paths | None, found: Findings) -> None:
    for step in package.steps.values():
        place = entry_of(package, "step", step.element)
        for target in step.send_back:
            if target not in package.steps:
                found.error(
                    "send-back-unknown",
                    MANIFEST,
                    f"“{step.element}”要退回的环节“{target}”没有定义"
                    + did_you_mean(target, package.steps),
                    "send_back 只写已有的环节",
                    at=place,
                )
            elif paths and not paths.can_follow(target, step.element):
                found.error(
                    "send-back-not-before",
                    MANIFEST,
                    f"“{step.element}”要退回的“{target}”不在它之前",
                    "send_back 只写流程图中在它之前的环节",
                    at=place,
                )


def _check_effects(package: Package, diagram: Diagram, found: Findings) -> None:
    outcomes: dict[str, str] = {}
    for effect in package.all_effects():
        place = entry_of(package, "effect", effect.after)
        if effect.after not in diagram.nodes:
            hint = did_you_mean(effect.after, diagram.nodes)
            found.error(
                "effect-unknown-element",
                MANIFEST,
                f"作用所在的“{effect.after}”不在流程图中{hint}",
                "after 请写流程图中元素的 id",
                at=place,
            )
        if effect.set_status:
            check_statuses([effect.set_status], "set_status", place, found)
            if package.subject is not Subject.PERSON:
                found.error(
                    "effect-without-subject",
                    MANIFEST,
                    "本流程不针对个人，不能变更党员身份",
                    '请删去 set_status，或写 subject = "person"',
                    at=place,
                )
        if effect.outcome:
            if not SNAKE_CASE.fullmatch(effect.outcome):
                found.error(
                    "id-not-snake-case",
                    MANIFEST,
                    f"结果“{effect.outcome}”不是小写英文加下划线的写法",
                    "outcome 写英文代码，中文写在 outcome_title",
                    at=place,
                )
            if not effect.outcome_title and not outcomes.get(effect.outcome):
                found.error(
                    "outcome-without-title",
                    MANIFEST,
                    f"结果“{effect.outcome}”没有中文名称",
                    'outcome_title 请写成例如 "转为正式党员"',
                    at=place,
                )
            outcomes[effect.outcome] = effect.outcome_title or outcomes.get(effect.outcome, "")


# --- fields, stages, messages -------------------------------------------------------------------


def _check_fields(package: Package, forms: Forms, found: Findings) -> None:
    for role in package.participants.values():
        place = entry_of(package, "participant", role.role)
        people = (FieldKind.PERSON, FieldKind.PEOPLE)
        _check_field(package, forms, role.element, role.field, people, "participant", place, found)
    for document in package.documents:
        place = entry_of(package, "document", document.id)
        files = (FieldKind.FILES,)
        _check_field(package, forms, document.step, document.field, files, "document", place, found)


def _check_field(
    package: Package,
    forms: Forms,
    element: str,
    field: str,
    wanted: tuple[FieldKind, ...],
    what: str,
    place: Entry,
    found: Findings,
) -> None:
    step = package.steps.get(element)
    if step is None:
        found.error(
            f"{what}-unknown-step",
            MANIFEST,
            f"“{place.id}”取自环节“{element}”，而它没有定义{did_you_mean(element, package.steps)}",
            "请写已有的环节",
            at=place,
        )
        return
    fields = forms.fields(step.form)
    if fields is None:
        return  # the form itself is missing or broken, which is said elsewhere
    if field not in fields or fields[field].kind not in wanted:
        kinds = {FieldKind.FILES: "filepicker", FieldKind.PEOPLE: "people"}[wanted[-1]]
        fitting = [path for path, item in fields.items() if item.kind in wanted]
        found.error(
            f"{what}-unknown-field",
            MANIFEST,
            f"“{place.id}”取自“{element}.{field}”，而表单 {step.form} 里没有这样的 {kinds} 字段",
            "可用的字段：" + ("、".join(fitting) or "没有"),
            at=place,
        )


def _check_stages(package: Package, diagram: Diagram, found: Findings) -> None:
    for stage in package.stages:
        node = diagram.nodes.get(stage.element)
        if node is None or node.kind not in SUBPROCESSES:
            subprocesses = [n.id for n in diagram.nodes.values() if n.kind in SUBPROCESSES]
            found.error(
                "stage-not-subprocess",
                MANIFEST,
                f"阶段“{stage.title}”的“{stage.element}”不是流程图中的子流程"
                + did_you_mean(stage.element, subprocesses),
                "每个阶段对应一个嵌入的子流程",
                at=entry_of(package, "stage", stage.element),
            )
    ids = [stage.id for stage in package.stages]
    for id in {id for id in ids if ids.count(id) > 1}:
        found.error(
            "stage-twice", MANIFEST, f"阶段 id“{id}”用了两次", "请改用不同的 id", element=id
        )
    if not package.stages:
        return
    elements = {stage.element for stage in package.stages}
    for step in package.steps.values():
        node = diagram.nodes.get(step.element)
        if node is None or step.stage:
            continue
        if not elements & {scope.id for scope in diagram.scopes_of(node)}:
            found.warn(
                "step-without-stage",
                MANIFEST,
                f"环节“{step.element}”不在任何阶段中",
                "请把它画进阶段的子流程，或写 stage = …",
                at=entry_of(package, "step", step.element),
            )


def _check_messages(package: Package, diagram: Diagram, found: Findings) -> None:
    caught: Mapping[str, Node] = {
        name: node
        for node in diagram.nodes.values()
        if node.kind not in {"endEvent", "intermediateThrowEvent", "sendTask"}
        and (name := message_of(diagram, node))
    }
    for message in package.messages.values():
        place = entry_of(package, "message", message.id)
        if message.name not in caught:
            found.error(
                "message-unknown",
                MANIFEST,
                f"流程图没有等待消息“{message.name}”{did_you_mean(message.name, caught)}",
                "请改正 name，或在流程图中画出等待它的事件",
                at=place,
            )
        for id in message.lanes:
            if id not in package.lanes:
                found.error(
                    "message-lane-unknown",
                    MANIFEST,
                    f"消息“{message.title}”的泳道“{id}”没有定义{did_you_mean(id, package.lanes)}",
                    "请写 [lanes] 中已有的泳道",
                    at=place,
                )
    thrown = {
        message_of(diagram, node)
        for node in diagram.nodes.values()
        if node.kind in {"endEvent", "intermediateThrowEvent", "sendTask"}
    }
    declared = {message.name for message in package.messages.values()}
    for name, node in caught.items():
        if name not in declared | thrown:
            found.warn(
                "message-undeclared",
                diagram.file,
                f"流程等待消息“{name}”，而没有人可以在页面上发出它",
                f"请在 process.toml 写 [messages.{name}]；由其他流程发来的可以忽略",
                at=node,
            )
