"""A task for each of a list of people: late-comers, leavers, a word to those who are missing."""

from __future__ import annotations

import io
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from engine.attachments.operations import add_attachment
from engine.attachments.store import Store
from engine.compliance.facts import Facts
from engine.compliance.from_ledger import read_facts
from engine.database import db
from engine.definitions.package import Package, load_package
from engine.directory.models import Membership, Person
from engine.errors import InvalidInput, NotAllowed, NotFound, NotRunning, TaskClosed
from engine.runtime import operations
from engine.runtime.participants import RemindedAlready
from engine.runtime.queries.files import attachment, matter_documents
from engine.runtime.store import read_participants
from engine.signals import people_reminded
from tests.bpmn_builder import instances
from tests.engine.conftest import Live
from tests.engine.runtime.test_races import at_once
from tests.factories import Desk, Matter, Sub, UserTask, is_consistent, procedure

TODAY = date(2026, 11, 22)
EACH = """
[lanes.each]
title = "每名党员"
who = "item"
also = ["branch"]
[participants.members]
title = "参加人员"
from = "gather.members"
"""


def gathering(key: str = "gathering", *, alone: bool = False, staged: bool = False) -> Package:
    """Return ``gather``, then ``say`` for each member, then ``conclude``.

    ``alone``: nobody else may act for a member; ``staged``: each goes through two steps.
    """
    loop = instances("members", item="member")
    say: Any = UserTask("say", loop=loop)
    lanes = {"say": "each"}
    if staged:
        say = Sub("each_member", [UserTask("say"), UserTask("sign")], loop=loop)
        lanes |= {"sign": "each"}
    back = ["gather", "say", *(["sign"] if staged else [])]
    package = procedure(
        key,
        [UserTask("gather"), say, UserTask("conclude")],
        lanes=lanes,
        steps={"conclude": f"send_back = {json.dumps(back)}"},
        more=EACH.replace('also = ["branch"]\n', "") if alone else EACH,
    )
    people = {
        "type": "textfield",
        "key": "members",
        "label": "参加人员",
        "properties": {
            "domain": "people",
            "status": "full,probationary",
            "prefill": "branch_members",
        },
    }
    form = {"schemaVersion": 16, "type": "default", "id": "gather", "components": [people]}
    manifest = package.files["process.toml"].decode()
    own = manifest.replace('form = "entry"', 'form = "gather"', 1)
    return load_package(
        {
            **package.files,
            "process.toml": own.encode(),
            "forms/gather.form": json.dumps(form, ensure_ascii=False).encode(),
        }
    )


@pytest.fixture
def matter(desk: Desk) -> Matter:
    matter = desk.start(gathering())
    return gathered(matter, "member", "other_member", "deputy")


def gathered(matter: Matter, *names: str) -> Matter:
    ids = [matter.desk.town.people[name] for name in names]
    matter.complete("gather", {"members": ids})
    return matter


def add(matter: Matter, name: str, element: str = "say", **more: Any) -> Any:
    more.setdefault("by", "secretary")
    by, reason = more.pop("by"), more.pop("reason", "新转入")
    return operations.add_participant(
        matter.id,
        element,
        matter.desk.town.people[name],
        reason,
        actor=matter.desk.actor(by),
        clock=matter.desk.clock,
        **more,
    )


def remove(matter: Matter, name: str, element: str = "say", **more: Any) -> Any:
    by, reason = more.pop("by", "secretary"), more.pop("reason", "已转出")
    return operations.remove_participant(
        matter.id,
        element,
        matter.desk.town.people[name],
        reason,
        actor=matter.desk.actor(by),
        clock=matter.desk.clock,
        **more,
    )


def remind(matter: Matter, element: str = "say", by: str = "secretary", **more: Any) -> Any:
    return operations.remind_people(
        matter.id, element, actor=matter.desk.actor(by), clock=matter.desk.clock, **more
    )


def whose(matter: Matter) -> set[str]:
    """Return the names of those who have an open task of their own."""
    names = {f"p{person}": name for name, person in matter.desk.town.people.items()}
    return {names[task.item] for task in matter.tasks if task.item in names}


def say(matter: Matter, name: str, by: str | None = None) -> Any:
    item = f"p{matter.desk.town.people[name]}"
    task = next(task for task in matter.tasks if task.item == item)
    actor = matter.desk.actor(by or name)
    return operations.complete_task(task.id, {}, actor=actor, clock=matter.desk.clock)


# --- what each hands in for themselves ----------------------------------------------------------


def hand_in(matter: Matter, name: str, store: Store) -> int:
    """Let a member hand in a file with their own task; return its id."""
    person = matter.desk.town.people[name]
    file = add_attachment(
        matter.desk.clock,
        store,
        io.BytesIO(b"%PDF-1.7\n%%EOF\n"),
        name=f"{name}.pdf",
        document="材料",
        person_id=person,
    )
    task = next(task for task in matter.tasks if task.item == f"p{person}")
    actor = matter.desk.actor(name)
    operations.complete_task(task.id, {"files": [file.id]}, actor=actor, clock=matter.desk.clock)
    return file.id


def test_members_do_not_read_each_others_files(desk: Desk, matter: Matter, tmp_path: Path) -> None:
    store = Store(tmp_path, max_bytes=1_000)
    theirs, own = hand_in(matter, "other_member", store), hand_in(matter, "member", store)
    member = desk.actor("member")
    with pytest.raises(NotFound):
        attachment(member, desk.clock, theirs)
    assert attachment(member, desk.clock, own).name == "member.pdf"
    assert attachment(desk.actor("secretary"), desk.clock, theirs).name == "other_member.pdf"
    listed = matter_documents(db.session(), member, desk.clock, matter.id)
    assert [file.id for file in listed] == [own]
    listed = matter_documents(db.session(), desk.actor("secretary"), desk.clock, matter.id)
    assert {file.id for file in listed} == {own, theirs}


# --- a task of one's own ------------------------------------------------------------------------


def test_each_has_a_task_in_their_own_inbox(desk: Desk, matter: Matter) -> None:
    assert whose(matter) == {"member", "other_member", "deputy"}
    assert desk.inbox("member") == ["say"]
    assert desk.inbox("stranger") == []
    say(matter, "member")
    assert desk.inbox("member") == []
    assert matter.payload()["item"] == desk.town.people["member"]
    is_consistent(matter.id, desk.clock)


def test_nobody_does_anothers_task_but_the_branch_may_enter_a_paper(
    desk: Desk, matter: Matter
) -> None:
    with pytest.raises(NotAllowed):
        say(matter, "member", by="other_member")
    say(matter, "member", by="secretary")
    assert matter.entries[-1].actor_id == desk.town.people["secretary"]
    assert matter.payload()["item"] == desk.town.people["member"]


def test_without_also_the_person_alone_may_do_it(desk: Desk) -> None:
    matter = gathered(desk.start(gathering(alone=True)), "member", "other_member")
    with pytest.raises(NotAllowed):
        say(matter, "member", by="secretary")
    say(matter, "member")
    say(matter, "other_member")
    assert matter.open == ["conclude"]


def test_those_named_are_the_people_of_the_matter(desk: Desk, matter: Matter) -> None:
    people = desk.town.people
    expected = tuple(sorted(people[n] for n in ("member", "other_member", "deputy")))
    assert read_participants(db.session(), matter.id)["members"] == expected


# --- coming late and leaving --------------------------------------------------------------------


def test_a_late_comer_gets_a_task_and_is_waited_for(desk: Desk, matter: Matter) -> None:
    done = add(matter, "secretary")
    assert list(done.opened.values()) == ["say"]
    assert whose(matter) == {"member", "other_member", "deputy", "secretary"}
    for name in ("member", "other_member", "deputy"):
        say(matter, name)
    assert matter.open == ["say"]
    say(matter, "secretary")
    assert matter.open == ["conclude"]
    assert matter.kinds[2] == "participant_added"
    entry = matter.entries[2]
    assert (entry.element, entry.occurred_on) == ("say", TODAY)
    assert matter.payload(2)["person"] == desk.town.people["secretary"]
    assert matter.payload(2)["reason"] == "新转入"
    is_consistent(matter.id, desk.clock)


def test_a_leaver_is_not_waited_for(desk: Desk, matter: Matter) -> None:
    say(matter, "member")
    remove(matter, "deputy", occurred_on=TODAY)
    assert whose(matter) == {"other_member"}
    assert desk.inbox("deputy") == ["say"]  # as the one who may enter papers
    say(matter, "other_member")
    assert matter.open == ["conclude"]
    members = read_participants(db.session(), matter.id)["members"]
    assert desk.town.people["deputy"] not in members
    is_consistent(matter.id, desk.clock)


def test_when_the_last_one_missing_leaves_the_matter_goes_on(desk: Desk, matter: Matter) -> None:
    say(matter, "member")
    say(matter, "deputy")
    done = remove(matter, "other_member")
    assert list(done.opened.values()) == ["conclude"]
    is_consistent(matter.id, desk.clock)


def test_who_left_may_come_again(desk: Desk, matter: Matter) -> None:
    remove(matter, "deputy")
    add(matter, "deputy")
    assert whose(matter) == {"member", "other_member", "deputy"}
    with pytest.raises(InvalidInput):
        add(matter, "deputy")


def test_what_is_done_stays(desk: Desk, matter: Matter) -> None:
    say(matter, "member")
    with pytest.raises(InvalidInput) as refusal:
        remove(matter, "member")
    assert "person" in refusal.value.fields
    with pytest.raises(InvalidInput):
        add(matter, "member")
    with pytest.raises(InvalidInput):
        remove(matter, "secretary")


def test_who_could_not_have_been_named_cannot_be_added(desk: Desk, matter: Matter) -> None:
    for name in ("stranger", "applicant"):
        with pytest.raises(InvalidInput) as refusal:
            add(matter, name)
        assert "person" in refusal.value.fields
    assert "participant_added" not in matter.kinds


def test_a_reason_is_asked_for_and_no_day_in_the_future(desk: Desk, matter: Matter) -> None:
    with pytest.raises(InvalidInput) as refusal:
        add(matter, "secretary", reason=" ")
    assert "reason" in refusal.value.fields
    with pytest.raises(InvalidInput) as refusal:
        remove(matter, "deputy", occurred_on=TODAY + timedelta(days=1))
    assert "occurred_on" in refusal.value.fields
    with pytest.raises(InvalidInput):
        remove(matter, "deputy", occurred_on=TODAY - timedelta(days=1))  # before the matter began


@pytest.mark.parametrize("name", ["member", "superior", "stranger", "administrator"])
def test_only_those_who_lead_the_branch_change_the_list(
    desk: Desk, matter: Matter, name: str
) -> None:
    with pytest.raises(NotAllowed):
        add(matter, "secretary", by=name)
    with pytest.raises(NotAllowed):
        remove(matter, "deputy", by=name)


def test_only_while_the_step_is_open(desk: Desk, matter: Matter) -> None:
    with pytest.raises(NotFound):
        add(matter, "secretary", element="gather")
    for name in ("member", "other_member", "deputy"):
        say(matter, name)
    with pytest.raises(TaskClosed):
        add(matter, "secretary")
    matter.suspend()
    with pytest.raises(NotRunning):
        remind(matter)


def test_a_double_click_adds_once(desk: Desk, matter: Matter) -> None:
    command = uuid4()
    first = add(matter, "secretary", command_id=command)
    again = add(matter, "secretary", command_id=command)
    assert again.replayed and first.opened
    assert matter.kinds.count("participant_added") == 1


def test_each_may_go_through_several_steps(desk: Desk) -> None:
    matter = gathered(desk.start(gathering(staged=True)), "member", "other_member")
    say(matter, "member")
    assert matter.open == ["say", "sign"]
    add(matter, "deputy", element="each_member")
    remove(matter, "member", element="each_member")
    assert matter.open == ["say", "say"]
    for name in ("other_member", "deputy", "other_member", "deputy"):
        say(matter, name)
    assert matter.open == ["conclude"]
    is_consistent(matter.id, desk.clock)


def test_sent_back_the_list_is_made_anew(desk: Desk, matter: Matter) -> None:
    add(matter, "secretary")
    remove(matter, "deputy")
    for name in ("member", "other_member", "secretary"):
        say(matter, name)
    matter.send_back("conclude", "gather")
    assert matter.open == ["gather"]
    assert read_participants(db.session(), matter.id) == {}
    gathered(matter, "member")
    assert whose(matter) == {"member"}
    facts = read_facts(db.session(), matter.id)
    assert facts is not None and facts.coming == ()
    is_consistent(matter.id, desk.clock)


def test_what_rules_know_of_it(desk: Desk, matter: Matter) -> None:
    add(matter, "secretary")
    remove(matter, "deputy")
    say(matter, "member")
    facts = read_facts(db.session(), matter.id)
    assert facts is not None
    people = desk.town.people
    assert [(c.person, c.left) for c in facts.coming] == [
        (people["secretary"], False),
        (people["deputy"], True),
    ]
    assert facts.occurrences[-1].item == people["member"]
    assert Facts.from_json(facts.to_json()) == facts


# --- a word to the missing ----------------------------------------------------------------------


def test_all_who_are_missing_are_reminded_once_a_day(desk: Desk, matter: Matter) -> None:
    heard: list[Any] = []

    def hear(_: object, **about: Any) -> None:
        heard.append(about)

    say(matter, "member")
    with people_reminded.connected_to(hear):
        remind(matter)
    missing = tuple(task.id for task in matter.tasks)
    assert len(missing) == 2
    assert heard == [{"instance_id": matter.id, "task_ids": missing}]
    assert matter.kinds[-1] == "reminded"
    with pytest.raises(RemindedAlready):
        remind(matter)
    desk.clock.set(TODAY + timedelta(days=1))
    remind(matter, by="superior")
    with pytest.raises(NotAllowed):
        remind(matter, by="member")
    is_consistent(matter.id, desk.clock)


def test_nobody_is_reminded_when_nobody_is_missing(desk: Desk, matter: Matter) -> None:
    for name in ("member", "other_member", "deputy"):
        say(matter, name)
    with pytest.raises(TaskClosed):
        remind(matter)
    assert "reminded" not in matter.kinds


def test_one_does_not_remind_oneself(desk: Desk, matter: Matter) -> None:
    say(matter, "member")
    say(matter, "other_member")
    with pytest.raises(TaskClosed):
        remind(matter, by="deputy")


# --- whatever happens in whatever order ---------------------------------------------------------


def test_sent_back_to_the_step_all_on_the_list_do_it_again(desk: Desk, matter: Matter) -> None:
    say(matter, "member")
    add(matter, "secretary", reason="组织关系转入")
    remove(matter, "deputy")
    add(matter, "deputy")
    remove(matter, "deputy", reason="已转出")
    for name in ("secretary", "other_member"):
        say(matter, name)
    people = read_participants(db.session(), matter.id)
    done = matter.send_back("conclude", "say", reason="太简单，请重写")
    assert whose(matter) == {"member", "other_member", "secretary"}
    assert set(done.opened.values()) == {"say"}
    assert read_participants(db.session(), matter.id) == people
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


# --- several at once ---------------------------------------------------------------------------


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
