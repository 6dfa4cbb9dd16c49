"""Lists of people over the API: who is missing, late-comers, leavers, a word to all."""

from __future__ import annotations

import pytest

from engine.database import unit_of_work
from engine.definitions.operations import deploy_package
from engine.directory.actors import load_actor
from engine.runtime import operations
from tests.gathering import gathering
from tests.web.api.conftest import Town


@pytest.fixture
def matter(town: Town) -> int:
    with unit_of_work() as session:
        deploy_package(session, gathering(), town.clock)
    done = operations.start_instance(
        "gathering",
        {"members": [town.people["secretary"]]},
        organisation_id=town.places["branch"],
        subject_id=None,
        actor=load_actor(town.session, person_id=town.people["secretary"], day=town.clock.today()),
        clock=town.clock,
    )
    return done.instance_id


def test_the_list_and_what_may_be_done_to_it(town: Town, matter: int) -> None:
    program = town.program("secretary")
    [roll] = program.get(f"process-instances/{matter}/rolls").get_json()["rolls"]
    assert (roll["element"], roll["done"], roll["missing"]) == ("say", 0, 1)
    assert roll["people"][0]["person_id"] == town.people["secretary"]
    assert roll["may_change"] and not roll["may_remind"]  # nobody but the reader is missing
    below = f"process-instances/{matter}/rolls/say"
    other = town.people["member"]
    body = {"person_id": other, "reason": "新转入"}
    added = program.command(f"{below}/people", body)
    again = program.command(f"{below}/people", body)
    assert (added.status_code, again.status_code) == (200, 422)
    assert "person_id" in again.get_json()["fields"]
    assert program.command(f"{below}/remind").status_code == 200
    refused = program.command(f"{below}/remind")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "reminded_already")
    left = program.command(f"{below}/leavers", {"person_id": other, "reason": "转出"})
    assert left.status_code == 200


def test_those_who_may_not_know_of_the_matter_are_told_nothing(town: Town, matter: int) -> None:
    stranger = town.program("stranger")
    assert stranger.get(f"process-instances/{matter}/rolls").status_code == 404
    answer = stranger.command(f"process-instances/{matter}/rolls/say/remind")
    assert answer.status_code == 404
