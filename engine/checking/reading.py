"""Make of a file the facts that rules judge, with the parameters and holidays it brings along."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Final

from engine.calendars.notices import holiday_year, shipped_years
from engine.calendars.working_days import HolidayTable
from engine.checking.people import FileDirectory, FilePerson, read_organisations, read_people
from engine.checking.problems import FileWrong, Places, Wrong
from engine.checking.tables import Part, Report, as_day, hint
from engine.checking.values import Names, people, person, read_data
from engine.compliance.facts import Facts, Occurrence
from engine.compliance.parameters import ParameterView, Setting, settings_by_place
from engine.compliance.reading import rule_book
from engine.compliance.regulation_reading import FOLDER, load_regulation_folder
from engine.compliance.rules import RuleBook
from engine.definitions.package import At, Lane, Who, load_folder
from engine.definitions.versions import Definition, build_definition
from engine.errors import InvalidInput
from engine.forms.fields import FieldKind, walk

FORMAT: Final = "guicheng-matter-1"
"""Written at the head of a file, so that a later format can be told apart."""
MOST_STEPS: Final = 2_000

_built: Final[dict[str, Definition]] = {}


@dataclass(frozen=True)
class Procedure:
    """What a matter is judged by."""

    definition: Definition
    book: RuleBook


@dataclass(frozen=True)
class GivenMatter:
    """A matter as a file gives it."""

    title: str
    procedure: Procedure
    facts: Facts
    directory: FileDirectory
    people: Mapping[str, FilePerson]
    parameters: ParameterView
    holidays: HolidayTable
    today: date | None
    editions: Mapping[int, str]
    """By ``seq``: the edition under which a step was done, where the file says so."""

    @property
    def judged_on(self) -> date:
        """The day of looking: the file's own, else that of the last record."""
        return self.today or max(
            (max(o.occurred_on, o.recorded_on) for o in self.facts.occurrences),
            default=self.facts.started_on,
        )


def load_procedure(processes: Path, key: str) -> Procedure:
    """Return a procedure of the installation. Raises FileWrong when there is none of the name."""
    known = sorted(path.parent.name for path in processes.glob("*/process.toml"))
    if key not in known:
        near = hint(key, known) or f"，已有：{'、'.join(known)}"
        raise FileWrong([Wrong("procedure", f"没有“{key}”这个流程{near}。")])
    package = load_folder(processes / key)
    regulations = load_regulation_folder(processes / FOLDER)
    if package.sha256 not in _built:
        _built.clear()  # one is enough: it saves building again when many files are checked
        _built[package.sha256] = build_definition(package)
    return Procedure(_built[package.sha256], rule_book(package, regulations))


def read_matter(values: Mapping[str, Any], places: Places, processes: Path) -> GivenMatter:
    """Return the matter that a file gives. Raises FileWrong with all that is wrong with it."""
    report = Report(places)
    file = Part(report, "", values)
    if file.text("format", FORMAT) != FORMAT:
        file.wrong("format", f"应当是 {FORMAT}。")
    key = file.text("procedure")
    report.stop()
    procedure = load_procedure(processes, key)
    title = file.text("title", "")
    organisations = read_organisations(file)
    people_by_name = read_people(file, organisations)
    own = organisations.get(file.text("organisation"))
    if own is None:
        file.wrong("organisation", "请填写 organisations 中的一个名称。")
    names = Names(
        {name: one.id for name, one in people_by_name.items()},
        {name: one.id for name, one in organisations.items()},
    )
    subject = None
    if (given := file.get("subject")) is not None:
        subject = person(file, "subject", given, names)
    directory = FileDirectory(organisations)
    holidays = _holidays(file)
    today = file.day("today")
    ended_on, outcome = file.day("ended_on"), file.get("outcome")
    settings = _settings(file.part("parameters"), procedure.book, own.id if own else 0)
    file.get("steps")
    if own is None:
        report.stop()
    assert own is not None
    steps = _Steps(procedure, directory, people_by_name, names, own.id)
    occurrences = steps.read(file.parts("steps"))
    if not occurrences:
        file.wrong("steps", "一个环节也没有。")
    file.done()
    report.stop()
    return GivenMatter(
        title=title,
        procedure=procedure,
        facts=Facts(
            key=key,
            organisation=own.place,
            subject=subject,
            started_on=occurrences[0].occurred_on,
            occurrences=tuple(occurrences),
            ended_on=ended_on,
            outcome=outcome,
        ),
        directory=directory,
        people=people_by_name,
        parameters=ParameterView(procedure.book.parameters, settings_by_place(settings), (own.id,)),
        holidays=holidays,
        today=today,
        editions=steps.editions,
    )


def _holidays(file: Part) -> HolidayTable:
    years = {year.year: year for year in shipped_years()}
    for n, part in enumerate(file.parts("holidays")):
        try:
            year = holiday_year({"source": "随文件提供", **part.values})
        except InvalidInput as error:
            for texts in error.fields.values():
                for text in texts:
                    file.report.wrong(f"holidays[{n}]", text)
        else:
            years[year.year] = year
    return HolidayTable.of(years.values())


def _settings(part: Part, book: RuleBook, organisation_id: int) -> Iterable[Setting]:
    found: list[Setting] = []
    for name in part.values:
        value, declared = part.get(name), book.parameters.get(name)
        if declared is None:
            part.wrong(name, f"没有“{name}”这个参数{hint(name, book.parameters)}。")
            continue
        try:
            read = declared.check(value)
        except InvalidInput as error:
            part.wrong(name, str(error))
            continue
        found.append(Setting(declared.key, organisation_id, "", read, date.min, None, "随文件提供"))
    return found


class _Steps:
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
            parts[0].report.wrong("steps", f"最多 {MOST_STEPS} 个环节。")
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
            part.wrong("step", f"“{word}”不止一个环节，请写明是哪一个：{'、'.join(fitting)}。")
        elif word:
            known = [w for s in steps for w in (s.element, s.number, s.title) if w]
            part.wrong("step", f"流程没有“{word}”这个环节{hint(word, known)}。")
        return None

    def _occurrence(self, part: Part, element: str, seq: int) -> Occurrence:
        definition = self.procedure.definition
        day = part.needed_day("on")
        recorded = part.day("recorded_on") or day
        if recorded < day:
            part.wrong("recorded_on", "登记日期早于发生日期。")
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
        if (at := part.get("at")) is not None:
            if at not in self.names.organisations:
                near = hint(str(at), self.names.organisations)
                part.wrong("at", f"没有“{at}”这个党组织{near}。")
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
                part.wrong(key, f"“{key}”不是到会情况。")
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


def with_end(matter: GivenMatter, ended_on: date | None, outcome: str | None) -> GivenMatter:
    """Return a matter with the end that followed from its steps, unless the file gave one."""
    facts = matter.facts
    if facts.ended_on is not None or facts.outcome is not None or ended_on is None:
        return matter
    return replace(matter, facts=replace(facts, ended_on=ended_on, outcome=outcome))
