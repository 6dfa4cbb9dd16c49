"""A ballot from its opening to its count: who may, who may not, and what is left of it."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from engine import sealing
from engine.ballots.errors import AlreadyVoted, BoxClosed, PaperIssued, PaperNotCounted
from engine.ballots.models import BallotBox
from engine.ballots.operations import destroy_spent_keys
from engine.compliance.parameter_operations import set_parameter
from engine.compliance.regulation_reading import load_regulation_folder
from engine.compliance.regulation_store import deploy_regulations
from engine.database import db, unit_of_work
from engine.errors import Conflict, InvalidInput, NotAllowed, NotFound
from engine.ledger.models import LedgerEntry
from engine.runtime import balloting, operations
from engine.settings import ROOT
from tests.ballot_builder import Booth, ballot_package
from tests.factories import Desk

REGULATIONS = ROOT / "processes" / "regulations"
MEMBERS = ("secretary", "deputy", "member", "other_member")


def finish(booth: Booth) -> dict:
    booth.matter.complete("vote")
    return booth.box.result


def entries(booth: Booth, kind: str = "ballot") -> list[dict]:
    rows = db.session.scalars(
        select(LedgerEntry)
        .where(LedgerEntry.chain_id == booth.matter.id, LedgerEntry.kind == kind)
        .order_by(LedgerEntry.seq)
    )
    return [json.loads(row.payload) for row in rows]


def test_the_box_opens_with_its_task_for_those_who_have_a_vote(desk: Desk) -> None:
    booth = Booth(desk)
    assert set(booth.lines()) == {desk.town.people[name] for name in MEMBERS}
    assert booth.box.state == "open" and sealing.kept_keys().count(booth.box.uid) == 1


def test_a_ballot_is_counted_and_its_receipt_is_published(desk: Desk) -> None:
    booth = Booth(desk)
    codes = [booth.cast("member", "excellent"), booth.cast("deputy", wishes=["study", "service"])]
    assert booth.box.result is None and booth.box.receipts is None
    result = finish(booth)
    assert (result["issued"], result["valid"], result["not_returned"]) == (4, 2, 2)
    someone = str(desk.town.people["member"])
    assert result["counts"]["grade"][someone] == {
        "excellent": 1,
        "qualified": 1,
        "basic": 0,
        "unqualified": 0,
    }
    assert result["counts"]["wishes"] == {"study": 1, "service": 1, "meetings": 0, "blank": 1}
    assert booth.box.receipts == sorted(codes)
    assert entries(booth, "completed")[-1]["data"]["questionnaire"] == result


def test_nothing_is_left_of_the_ballots_once_they_are_counted(desk: Desk) -> None:
    booth = Booth(desk)
    booth.cast("member")
    booth.cast("deputy")
    uid = booth.box.uid
    finish(booth)
    assert (booth.box.sealed, booth.box.totals) == (b"", None)
    assert uid not in sealing.kept_keys()


def test_one_ballot_each(desk: Desk) -> None:
    booth = Booth(desk)
    booth.cast("member", "excellent")
    before = booth.box.sealed
    with pytest.raises(AlreadyVoted):
        booth.cast("member", "unqualified")
    assert booth.box.sealed == before


@pytest.mark.parametrize("who", ["applicant", "stranger", "superior", "administrator"])
def test_who_is_not_on_the_roll_does_not_even_see_the_ballot(desk: Desk, who: str) -> None:
    with pytest.raises(NotFound):
        booth = Booth(desk)
        booth.cast(who)


def test_who_runs_it_without_a_vote_of_his_own_cannot_vote(desk: Desk) -> None:
    booth = Booth(desk)
    secretary = desk.actor("secretary")
    balloting.strike_voter(
        booth.box.id, secretary.person_id, "组织关系转出", actor=secretary, clock=desk.clock
    )
    with pytest.raises(NotAllowed):
        booth.cast("secretary")
    assert entries(booth)[-1]["act"] == "struck"
    assert finish(booth)["issued"] == 3


def test_an_incomplete_ballot_is_refused_and_can_be_cast_again(desk: Desk) -> None:
    booth = Booth(desk)
    with pytest.raises(InvalidInput) as refused:
        booth.cast("member", work=[], wishes=["study", "service", "meetings"])
    assert set(refused.value.fields) == {"work", "wishes"}
    assert booth.lines()[desk.town.people["member"]].way is None
    booth.cast("member")


def test_after_closing_nobody_votes(desk: Desk) -> None:
    booth = Booth(desk)
    booth.cast("member")
    box = booth.box.id
    balloting.close_ballot(box, actor=desk.actor("secretary"), clock=desk.clock)
    with pytest.raises(Conflict):
        booth.cast("deputy")
    with pytest.raises(BoxClosed):
        balloting.close_ballot(box, actor=desk.actor("secretary"), clock=desk.clock)
    assert finish(booth)["collected"] == 1


def test_members_do_not_run_the_ballot(desk: Desk) -> None:
    booth = Booth(desk)
    who = {"actor": desk.actor("member"), "clock": desk.clock}
    for attempt in (
        lambda: balloting.close_ballot(booth.box.id, **who),
        lambda: balloting.void_ballot(booth.box.id, "想重投", **who),
        lambda: balloting.issue_paper(booth.box.id, [desk.town.people["deputy"]], **who),
        lambda: balloting.enter_totals(booth.box.id, {}, **who),
    ):
        with pytest.raises(NotAllowed):
            attempt()


def test_paper_ballots_take_two_tellers(desk: Desk) -> None:
    booth = Booth(desk)
    people = desk.town.people
    lead = {"actor": desk.actor("secretary"), "clock": desk.clock}
    booth.cast("secretary", "excellent")
    balloting.issue_paper(booth.box.id, [people["member"], people["other_member"]], **lead)
    with pytest.raises(PaperIssued):
        booth.cast("member")
    with pytest.raises(InvalidInput):
        balloting.appoint_tellers(booth.box.id, [people["deputy"]], **lead)
    balloting.appoint_tellers(booth.box.id, [people["deputy"], people["member"]], **lead)
    first, second = ({"actor": desk.actor(n), "clock": desk.clock} for n in ("deputy", "member"))
    with pytest.raises(NotAllowed):
        balloting.enter_totals(booth.box.id, booth.totals(2, 0), **lead)
    with pytest.raises(InvalidInput):
        balloting.enter_totals(booth.box.id, booth.totals(3, 0), **first)
    balloting.enter_totals(booth.box.id, booth.totals(2, 1), **first)
    with pytest.raises(PaperNotCounted):
        booth.matter.complete("vote")
    with pytest.raises(NotAllowed):
        balloting.confirm_totals(booth.box.id, **first)
    balloting.confirm_totals(booth.box.id, **second)
    result = finish(booth)
    assert (result["issued"], result["collected"], result["invalid"]) == (4, 3, 1)
    assert (result["valid"], result["not_returned"], result["electronic"]) == (2, 1, 1)
    someone = result["counts"]["grade"][str(people["deputy"])]
    assert (someone["excellent"], someone["qualified"]) == (1, 1)
    acts = [entry["act"] for entry in entries(booth)]
    assert acts == ["paper_issued", "tellers", "paper_entered", "paper_confirmed"]


def test_totals_put_back_are_entered_anew(desk: Desk) -> None:
    booth = Booth(desk)
    people = desk.town.people
    lead = {"actor": desk.actor("secretary"), "clock": desk.clock}
    balloting.issue_paper(booth.box.id, [people["member"]], **lead)
    balloting.appoint_tellers(booth.box.id, [people["deputy"], people["member"]], **lead)
    first, second = ({"actor": desk.actor(n), "clock": desk.clock} for n in ("deputy", "member"))
    with pytest.raises(PaperNotCounted):
        balloting.confirm_totals(booth.box.id, **second)
    balloting.enter_totals(booth.box.id, booth.totals(0, 0), **first)
    balloting.reject_totals(booth.box.id, **second)
    balloting.enter_totals(booth.box.id, booth.totals(1, 0), **second)
    balloting.confirm_totals(booth.box.id, **first)
    with pytest.raises(BoxClosed):
        balloting.enter_totals(booth.box.id, booth.totals(1, 0), **first)
    assert finish(booth)["small"] is True


def test_late_comers_are_admitted_and_a_voter_is_not_struck(desk: Desk) -> None:
    booth = Booth(desk)
    lead = {"actor": desk.actor("secretary"), "clock": desk.clock}
    stranger = desk.town.people["stranger"]
    category = booth.box.paper["categories"][0]
    balloting.admit_voter(booth.box.id, stranger, category, "组织关系转入", **lead)
    booth.cast("stranger")
    with pytest.raises(AlreadyVoted):
        balloting.strike_voter(booth.box.id, stranger, "转出", **lead)
    with pytest.raises(InvalidInput):
        balloting.admit_voter(booth.box.id, stranger, category, "转入", **lead)
    assert entries(booth)[0] == {
        "act": "admitted",
        "ballot": booth.box.id,
        "people": [stranger],
        "reason": "组织关系转入",
    }


def test_a_ballot_thrown_away_is_read_by_nobody_and_all_vote_again(desk: Desk) -> None:
    booth = Booth(desk)
    lead = {"actor": desk.actor("secretary"), "clock": desk.clock}
    booth.cast("member")
    first = booth.box
    with pytest.raises(InvalidInput):
        balloting.void_ballot(first.id, " ", **lead)
    balloting.void_ballot(first.id, "名册有误", **lead)
    with pytest.raises(InvalidInput):  # the step needs a ballot
        booth.matter.complete("vote")
    balloting.open_ballot(booth.task, "questionnaire", **lead)
    with pytest.raises(Conflict):
        balloting.open_ballot(booth.task, "questionnaire", **lead)
    booth.cast("member")
    gone = db.session.get(BallotBox, first.id, populate_existing=True)
    assert (gone.state, gone.sealed, gone.result) == ("void", b"", None)
    assert first.uid not in sealing.kept_keys()
    assert finish(booth)["collected"] == 1


def test_sent_back_to_the_vote_everybody_votes_anew(desk: Desk) -> None:
    booth = Booth(desk)
    booth.cast("member")
    finish(booth)
    booth.matter.send_back("finish", "vote")
    booth.task = booth.matter.task("vote")
    booth.cast("member")
    assert finish(booth)["collected"] == 1


def test_a_task_taken_back_takes_its_ballots_along(desk: Desk) -> None:
    booth = Booth(desk)
    booth.cast("member")
    box = booth.box
    operations.cancel_instance(
        booth.matter.id, "不再办理", actor=desk.actor("secretary"), clock=desk.clock
    )
    gone = db.session.get(BallotBox, box.id, populate_existing=True)
    assert (gone.state, gone.sealed) == ("void", b"")
    assert box.uid not in sealing.kept_keys()


def test_without_its_key_a_box_is_opened_by_nobody(desk: Desk) -> None:
    booth = Booth(desk)
    booth.cast("member")
    sealing.destroy_key(booth.box.uid)
    with pytest.raises(sealing.KeyMissing):
        finish(booth)


def test_a_ballot_put_in_behind_the_back_of_the_roll_is_noticed(desk: Desk) -> None:
    booth = Booth(desk)
    booth.cast("member")
    box = booth.box
    box.sealed = box.sealed * 2
    db.session.flush()
    with pytest.raises(sealing.EnvelopeDamaged):
        finish(booth)


def test_small_branches_learn_only_how_many_there_were(desk: Desk) -> None:
    booth = Booth(desk, ballot_package(min_size="5"))
    for name in MEMBERS:
        booth.cast(name)
    result = finish(booth)
    assert (result["valid"], result["small"], result["counts"]) == (4, True, {})


@pytest.mark.parametrize(("least", "small"), [(None, True), (4, False), (5, True)])
def test_how_many_are_few_is_for_the_committee_to_say(
    desk: Desk, least: int | None, small: bool
) -> None:
    with unit_of_work() as session:
        deploy_regulations(session, load_regulation_folder(REGULATIONS), desk.clock)
    if least is not None:
        set_parameter(
            desk.clock,
            desk.actor("administrator"),
            organisation_id=desk.town.organisations["committee"],
            key="ballot_min_size",
            value=least,
            since=desk.clock.today(),
            reason="镇委文件",
        )
    booth = Booth(desk, ballot_package(min_size=None))
    for name in MEMBERS:
        booth.cast(name)
    assert finish(booth)["small"] is small


def test_groups_of_voters_are_counted_apart(desk: Desk) -> None:
    roll = "领导班子=committee; 党员=members; 群众=paper"
    booth = Booth(desk, ballot_package(roll=roll, min_size="2"))
    assert {line.category for line in booth.lines().values()} == {"领导班子", "党员"}
    for name in MEMBERS:
        booth.cast(name)
    result = finish(booth)
    assert {c: line["valid"] for c, line in result["categories"].items()} == {
        "领导班子": 2,
        "党员": 2,
        "群众": 0,
    }


def test_an_election_chooses_among_people(desk: Desk) -> None:
    election = {
        "type": "checklist",
        "key": "elected",
        "label": "选举委员",
        "values": [],
        "properties": {"candidates": "members", "least": "0", "most": "3"},
    }
    booth = Booth(desk, ballot_package(questions=[election]))
    people = [str(desk.town.people[name]) for name in MEMBERS]
    for name in MEMBERS:
        booth.cast(name, elected=people[:3])
    counts = finish(booth)["counts"]["elected"]
    assert [counts[p] for p in people] == [4, 4, 4, 0]


def test_by_hand_the_box_waits_for_who_runs_it(desk: Desk) -> None:
    booth = Booth(desk, ballot_package(opens="by_hand"))
    assert (
        db.session.scalars(select(BallotBox.id).where(BallotBox.task_id == booth.task)).all() == []
    )
    balloting.open_ballot(
        booth.task, "questionnaire", actor=desk.actor("secretary"), clock=desk.clock
    )
    booth.cast("member")
    assert [entry["act"] for entry in entries(booth)] == ["opened"]


def test_keys_left_behind_are_destroyed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    import uuid

    booth = Booth(desk)
    lost = uuid.uuid4()
    sealing.new_key(lost)
    monkeypatch.setattr("engine.ballots.operations.KEPT_SECONDS", 0)
    destroy_spent_keys(db.session())
    assert lost not in sealing.kept_keys()
    assert booth.box.uid in sealing.kept_keys()
