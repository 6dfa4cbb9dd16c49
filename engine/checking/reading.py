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
from engine.checking.problems import Places
from engine.checking.procedures import Procedure, load_procedure
from engine.checking.steps import StepReader
from engine.checking.tables import Part, Report, hint
from engine.checking.values import Names, person
from engine.compliance.facts import Facts
from engine.compliance.parameters import ParameterView, Setting, settings_by_place
from engine.compliance.rules import RuleBook
from engine.errors import N_, InvalidInput, Sentence

FORMAT: Final = "guicheng-matter-1"
"""Written at the head of a file, so that a later format can be told apart."""


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


def read_matter(values: Mapping[str, Any], places: Places, processes: Path) -> GivenMatter:
    """Return the matter that a file gives. Raises FileWrong with all that is wrong with it."""
    report = Report(places)
    file = Part(report, "", values)
    if file.text("format", FORMAT) != FORMAT:
        file.wrong("format", Sentence(N_("应当是 %(format)s。"), format=FORMAT))
    key = file.text("procedure")
    report.stop()
    procedure = load_procedure(processes, key)
    title = file.text("title", "")
    organisations = read_organisations(file)
    people_by_name = read_people(file, organisations)
    own = organisations.get(file.text("organisation"))
    if own is None:
        file.wrong("organisation", Sentence(N_("请填写 organisations 中的一个名称。")))
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
    ended_on, outcome = file.day("ended_on"), file.text("outcome", "") or None
    settings = _settings(file.part("parameters"), procedure.book, own.id if own else 0)
    file.get("steps")
    if own is None:
        report.stop()
    assert own is not None
    steps = StepReader(procedure, directory, people_by_name, names, own.id)
    occurrences = steps.read(file.parts("steps"))
    if not occurrences and file.get("steps") in (None, []):
        file.wrong("steps", Sentence(N_("一个环节也没有。")))
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
            for text in _texts(error):
                file.report.wrong(f"holidays[{n}]", text)
        else:
            years[year.year] = year
    return HolidayTable.of(years.values())


def _settings(part: Part, book: RuleBook, organisation_id: int) -> Iterable[Setting]:
    found: list[Setting] = []
    for name in part.values:
        value, declared = part.get(name), book.parameters.get(name)
        if declared is None:
            near = hint(name, book.parameters)
            part.wrong(name, Sentence(N_("没有“%(word)s”这个参数%(near)s。"), word=name, near=near))
            continue
        try:
            read = declared.check(value)
        except InvalidInput as error:
            for text in _texts(error):
                part.wrong(name, text)
            continue
        found.append(Setting(declared.key, organisation_id, "", read, date.min, None, "随文件提供"))
    return found


def _texts(error: InvalidInput) -> list[str]:
    return [text for texts in error.fields.values() for text in texts] or [
        Sentence(error.template, **error.params)
    ]


def with_end(matter: GivenMatter, ended_on: date | None, outcome: str | None) -> GivenMatter:
    """Return a matter with the end that followed from its steps, unless the file gave one."""
    facts = matter.facts
    if facts.ended_on is not None or facts.outcome is not None or ended_on is None:
        return matter
    return replace(matter, facts=replace(facts, ended_on=ended_on, outcome=outcome))
