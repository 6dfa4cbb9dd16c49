"""What the record of a matter says, and whether another version of its procedure understands it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from engine.compliance.from_ledger import Told
from engine.definitions.versions import Definition
from engine.errors import N_, Sentence
from engine.forms import FormSchema
from engine.forms.apart import is_apart
from engine.forms.fields import PLAIN, Field, FieldKind
from engine.ledger.kinds import EntryKind
from engine.runtime.conditions import given
from engine.runtime.matters import Matter

_SAYING: Final = (EntryKind.COMPLETED, EntryKind.MESSAGE_RECEIVED)


@dataclass(frozen=True, slots=True)
class Past:
    """What a matter has gone through, the undone included: it may come back to there."""

    passed: frozenset[str]
    """The elements of the diagram that were passed."""
    opened: frozenset[str]
    """The steps that were open at some time."""
    recorded: frozenset[str]
    """The steps and messages that have a form in the record."""


def past_of(told: Iterable[Told]) -> Past | None:
    """Return what the entries of a matter tell; None when some of it was erased."""
    passed: set[str] = set()
    opened: set[str] = set()
    recorded: set[str] = set()
    for entry in told:
        if entry.kind == EntryKind.ERASED:
            return None
        passed.update(entry.payload.get("passed", ()))
        opened.update(entry.payload.get("opened", ()))
        if entry.kind in _SAYING and entry.element is not None:
            recorded.add(entry.element)
    return Past(frozenset(passed | recorded), frozenset(opened), frozenset(recorded))


def forms_changed(old: Definition, new: Definition) -> list[str]:
    """Return the steps whose form is another in the new version."""
    return [e for e in old.package.steps if form_file(old, e) != form_file(new, e)]


def record_otherwise(old: Definition, new: Definition, past: Past) -> Iterator[Sentence]:
    """Yield the recorded forms that the new version could not show whole."""
    for element in sorted(past.recorded):
        before, after = _form(old, element), _form(new, element)
        if before is None or form_file(old, element) == form_file(new, element):
            continue
        lost = next(_lost(before, after), None)
        if lost is not None:
            yield Sentence(
                N_("“%(step)s”已有记录，其中“%(field)s”在新版本的表单里没有或者不同。"),
                step=_title(old, element),
                field=lost,
            )


def _lost(before: FormSchema, after: FormSchema | None) -> Iterator[str]:
    """Yield the questions of a form that the other one could not show the answers of."""
    answers = () if after is None else _answers(after.fields)
    there = {field.path: (field, apart) for field, apart in answers}
    for field, apart in _answers(before.fields):
        same, still_apart = there.get(field.path, (None, False))
        if (
            same is None
            or same.kind is not field.kind
            or field.kind is FieldKind.BALLOT
            or still_apart is not apart
            or same.props != field.props  # what a vote needs is among them
            or not {o.value for o in field.options} <= {o.value for o in same.options}
        ):
            yield field.label or field.path


def _answers(fields: Sequence[Field], apart: bool = False) -> Iterator[tuple[Field, bool]]:
    """Yield the questions, each with whether only the people concerned read its answer."""
    for field in fields:
        own = apart or is_apart(field)
        if field.kind not in PLAIN and field.kind is not FieldKind.GROUP:
            yield field, own
        yield from _answers(field.children, own)


def known_otherwise(matter: Matter, new: Definition, past: Past) -> Iterator[Sentence]:
    """Yield what the new version wants to know of steps that were done without keeping it."""
    old = matter.definition
    wanted: set[str] = set()
    for element in past.recorded:
        wanted |= _kept(new, element) - _kept(old, element)
    began, begins = given(matter), given(replace(matter, definition=new))
    asked = new.spec.variables
    elsewhere = frozenset().union(*(form.keys for form in new.forms.values()))
    wanted |= {name for name in asked - old.spec.variables if name not in elsewhere}
    wanted |= {
        role.role
        for role in new.package.participants.values()
        if role.element in past.recorded and role.role in asked - old.spec.variables
    }
    wanted |= {name for name in asked & begins.keys() if began.get(name) != begins[name]}
    if wanted:
        yield Sentence(
            N_("新版本要用到旧版本没有保留的内容：%(names)s。"), names=tuple(sorted(wanted))
        )
    if missed := (new.dates - old.dates) & past.passed:
        yield Sentence(
            N_("新版本要用到旧版本没有保留的日期：%(names)s。"),
            names=tuple(_title(new, element) for element in sorted(missed)),
        )
    held = {(r.role, r.element, r.field) for r in old.package.participants.values()}
    for role in new.package.participants.values():
        if role.element in past.recorded and (role.role, role.element, role.field) not in held:
            yield Sentence(
                N_("新版本由“%(step)s”确定参与人，该事项办理时没有确定。"),
                step=_title(new, role.element),
            )


def _kept(definition: Definition, element: str) -> frozenset[str]:
    name = _form_name(definition, element)
    return frozenset() if name is None else definition.kept[name]


def _form(definition: Definition, element: str) -> FormSchema | None:
    name = _form_name(definition, element)
    return None if name is None else definition.forms[name]


def form_file(definition: Definition, element: str) -> bytes | None:
    """Return the file of the form of a step or message."""
    name = _form_name(definition, element)
    package = definition.package
    return None if name is None else package.files[package.form_file(name)]


def _form_name(definition: Definition, element: str) -> str | None:
    step = definition.package.steps.get(element)
    if step is not None:
        return step.form
    message = definition.package.messages.get(element)
    return None if message is None else message.form


def _title(definition: Definition, element: str) -> str:
    package = definition.package
    step = package.steps.get(element) or package.messages.get(element)
    if step is not None:
        return step.title
    info = definition.spec.elements.get(element)
    return (info.name if info else "") or element
