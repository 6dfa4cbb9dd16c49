"""Who may vote on a day, and who is due (domain/14 §3, §5)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy.orm import Session

from engine.clock import FixedClock
from engine.directory.codes import MembershipStatus, RestrictionKind
from engine.directory.membership import set_status
from engine.directory.models import RightsRestriction
from engine.directory.voting import committee_members, has_voting_right, roll, voters
from tests.engine.directory.conftest import Factory

DAY = date(2026, 6, 10)
EVE = DAY - timedelta(days=1)
MORROW = DAY + timedelta(days=1)


def names(people: list) -> set[str]:
    return {person.name for person in people}


@pytest.mark.parametrize("status", list(MembershipStatus))
def test_only_full_members_vote(session: Session, make: Factory, status: MembershipStatus) -> None:
    branch = make.organisation()
    person = make.person(organisation=branch, status=status.value, since=DAY)
    right = status is MembershipStatus.FULL
    assert has_voting_right(session, person.id, DAY) is right
    assert bool(voters(session, branch.id, DAY)) is right


def test_the_right_begins_on_the_day_of_conversion(session: Session, make: Factory) -> None:
    branch = make.organisation()
    person = make.person(organisation=branch, status="probationary", since=date(2025, 6, 10))
    make.status(person, "full", DAY, branch)
    assert not has_voting_right(session, person.id, EVE)
    assert has_voting_right(session, person.id, DAY)


@pytest.mark.parametrize("kind", list(RestrictionKind))
def test_a_restriction_holds_on_its_first_and_last_day(
    session: Session, make: Factory, kind: RestrictionKind
) -> None:
    branch = make.organisation()
    person = make.person(organisation=branch)
    last = DAY + timedelta(days=30)
    session.add(RightsRestriction(person_id=person.id, kind=kind, since=DAY, until=last))
    session.flush()
    rights = {
        day: has_voting_right(session, person.id, day)
        for day in (EVE, DAY, last, last + timedelta(days=1))
    }
    assert list(rights.values()) == [True, False, False, True]
    assert not voters(session, branch.id, last)


def test_an_open_restriction_holds_until_it_is_lifted(session: Session, make: Factory) -> None:
    person = make.person(organisation=make.organisation())
    session.add(RightsRestriction(person_id=person.id, kind="suspended", since=DAY))
    session.flush()
    assert not has_voting_right(session, person.id, date(2030, 1, 1))


def test_a_member_who_moved_votes_where_he_was_on_that_day(
    session: Session, make: Factory, clock: FixedClock
) -> None:
    here, there = make.organisation(), make.organisation("第二党支部")
    person = make.person(organisation=here)
    set_status(
        session, person.id, MembershipStatus.FULL, DAY, clock=clock, organisation_id=there.id
    )
    assert voters(session, here.id, EVE) and not voters(session, there.id, EVE)
    assert voters(session, there.id, DAY) and not voters(session, here.id, DAY)


def test_one_who_left_is_due_no_more(session: Session, make: Factory) -> None:
    branch = make.organisation()
    person = make.person(organisation=branch)
    make.status(person, "left", DAY, branch)
    assert voters(session, branch.id, EVE) and not voters(session, branch.id, DAY)


def test_a_general_branch_counts_the_members_of_its_branches(
    session: Session, make: Factory
) -> None:
    general = make.organisation("党总支", kind="general_branch")
    for name in ("东街", "西街"):
        make.person(name, make.organisation(name, general))
    make.person("外人", make.organisation("别处"))
    assert names(voters(session, general.id, DAY)) == {"东街", "西街"}


def test_a_group_counts_those_assigned_to_it(session: Session, make: Factory) -> None:
    branch = make.organisation()
    group = make.organisation("第一党小组", branch, kind="group")
    inside, outside = make.person("组内", branch), make.person("组外", branch)
    inside.group_id = group.id
    session.flush()
    assert names(voters(session, group.id, DAY)) == {"组内"}
    assert names(voters(session, branch.id, DAY)) == {inside.name, outside.name}


def test_the_committee_is_its_posts_each_person_once(session: Session, make: Factory) -> None:
    branch = make.organisation()
    head, member, former, organiser = (make.person(n, branch) for n in ("甲", "乙", "丙", "丁"))
    make.post(head, branch, "secretary")
    make.post(member, branch, "publicity_commissioner")
    make.post(member, branch, "discipline_commissioner")
    make.post(former, branch, "committee_member", until=EVE)
    make.post(organiser, branch, "organiser")
    assert [p.name for p in committee_members(session, branch.id, DAY)] == ["甲", "乙"]
    assert names(committee_members(session, branch.id, EVE)) == {"甲", "乙", "丙"}
    assert names(roll(session, branch.id, "committee", DAY)) == {"甲", "乙"}


def test_without_a_committee_the_members_meet_instead(session: Session, make: Factory) -> None:
    branch = make.organisation(has_committee=False)
    make.post(make.person("甲", branch), branch)
    make.person("乙", branch)
    assert names(roll(session, branch.id, "committee", DAY)) == {"甲", "乙"}
    assert names(roll(session, branch.id, "members", DAY)) == {"甲", "乙"}
