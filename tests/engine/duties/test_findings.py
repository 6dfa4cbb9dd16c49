"""What is late is a finding of the organisation, with rule, article and arithmetic."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select

from engine.compliance.models import Finding
from engine.compliance.results import render, sentence_from
from engine.database import db
from tests.engine.duties.conftest import Year


def findings() -> list[Finding]:
    wanted = select(Finding).order_by(Finding.id).execution_options(populate_existing=True)
    return list(db.session().scalars(wanted))


def ours(year: Year) -> Finding:
    """Return the one finding of the branch."""
    (found,) = [f for f in findings() if f.organisation_id == year.desk.town.branch]
    return found


def test_what_is_due_is_no_finding(monthly: Year) -> None:
    monthly.run(date(2027, 1, 31))
    assert findings() == []


def test_what_is_late_is_one_that_says_what_lacks(monthly: Year) -> None:
    monthly.run(date(2027, 2, 1))
    found = ours(monthly)
    assert (found.rule, found.outcome, found.severity) == ("R-TM-01", "not_met", "warning")
    assert (found.instance_id, found.duty_id) == (None, monthly.rows()[0].id)
    assert (found.process_key, found.day) == ("monthly", date(2027, 1, 31))
    assert (found.regulation, found.articles) == ("支部工作条例", ["第十一条"])
    assert render(sentence_from(found.template, found.params)) == (
        "2027年1月应办“meet会” 1 次，最迟 2027-01-31；按记录已办 0 次，缺 1 次。"
    )


def test_running_again_writes_it_once(monthly: Year) -> None:
    monthly.run(date(2027, 2, 1))
    before = [(f.id, f.changed_at) for f in findings()]
    monthly.run(date(2027, 2, 2))
    assert [(f.id, f.changed_at) for f in findings()] == before


def test_made_up_it_stays_and_says_when(monthly: Year) -> None:
    monthly.run(date(2027, 2, 20))
    monthly.hold("monthly", date(2027, 2, 10))
    monthly.hold("monthly", date(2027, 2, 18))
    monthly.run()
    found = ours(monthly)
    assert found.outcome == "not_met"
    assert render(sentence_from(found.template, found.params)).endswith(
        "到 2027-02-18 才补足，晚 18 天。"
    )


def test_held_in_time_and_entered_late_it_is_met_after_all(monthly: Year) -> None:
    monthly.run(date(2027, 2, 3))
    matter = monthly.hold("monthly", date(2027, 1, 31))
    monthly.run()
    found = ours(monthly)
    assert found.outcome == "met" and found.resolved_at is not None
    matter.cancel()
    monthly.run()
    again = ours(monthly)
    assert (again.id, again.outcome, again.resolved_at) == (found.id, "not_met", None)


def test_it_does_not_apply_to_a_branch_that_was_gone(monthly: Year) -> None:
    monthly.run(date(2027, 2, 3))
    monthly.change("branch", dissolved_on=date(2027, 1, 20))
    monthly.run()
    assert ours(monthly).outcome == "not_applicable"
