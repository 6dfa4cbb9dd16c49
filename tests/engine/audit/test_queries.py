"""Findings listed, counted and drilled into, always within what the policy lets see."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from engine.audit import commands
from engine.audit.counting import count_findings
from engine.audit.listing import choices, every_finding, list_findings
from engine.audit.matter import asked_of, matter_findings, show_finding
from engine.audit.scope import FindingFilter, around, place_of, roots_of
from engine.audit.trail import TrailList, gap_allowed, list_trail
from engine.clock import FixedClock
from engine.compliance.findings import FindingState
from engine.compliance.results import Outcome, Severity
from engine.errors import InvalidInput, NotAllowed, NotFound
from tests.played import Played, play_admission

LATE_TALK = {"first_talk": date(2025, 2, 11)}
"""One day after the month is over."""


@pytest.fixture
def late(session: Session, clock: FixedClock) -> Played:
    """A matter whose first talk came a day too late."""
    return play_admission(session, clock, until="file_activist", days=LATE_TALK)


def rules(played: Played, name: str, wanted: FindingFilter) -> set[str]:
    rows, _ = list_findings(played.session, played.actor(name), wanted)
    return {row.rule for row in rows}


def test_a_finding_is_a_line_with_its_article_and_its_arithmetic(late: Played) -> None:
    rows, more = list_findings(late.session, late.actor("auditor"), FindingFilter(rule="R-ADM-02"))
    assert more is None and len(rows) == 1
    row = rows[0]
    assert (row.step_number, row.process_title) == ("02", "发展党员")
    assert (row.outcome, row.state) == (Outcome.NOT_MET, FindingState.OPEN)
    assert row.day == date(2025, 2, 11)
    cited = row.articles[0]
    assert (cited.edition, cited.number) == ("2014", "第七条")
    assert cited.article is not None and "一个月" in cited.article.text


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (FindingFilter(), True),
        (FindingFilter(process="member_admission"), True),
        (FindingFilter(process="other"), False),
        (FindingFilter(rule="R-ADM-03"), False),
        (FindingFilter(regulation="admission_rules", edition="2014", article="第七条"), True),
        (FindingFilter(regulation="admission_rules", edition="2026", article="第七条"), False),
        (FindingFilter(article="第八条", rule="R-ADM-02"), False),
        (FindingFilter(severity=Severity.HARD), True),
        (FindingFilter(severity=Severity.WARNING, rule="R-ADM-02"), False),
        (FindingFilter(since=date(2025, 2, 11), until=date(2025, 2, 11)), True),
        (FindingFilter(since=date(2025, 2, 12), rule="R-ADM-02"), False),
        (FindingFilter(until=date(2025, 2, 10)), False),
        (FindingFilter(state=FindingState.OPEN), True),
        (FindingFilter(state=FindingState.ASKED), False),
        (FindingFilter(outcome=None), True),
        (FindingFilter(outcome=Outcome.MET), False),
    ],
)
def test_filters_on_both_sides(late: Played, wanted: FindingFilter, found: bool) -> None:
    assert ("R-ADM-02" in rules(late, "auditor", wanted)) is found


def test_who_sees_findings(late: Played) -> None:
    for name in ("auditor", "department", "superior_secretary", "commissioner", "secretary"):
        assert "R-ADM-02" in rules(late, name, FindingFilter()), name
    for name in ("applicant", "administrator", "contact_a"):
        assert not rules(late, name, FindingFilter()), name
    finding = late.findings()["R-ADM-02"]
    assert show_finding(late.session, late.actor("secretary"), late.clock, finding.id).row
    for name in ("applicant", "administrator"):
        with pytest.raises(NotFound):
            show_finding(late.session, late.actor(name), late.clock, finding.id)
    assert (
        matter_findings(late.session, late.actor("applicant"), late.clock, late.instance_id) is None
    )
    with pytest.raises(NotFound):
        show_finding(late.session, late.actor("auditor"), late.clock, 0)


def test_nobody_supervises_their_own_matter(late: Played) -> None:
    late.session.execute(
        text("UPDATE instance SET subject_id = :who WHERE id = :id"),
        {"who": late.ids["secretary"], "id": late.instance_id},
    )
    finding = late.findings()["R-ADM-02"]
    assert not rules(late, "secretary", FindingFilter())
    assert rules(late, "commissioner", FindingFilter())
    with pytest.raises(NotFound):
        show_finding(late.session, late.actor("secretary"), late.clock, finding.id)


def test_pages_come_in_order_and_miss_nothing(late: Played) -> None:
    session, me = late.session, late.actor("auditor")
    whole = [row.id for row in every_finding(session, me, FindingFilter(outcome=None))]
    seen: list[int] = []
    cursor = None
    while True:
        rows, cursor = list_findings(
            session, me, FindingFilter(outcome=None), cursor=cursor, limit=1
        )
        seen += [row.id for row in rows]
        if cursor is None:
            break
    assert seen == whole and len(whole) == len(set(whole)) >= 1
    for wrong in ("x", "2026-01-01", "2026-13-01.1", "2026-01-01." + "9" * 30):
        with pytest.raises(InvalidInput):
            list_findings(session, me, FindingFilter(), cursor=wrong)


def test_counts_roll_up_to_the_level_below(late: Played) -> None:
    session, me, today = late.session, late.actor("auditor"), late.clock.today()
    county = place_of(session, me, None)
    assert county.id == late.ids["county"]
    seen = count_findings(session, me, FindingFilter(), county, today)
    assert [o.organisation_id for o in seen.organisations] == [late.ids["committee"]]
    committee = place_of(session, me, late.ids["committee"])
    below = count_findings(session, me, FindingFilter(), committee, today)
    assert [o.organisation_id for o in below.organisations] == [late.ids["branch"]]
    branch = place_of(session, me, late.ids["branch"])
    own = count_findings(session, me, FindingFilter(), branch, today)
    assert [(o.organisation_id, o.own) for o in own.organisations] == [(branch.id, True)]
    assert seen.total == below.total == own.total
    listed, _ = list_findings(session, me, FindingFilter())
    assert seen.total.all == len(listed) == sum(r.tally.all for r in seen.rules)
    assert sum(m.tally.all for m in seen.months) == len(
        [row for row in listed if row.day >= seen.months[0].month]
    )
    assert {a.cited.number for a in seen.articles} >= {"第七条"}
    assert len(seen.months) >= 12


def test_where_one_may_look(late: Played) -> None:
    session = late.session
    assert [p.id for p in roots_of(session, late.actor("auditor"))] == [late.ids["county"]]
    found = around(
        session,
        late.actor("superior_secretary"),
        place_of(session, late.actor("superior_secretary"), late.ids["branch"]),
    )
    assert [p.id for p in found.above] == [late.ids["committee"]]
    with pytest.raises(NotAllowed):
        place_of(session, late.actor("commissioner"), late.ids["committee"])
    with pytest.raises(NotAllowed):
        place_of(session, late.actor("applicant"), None)
    with pytest.raises(NotFound):
        place_of(session, late.actor("auditor"), 10**12)


def test_what_may_be_done_is_offered_to_those_who_may(late: Played) -> None:
    def offered(name: str) -> set[str]:
        found = matter_findings(late.session, late.actor(name), late.clock, late.instance_id)
        assert found is not None
        return set(next(f.may for f in found.found if f.row.rule == "R-ADM-02"))

    assert offered("auditor") == {"ask", "conclude"}
    assert offered("superior_secretary") == {"ask", "conclude", "waive"}
    assert offered("commissioner") == {"explain"}
    finding = late.findings()["R-ADM-02"]
    commands.ask_explanation(finding.id, "为什么？", actor=late.actor("auditor"), clock=late.clock)
    assert offered("auditor") == {"conclude"}
    found = show_finding(late.session, late.actor("auditor"), late.clock, finding.id)
    assert [(n.text, n.person_name) for n in found.notes] == [("为什么？", "auditor")]


def test_the_branch_is_told_what_it_has_to_explain(late: Played) -> None:
    assert asked_of(late.session, late.actor("commissioner")) == ((), 0)
    finding = late.findings()["R-ADM-02"]
    commands.ask_explanation(finding.id, "为什么？", actor=late.actor("auditor"), clock=late.clock)
    rows, count = asked_of(late.session, late.actor("commissioner"))
    assert ([row.id for row in rows], count) == ([finding.id], 1)
    for name in ("auditor", "applicant", "superior_secretary", "contact_a"):
        assert asked_of(late.session, late.actor(name))[1] == 0, name
    commands.explain(finding.id, "出差。", actor=late.actor("commissioner"), clock=late.clock)
    assert asked_of(late.session, late.actor("commissioner"))[1] == 0


def test_the_choices_are_rules_and_articles_of_procedures_in_use(late: Played) -> None:
    found = choices(late.session)
    assert found.processes == (("member_admission", "发展党员"),)
    assert {"R-ADM-01", "R-ADM-42"} <= {rule for rule, _, _ in found.rules}
    assert ("2026", "第七条") in {(a.edition, a.number) for a in found.articles}


def test_late_entries_by_their_gap(late: Played) -> None:
    session, me = late.session, late.actor("auditor")
    place = place_of(session, me, None)
    assert gap_allowed(session, place, late.clock) == 7
    session.execute(text("SELECT 1"))
    every, _ = list_trail(session, me, TrailList.LATE, place)
    gaps = {row.gap for row in every}
    assert all(gap is not None and gap > 0 for gap in gaps)
    for limit in sorted(gap for gap in gaps if gap):
        over, _ = list_trail(session, me, TrailList.LATE, place, gap=limit)
        assert len(over) == sum(1 for row in every if (row.gap or 0) > limit)
    assert list_trail(session, late.actor("applicant"), TrailList.LATE, place)[0] == ()


def test_waivers_are_listed_with_rule_and_reason(late: Played) -> None:
    session, me = late.session, late.actor("auditor")
    place = place_of(session, me, None)
    finding = late.findings()["R-ADM-02"]
    superior = late.actor("superior_secretary")
    commands.waive(finding.id, "出差属实", actor=superior, clock=late.clock)
    rows, more = list_trail(session, me, TrailList.WAIVED, place)
    assert more is None
    assert [(r.rule, r.reason, r.person_name) for r in rows] == [
        ("R-ADM-02", "出差属实", superior.name)
    ]
    for other in (TrailList.OVERRIDDEN, TrailList.CORRECTED):
        assert list_trail(session, me, other, place)[0] == ()
    day = late.clock.today()
    assert list_trail(session, me, TrailList.WAIVED, place, since=day, until=day)[0]
    assert not list_trail(session, me, TrailList.WAIVED, place, until=date(2020, 1, 1))[0]
    with pytest.raises(InvalidInput):
        list_trail(session, me, TrailList.WAIVED, place, cursor="x")
