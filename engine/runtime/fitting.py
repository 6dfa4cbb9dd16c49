"""Whether a matter can go on with another version of its procedure and, if not, why not.

Only what is safe beyond doubt goes on: whatever the matter has done, and wherever it stands, is the
same in the new version. What lies ahead of it may be as different as one likes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from engine.definitions.elements import HUMAN_TASKS, SUBPROCESSES, ElementInfo
from engine.definitions.parsing import FrozenSpec
from engine.definitions.parts import Effect
from engine.definitions.versions import Definition
from engine.errors import N_, Sentence
from engine.runtime import transitions
from engine.runtime.fitting_records import (
    Past,
    form_file,
    known_otherwise,
    record_otherwise,
)
from engine.runtime.matters import Matter, OpenedTask, Transition, World
from engine.runtime.snapshot import carries

_JOINING: Final = frozenset({"parallelGateway", "inclusiveGateway"})


def lasting_differences(old: Definition, new: Definition) -> tuple[Sentence, ...]:
    """Say why no matter at all can go from one version to the other; empty if some can."""
    found = list(_missing(old, new))
    if not found and not carries(old.spec, new.spec):
        found.append(Sentence(N_("新版本的流程图结构不同，读不了旧版本的办理状态。")))
    for title in sorted(_sensitive(old) - _sensitive(new)):
        found.append(Sentence(N_("“%(document)s”在新版本里不再是涉密材料。"), document=title))
    if old.ruled and not new.ruled:
        found.append(Sentence(N_("新版本没有规则，按旧版本发现的问题会无从核对。")))
    return tuple(found)


def reasons_to_stay(
    matter: Matter, new: Definition, past: Past | None, world: World
) -> tuple[Sentence, ...]:
    """Say why a matter stays on its version; empty when it can go on with ``new``.

    The versions are without :func:`lasting_differences`. Raises EngineFault.
    """
    if past is None:
        return (Sentence(N_("该事项有内容已按规定清除，无法核对。")),)
    here = transitions.look(matter, world)
    there = transitions.look(replace(matter, definition=new), world)
    old = matter.definition
    standing = {task.element for task in here.opened}
    standing |= {timer.element for timer in here.timers}
    standing |= {waiting.element for waiting in here.subscriptions}
    return (
        *_open_otherwise(old, new, here, there),
        *_way_otherwise(old, new, past, standing),
        *record_otherwise(old, new, past),
        *known_otherwise(matter, new, past),
    )


# --- for every matter


def _missing(old: Definition, new: Definition) -> Iterator[Sentence]:
    for element, info in old.spec.elements.items():
        there = new.spec.elements.get(element)
        name = info.name or element
        if there is None or (element in old.package.steps and element not in new.package.steps):
            yield Sentence(N_("新版本没有“%(element)s”。"), element=name)
        elif _kind_of(info) != _kind_of(there):
            yield Sentence(N_("“%(element)s”在新版本里是另一种环节。"), element=name)
    for key, message in old.package.messages.items():
        same = new.package.messages.get(key)
        if same is None or same.name != message.name:
            yield Sentence(N_("新版本没有“%(element)s”。"), element=message.title)


def _kind_of(info: ElementInfo) -> tuple[Any, ...]:
    """Return what an element is, apart from its name, its lane and its flows."""
    return (
        info.kind,
        info.parent,
        info.process,
        info.multi_instance,
        info.looping,
        info.event,
        info.event_name,
        info.attached_to,
        info.interrupting,
        info.called,
        info.collection,
    )


def _sensitive(definition: Definition) -> set[str]:
    return {document.title for document in definition.package.documents if document.sensitive}


# --- where it stands


def _open_otherwise(
    old: Definition, new: Definition, here: Transition, there: Transition
) -> Iterator[Sentence]:
    mine = {task.uid: task for task in here.opened}
    same = {task.uid: task for task in there.opened}
    waits = [(frozenset(one.timers), frozenset(one.subscriptions)) for one in (here, there)]
    if mine.keys() != same.keys() or waits[0] != waits[1]:
        yield Sentence(N_("待办的环节或者等待的时限、通知在新版本里不同。"))
        return
    for uid, task in mine.items():
        other = same[uid]
        if (task.element, task.item, task.person_id) != (
            other.element,
            other.item,
            other.person_id,
        ) or _who(task) != _who(other):
            yield Sentence(N_("“%(step)s”在新版本里由别人办理。"), step=task.step.title)
        ballot = task.element in old.ballots or task.element in new.ballots
        if ballot and form_file(old, task.element) != form_file(new, task.element):
            yield Sentence(N_("“%(step)s”正在投票，票面在新版本里不同。"), step=task.step.title)


def _who(task: OpenedTask) -> tuple[Any, ...]:
    return frozenset(task.candidates.principals), task.candidates.organisation_id


# --- the way it has come


def _way_otherwise(
    old: Definition, new: Definition, past: Past, standing: set[str]
) -> Iterator[Sentence]:
    before, after = old.spec, new.spec
    reached = past.passed | _waiting_after(before, past.passed)
    touched = _around(before, standing | reached | past.opened)
    asked = _asked(before), _asked(after)
    joined = any(info.kind in _JOINING for e, info in before.elements.items() if e in past.passed)
    for element, info in before.elements.items():
        name = info.name or element
        if element in reached and _ways(before, element) != _ways(after, element):
            yield Sentence(N_("已经到过“%(element)s”，它之后的走向在新版本里不同。"), element=name)
        if element in past.passed and _effects(old, element) != _effects(new, element):
            yield Sentence(N_("已经走过“%(element)s”，它的结果在新版本里不同。"), element=name)
        if (
            joined
            and info.kind in _JOINING
            and _sources(before, element) != _sources(after, element)
        ):
            yield Sentence(
                N_("已经并行办理，“%(element)s”汇合的分支在新版本里不同。"), element=name
            )
        if (element in touched or info.attached_to in touched) and (
            asked[0].get(element) != asked[1].get(element)
        ):
            yield Sentence(
                N_("“%(element)s”的时限、次数或者条件在新版本里不同，该事项已经到过那里。"),
                element=name,
            )
        simple = info.kind in HUMAN_TASKS or info.kind in SUBPROCESSES
        if (element in touched or not simple) and _attached(before, element) != _attached(
            after, element
        ):
            yield Sentence(
                N_("新版本在“%(element)s”上加了时限或者通知，该事项已经到过那里。"), element=name
            )


def _waiting_after(spec: FrozenSpec, passed: Collection[str]) -> set[str]:
    """Return the gateways at which it may wait for one of several events: not passed till then."""
    return {
        element
        for element, info in spec.elements.items()
        if info.kind == "eventBasedGateway" and not _sources(spec, element).isdisjoint(passed)
    }


def _ways(spec: FrozenSpec, element: str) -> list[tuple[str, str | None, bool]]:
    """Return the ways out of an element in their order, with what decides among them."""
    flows = (spec.flows[flow] for flow in spec.elements[element].outgoing)
    return [(flow.target, flow.condition, flow.default) for flow in flows]


def _effects(definition: Definition, element: str) -> tuple[Effect, ...]:
    return tuple(compiled.effect for compiled in definition.effects.get(element, ()))


def _asked(spec: FrozenSpec) -> dict[str, list[str]]:
    """Return the expressions of each element (and flow)."""
    found: dict[str, list[str]] = {}
    for use in spec.expressions:
        found.setdefault(use.element, []).append(use.source)
    return found


def _sources(spec: FrozenSpec, element: str) -> frozenset[str]:
    flows = spec.elements[element].incoming
    return frozenset(spec.flows[flow].source for flow in flows)


def _attached(spec: FrozenSpec, element: str) -> frozenset[str]:
    return frozenset(e for e, info in spec.elements.items() if info.attached_to == element)


def _around(spec: FrozenSpec, elements: Iterable[str]) -> set[str]:
    """Return elements with all that they stand in: subprocesses, and activities that call."""
    callers = {info.called: e for e, info in spec.elements.items() if info.called}
    found: set[str] = set()
    waiting = [element for element in elements if element in spec.elements]
    while waiting:
        element = waiting.pop()
        if element in found:
            continue
        found.add(element)
        info = spec.elements[element]
        outer = (info.parent, callers.get(info.process), info.attached_to)
        waiting += [one for one in outer if one is not None and one in spec.elements]
    return found
