"""A lawful, complete matter of member admission, from which a test changes one thing.

Three of them: wholly under the 2014 edition, wholly under the 2026 edition, and one that crosses
2026-05-18. Nothing here touches a database.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from engine.calendars.arithmetic import add_days, add_months
from engine.calendars.notices import shipped_years
from engine.calendars.working_days import Holiday, HolidayTable, HolidayYear
from engine.compliance.evaluation import evaluate
from engine.compliance.facts import Facts, Occurrence, Place, Witness
from engine.compliance.parameters import ParameterView, Setting, settings_by_place
from engine.compliance.reading import rule_book
from engine.compliance.regulation_reading import load_regulation_folder
from engine.compliance.regulations import Regulations
from engine.compliance.results import Outcome, Result
from engine.compliance.rules import RuleBook
from engine.definitions.package import load_folder

PROCESSES = Path(__file__).parent.parent / "processes"

SUBJECT = 1
SECRETARY, CONTACT, INTRODUCER, RECORDER = 11, 12, 13, 14
MEMBERS = (11, 12, 13, 14, 15, 16, 17, 18, 19)
"""Full members with a vote: those due are nine, of whom five make a quorum and carry a motion."""
PROBATIONARY_MEMBER, ORGANISER, APPROVER = 21, 31, 32

BRANCH = Place(5, "branch")
COMMITTEE = Place(3, "committee", approves=True)
COUNTY = Place(2, "committee")

SUPERIOR = frozenset(
    [
        "file_activist",
        "consent_prospect",
        "investigate_objection",
        "intensive_training",
        "pre_review",
        "superior_talk",
        "approve_admission",
        "approve_extension",
        "approve_conversion",
    ]
)
"""Steps that the superior committee does."""


def _year(year: int) -> HolidayYear:
    """Return a notice for a year to come: a holiday at New Year and one in October, no more."""
    return HolidayYear(
        year,
        "test",
        (
            Holiday("元旦", date(year, 1, 1), date(year, 1, 1)),
            Holiday("国庆", date(year, 10, 1), date(year, 10, 7)),
        ),
    )


SHIPPED = HolidayTable.of(shipped_years())
"""The notices at hand: 2023 to 2026."""
HOLIDAYS = HolidayTable.of([*shipped_years(), *map(_year, (2022, *range(2027, 2033)))])
"""With years before and to come."""


@cache
def regulations() -> Regulations:
    """Return the regulations shipped with the software."""
    return load_regulation_folder(PROCESSES / "regulations")


@cache
def book(key: str = "member_admission") -> RuleBook:
    """Return the rules of a procedure."""
    return rule_book(load_folder(PROCESSES / key), regulations())


def parameters(**values: Any) -> ParameterView:
    """Return the parameters with some set otherwise by the matter's own branch."""
    declared = book().parameters
    settings = [
        Setting(declared[name].key, 5, "测试支部", value, date(2000, 1, 1), None, "test")
        for name, value in values.items()
    ]
    return ParameterView(declared, settings_by_place(settings), (5, 3, 2))


@dataclass
class Step:
    """One time that a step was done; a test may change anything."""

    element: str
    day: date
    data: dict[str, Any] = field(default_factory=dict)
    recorded: date | None = None
    people: dict[int, Witness] | None = None
    rolls: dict[str, tuple[int, ...]] = field(default_factory=dict)
    place: Place | None = None
    actor: int | None = 41
    by_timer: bool = False
    statuses: tuple[tuple[str, date], ...] | None = None
    """None: those that lawfully follow."""


@dataclass
class Matter:
    """A matter that is being made up."""

    steps: list[Step]
    ended_on: date | None = None
    outcome: str | None = None
    allowed: frozenset[tuple[str, str]] = frozenset()
    waived: Mapping[tuple[str, str, int], str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def step(self, element: str, number: int = 1) -> Step:
        """Return the step done for the ``number``-th time; -1 is the last."""
        found = [step for step in self.steps if step.element == element]
        return found[number - 1 if number > 0 else number]

    def on(self, element: str, day: date | str, number: int = 1) -> Matter:
        """Let a step happen on another day."""
        self.step(element, number).day = date.fromisoformat(day) if isinstance(day, str) else day
        return self

    def change(self, element: str, number: int = 1, **data: Any) -> Matter:
        """Change what was entered; None removes a field."""
        entered = self.step(element, number).data
        entered.update(data)
        for name in [name for name, value in entered.items() if value is None]:
            del entered[name]
        return self

    def drop(self, element: str) -> Matter:
        """Leave a step out, every time."""
        self.steps = [step for step in self.steps if step.element != element]
        return self

    def insert(self, after: str, step: Step) -> Matter:
        """Put a step after the last time that another was done."""
        index = max(n for n, one in enumerate(self.steps) if one.element == after)
        self.steps.insert(index + 1, step)
        return self

    def until(self, element: str) -> Matter:
        """Go no further than the first time that ``element`` was done."""
        index = next(n for n, one in enumerate(self.steps) if one.element == element)
        self.steps = self.steps[: index + 1]
        self.ended_on = self.outcome = None
        return self

    def day(self, element: str, number: int = -1) -> date:
        """Return the day on which a step happened."""
        return self.step(element, number).day

    def facts(self) -> Facts:
        """Return the matter as rules see it."""
        return Facts(
            key="member_admission",
            organisation=BRANCH,
            subject=SUBJECT,
            started_on=self.steps[0].day,
            occurrences=tuple(self._occurrence(n, s) for n, s in enumerate(self.steps, 2)),
            ended_on=self.ended_on,
            outcome=self.outcome,
            allowed=self.allowed,
            waived=dict(self.waived),
        )

    def _occurrence(self, seq: int, step: Step) -> Occurrence:
        place = COMMITTEE if step.element in SUPERIOR else BRANCH
        people = step.people
        if people is None:
            people = {person: Witness("full") for person in MEMBERS}
            people[ORGANISER] = Witness("full", posts=("organiser",))
        return Occurrence(
            element=step.element,
            occurred_on=step.day,
            recorded_on=step.recorded or step.day,
            data=dict(step.data),
            seq=seq,
            actor=step.actor,
            place=step.place or (COUNTY if step.element == "file_admission" else place),
            people=people,
            rolls=step.rolls,
            by_timer=step.by_timer,
            statuses=self._statuses(step) if step.statuses is None else step.statuses,
        )

    def _statuses(self, step: Step) -> tuple[tuple[str, date], ...]:
        if not any(one.element == "hold_admission_meeting" for one in self.steps):
            return ()
        if step.element == "approve_admission" and step.data["approval_decision"] == "approve":
            return (("probationary", self.day("hold_admission_meeting")),)
        if step.element == "approve_conversion":
            months = 12
            if any(one.element == "approve_extension" for one in self.steps):
                months += self.step("approve_extension").data["extension_months"]
            return (("full", add_months(self.day("hold_admission_meeting"), months)),)
        return ()


# --- meetings -----------------------------------------------------------------------------------


def attendance(
    due: int = 9, present: int = 8, excluded: tuple[tuple[int, str], ...] = ()
) -> dict[str, Any]:
    """Return an attendance as forms record it; the first of the members came."""
    people = [p for p in MEMBERS if p not in dict(excluded)][:present]
    people += [100 + n for n in range(present - len(people))]
    return {
        "due": due,
        "present": present,
        "present_people": people,
        "excluded": [{"person": person, "reason": reason} for person, reason in excluded],
        "quorate": 2 * present > due,
        "needed": due // 2 + 1,
    }


def vote(
    yes: int = 8,
    no: int = 0,
    abstain: int = 0,
    *,
    due: int = 9,
    present: int = 8,
    written: int = 0,
    outcome: str | None = None,
) -> dict[str, Any]:
    """Return a secret vote as forms record it; ``written`` are opinions in favour."""
    carried = "adopted" if 2 * (yes + written) > due else "lost"
    if 2 * present <= due:
        carried = "no_quorum"
    return {
        "for": yes,
        "against": no,
        "abstain": abstain,
        "written": {"for": written, "against": 0, "abstain": 0},
        "issued": yes + no + abstain,
        "collected": yes + no + abstain,
        "due": due,
        "present": present,
        "needed": due // 2 + 1,
        "outcome": outcome or carried,
    }


VOID = {
    "for": 0, "against": 0, "abstain": 0, "written": {"for": 0, "against": 0, "abstain": 0},
    "issued": 0, "collected": 0, "due": 9, "present": 4, "needed": 5, "outcome": "no_quorum",
}  # fmt: skip
"""The vote of a meeting without quorum."""


def witnesses(count: int) -> dict[int, Witness]:
    """Return full members enough for any meeting of a test."""
    return {person: Witness("full") for person in (*MEMBERS, *range(100, 100 + count))}


# --- matters ------------------------------------------------------------------------------------


def _committee(**data: Any) -> dict[str, Any]:
    there = {
        "due": 3,
        "present": 3,
        "present_people": [SECRETARY, CONTACT, INTRODUCER],
        "excluded": [],
        "quorate": True,
        "needed": 2,
    }
    return {"committee_attendance": there, "committee_minutes": "一致同意。", **data}


def _examination(day: date, **data: Any) -> Step:
    return Step("examine_activist", day, {"examination_next": "continue", **data})


def admission(start: date, *, notice: bool = True) -> list[Step]:
    """Return the steps 01 to 20 of a lawful matter that begins on ``start``."""
    decided = add_days(start, 40)
    proposed = add_months(decided, 13)
    listed = add_days(proposed, 26)
    meeting = add_days(listed, 60)
    approved = add_days(meeting, 40)
    steps = [
        Step("submit_application", start, {"birth_date": add_months(start, -240).isoformat()}),
        Step("first_talk", add_days(start, 10), {"talkers": [SECRETARY]}),
        Step(
            "decide_activist",
            decided,
            _committee(recommended_by=["members"], activist_decision="agree"),
        ),
        Step("file_activist", add_days(decided, 10), {"activist_filing_decision": "agree"}),
        Step(
            "assign_contacts",
            add_days(decided, 20),
            {"contacts": [CONTACT, INTRODUCER], "contacts_since": decided.isoformat()},
        ),
        _examination(add_months(decided, 6)),
        _examination(add_months(add_months(decided, 6), 6), examination_next="propose"),
        Step(
            "propose_prospect",
            proposed,
            _committee(
                prospect_decision="agree",
                no_group=False,
                opinion_group="同意。",
                opinion_contacts="同意。",
                opinion_members="同意。",
                opinion_masses="同意。",
            ),
        ),
        Step("consent_prospect", add_days(proposed, 5), {"prospect_consent_decision": "agree"}),
    ]
    if notice:
        steps += [
            Step("post_notice", add_days(proposed, 6), {"notice_places": ["work"]}),
            Step("conclude_notice", listed, {"notice_decision": "none"}),
        ]
    steps += [
        Step(
            "assign_introducers",
            add_days(listed, 1),
            {"introducers": [CONTACT, INTRODUCER]},
        ),
        Step(
            "political_review",
            add_days(listed, 20),
            {"review_decision": "pass", "review_signers": [SECRETARY]},
        ),
        Step(
            "intensive_training",
            add_days(listed, 25),
            {"training_days": 3, "training_hours": 24, "training_result": "pass"},
        ),
        Step("committee_check", add_days(listed, 35), _committee(committee_check_decision="pass")),
        Step(
            "pre_review",
            add_days(listed, 45),
            {
                "leaving_within_three_months": "no",
                "pre_review_decision": "pass",
                "notice_date": add_days(listed, 45).isoformat(),
                "form_number": "2026-001",
            },
        ),
        Step("fill_admission_form", add_days(listed, 50), {"admission_form_number": "2026-001"}),
        Step(
            "hold_admission_meeting",
            meeting,
            {
                "admission_attendance": attendance(),
                "agenda": ["report", "introducers", "committee", "discussion"],
                "admission_ballot": "held",
                "admission_vote": vote(),
                "resolution": "同意接收。",
                "resolution_signer": SECRETARY,
                "recorder": RECORDER,
            },
            rolls={"admission_attendance": MEMBERS},
        ),
        Step("submit_for_approval", add_days(meeting, 5), {"submitted_papers": ["form"]}),
        Step(
            "superior_talk",
            add_days(meeting, 20),
            {"superior_talkers": [ORGANISER], "superior_talk_opinion": "同意。"},
        ),
        Step("approve_admission", approved, {"approval_decision": "approve"}, actor=APPROVER),
        Step(
            "notify_admission",
            add_days(approved, 5),
            {
                "talked_on": add_days(approved, 4).isoformat(),
                "announced_on": add_days(approved, 5).isoformat(),
            },
        ),
        Step("file_admission", add_days(approved, 8)),
        Step("assign_group", add_days(approved, 8), {"assigned_group": "第一小组"}),
        Step("take_oath", add_days(approved, 15), {"oath_place": "本支部"}),
    ]
    return steps


def _conversion(element: str, day: date, decision: str) -> Step:
    return Step(
        element,
        day,
        {
            "conversion_attendance": attendance(),
            "conversion_decision": decision,
            "conversion_vote": vote(),
            "resolution": "形成决议。",
            "resolution_signer": SECRETARY,
            "recorder": RECORDER,
        },
        rolls={"conversion_attendance": MEMBERS},
    )


def lawful(start: date, *, notice: bool = True) -> Matter:
    """Return a lawful matter from the application to the archive."""
    steps = admission(start, notice=notice)
    meeting = next(s.day for s in steps if s.element == "hold_admission_meeting")
    expiry = add_months(meeting, 12)
    steps += [
        Step("record_probation", add_months(meeting, 6), {"probation_next": "finish"}),
        Step("apply_conversion", add_days(expiry, -10), {"conversion_statement": "申请转正。"}),
        _conversion("hold_conversion_meeting", add_days(expiry, 5), "convert"),
        Step(
            "approve_conversion",
            add_days(expiry, 40),
            {"conversion_approval_decision": "approve"},
            actor=APPROVER,
        ),
        Step(
            "archive_materials",
            add_days(expiry, 50),
            {"archived_papers": ["form", "application", "review", "conversion", "examination"]},
        ),
    ]
    return Matter(steps, ended_on=steps[-1].day, outcome="admitted")


def extended(matter: Matter, months: int = 6) -> Matter:
    """Let probation be extended: decided at its end, converted at the end of the extension."""
    expiry = add_months(matter.day("hold_admission_meeting"), 12)
    end = add_months(expiry, months)
    index = next(n for n, s in enumerate(matter) if s.element == "hold_conversion_meeting")
    papers = dict(matter.steps[-1].data)
    papers["archived_papers"] = [*papers["archived_papers"], "decision"]
    extend = _conversion("hold_conversion_meeting", add_days(expiry, 5), "extend")
    extend.data["proposed_extension_months"] = months
    matter.steps[index:] = [
        extend,
        Step(
            "approve_extension",
            add_days(expiry, 40),
            {"extension_approval_decision": "approve", "extension_months": months},
            actor=APPROVER,
        ),
        Step("apply_conversion", add_days(end, -10), {"conversion_statement": "申请转正。"}),
        _conversion("hold_final_meeting", add_days(end, 5), "convert"),
        replace(matter.step("approve_conversion"), day=add_days(end, 40)),
        Step("archive_materials", add_days(end, 50), papers),
    ]
    matter.ended_on = matter.steps[-1].day
    return matter


def lawful_2014() -> Matter:
    """Return a matter wholly under the 2014 edition, with no public notice."""
    return lawful(date(2022, 3, 1), notice=False)


def lawful_2026() -> Matter:
    """Return a matter wholly under the 2026 edition."""
    return lawful(date(2026, 6, 1))


def lawful_crossing() -> Matter:
    """Return a matter that began under the 2014 edition and is listed and decided under 2026's."""
    return lawful(date(2025, 4, 1))


# --- judging ------------------------------------------------------------------------------------


def judge(
    matter: Matter | Facts,
    *,
    today: date | None = None,
    holidays: HolidayTable = HOLIDAYS,
    view: ParameterView | None = None,
) -> list[Result]:
    """Return the results; today is the day of the last step unless given."""
    facts = matter.facts() if isinstance(matter, Matter) else matter
    last = max(o.occurred_on for o in facts.occurrences)
    return evaluate(
        book(),
        facts,
        today=today or last,
        holidays=holidays,
        parameters=view or parameters(),
    )


def breaches(matter: Matter | Facts, **how: Any) -> set[tuple[str, str]]:
    """Return rule and element of everything that is not met."""
    return {
        (result.rule.id, result.element)
        for result in judge(matter, **how)
        if result.outcome is Outcome.NOT_MET
    }


def result(matter: Matter | Facts, rule: str, element: str | None = None, **how: Any) -> Result:
    """Return the last result of a rule, at an element if one is named."""
    found = [
        one
        for one in judge(matter, **how)
        if one.rule.id == rule and element in (None, one.element)
    ]
    assert found, f"no result of {rule} at {element}"
    return found[-1]
