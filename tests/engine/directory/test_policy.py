"""The access policy as a table: who may do what, and the sentence that explains it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from engine.directory.actors import Actor, HeldPost, make_actor
from engine.directory.codes import PostKind
from engine.directory.policy import POLICY, Action, Audience, audiences, decide, may, require
from engine.directory.things import (
    AttachmentView,
    BallotView,
    EntryView,
    ItemView,
    MatterView,
    MessageView,
    OrganisationView,
    PersonView,
    StartView,
    SubstitutionView,
    TaskView,
)
from engine.errors import AlreadyClaimed, NotAllowed, NotFound, NotRunning, TaskClosed

DAY = date(2026, 6, 10)
COUNTY, TOWN, BRANCH, OTHER = (1, "/1/"), (2, "/1/2/"), (3, "/1/2/3/"), (4, "/1/2/4/")
NAMES = {1: "云溪县委", 2: "青石镇党委", 3: "第一党支部", 4: "第二党支部"}


def holder(
    person_id: int, place: tuple[int, str], kind: PostKind, *, lent_by: int | None = None
) -> Actor:
    post = HeldPost(place[0], place[1], NAMES[place[0]], kind, on_behalf_of=lent_by)
    if lent_by is not None:
        post = replace(post, on_behalf_name="李书记")
    return make_actor(person_id, "某人", (post,), day=DAY)


ACTORS = {
    "subject": make_actor(100, "当事人", day=DAY),
    "contact": make_actor(101, "联系人", day=DAY),
    "worker": make_actor(102, "经办人", day=DAY),
    "stranger": make_actor(103, "无关人员", day=DAY),
    "publicity": holder(110, BRANCH, PostKind.PUBLICITY_COMMISSIONER),
    "secretary": holder(111, BRANCH, PostKind.SECRETARY),
    "leader": holder(112, BRANCH, PostKind.GROUP_LEADER),
    "other": holder(113, OTHER, PostKind.SECRETARY),
    "organiser": holder(120, TOWN, PostKind.ORGANISER),
    "town": holder(121, TOWN, PostKind.SECRETARY),
    "discipline": holder(122, TOWN, PostKind.DISCIPLINE_COMMISSIONER),
    "county": holder(130, COUNTY, PostKind.ORGANISATION_DEPARTMENT),
    "auditor": holder(131, COUNTY, PostKind.AUDITOR),
    "admin": holder(132, COUNTY, PostKind.ADMINISTRATOR),
    "own_head": holder(100, BRANCH, PostKind.SECRETARY),
    "substitute": holder(140, BRANCH, PostKind.SECRETARY, lent_by=111),
    "chosen": holder(141, BRANCH, PostKind.SECRETARY, lent_by=100),
}
MATTER = MatterView(
    instance_id=9,
    organisation_id=3,
    path=BRANCH[1],
    subject_id=100,
    participants=frozenset({101}),
    working=frozenset({"p102"}),
    deciding=frozenset({"o3:secretary", "o2:organiser"}),
)
BEGUN_ABOVE = replace(MATTER, superiors_begin=True)
TASK = TaskView(5, MATTER, frozenset({"o3:secretary"}), organisation_id=3)
DECISION = replace(TASK, decision=True)
CLAIMED = replace(TASK, assignee_id=111)
DELEGATED = replace(TASK, assignee_id=103)
ITEM = ItemView(3, BRANCH[1], owner_id=102, subject_id=100)
BOX = BallotView(7, TASK, voters=frozenset({100, 103, 111}), tellers=frozenset({101, 102}))
PLACE = OrganisationView(*BRANCH)
SOMEBODY = PersonView(103, 3, BRANCH[1])

ABOVE = {"organiser", "town", "county"}
HEADS = {"secretary", "substitute"}
SEEING = {"publicity", *HEADS, *ABOVE, "auditor"}
STEERING = HEADS | {"town", "county"}

TABLE = [
    (Action.VIEW_MATTER, MATTER, SEEING | {"subject", "own_head", "contact", "worker"}),
    (Action.VIEW_OPINIONS, MATTER, SEEING | {"contact", "worker"}),
    (Action.VIEW_EACH, MATTER, SEEING),
    (Action.VIEW_LEDGER, MATTER, SEEING),
    (Action.VIEW_READERS, MATTER, HEADS | ABOVE | {"auditor", "subject", "own_head"}),
    (Action.EXPORT_CASE_FILE, MATTER, HEADS | ABOVE | {"auditor"}),
    (Action.CANCEL_MATTER, MATTER, STEERING),
    (Action.SUSPEND_MATTER, MATTER, STEERING),
    (Action.RESUME_MATTER, MATTER, STEERING),
    (Action.CANCEL_MATTER, BEGUN_ABOVE, STEERING - HEADS),
    (Action.SUSPEND_MATTER, BEGUN_ABOVE, STEERING - HEADS),
    (Action.RESUME_MATTER, BEGUN_ABOVE, STEERING - HEADS),
    (Action.CORRECT_ENTRY, EntryView(MATTER, None), HEADS | ABOVE),
    (Action.CORRECT_ENTRY, EntryView(MATTER, 3), HEADS | ABOVE),
    (Action.CORRECT_ENTRY, EntryView(MATTER, 2), ABOVE),
    (Action.CORRECT_ENTRY, EntryView(MATTER, 1), {"county"}),
    (Action.CHANGE_PARTICIPANTS, MATTER, HEADS),
    (Action.CHANGE_PARTICIPANTS, replace(MATTER, active=False), set()),
    (Action.REMIND_PEOPLE, MATTER, SEEING - {"auditor"} | {"own_head"}),
    (Action.REMIND_PEOPLE, replace(MATTER, active=False), set()),
    (Action.WAIVE_FINDING, MATTER, ABOVE),
    (Action.ASK_EXPLANATION, MATTER, ABOVE | {"auditor"}),
    (Action.GIVE_EXPLANATION, MATTER, HEADS | {"publicity"}),
    (Action.CONCLUDE_FINDING, MATTER, ABOVE | {"auditor"}),
    (Action.ALLOW_OVERRIDE, MATTER, ABOVE),
    (Action.VIEW_ITEM, ITEM, SEEING | {"worker"}),
    (Action.VIEW_ITEM, replace(ITEM, owner_id=100), SEEING | {"subject", "own_head"}),
    (Action.REPORT_ITEM, ITEM, HEADS | {"publicity", "worker"}),
    (Action.EXTEND_ITEM, ITEM, HEADS | ABOVE),
    (Action.CLOSE_ITEM, ITEM, HEADS | ABOVE),
    (Action.CLOSE_ITEM, replace(ITEM, owner_id=111), ABOVE),
    (Action.CLOSE_ITEM, replace(ITEM, owner_closes=True), HEADS | ABOVE | {"worker"}),
    (Action.CLOSE_ITEM, replace(ITEM, settled=True), set()),
    (Action.REOPEN_ITEM, ITEM, set()),
    (Action.REOPEN_ITEM, replace(ITEM, settled=True), HEADS | ABOVE),
    (Action.ERASE_CONTENT, MATTER, ABOVE | {"admin"}),
    (Action.MANAGE_INCIDENT, MATTER, {"admin"}),
    (
        Action.START_MATTER,
        StartView(3, BRANCH[1], 103, frozenset({"o3:secretary", "p103"})),
        HEADS | {"own_head", "chosen", "stranger"},
    ),
    (
        Action.START_MATTER,
        StartView(3, BRANCH[1], 100, frozenset({"o3:secretary"}), not_subject=True),
        HEADS,
    ),
    (Action.SEND_MESSAGE, MessageView(MATTER, frozenset({"p100"})), {"subject", "own_head"}),
    (
        Action.READ_ATTACHMENT,
        AttachmentView(MATTER, 102),
        SEEING | {"subject", "own_head", "contact", "worker"},
    ),
    (
        Action.READ_ATTACHMENT,
        AttachmentView(MATTER, 102, sensitive=True),
        HEADS | {"organiser", "auditor"},
    ),
    (Action.READ_ATTACHMENT, AttachmentView(None, 103), {"stranger"}),
    (Action.VIEW_TASK, TASK, SEEING | {"subject", "own_head", "contact", "worker"}),
    (Action.COMPLETE_TASK, TASK, HEADS | {"own_head"}),
    (Action.COMPLETE_TASK, DECISION, HEADS),
    (Action.COMPLETE_TASK, replace(TASK, not_subject=True), HEADS),
    (Action.COMPLETE_TASK, CLAIMED, {"secretary"}),
    (Action.COMPLETE_TASK, DELEGATED, {"stranger"}),
    (Action.COMPLETE_TASK, replace(DECISION, assignee_id=103), set()),
    (Action.COMPLETE_TASK, replace(TASK, open=False), set()),
    (Action.COMPLETE_TASK, replace(TASK, matter=replace(MATTER, active=False)), set()),
    (Action.CLAIM_TASK, TASK, HEADS | {"own_head"}),
    (Action.CLAIM_TASK, CLAIMED, {"secretary"}),
    (Action.UNCLAIM_TASK, CLAIMED, STEERING),
    (Action.UNCLAIM_TASK, DELEGATED, STEERING | {"stranger"}),
    (Action.DELEGATE_TASK, TASK, STEERING | {"own_head"}),
    (Action.DELEGATE_TASK, DECISION, STEERING),
    (
        Action.RECEIVE_TASK,
        TASK,
        HEADS | {"publicity", "leader", "own_head"},
    ),
    (Action.RECEIVE_TASK, DECISION, HEADS),
    (Action.SEND_BACK_TASK, TASK, STEERING),
    # The right to vote is one's own: no post gives it, nobody above has it, nobody stands in.
    (Action.CAST_BALLOT, BOX, {"subject", "own_head", "secretary", "stranger"}),
    (Action.CAST_BALLOT, replace(BOX, open=False), set()),
    (Action.VIEW_BALLOT, BOX, HEADS | {"subject", "own_head", "stranger", "contact", "worker"}),
    (Action.RUN_BALLOT, BOX, HEADS | {"own_head"}),
    (Action.COUNT_PAPER, BOX, {"contact", "worker"}),
    (Action.COUNT_PAPER, replace(BOX, open=False), set()),
    # Whoever leads a group sees what it owes; what lies below is for those who lead more.
    (Action.VIEW_BOARD, PLACE, SEEING | {"own_head", "chosen", "leader"}),
    (Action.VIEW_BOARD_BELOW, PLACE, HEADS | ABOVE | {"auditor", "own_head", "chosen"}),
    # What each member has gathered: the heads of the branch and those who lead above.
    (Action.VIEW_TALLY, PLACE, HEADS | ABOVE | {"own_head", "chosen"}),
    (Action.VIEW_FINDINGS, PLACE, SEEING | {"own_head", "chosen"}),
    (Action.VIEW_FINDINGS, MATTER, SEEING),
    (
        Action.VIEW_PERSON,
        SOMEBODY,
        SEEING | {"own_head", "chosen", "admin", "stranger"},
    ),
    (Action.MANAGE_PERSON, SOMEBODY, {"admin"}),
    (Action.CORRECT_STATUS, SOMEBODY, {"admin"}),
    (Action.CORRECT_STATUS, PersonView(132, 3, BRANCH[1]), set()),
    (Action.VIEW_ROSTER, PLACE, {"admin"}),
    (Action.MANAGE_ORGANISATION, PLACE, {"admin"}),
    (Action.MANAGE_POSTS, PLACE, {"admin"}),
    (Action.MANAGE_POSTS, replace(PLACE, subject_id=132), set()),
    (Action.MANAGE_ACCOUNTS, SOMEBODY, {"admin"}),
    (Action.MANAGE_PROCEDURES, OrganisationView(*COUNTY), {"admin"}),
    (Action.SET_PARAMETERS, PLACE, {"admin", "county"}),
    (
        Action.LEND_POSTS,
        SubstitutionView(110, *BRANCH),
        HEADS | {"own_head", "chosen", "publicity", "admin"},
    ),
]


@pytest.mark.parametrize(
    ("action", "thing", "allowed"),
    TABLE,
    ids=[f"{action.value}-{number}" for number, (action, _, _) in enumerate(TABLE)],
)
def test_exactly_these_may(action: Action, thing: object, allowed: set[str]) -> None:
    assert {name for name, actor in ACTORS.items() if may(actor, action, thing)} == allowed


def test_the_table_covers_every_action() -> None:
    assert set(POLICY) == set(Action) == {action for action, _, _ in TABLE}


def test_a_right_is_explained_by_the_post_that_gives_it() -> None:
    decision = decide(ACTORS["secretary"], Action.COMPLETE_TASK, TASK)
    assert str(decision.reason) == "您是第一党支部书记，可以办理该任务。"
    assert decision.on_behalf_of is None


def test_a_substitute_acts_in_the_name_of_the_other() -> None:
    decision = require(ACTORS["substitute"], Action.COMPLETE_TASK, TASK)
    assert str(decision.reason) == "您受李书记委托，代行第一党支部书记职责，可以办理该任务。"
    assert decision.on_behalf_of == 111


def test_a_lent_post_never_reaches_matters_of_the_lender() -> None:
    decision = decide(ACTORS["chosen"], Action.COMPLETE_TASK, DECISION)
    assert str(decision.reason) == "代办授权不适用于您本人或委托人为当事人的事项。"


def test_every_refusal_says_why() -> None:
    for action, thing, allowed in TABLE:
        for name in set(ACTORS) - allowed:
            decision = decide(ACTORS[name], action, thing)
            assert str(decision.reason).endswith("。")
            assert decision.error is not None


@pytest.mark.parametrize(
    ("name", "task", "error"),
    [
        ("secretary", replace(TASK, open=False), TaskClosed),
        ("secretary", replace(TASK, matter=replace(MATTER, active=False)), NotRunning),
        ("substitute", CLAIMED, AlreadyClaimed),
        ("own_head", DECISION, NotAllowed),
        ("stranger", TASK, NotAllowed),
    ],
)
def test_what_stands_in_the_way_has_its_own_error(
    name: str, task: TaskView, error: type[Exception]
) -> None:
    with pytest.raises(error):
        require(ACTORS[name], Action.COMPLETE_TASK, task)


def test_strangers_do_not_learn_that_a_matter_exists() -> None:
    with pytest.raises(NotFound):
        require(ACTORS["stranger"], Action.VIEW_MATTER, MATTER)


def test_reading_a_sensitive_file_is_marked() -> None:
    file = AttachmentView(MATTER, 102, sensitive=True)
    assert decide(ACTORS["auditor"], Action.READ_ATTACHMENT, file).sensitive
    assert not decide(
        ACTORS["auditor"], Action.READ_ATTACHMENT, replace(file, sensitive=False)
    ).sensitive


def test_a_decision_cannot_be_kept_after_the_post_is_lost() -> None:
    formerly = make_actor(111, "前任书记", day=DAY)
    kept = replace(DECISION, assignee_id=111)
    assert not may(formerly, Action.COMPLETE_TASK, kept)
    assert may(ACTORS["secretary"], Action.COMPLETE_TASK, kept)


def test_a_branch_whose_number_begins_alike_is_another_branch() -> None:
    near = replace(MATTER, organisation_id=33, path="/1/2/33/", participants=frozenset())
    assert not may(ACTORS["secretary"], Action.VIEW_MATTER, near)


def test_a_branch_keeps_its_matters_when_it_is_moved() -> None:
    before = replace(MATTER, path="/1/7/3/")
    assert may(ACTORS["secretary"], Action.COMPLETE_TASK, replace(TASK, matter=before))
    assert may(ACTORS["secretary"], Action.CANCEL_MATTER, before)
    assert not may(ACTORS["town"], Action.VIEW_MATTER, before)
    assert not may(ACTORS["secretary"], Action.WAIVE_FINDING, replace(MATTER, path="/1/2/3/8/"))


def test_the_parts_of_the_web_open_by_post() -> None:
    assert audiences(ACTORS["stranger"]) == frozenset()
    assert audiences(ACTORS["auditor"]) == {Audience.BOARD, Audience.AUDIT}
    assert audiences(ACTORS["admin"]) == {Audience.ADMIN}
    assert Audience.BOARD in audiences(ACTORS["publicity"])
