"""A step with a task for each, done again, by many, at once, and in any order."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from engine.compliance.from_ledger import read_facts
from engine.database import db
from engine.directory.models import Membership, Person
from engine.errors import InvalidInput, TaskClosed
from engine.runtime import operations
from engine.runtime.roles import read_people
from tests.engine.conftest import Live
from tests.factories import Desk, Matter, is_consistent
from tests.gathering import add, gathered, gathering, remove, say, whose
from tests.races import at_once


@pytest.fixture
def matter(desk: Desk) -> Matter:
    matter = desk.start(gathering())
    return gathered(matter, "member", "other_member", "deputy")


def test_sent_back_the_list_is_made_anew(desk: Desk, matter: Matter) -> None:
    add(matter, "secretary")
    remove(matter, "deputy")
    for name in ("member", "other_member", "secretary"):
        say(matter, name)
    matter.send_back("conclude", "gather")
    assert matter.open == ["gather"]
    assert read_people(db.session(), matter.id) == {}
    gathered(matter, "member")
    assert whose(matter) == {"member"}
    facts = read_facts(db.session(), matter.id)
    assert facts is not None and facts.coming == ()
    is_consistent(matter.id, desk.clock)


def test_sent_back_to_the_step_all_on_the_list_do_it_again(desk: Desk, matter: Matter) -> None:
    say(matter, "member")
    add(matter, "secretary", reason="组织关系转入")
    remove(matter, "deputy")
    add(matter, "deputy")
    remove(matter, "deputy", reason="已转出")
    for name in ("secretary", "other_member"):
        say(matter, name)
    people = read_people(db.session(), matter.id)
    done = matter.send_back("conclude", "say", reason="太简单，请重写")
    assert whose(matter) == {"member", "other_member", "secretary"}
    assert set(done.opened.values()) == {"say"}
    assert read_people(db.session(), matter.id) == people
    facts = read_facts(db.session(), matter.id)
    assert facts is not None
    ids = desk.town.people
    assert [(c.person, c.left) for c in facts.coming] == [
        (ids["secretary"], False),
        (ids["deputy"], True),
    ]
    is_consistent(matter.id, desk.clock)
    # Nobody types it twice, and one after the other hands it in again.
    for name in ("secretary", "member", "other_member"):
        say(matter, name)
    assert matter.open == ["conclude"]
    matter.send_back("conclude", "say")
    assert len(whose(matter)) == 3
    is_consistent(matter.id, desk.clock)


def test_sent_back_to_one_of_several_steps_of_each(desk: Desk) -> None:
    matter = gathered(desk.start(gathering(staged=True)), "member", "other_member")
    for name in ("member", "member", "other_member", "other_member"):
        say(matter, name)
    matter.send_back("conclude", "sign")
    # The first to sign did so while the other had still to speak.
    assert matter.open == ["say", "sign"]
    is_consistent(matter.id, desk.clock)


def test_an_earlier_round_is_another_one(desk: Desk, matter: Matter) -> None:
    for name in ("member", "other_member", "deputy"):
        say(matter, name)
    matter.send_back("conclude", "gather")
    gathered(matter, "member", "secretary")
    for name in ("member", "secretary"):
        say(matter, name)
    matter.send_back("conclude", "say")
    assert whose(matter) == {"member", "secretary"}
    is_consistent(matter.id, desk.clock)


PEOPLE = ["secretary", "deputy", "member", "other_member"]
MOVES = st.lists(
    st.tuples(
        st.sampled_from(["say", "add", "remove", "back", "again", "gather"]),
        st.sampled_from(PEOPLE),
    ),
    max_size=14,
)


@given(moves=MOVES)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_done_the_list_and_the_tasks_agree(desk: Desk, moves: list[Any]) -> None:
    matter = desk.start(gathering("walk"))
    listed: dict[str, bool] = {}
    for what, name in moves:
        open_now = whose(matter)
        if what == "gather" and matter.open == ["gather"]:
            gathered(matter, "member", name)
            listed = dict.fromkeys(("member", name), False)
        elif what == "back" and matter.open == ["conclude"]:
            matter.send_back("conclude", "gather")
            listed = {}
        elif what == "again" and matter.open == ["conclude"] and any(listed.values()):
            matter.send_back("conclude", "say")
            listed = dict.fromkeys(listed, False)
        elif what == "say" and name in open_now:
            say(matter, name)
            listed[name] = True
        elif what == "add":
            refused = not open_now or name in listed
            try:
                add(matter, name)
                assert not refused
                listed[name] = False
            except (InvalidInput, TaskClosed):
                assert refused
        elif what == "remove":
            refused = name not in open_now
            try:
                remove(matter, name)
                assert not refused
                del listed[name]
            except (InvalidInput, TaskClosed):
                assert refused
        missing = {name for name, done in listed.items() if not done}
        assert whose(matter) == missing
        if listed and not missing:
            assert matter.open == ["conclude"]
    is_consistent(matter.id, desk.clock)


def test_two_hundred_people_and_the_snapshot_stays_small(desk: Desk, session: Session) -> None:
    ids = []
    for number in range(200):
        person = Person(
            name=f"党员{number}",
            organisation_id=desk.town.branch,
            created_at=desk.clock.now(),
        )
        session.add(person)
        session.flush()
        ids.append(person.id)
        desk.town.people[f"m{number}"] = person.id  # type: ignore[index]
        session.add(
            Membership(
                person_id=person.id,
                status="full",
                since=date(2010, 1, 1),
                organisation_id=desk.town.branch,
                recorded_at=desk.clock.now(),
            )
        )
    session.commit()
    matter = desk.start(gathering())
    matter.complete("gather", {"members": ids})
    add(matter, "secretary")
    remove(matter, "m7")
    assert len(matter.row.snapshot or b"") < 20_000
    say(matter, "m3")
    assert len(whose(matter)) == 199
    is_consistent(matter.id, desk.clock)


def test_members_who_hand_in_at_once_are_all_counted(live: Live) -> None:
    desk = live.desk
    with live.app.app_context():
        names = ["member", "other_member", "deputy"]
        matter = gathered(desk.start(gathering("at_once")), *names)
        tasks = {task.item: task.id for task in matter.tasks}
        commands: list[Any] = [
            lambda name=name: operations.complete_task(
                tasks[f"p{desk.town.people[name]}"], {}, actor=desk.actor(name), clock=desk.clock
            )
            for name in names
        ]
        commands.append(lambda: add(matter, "secretary"))
    results = at_once(live, *commands)
    with live.app.app_context():
        refused = [r for r in results if isinstance(r, Exception)]
        # Either the late-comer came in time, or the last of the others was quicker.
        if refused:
            assert [type(r) for r in refused] == [TaskClosed]
            assert matter.open == ["conclude"]
        else:
            assert whose(matter) == {"secretary"}
        assert matter.kinds.count("completed") == 4
        is_consistent(matter.id, desk.clock)
    assert live.faults() == []
