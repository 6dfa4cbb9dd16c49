"""Commands of administrators on the directory: allowed, done, and recorded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.clock import FixedClock
from engine.directory import operations as op
from engine.directory.actors import Actor, load_actor
from engine.directory.codes import Gender, MembershipStatus, OrganisationKind, PostKind
from engine.directory.codes import RestrictionKind as Restriction
from engine.directory.membership import status_on
from engine.directory.models import Organisation, Post
from engine.directory.people import find_people, get_person, mask_identity_number, mask_phone
from engine.directory.voting import has_voting_right
from engine.errors import InvalidInput, NotAllowed, NotFound
from engine.ledger.models import LedgerEntry
from tests.engine.directory.conftest import TODAY, Acting, Factory, Town, changes


def test_an_administrator_builds_the_directory(
    session: Session, clock: FixedClock, town: Town, acting: Acting
) -> None:
    admin = acting(town.admin)
    branch_id = op.create_organisation(
        clock, admin, parent_id=town.town.id, name="三支部", kind=OrganisationKind.BRANCH, code="N3"
    )
    op.change_organisation(clock, admin, branch_id, short_name="第三党支部", has_committee=False)
    person_id = op.register_person(
        clock,
        admin,
        organisation_id=branch_id,
        name="赵六",
        gender=Gender.MALE,
        status=MembershipStatus.FULL,
        since=date(2020, 7, 1),
    )
    op.change_person(clock, admin, person_id, phone="10000000001")
    post_id = op.appoint(
        clock,
        admin,
        person_id=person_id,
        organisation_id=branch_id,
        kind=PostKind.SECRETARY,
        since=date(2026, 1, 1),
    )
    account_id, _ = op.open_account(clock, admin, person_id, login="zhao")
    actor = load_actor(session, TODAY, account_id=account_id)
    assert actor.posts[0].label == "第三党支部书记"
    op.end_post(clock, admin, post_id, TODAY)
    assert not load_actor(session, TODAY + timedelta(days=1), person_id=person_id).posts
    op.relocate_organisation(clock, admin, branch_id, town.branch.id)
    moved = session.get_one(Organisation, branch_id)
    assert moved.path == f"{town.branch.path}{branch_id}/"
    op.dissolve_organisation(clock, admin, branch_id, TODAY, "合并")
    assert changes(session) == [
        "create_organisation",
        "change_organisation",
        "register_person",
        "change_person",
        "appoint",
        "open_account",
        "end_post",
        "relocate_organisation",
        "dissolve_organisation",
    ]


def test_the_ledger_names_nobody(
    session: Session, clock: FixedClock, town: Town, acting: Acting
) -> None:
    op.change_person(clock, acting(town.admin), town.member.id, name="王新名", phone="10000000002")
    payload = session.scalars(select(LedgerEntry.payload)).one()
    assert payload is not None
    assert "王" not in payload and "10000000002" not in payload
    assert get_person(session, town.member.id).name == "王新名"


@pytest.mark.parametrize(
    "command",
    [
        lambda c, a, t: op.create_organisation(
            c, a, parent_id=t.branch.id, name="组", kind=OrganisationKind.GROUP, code="G"
        ),
        lambda c, a, t: op.change_organisation(c, a, t.branch.id, name="改名"),
        lambda c, a, t: op.dissolve_organisation(c, a, t.branch.id, TODAY, "x"),
        lambda c, a, t: op.relocate_organisation(c, a, t.branch.id, t.other.id),
        lambda c, a, t: op.register_person(c, a, organisation_id=t.branch.id, name="某"),
        lambda c, a, t: op.change_person(c, a, t.member.id, phone=None),
        lambda c, a, t: op.correct_status(
            c, a, t.member.id, MembershipStatus.LEFT, TODAY, reason="x"
        ),
        lambda c, a, t: op.restrict_rights(
            c, a, t.member.id, Restriction.DETAINED, TODAY, None, reason="x"
        ),
        lambda c, a, t: op.appoint(
            c,
            a,
            person_id=t.member.id,
            organisation_id=t.branch.id,
            kind=PostKind.ORGANISER,
            since=TODAY,
        ),
        lambda c, a, t: op.open_account(c, a, t.member.id, login="wang"),
    ],
)
def test_a_secretary_administers_nothing(
    session: Session,
    clock: FixedClock,
    town: Town,
    acting: Acting,
    command: Callable[[FixedClock, Actor, Town], object],
) -> None:
    with pytest.raises(NotAllowed):
        command(clock, acting(town.secretary), town)
    assert changes(session) == []


def test_an_administrator_ends_where_his_subtree_ends(
    session: Session, make: Factory, clock: FixedClock, town: Town, acting: Acting
) -> None:
    make.post(town.secretary, town.branch, "administrator")
    session.commit()
    actor = acting(town.secretary)
    op.change_organisation(clock, actor, town.branch.id, name="改名")
    with pytest.raises(NotAllowed):
        op.change_organisation(clock, actor, town.other.id, name="改名")
    with pytest.raises(NotAllowed):
        op.relocate_organisation(clock, actor, town.branch.id, town.other.id)


def test_nobody_gives_himself_a_post_or_a_status(
    clock: FixedClock, town: Town, acting: Acting
) -> None:
    admin = acting(town.admin)
    with pytest.raises(NotAllowed):
        op.appoint(
            clock,
            admin,
            person_id=town.admin.id,
            organisation_id=town.town.id,
            kind=PostKind.SECRETARY,
            since=TODAY,
        )
    with pytest.raises(NotAllowed):
        op.correct_status(
            clock, admin, town.admin.id, MembershipStatus.FULL, date(2000, 1, 1), reason="x"
        )


def test_a_status_is_corrected_with_a_reason(
    session: Session, clock: FixedClock, town: Town, acting: Acting
) -> None:
    admin = acting(town.admin)
    for since, reason in ((TODAY, " "), (TODAY + timedelta(days=1), "误录")):
        with pytest.raises(InvalidInput):
            op.correct_status(
                clock, admin, town.member.id, MembershipStatus.LEFT, since, reason=reason
            )
    op.correct_status(clock, admin, town.member.id, MembershipStatus.LEFT, TODAY, reason="去世")
    assert status_on(session, town.member.id, TODAY) is MembershipStatus.LEFT
    assert status_on(session, town.member.id, TODAY - timedelta(days=1)) is MembershipStatus.FULL


def test_rights_are_restricted_and_given_back(
    session: Session, clock: FixedClock, town: Town, acting: Acting
) -> None:
    admin = acting(town.admin)
    with pytest.raises(InvalidInput):
        op.restrict_rights(
            clock,
            admin,
            town.member.id,
            Restriction.PARTY_PROBATION,
            TODAY,
            TODAY - timedelta(days=1),
            reason="决定",
        )
    restriction = op.restrict_rights(
        clock, admin, town.member.id, Restriction.PARTY_PROBATION, TODAY, None, reason="决定"
    )
    assert not has_voting_right(session, town.member.id, TODAY)
    op.lift_restriction(clock, admin, restriction, TODAY, reason="恢复")
    assert has_voting_right(session, town.member.id, TODAY + timedelta(days=1))
    with pytest.raises(NotFound):
        op.lift_restriction(clock, admin, 0, TODAY, reason="恢复")


def test_an_organisation_with_others_below_is_not_dissolved(
    clock: FixedClock, town: Town, acting: Acting
) -> None:
    with pytest.raises(InvalidInput):
        op.dissolve_organisation(clock, acting(town.admin), town.town.id, TODAY, "x")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "某", "identity_number": "990101199001010011"}, "identity_number"),
        ({"name": "某", "gender": "other"}, "gender"),
        ({"name": "某", "id": 1}, "id"),
    ],
)
def test_a_person_is_checked_before_he_is_entered(
    clock: FixedClock, town: Town, acting: Acting, values: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        op.register_person(clock, acting(town.admin), organisation_id=town.branch.id, **values)
    assert field in caught.value.fields


def test_people_are_found_within_the_right_to_see_them(
    session: Session, make: Factory, town: Town, acting: Acting
) -> None:
    for number in range(7):
        make.person(f"某人{number}", town.branch, status="applicant" if number % 2 else "full")
    make.person("别处的人", town.other)
    secretary = acting(town.secretary)
    everybody = find_people(session, secretary, TODAY)
    assert len(everybody) == 9
    assert all(line.organisation_name == "一支部" for line in everybody)
    applicants = find_people(session, secretary, TODAY, status=[MembershipStatus.APPLICANT])
    assert [line.name for line in applicants] == ["某人1", "某人3", "某人5"]
    first = find_people(session, secretary, TODAY, text="某人", limit=2)
    second = find_people(session, secretary, TODAY, text="某人", limit=2, after_id=first[-1].id)
    assert [line.name for line in first + second] == [f"某人{n}" for n in range(4)]
    assert find_people(session, secretary, TODAY, text="%") == []
    assert find_people(session, acting(town.admin), TODAY, organisation_id=town.other.id)
    assert [p.id for p in find_people(session, acting(town.member), TODAY)] == [town.member.id]


def test_numbers_are_shown_masked() -> None:
    assert mask_identity_number("990101199001010019") == "9901**********0019"
    assert mask_phone("10000000001") == "100****0001"
    assert (mask_identity_number(None), mask_phone(None)) == ("", "")
    assert (mask_identity_number("1234"), mask_phone("123")) == ("****", "***")


def test_the_same_post_row_is_not_found_twice(
    session: Session, clock: FixedClock, town: Town, acting: Acting
) -> None:
    with pytest.raises(NotFound):
        op.end_post(clock, acting(town.admin), 0, TODAY)
    with pytest.raises(NotFound):
        op.take_posts_back(clock, acting(town.admin), 0)
    assert session.scalars(select(Post.kind)).all() == ["administrator", "secretary"]
