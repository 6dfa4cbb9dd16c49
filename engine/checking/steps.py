"""Read the steps of a matter's file: when, by whom, where, and with which answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

from engine.checking.people import FileDirectory, FilePerson
from engine.checking.procedures import Procedure
from engine.checking.tables import Part, as_day, hint
from engine.checking.values import Names, people, person, read_data
from engine.compliance.facts import Occurrence
from engine.definitions.package import At, Lane, Who
from engine.errors import N_, Sentence
from engine.forms.fields import FieldKind, walk

MOST_STEPS: Final = 2_000


class StepReader:
    """Reads the steps of a file."""

    def __init__(
        self,
        procedure: Procedure,
        directory: FileDirectory,
        people_by_name: Mapping[str, FilePerson],
        names: Names,
        own: int,
    ) -> None:
        self.procedure = procedure
        self.package = procedure.definition.package
        self.directory = directory
        self.people = {one.id: one for one in people_by_name.values()}
        self.names = names
        self.own = own
        self.editions: dict[int, str] = {}

    def read(self, parts: list[Part]) -> list[Occurrence]:
        """Return the occurrences in the order of the file."""
        if len(parts) > MOST_STEPS:
            parts[0].report.wrong("steps", Sentence(N_("最多 %(n)s 个环节。"), n=MOST_STEPS))
            return []
        found: list[Occurrence] = []
        for seq, part in enumerate(parts, 1):
            element = self._element(part)
            if element is not None:
                found.append(self._occurrence(part, element, seq))
        return found

    def _element(self, part: Part) -> str | None:
        word = part.text("step")
        if word in self.package.steps or word in self.package.messages:
            return word
        steps = self.package.steps.values()
        fitting = [step.element for step in steps if word in (step.number, step.title)]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            part.wrong(
                "step",
                Sentence(
                    N_("“%(word)s”不止一个环节，请写明是哪一个：%(known)s。"),
                    word=word,
                    known=tuple(fitting),
                ),
            )
        elif word:
            known = [w for s in steps for w in (s.element, s.number, s.title) if w]
            near = hint(word, known)
            part.wrong(
                "step", Sentence(N_("流程没有“%(word)s”这个环节%(near)s。"), word=word, near=near)
            )
        return None

    def _occurrence(self, part: Part, element: str, seq: int) -> Occurrence:
        definition = self.procedure.definition
        day = part.needed_day("on")
        recorded = part.day("recorded_on") or day
        if recorded < day:
            part.wrong("recorded_on", Sentence(N_("登记日期早于发生日期。")))
        step = self.package.steps.get(element)
        form_name = step.form if step else self.package.messages[element].form
        data: dict[str, Any] = {}
        rolls: dict[str, tuple[int, ...]] = {}
        if form_name:
            form = definition.forms[form_name]
            data = read_data(
                part.part("data"), form, self.names, tuple(self.procedure.book.foreign)
            )
            rolls = self._rolls(part.part("roll"), element)
        place_id = self._place(part, element)
        organisation = self.directory.of(place_id)
        actor = part.get("by")
        if edition := part.get("edition"):
            self.editions[seq] = str(edition)
        occurrence = Occurrence(
            element=element,
            occurred_on=day,
            recorded_on=recorded,
            data=data,
            seq=seq,
            actor=None if actor is None else person(part, "by", actor, self.names),
            place=organisation.place if organisation else None,
            people={
                one.id: one.witness(day, organisation.name if organisation else None)
                for one in self._named(element, data)
            },
            rolls=rolls,
            by_timer=part.flag("by_timer"),
            statuses=tuple(_statuses(part.part("status"))),
        )
        part.done()
        return occurrence

    def _place(self, part: Part, element: str) -> int | None:
        """Return where a step was done: as the file says, else where it is the lane's business."""
        if at := part.text("at", ""):
            if at not in self.names.organisations:
                near = hint(at, self.names.organisations)
                part.wrong(
                    "at", Sentence(N_("没有“%(word)s”这个党组织%(near)s。"), word=at, near=near)
                )
            return self.names.organisations.get(at)
        lane = self.procedure.definition.lanes.get(element)
        return self.own if lane is None else lawful_place(lane, self.own, self.directory)

    def _rolls(self, part: Part, element: str) -> dict[str, tuple[int, ...]]:
        fields = walk(self.procedure.definition.form_of(element).fields) if part.values else ()
        known = {field.key for field in fields if field.kind is FieldKind.ATTENDANCE}
        found: dict[str, tuple[int, ...]] = {}
        for key in part.values:
            value = part.get(key)
            if key not in known:
                part.wrong(key, Sentence(N_("“%(word)s”不是到会情况。"), word=key))
            elif value is not None:
                found[key] = tuple(people(part, key, value, self.names))
        return found

    def _named(self, element: str, data: Mapping[str, Any]) -> list[FilePerson]:
        if element not in self.package.steps:
            return []
        ids: list[int] = []
        for field in walk(self.procedure.definition.form_of(element).fields):
            value = data.get(field.key)
            if field.kind is FieldKind.PERSON and isinstance(value, int):
                ids.append(value)
            elif field.kind is FieldKind.PEOPLE and isinstance(value, list):
                ids += value
            elif field.kind is FieldKind.ATTENDANCE and isinstance(value, dict):
                ids += value["present_people"]
        return [self.people[id] for id in dict.fromkeys(ids)]


def lawful_place(lane: Lane, own: int, directory: FileDirectory) -> int | None:
    """Return the organisation whose business a lane is."""
    if lane.who is not Who.POSTS or lane.at is At.ORGANISATION:
        return own
    if lane.at is At.PARENT:
        return directory.parent(own)
    approving = directory.approving(own)
    if lane.at is At.APPROVING or approving is None:
        return approving
    return directory.parent(approving)


def _statuses(part: Part) -> Iterable[tuple[str, date]]:
    for code in part.values:
        day = as_day(part.report, part.at(code), part.get(code))
        if day is not None:
            yield code, day
