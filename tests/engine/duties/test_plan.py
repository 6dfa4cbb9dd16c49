"""The plan: who owes what, when it is due, late, made up, and when not any more."""

from __future__ import annotations

from datetime import date

import pytest

from engine.definitions.package import Package, load_package
from engine.errors import PackageProblem
from tests.engine.duties.conftest import Year, duty, meeting
from tests.shipped import package as shipped

JAN, FEB, MAR = "2027-01-01", "2027-02-01", "2027-03-01"


def test_the_present_and_the_next_period_are_planned(monthly: Year) -> None:
    assert monthly.states() == {JAN: "due", FEB: "planned"}
    assert monthly.states(at="other") == {JAN: "due", FEB: "planned"}
    assert monthly.states(at="committee") == {}


def test_running_again_changes_nothing(monthly: Year) -> None:
    before = [(row.id, row.changed_at) for row in monthly.rows()]
    again = monthly.run()
    assert (again.added, again.late, again.drafted, again.reminded) == (0, 0, 0, 0)
    assert [(row.id, row.changed_at) for row in monthly.rows()] == before


def test_on_the_last_day_it_is_due_and_on_the_next_it_is_late(monthly: Year) -> None:
    monthly.run(date(2027, 1, 31))
    assert monthly.states()[JAN] == "due"
    assert monthly.run(date(2027, 2, 1)).late == 2
    assert monthly.states() == {JAN: "late", FEB: "due", MAR: "planned"}


def test_a_meeting_on_the_last_day_is_in_time_however_late_it_is_entered(monthly: Year) -> None:
    monthly.run(date(2027, 2, 5))
    assert monthly.states()[JAN] == "late"
    monthly.hold("monthly", date(2027, 1, 31))
    monthly.run()
    (january, *_) = monthly.rows()
    assert (january.state, january.done_on) == ("done", date(2027, 1, 31))


def test_a_second_meeting_makes_up_for_the_month_before(monthly: Year) -> None:
    monthly.run(date(2027, 2, 20))
    monthly.hold("monthly", date(2027, 2, 10))
    monthly.run()
    assert monthly.states() == {JAN: "late", FEB: "done", MAR: "planned"}
    monthly.hold("monthly", date(2027, 2, 18))
    monthly.run()
    assert monthly.states() == {JAN: "made_up", FEB: "done", MAR: "planned"}


def test_a_meeting_of_another_branch_does_not_count(monthly: Year) -> None:
    monthly.desk.clock.set(date(2027, 1, 9))
    monthly.hold("monthly", date(2027, 1, 9), at="other", by="stranger")
    monthly.run()
    assert monthly.states()[JAN] == "due"
    assert monthly.states(at="other")[JAN] == "done"


def test_what_is_sent_back_or_cancelled_does_not_count(monthly: Year) -> None:
    monthly.desk.clock.set(date(2027, 1, 9))
    matter = monthly.desk.start("monthly", data={})
    matter.complete("hold")
    monthly.run()
    assert monthly.states()[JAN] == "done"
    matter.send_back("close", "hold")
    monthly.run()
    assert monthly.states()[JAN] == "due"
    matter.complete("hold")
    monthly.run()
    assert monthly.states()[JAN] == "done"
    matter.cancel()
    monthly.run()
    assert monthly.states()[JAN] == "due"


def test_deployed_in_the_middle_of_a_period_the_next_is_the_first(year: Year) -> None:
    year.desk.clock.set(date(2027, 1, 2))
    year.deploy(meeting("monthly", duty("meet", "month")))
    year.run()
    assert year.states() == {FEB: "planned"}


def test_a_branch_founded_in_the_middle_owes_the_next_period(monthly: Year) -> None:
    monthly.change("other", founded_on=date(2027, 3, 2))
    monthly.run(date(2027, 1, 5))
    assert monthly.states(at="other") == {JAN: "lapsed", FEB: "lapsed"}
    monthly.run(date(2027, 3, 5))
    assert monthly.states(at="other")["2027-04-01"] == "planned"
    assert MAR not in monthly.states(at="other")
    monthly.change("branch", founded_on=date(2027, 3, 1))
    assert monthly.states()[MAR] == "due"


def test_a_dissolved_branch_owes_nothing_from_the_period_in_which_it_ends(monthly: Year) -> None:
    monthly.run(date(2027, 2, 10))
    monthly.change("branch", dissolved_on=date(2027, 2, 15))
    monthly.run()
    assert monthly.states() == {JAN: "late", FEB: "lapsed", MAR: "lapsed"}
    monthly.change("branch", dissolved_on=None)
    monthly.run()
    assert monthly.states() == {JAN: "late", FEB: "due", MAR: "planned"}


def test_a_dissolution_entered_late_takes_back_what_it_came_before(monthly: Year) -> None:
    monthly.run(date(2027, 2, 10))
    monthly.change("branch", dissolved_on=date(2027, 1, 31))
    monthly.run()
    assert set(monthly.states().values()) == {"lapsed"}


def test_only_branches_with_a_committee_owe_its_meeting(year: Year) -> None:
    year.deploy(meeting("committee_meet", duty("meet", "month", committee="true")))
    year.change("other", has_committee=False)
    year.run()
    assert year.states() == {JAN: "due", FEB: "planned"}
    assert year.states(at="other") == {}
    year.change("branch", has_committee=False)
    year.run()
    assert set(year.states().values()) == {"lapsed"}


def test_the_plan_goes_on_after_nobody_ran_it_for_months(monthly: Year) -> None:
    monthly.run(date(2027, 5, 10))
    assert monthly.states() == {
        JAN: "late",
        FEB: "late",
        MAR: "late",
        "2027-04-01": "late",
        "2027-05-01": "due",
        "2027-06-01": "planned",
    }


def test_a_yearly_one_may_be_carried_over(year: Year) -> None:
    year.deploy(meeting("yearly", duty("review", "year", carry_over_months="3")))
    year.run(date(2027, 12, 31))
    year.run(date(2028, 3, 31))
    assert year.states()[JAN] == "due"
    year.hold("yearly", date(2028, 3, 31))
    year.run(date(2028, 4, 1))
    assert year.states() == {JAN: "done", "2028-01-01": "due", "2029-01-01": "planned"}


def test_steps_recorded_before_the_plan_count_when_it_is_made(year: Year) -> None:
    year.deploy(meeting("monthly", duty("meet", "month")))
    year.hold("monthly", date(2027, 1, 1))
    year.run()
    assert year.states()[JAN] == "done"


def test_one_event_counts_for_two_kinds_only_where_a_parameter_says_so(year: Year) -> None:
    lesson = meeting(
        "lesson",
        duty("lesson", "quarter", also_counts='["theme.hold"]', also_if='"@within_theme"'),
    )
    rules = (
        '[[parameter]]\nkey = "within_theme"\ntitle = "主题党日上的党课"\ntype = "bool"\n'
        'default = {}\nlevel = "approving"\n'
    )

    def with_rules(value: str) -> Package:
        return load_package({**lesson.files, "rules.toml": rules.format(value).encode()})

    year.deploy(meeting("theme", duty("theme", "month")), with_rules("false"))
    year.hold("theme", date(2027, 1, 1))
    year.run()
    assert year.states("theme.theme")[JAN] == "done"
    assert year.states("lesson.lesson")[JAN] == "due"
    year.deploy(with_rules("true"))
    year.run()
    assert year.states("lesson.lesson")[JAN] == "done"


def test_a_step_counts_only_with_the_answers_that_are_asked_for(year: Year) -> None:
    year.deploy(
        meeting("notice", duty("dues", "year", counts='["hold"]', when="\"decision == 'dues'\""))
    )
    other = year.desk.start("notice", data={})
    other.complete("hold", {"decision": "election"})
    year.run()
    assert year.rows()[0].done == 0
    dues = year.desk.start("notice", data={})
    dues.complete("hold", {"decision": "dues"})
    year.run()
    assert year.rows()[0].state == "done"


@pytest.mark.parametrize(("result", "counts"), [("held", True), ("adjourned", False)])
def test_a_life_meeting_that_was_put_off_does_not_count(result: str, counts: bool) -> None:
    (owed,) = shipped("organisational_life").duties.values()
    assert owed.when is not None
    assert owed.when.evaluate({"meeting_result": result}) is counts


def test_a_duty_that_a_new_version_does_not_have_lapses(monthly: Year) -> None:
    monthly.deploy(meeting("monthly", version="2"))
    monthly.run()
    assert set(monthly.states().values()) == {"lapsed"}


def test_an_organisation_that_moves_takes_its_plan_along(monthly: Year) -> None:
    monthly.change("branch", path="/9/9/")
    monthly.run()
    assert {row.path for row in monthly.rows()} == {"/9/9/"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"period": '"week"'}, "period"),
        ({"times": "0"}, "times"),
        ({"rule": '"TM-1"'}, "TM-1"),
        ({"when": '"import os"'}, "表达式"),
        ({"also_counts": '["theme.hold"]'}, "also_if"),
        ({"starts_in": "13"}, "starts_in"),
        ({"weekly": "true"}, "weekly"),
    ],
)
def test_a_faulty_table_is_refused(line: dict[str, str], said: str) -> None:
    with pytest.raises(PackageProblem) as refused:
        meeting("faulty", duty("meet", "month", **line))
    assert any(said in problem.message for problem in refused.value.problems)
