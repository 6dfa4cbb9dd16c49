"""A task for each of a list of people: late-comers and leavers."""

from __future__ import annotations

import io
from datetime import date, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from engine.attachments.operations import add_attachment
from engine.attachments.store import Store
from engine.compliance.facts import Facts
from engine.compliance.from_ledger import read_facts
from engine.database import db
from engine.errors import InvalidInput, NotAllowed, NotFound, NotRunning, TaskClosed
from engine.runtime import operations
from engine.runtime.queries.files import attachment, matter_documents
from engine.runtime.roles import read_people
from tests.factories import Desk, Matter, is_consistent
from tests.gathering import add, gathered, gathering, remind, remove, say, whose

TODAY = date(2026, 11, 22)


@pytest.fixture
def matter(desk: Desk) -> Matter:
    matter = desk.start(gathering())
    return gathered(matter, "member", "other_member", "deputy")


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
    assert read_people(db.session(), matter.id)["members"] == expected


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
    members = read_people(db.session(), matter.id)["members"]
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
