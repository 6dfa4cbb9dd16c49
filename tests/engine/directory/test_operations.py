"""Commands of administrators, and lending posts: allowed, done, and recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.clock import FixedClock
from engine.directory import operations as op
from engine.directory.account_lists import AccountState, account_page, list_accounts
from engine.directory.accounts import LoginRefused, authenticate, change_first_password
from engine.directory.actors import Actor, load_actor
from engine.directory.codes import Gender, MembershipStatus, OrganisationKind, PostKind
from engine.directory.codes import RestrictionKind as Restriction
from engine.directory.membership import status_on
from engine.directory.models import Account, Organisation, Person, Post, Substitution
from engine.directory.people import find_people, get_person, mask_identity_number, mask_phone
from engine.directory.sessions import list_sessions, open_session
from engine.directory.substitution import substitutions_of
from engine.directory.tokens import create_token, find_actor
from engine.directory.voting import has_voting_right
from engine.errors import Conflict, InvalidInput, NotAllowed, NotFound
from engine.ledger.models import LedgerEntry
from tests.engine.directory.conftest import Factory

PASSWORD = "青石镇的小河弯又长长"
TODAY = date(2026, 11, 22)


@dataclass
class Town:
    """A town with two branches and the people who run it."""

    town: Organisation
    branch: Organisation
    other: Organisation
    admin: Person
    secretary: Person
    member: Person


@pytest.fixture
def town(session: Session, make: Factory) -> Town:
    committee = make.organisation("镇党委", kind="committee", can_approve_members=True)
    branch, other = make.organisation("一支部", committee), make.organisation("二支部", committee)
    made = Town(
        committee,
        branch,
        other,
        make.person("管理员", committee),
        make.person("李书记", branch),
        make.person("王党员", branch),
    )
    make.post(made.admin, committee, "administrator")
    make.post(made.secretary, branch, "secretary")
    session.commit()
    return made


@pytest.fixture
def acting(session: Session) -> Callable[[Person], Actor]:
    return lambda person: load_actor(session, TODAY, person_id=person.id)


Acting = Callable[[Person], Actor]


def changes(session: Session) -> list[str]:
    payloads = session.scalars(select(LedgerEntry.payload).order_by(LedgerEntry.seq))
    return [(payload or "").split('"change":"')[1].split('"')[0] for payload in payloads]


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


def test_accounts_are_reset_disabled_and_enabled(
    session: Session, clock: FixedClock, town: Town, acting: Acting
) -> None:
    admin = acting(town.admin)
    account_id, first = op.open_account(clock, admin, town.member.id, login="Wang")
    assert authenticate(clock, "wang", first) == account_id
    open_session(clock, account_id)
    second = op.reset_password(clock, admin, account_id)
    assert second != first and list_sessions(session, clock, account_id) == ()
    with pytest.raises(LoginRefused):
        authenticate(clock, "wang", first)
    assert authenticate(clock, "wang", second) == account_id
    open_session(clock, account_id)
    op.end_account_sessions(clock, admin, account_id)
    assert list_sessions(session, clock, account_id) == ()
    for _ in range(2):
        op.disable_account(clock, admin, account_id)
    with pytest.raises(LoginRefused):
        authenticate(clock, "wang", second)
    for _ in range(2):
        op.enable_account(clock, admin, account_id)
    assert authenticate(clock, "wang", second) == account_id
    assert changes(session) == [
        "open_account",
        "reset_password",
        "end_sessions",
        "disable_account",
        "enable_account",
    ]


def test_a_password_of_somebody_else_is_changed_first(
    session: Session, clock: FixedClock, town: Town, acting: Acting
) -> None:
    account_id, first = op.open_account(clock, acting(town.admin), town.member.id, login="wang")
    token = create_token(clock, account_id, name="报表")
    assert session.get_one(Account, account_id).must_change_password
    assert find_actor(session, clock, token) is None
    with pytest.raises(InvalidInput):
        change_first_password(clock, account_id, first)
    with pytest.raises(InvalidInput):
        change_first_password(clock, account_id, "short")
    change_first_password(clock, account_id, PASSWORD)
    assert find_actor(session, clock, token) is not None
    with pytest.raises(Conflict):
        change_first_password(clock, account_id, "另一条河也弯又长长的")
    assert authenticate(clock, "wang", PASSWORD) == account_id
    op.reset_password(clock, acting(town.admin), account_id)
    assert find_actor(session, clock, token) is None


def opened(clock: FixedClock, actor: Actor, person_id: int) -> object:
    return op.open_account(clock, actor, person_id, login=f"person{person_id}")


@pytest.mark.parametrize(
    "command",
    [
        op.reset_password,
        op.disable_account,
        op.enable_account,
        op.end_account_sessions,
        opened,
    ],
)
def test_nobody_else_keeps_accounts(
    session: Session,
    clock: FixedClock,
    town: Town,
    acting: Acting,
    make: Factory,
    command: Callable[[FixedClock, Actor, int], object],
) -> None:
    """Not the secretary, not one's own, not of those with posts outside one's part."""
    deputy, leader = make.person("支部管理员", town.branch), make.person("书记", town.branch)
    make.post(deputy, town.branch, "administrator")
    make.post(leader, town.town, "secretary")
    session.commit()
    people = {"m1": town.member.id, "d1": deputy.id, "l1": leader.id}
    ids = dict(people)
    if command is not opened:
        for login, person_id in people.items():
            ids[login], _ = op.open_account(clock, acting(town.admin), person_id, login=login)
    before = changes(session)
    with pytest.raises(NotAllowed):
        command(clock, acting(town.secretary), ids["m1"])
    with pytest.raises(Conflict):
        command(clock, acting(deputy), ids["d1"])
    with pytest.raises(NotAllowed, match="管理范围以外"):
        command(clock, acting(deputy), ids["l1"])
    assert changes(session) == before
    command(clock, acting(deputy), ids["m1"])
    command(clock, acting(town.admin), ids["l1"])


@pytest.mark.parametrize("login", ["", " ", "a", "有 空格", "x" * 65, "a/b"])
def test_a_login_can_be_typed_anywhere(
    session: Session, clock: FixedClock, town: Town, acting: Acting, login: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        op.open_account(clock, acting(town.admin), town.member.id, login=login)
    assert "login" in caught.value.fields


def test_accounts_are_listed_by_organisation_and_state(
    session: Session, clock: FixedClock, town: Town, acting: Acting
) -> None:
    admin = acting(town.admin)
    account_id, _ = op.open_account(clock, admin, town.member.id, login="wang")

    def listed(**wanted: object) -> list[tuple[str, AccountState]]:
        lines = list_accounts(session, admin, clock, **wanted)  # type: ignore[arg-type]
        return [(line.name, line.state) for line in lines]

    assert listed() == [
        ("管理员", AccountState.NONE),
        ("李书记", AccountState.NONE),
        ("王党员", AccountState.FIRST),
    ]
    assert listed(path=town.branch.path, state=AccountState.NONE) == [("李书记", AccountState.NONE)]
    assert listed(path=town.other.path) == []
    change_first_password(clock, account_id, PASSWORD)
    assert listed(text="WANG") == [("王党员", AccountState.ACTIVE)]
    op.disable_account(clock, admin, account_id)
    assert listed(state=AccountState.DISABLED) == [("王党员", AccountState.DISABLED)]
    assert list_accounts(session, acting(town.secretary), clock) == []
    assert account_page(session, admin, clock, town.member.id).kept
    assert account_page(session, admin, clock, town.admin.id).own
    with pytest.raises(NotFound):
        account_page(session, acting(town.secretary), clock, town.member.id)


# -- substitution -----------------------------------------------------------------------------


def lend(clock: FixedClock, actor: Actor, town: Town, **values: object) -> int:
    given: dict = {
        "principal_id": town.secretary.id,
        "substitute_id": town.member.id,
        "organisation_id": town.branch.id,
        "posts": [PostKind.SECRETARY],
        "since": TODAY,
        "until": TODAY + timedelta(days=30),
        "reason": "外出学习",
        **values,
    }
    return op.lend_posts(clock, actor, **given)


def test_a_secretary_lends_his_post_and_takes_it_back(
    session: Session, clock: FixedClock, town: Town, acting: Acting
) -> None:
    number = lend(clock, acting(town.secretary), town)
    post = acting(town.member).posts[0]
    assert (post.on_behalf_of, post.on_behalf_name) == (town.secretary.id, "李书记")
    line = substitutions_of(session, town.member.id)[0]
    assert (line.principal_name, line.substitute_name) == ("李书记", "王党员")
    assert line.posts == (PostKind.SECRETARY,) and not line.revoked
    op.take_posts_back(clock, acting(town.secretary), number)
    assert acting(town.member).posts == ()
    assert substitutions_of(session, town.secretary.id)[0].revoked
    assert changes(session) == ["lend_posts", "take_posts_back"]


def test_a_member_does_not_help_himself_to_a_post(
    session: Session, clock: FixedClock, town: Town, acting: Acting
) -> None:
    with pytest.raises(NotAllowed):
        lend(clock, acting(town.member), town)
    assert not session.scalars(select(Substitution)).all()


def test_a_substitute_does_not_lend_on_as_if_it_were_his(
    clock: FixedClock, make: Factory, session: Session, town: Town, acting: Acting
) -> None:
    third = make.person("赵党员", town.branch)
    session.commit()
    lend(clock, acting(town.secretary), town)
    with pytest.raises(InvalidInput) as caught:
        lend(
            clock,
            acting(town.member),
            town,
            principal_id=town.member.id,
            substitute_id=third.id,
        )
    assert "posts" in caught.value.fields


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"until": TODAY - timedelta(days=1)}, "until"),
        ({"since": TODAY - timedelta(days=9), "until": TODAY - timedelta(days=1)}, "until"),
        ({"until": TODAY + timedelta(days=184)}, "until"),
        ({"posts": [PostKind.ORGANISER]}, "posts"),
        ({"reason": " "}, "reason"),
    ],
)
def test_lending_has_limits(
    clock: FixedClock, town: Town, acting: Acting, values: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        lend(clock, acting(town.secretary), town, **values)
    assert list(caught.value.fields) == [field]


def test_the_substitute_is_another_full_member_with_all_rights(
    session: Session, make: Factory, clock: FixedClock, town: Town, acting: Acting
) -> None:
    young = make.person("预备", town.branch, status="probationary")
    session.commit()
    for someone in (town.secretary, young):
        with pytest.raises(InvalidInput) as caught:
            lend(clock, acting(town.secretary), town, substitute_id=someone.id)
        assert list(caught.value.fields) == ["substitute_id"]


# -- people -----------------------------------------------------------------------------------


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
