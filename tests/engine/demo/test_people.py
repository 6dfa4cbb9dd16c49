"""The invented town: complete, coherent, and always the same."""

from __future__ import annotations

import time
from collections import Counter

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from engine.clock import FixedClock
from engine.demo.people import PASSWORD, SHOWN, create_demo_directory, demo_accounts
from engine.directory.accounts import authenticate
from engine.directory.actors import load_actor
from engine.directory.codes import MembershipStatus, PostKind
from engine.directory.membership import statuses_on
from engine.directory.models import Account, Organisation, Person, Post
from engine.directory.organisations import above_approving, approving_organisation
from engine.directory.people import identity_number_ok
from engine.directory.posts import holders
from engine.directory.voting import committee_members, has_voting_right, roll, voters

FULL = MembershipStatus.FULL


def test_the_town_is_made_in_under_two_seconds_of_work(session: Session, clock: FixedClock) -> None:
    began = time.process_time()
    demo = create_demo_directory(session, clock)
    assert time.process_time() - began < 2
    assert len(demo.people) == session.scalar(select(func.count(Person.id)))
    assert 280 <= len(demo.people) <= 340
    counts = Counter(
        {
            status: sum(len(p.get(status, [])) for p in demo.by_status.values())
            for status in MembershipStatus
        }
    )
    assert counts[FULL] > 200
    assert all(counts[status] >= 5 for status in MembershipStatus if status != "left")


def test_the_same_people_come_every_time(session: Session, clock: FixedClock) -> None:
    with session.begin_nested() as first:
        create_demo_directory(session, clock)
        one = session.execute(select(Person.name, Person.birth_date).order_by(Person.id)).all()
        first.rollback()
    create_demo_directory(session, clock)
    two = session.execute(select(Person.name, Person.birth_date).order_by(Person.id)).all()
    assert one == two
    assert len({row.name for row in two}) == len(two)


def test_statuses_are_what_the_demo_says(session: Session, clock: FixedClock) -> None:
    demo = create_demo_directory(session, clock)
    for groups in demo.by_status.values():
        for status, people in groups.items():
            assert set(statuses_on(session, people, clock.today()).values()) == {status}


def test_every_branch_can_hold_its_meetings(session: Session, clock: FixedClock) -> None:
    demo = create_demo_directory(session, clock)
    today = clock.today()
    for key, groups in demo.by_status.items():
        branch_id = demo.organisations[key]
        assert len(groups[FULL]) >= 3
        assert len(voters(session, branch_id, today)) == len(groups[FULL]) - (key == "shiqiao")
        assert holders(session, branch_id, [PostKind.SECRETARY], today)
        heads = committee_members(session, branch_id, today)
        if session.get_one(Organisation, branch_id).has_committee:
            assert 3 <= len(heads) <= 7
        else:
            assert roll(session, branch_id, "committee", today) == voters(session, branch_id, today)
    assert not has_voting_right(session, demo.people["shiqiao.dangyuan5"], today)


def test_matters_of_past_years_can_be_entered(session: Session, clock: FixedClock) -> None:
    demo = create_demo_directory(session, clock)
    then = clock.today().replace(year=clock.today().year - 3)
    for key in demo.by_status:
        branch_id = demo.organisations[key]
        assert voters(session, branch_id, then) != []
        assert (
            roll(session, branch_id, "committee", then)
            == roll(session, branch_id, "committee", clock.today())
            or not session.get_one(Organisation, branch_id).has_committee
        )


def test_the_way_up_leads_to_town_and_county(session: Session, clock: FixedClock) -> None:
    demo = create_demo_directory(session, clock)
    town, county = demo.organisations["zhen"], demo.organisations["xianwei"]
    for key in ("shiqiao", "shiqiao1", "dongjie", "shequ"):
        approving = approving_organisation(session, demo.organisations[key])
        above = above_approving(session, demo.organisations[key])
        assert approving is not None and approving.id == town
        assert above is not None and above.id == county
    assert len(holders(session, town, [PostKind.ORGANISER], clock.today())) == 2
    assert holders(session, county, [PostKind.ORGANISATION_DEPARTMENT], clock.today())


def test_every_account_opens_with_the_one_password(session: Session, clock: FixedClock) -> None:
    demo = create_demo_directory(session, clock)
    session.commit()
    assert authenticate(clock, "shiqiao.shuji", PASSWORD) == demo.accounts["shiqiao.shuji"]
    hashes = set(session.scalars(select(Account.password_hash)))
    assert len(hashes) == 1


def test_the_login_page_offers_every_kind_of_user(session: Session, clock: FixedClock) -> None:
    create_demo_directory(session, clock)
    offered = demo_accounts(session, clock.today())
    assert [account.login for account in offered] == list(SHOWN)
    words = "\n".join(account.description for account in offered)
    for part in (
        "石桥村党支部书记",
        "石桥村党支部入党申请人",
        "青石镇党委组织员",
        "云溪县委督查员",
    ):
        assert part in words


def test_the_old_the_floating_and_the_overdue_are_there(
    session: Session, clock: FixedClock
) -> None:
    create_demo_directory(session, clock)
    today = clock.today()
    old = session.scalar(
        select(func.count(Person.id)).where(Person.birth_date < today.replace(year=today.year - 75))
    )
    assert old is not None and old > 10
    assert (
        session.scalar(select(func.count(Person.id)).where(Person.floating_to.is_not(None))) == 10
    )
    overdue = session.scalars(select(Organisation).where(Organisation.term_end < today)).all()
    assert [place.short_name for place in overdue] == ["个体私营经济联合党支部"]


def test_no_number_belongs_to_anybody(session: Session, clock: FixedClock) -> None:
    create_demo_directory(session, clock)
    for number, phone in session.execute(select(Person.identity_number, Person.phone)):
        assert identity_number_ok(number) and number.startswith("99")
        assert phone.startswith("100")


def test_every_offered_account_loads_as_an_actor(session: Session, clock: FixedClock) -> None:
    demo = create_demo_directory(session, clock)
    for login in SHOWN:
        actor = load_actor(session, clock.today(), account_id=demo.accounts[login])
        assert actor.person_id == demo.people[login]
        held = session.scalars(select(Post.kind).where(Post.person_id == actor.person_id)).all()
        assert sorted(post.kind for post in actor.posts) == sorted(held)
