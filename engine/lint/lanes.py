"""Checks of who acts: lanes, posts, roles, and who may start a matter."""

from __future__ import annotations

from collections.abc import Iterable

from lxml import etree

from engine.definitions.package import MANIFEST, Lane, Package, Subject, Who
from engine.definitions.versions import match_lane
from engine.directory.codes import OrganisationKind, PostKind
from engine.lint.diagram import SUBPROCESSES, Diagram, Node, first, text_of
from engine.lint.findings import Findings
from engine.lint.names import HUMAN, Entry, check_statuses, did_you_mean, entry_of
from engine.lint.paths import Paths, entry


def check_lanes(package: Package, diagram: Diagram, paths: Paths | None) -> Findings:
    """Check lanes and the start; ``paths`` is None if the diagram is too broken to follow."""
    found = Findings()
    _check_lanes(package, diagram, found)
    _check_start(package, diagram, paths, found)
    return found


def _check_lanes(package: Package, diagram: Diagram, found: Findings) -> None:
    used = {*package.start.lanes, *(n for m in package.messages.values() for n in m.lanes)}
    used |= {lane.or_lane for lane in package.lanes.values() if lane.or_lane}
    used |= {key for lane in package.lanes.values() for key in lane.also}
    for drawn in diagram.lanes.values():
        lane = match_lane(package, drawn.id, drawn.name)
        if lane is None:
            found.error(
                "lane-undeclared",
                diagram.file,
                f"泳道“{drawn.name or drawn.id}”没有写在 process.toml 中",
                f"请在 process.toml 写 [lanes.{drawn.id}]，或使其 title 与泳道名称相同",
                at=drawn,
            )
        else:
            used.add(lane.id)
            if lane.who is Who.ITEM:
                _check_items(diagram, lane, drawn.nodes, found)
    titles: dict[str, str] = {}
    for lane in package.lanes.values():
        place = entry_of(package, "lane", lane.id)
        if lane.id not in used:
            found.error(
                "lane-unused",
                MANIFEST,
                f"泳道“{lane.id}”（{lane.title}）不在流程图中，也没有别处用到",
                "请删去，或在流程图中画出",
                at=place,
            )
        if (other := titles.setdefault(lane.title, lane.id)) != lane.id:
            found.error(
                "lane-title-twice",
                MANIFEST,
                f"泳道“{other}”和“{lane.id}”的名称都是“{lane.title}”，无法区分",
                "请改用不同的 title",
                at=place,
            )
        _check_lane(package, lane, place, found)


def _check_items(diagram: Diagram, lane: Lane, nodes: Iterable[str], found: Findings) -> None:
    """Report tasks for each of a list of people that do not run for each of a list."""
    for node in (diagram.nodes[id] for id in nodes if id in diagram.nodes):
        around = [node.xml, *(scope.xml for scope in diagram.scopes_of(node))]
        if node.kind in HUMAN and not any(map(_runs_for_each, around)):
            found.error(
                "lane-item-without-list",
                diagram.file,
                f"“{node.name or node.id}”由“{lane.title}”办理，却没有对名单上的每个人各办一次",
                "请画成并行多实例，写明 loopDataInputRef 和 inputDataItem；或改用别的泳道",
                at=node,
            )


def _runs_for_each(xml: etree._Element) -> bool:
    many = first(xml, "multiInstanceLoopCharacteristics")
    return (
        many is not None
        and many.get("isSequential") != "true"
        and bool(text_of(first(many, "loopDataInputRef")))
        and first(many, "inputDataItem") is not None
    )


def _check_lane(package: Package, lane: Lane, place: Entry, found: Findings) -> None:
    if lane.who is Who.POSTS and not lane.posts:
        found.error(
            "lane-without-posts",
            MANIFEST,
            f"泳道“{lane.title}”没有写由哪些职务办理",
            'posts 请写成例如 ["secretary", "deputy_secretary"]',
            at=place,
        )
    for post in lane.posts:
        if post not in list(PostKind):
            found.error(
                "post-unknown",
                MANIFEST,
                f"泳道“{lane.title}”中的职务“{post}”不认识{did_you_mean(post, PostKind)}",
                "可用的职务：" + "、".join(f"{p.value}（{p.label}）" for p in PostKind),
                at=place,
            )
    if lane.who is Who.PARTICIPANTS and not lane.roles:
        found.error(
            "lane-without-roles",
            MANIFEST,
            f"泳道“{lane.title}”没有写由哪些角色办理",
            'roles 请写成例如 ["contacts"]，并在 [participants.contacts] 写明从哪里来',
            at=place,
        )
    for role in lane.roles:
        if role not in package.participants:
            found.error(
                "role-unknown",
                MANIFEST,
                f"泳道“{lane.title}”中的角色“{role}”没有定义"
                + did_you_mean(role, package.participants),
                f"请写 [participants.{role}]",
                at=place,
            )
    for key in lane.also:
        if key not in package.lanes:
            found.error(
                "also-lane-unknown",
                MANIFEST,
                f"泳道“{lane.title}”的 also 中没有泳道“{key}”"
                + did_you_mean(key, list(package.lanes)),
                f"请写 [lanes.{key}]，或从 also 中删去",
                at=place,
            )
    if lane.or_lane is not None:
        following = package.lanes.get(lane.or_lane)
        if following is None or following.who is Who.PARTICIPANTS:
            found.error(
                "or-lane-unknown",
                MANIFEST,
                f"泳道“{lane.title}”的 or_lane“{lane.or_lane}”没有定义，或本身也靠角色办理",
                "请写一个由职务或本人办理的泳道",
                at=place,
            )
    elif lane.who is Who.PARTICIPANTS:
        found.warn(
            "lane-may-be-empty",
            MANIFEST,
            f"泳道“{lane.title}”在角色空缺时没有人可以办理",
            "请写 or_lane = …，由另一泳道代为办理",
            at=place,
        )
    if package.subject is not Subject.PERSON and (lane.who is Who.SUBJECT or lane.not_subject):
        found.error(
            "lane-without-subject",
            MANIFEST,
            f"泳道“{lane.title}”用到事项的当事人，而本流程不针对个人",
            '请改写泳道，或写 subject = "person"',
            at=place,
        )


def _check_start(package: Package, diagram: Diagram, paths: Paths | None, found: Findings) -> None:
    place = entry_of(package, "start", "")
    if not package.start.lanes:
        found.error(
            "start-missing",
            MANIFEST,
            "没有写明由谁发起事项",
            '请写 [start] 和 lanes = ["…"]',
            element="start",
        )
    for id in package.start.lanes:
        if id not in package.lanes:
            found.error(
                "start-lane-unknown",
                MANIFEST,
                f"[start] 中的泳道“{id}”没有定义{did_you_mean(id, package.lanes)}",
                "请写 [lanes] 中已有的泳道",
                at=Entry("start", place.line),
            )
    for kind in package.start.kinds:
        if kind not in list(OrganisationKind):
            found.error(
                "start-kind-unknown",
                MANIFEST,
                f"[start] kinds 中的“{kind}”不认识{did_you_mean(kind, OrganisationKind)}",
                "可用的有：" + "、".join(f"{k.value}（{k.label}）" for k in OrganisationKind),
                at=Entry("start", place.line),
            )
    check_statuses(
        package.start.subject_status, "[start] subject_status", Entry("start", place.line), found
    )
    first = _first_tasks(diagram, paths) if paths else []
    if len(first) > 1:
        found.error(
            "start-tasks",
            diagram.file,
            "发起后同时有几个用户任务：" + "、".join(node.name or node.id for node in first),
            "请让流程从一个用户任务开始，它随发起一并办理",
            at=first[0],
        )


def _first_tasks(diagram: Diagram, paths: Paths) -> list[Node]:
    """Return the user tasks that can be open right after the start."""
    seen, queue = set(paths.start), list(paths.start)
    first: list[Node] = []
    while queue:
        point = queue.pop()
        node = diagram.nodes[point[0]]
        if node.kind in HUMAN:
            first.append(node)
            continue
        if node.kind in {"intermediateCatchEvent", "receiveTask", "boundaryEvent"}:
            continue
        if node.kind in SUBPROCESSES and point == entry(node.id):
            following = [p for p in paths.after[point] if p[0] not in _boundary_ids(diagram)]
        else:
            following = list(paths.after.get(point, ()))
        for next_point in following:
            if next_point not in seen:
                seen.add(next_point)
                queue.append(next_point)
    return first


def _boundary_ids(diagram: Diagram) -> set[str]:
    return {node.id for node in diagram.nodes.values() if node.kind == "boundaryEvent"}
