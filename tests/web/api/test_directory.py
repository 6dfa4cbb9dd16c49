"""Organisations, people and incidents over the API."""

from __future__ import annotations

from sqlalchemy import insert

from engine.database import unit_of_work
from engine.directory.models import Person
from engine.runtime.models import Incident
from tests.web.api.conftest import Town


def test_organisations_are_those_that_posts_reach(town: Town) -> None:
    superior = town.program("superior").get("organisations").get_json()["items"]
    assert [item["name"] for item in superior] == ["青山镇党委", "第一党支部", "第二党支部"]
    branch = superior[1]
    assert branch["parent_id"] == town.places["committee"]
    assert branch["superiors"] == [town.places["county"], town.places["committee"]]
    assert branch["kind_title"] == "党支部"
    member = town.program("member").get("organisations").get_json()["items"]
    assert [item["name"] for item in member] == ["第一党支部"]


def test_the_tree_is_walked_in_pages(town: Town) -> None:
    auditor = town.program("auditor")
    below = auditor.get(f"organisations?parent_id={town.places['committee']}&limit=1").get_json()
    assert [item["name"] for item in below["items"]] == ["第一党支部"]
    rest = auditor.get(
        f"organisations?parent_id={town.places['committee']}&cursor={below['next_cursor']}"
    ).get_json()
    assert [item["name"] for item in rest["items"]] == ["第二党支部"]
    assert len(auditor.get("organisations?kind=committee").get_json()["items"]) == 2
    assert len(auditor.get("organisations?text=第二").get_json()["items"]) == 1
    assert auditor.get("organisations?text=%25").get_json()["items"] == []
    assert auditor.get("organisations?kind=club").status_code == 422


def test_an_organisation_out_of_reach_is_not_found(town: Town) -> None:
    member = town.program("member")
    assert member.get(f"organisations/{town.places['branch']}").status_code == 200
    hidden = member.get(f"organisations/{town.places['other']}")
    absent = member.get("organisations/999999")
    assert hidden.status_code == absent.status_code == 404
    assert hidden.get_json() == absent.get_json()


def test_people_are_those_one_may_see(town: Town) -> None:
    secretary = town.program("secretary")
    found = secretary.get("people").get_json()["items"]
    assert {person["name"] for person in found} == {"李一", "钱二", "王建国", "赵敏", "周强"}
    assert secretary.get("people?text=李").get_json()["items"][0]["status_title"] == "群众"
    assert len(secretary.get("people?status=full").get_json()["items"]) == 3
    page = secretary.get("people?limit=4").get_json()
    rest = secretary.get(f"people?cursor={page['next_cursor']}").get_json()
    assert (len(page["items"]), len(rest["items"])) == (4, 1)
    mine = town.program("member").get("people").get_json()["items"]
    assert [person["name"] for person in mine] == ["周强"]
    assert secretary.get("people?status=member").status_code == 422


def test_a_person_is_shown_with_masked_numbers(town: Town) -> None:
    with unit_of_work() as session:
        person = session.get(Person, town.people["applicant"])
        person.identity_number = "11010119900307001X"
    response = town.program("secretary").get(f"people/{town.people['applicant']}")
    body = response.get_json()
    assert body["phone"] == "138****5678"
    assert body["identity_number"] == "1101**********001X"
    assert "1990" not in response.text
    held = town.program("secretary").get(f"people/{town.people['secretary']}").get_json()
    assert [post["kind_title"] for post in held["posts"]] == ["书记"]


def test_a_person_out_of_sight_is_not_found(town: Town) -> None:
    member = town.program("member")
    assert member.get(f"people/{town.people['member']}").status_code == 200
    hidden = member.get(f"people/{town.people['secretary']}")
    absent = member.get("people/999999")
    assert hidden.status_code == absent.status_code == 404
    assert hidden.get_json() == absent.get_json()


def record_incident(town: Town, instance: int, task: int) -> int:
    values = {
        "instance_id": instance,
        "fingerprint": "claim",
        "command": {"name": "claim", "task_id": task, "command_id": None, "arguments": {}},
        "code": "engine_fault",
        "message": "出错",
        "actor_id": town.people["secretary"],
        "created_at": town.clock.now(),
    }
    with unit_of_work() as session:
        found: int = session.execute(
            insert(Incident).values(values).returning(Incident.id)
        ).scalar_one()
    return found


def test_administrators_see_and_retry_incidents(town: Town) -> None:
    instance, task = town.start()
    incident = record_incident(town, instance, task)
    administrator = town.program("administrator")
    (listed,) = administrator.get("incidents").get_json()["items"]
    assert (listed["id"], listed["command"]) == (incident, "claim")
    done = administrator.post(f"incidents/{incident}/retry")
    assert done.get_json()["instance_id"] == instance
    shown = town.program("secretary").get(f"tasks/{task}").get_json()
    assert shown["claimed_by"] == town.people["secretary"]
    assert administrator.get("incidents").get_json()["items"] == []
    assert administrator.post(f"incidents/{incident}/retry").status_code == 409
    assert administrator.post("incidents/999999/retry").status_code == 404


def test_nobody_else_learns_of_incidents(town: Town) -> None:
    instance, task = town.start()
    incident = record_incident(town, instance, task)
    for name in ("secretary", "auditor", "superior"):
        program = town.program(name)
        assert program.get("incidents").status_code == 403
        assert program.post(f"incidents/{incident}/retry").status_code == 403
        assert program.post("incidents/999999/retry").status_code == 403
