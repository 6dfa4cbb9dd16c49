"""Secret ballots over the API: programs vote, run and count; nothing tells what anybody chose."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from engine.ballots.models import BallotBox
from engine.database import db, unit_of_work
from engine.definitions.operations import deploy_package
from engine.directory.actors import load_actor
from engine.runtime import operations
from tests.ballot_builder import ballot_package
from tests.web.api.conftest import Town


@pytest.fixture
def box(town: Town) -> BallotBox:
    return open_ballot(town)


def open_ballot(town: Town) -> BallotBox:
    """Open a ballot in the town's branch."""
    with unit_of_work() as session:
        deploy_package(session, ballot_package(min_size="1"), town.clock)
    operations.start_instance(
        "review",
        {},
        organisation_id=town.places["branch"],
        subject_id=None,
        actor=load_actor(town.session, person_id=town.people["secretary"], day=town.clock.today()),
        clock=town.clock,
    )
    found: BallotBox = db.session.scalars(select(BallotBox)).one()
    return found


def answers(box: BallotBox) -> dict[str, object]:
    people = [value for value, _ in box.paper["questions"][0]["items"]]
    return {**{f"grade.{p}": ["basic"] for p in people}, "work": "no"}


def test_a_program_votes_for_its_person_once(town: Town, box: BallotBox) -> None:
    program = town.program("member")
    [mine] = program.get("ballots").get_json()["ballots"]
    assert (mine["id"], mine["open"], mine["voted"]) == (box.id, True, False)
    short = program.post(f"ballots/{box.id}/cast", {"answers": {"work": "no", "grade": 5}})
    assert short.status_code == 422
    cast = program.post(f"ballots/{box.id}/cast", {"answers": answers(box)})
    assert cast.status_code == 200
    again = program.post(f"ballots/{box.id}/cast", {"answers": answers(box)})
    assert (again.status_code, again.get_json()["code"]) == (409, "already_voted")
    shown = program.get(f"ballots/{box.id}").get_json()
    assert (shown["voted"], shown["result"], shown["roll"], shown["receipts"]) == (
        True,
        None,
        [],
        [],
    )
    lead = town.program("secretary")
    assert lead.get(f"ballots/{box.id}").get_json()["result"] is None
    closed = lead.post(f"ballots/{box.id}/close")
    assert closed.get_json()["result"]["counts"]["work"] == {"yes": 0, "no": 1, "abstain": 0}
    assert program.get(f"ballots/{box.id}").get_json()["receipts"] == [cast.get_json()["receipt"]]


def test_programs_count_paper_ballots_in_twos(town: Town, box: BallotBox) -> None:
    lead = town.program("secretary")
    roll = lead.get(f"ballots/{box.id}").get_json()["roll"]
    people = [line["person_id"] for line in roll]
    two = [town.people["secretary"], town.people["member"]]
    assert set(two) <= set(people)
    assert lead.post(f"ballots/{box.id}/tellers", {"people": two}).status_code == 204
    assert lead.post(f"ballots/{box.id}/paper-ballots", {"people": people}).status_code == 204
    totals = {"0.collected": 0, "0.invalid": 0}
    for question in box.paper["questions"]:
        for place in [value for value, _ in question["items"]] or [""]:
            for value, _ in question["options"]:
                totals[".".join(filter(None, ("0", question["key"], place, value)))] = 0
    assert lead.post(f"ballots/{box.id}/totals", {"totals": {**totals, "x": 1}}).status_code == 422
    assert lead.post(f"ballots/{box.id}/totals", {"totals": totals}).status_code == 204
    assert lead.post(f"ballots/{box.id}/totals/confirm").status_code == 403
    assert town.program("member").post(f"ballots/{box.id}/totals/confirm").status_code == 204
    result = lead.post(f"ballots/{box.id}/close").get_json()["result"]
    assert (result["issued"], result["not_returned"]) == (len(people), len(people))


def test_others_are_told_nothing(town: Town, box: BallotBox) -> None:
    stranger = town.program("stranger")
    assert stranger.get(f"ballots/{box.id}").status_code == 404
    assert stranger.post(f"ballots/{box.id}/cast", {"answers": answers(box)}).status_code == 404
    assert stranger.post(f"ballots/{box.id}/void", {"reason": "x"}).status_code == 404
    member = town.program("member")
    assert member.post(f"ballots/{box.id}/close").status_code == 403
