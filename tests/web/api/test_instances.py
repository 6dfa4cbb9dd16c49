"""Process instances over the API: starting, reading, steering, messages."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from engine.database import unit_of_work
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind
from engine.runtime import store
from tests.web.api.conftest import KEY, PDF, Program, Town


def start_body(town: Town, program: Program, name: str = "applicant") -> dict:
    return {
        "process": KEY,
        "organisation_id": town.places["branch"],
        "subject_id": town.people[name],
        "data": town.application(program),
    }


def test_starting_gives_the_place_of_the_new_instance(town: Town) -> None:
    applicant = town.program("applicant")
    response = applicant.command("process-instances", start_body(town, applicant))
    assert response.status_code == 201
    body = response.get_json()
    assert response.headers["Location"] == f"/api/v1/process-instances/{body['instance_id']}"
    shown = applicant.get(response.headers["Location"])
    assert shown.headers["ETag"] == f'"{shown.get_json()["revision"]}"'
    assert shown.get_json()["number"] == "FZ-2026-0001"
    assert shown.get_json()["now"] == ["02 党组织派人谈话"]


def test_starting_without_data_leaves_the_first_task_open(town: Town) -> None:
    applicant = town.program("applicant")
    body = start_body(town, applicant)
    del body["data"]
    response = applicant.command("process-instances", body)
    assert [found["element"] for found in response.get_json()["opened"]] == ["submit_application"]


def test_starting_twice_with_one_key_starts_once(town: Town) -> None:
    applicant, key = town.program("applicant"), uuid4()
    body = start_body(town, applicant)
    first = applicant.command("process-instances", body, key=key)
    town.clock.set(town.clock.at + timedelta(minutes=5))
    again = applicant.command("process-instances", body, key=key)
    assert first.status_code == again.status_code == 201
    assert again.get_json()["instance_id"] == first.get_json()["instance_id"]
    other = applicant.command("process-instances", body)
    assert (other.status_code, other.get_json()["code"]) == (409, "conflict")


def test_what_may_not_be_started_is_refused(town: Town) -> None:
    applicant, stranger = town.program("applicant"), town.program("stranger")
    body = start_body(town, applicant)
    unknown = applicant.command("process-instances", {**body, "process": "no_such_thing"})
    assert unknown.status_code == 404
    assert stranger.command("process-instances", body).status_code == 403
    nowhere = applicant.command("process-instances", {**body, "organisation_id": 999_999})
    assert nowhere.status_code == 404
    early = {**body, "occurred_on": "2026-11-23"}
    assert applicant.command("process-instances", early).status_code == 422
    empty = applicant.command("process-instances", {**body, "data": {}})
    assert "data.birth_date" in empty.get_json()["fields"]


def test_lists_show_what_one_may_see(town: Town) -> None:
    one, _ = town.start()
    two, _ = town.start("member_two")
    auditor = town.program("auditor")
    first = auditor.get("process-instances?limit=1").get_json()
    assert [item["id"] for item in first["items"]] == [two]
    second = auditor.get(f"process-instances?limit=1&cursor={first['next_cursor']}").get_json()
    assert ([item["id"] for item in second["items"]], second["next_cursor"]) == ([one], None)
    for query, count in (
        ("status=active", 2),
        ("status=completed", 0),
        (f"process={KEY}", 2),
        ("process=leave_request", 0),
        (f"organisation_id={town.places['branch']}", 2),
        (f"organisation_id={town.places['other']}", 0),
        ("text=李一", 1),
        ("text=FZ-2026-0002", 1),
        ("text=%25", 0),
    ):
        items = auditor.get(f"process-instances?{query}").get_json()["items"]
        assert len(items) == count, query
    assert town.program("stranger").get("process-instances").get_json()["items"] == []
    own = town.program("applicant").get("process-instances").get_json()["items"]
    assert [item["id"] for item in own] == [one]


@pytest.mark.parametrize("query", ["cursor=-1", "cursor=1e5", "cursor=" + "9" * 19, "status=open"])
def test_lists_are_asked_strictly(town: Town, query: str) -> None:
    assert town.program("auditor").get(f"process-instances?{query}").status_code == 422


def test_steps_and_ledger_tell_what_happened(town: Town) -> None:
    instance, task = town.start()
    secretary = town.program("secretary")
    secretary.command(f"tasks/{task}/complete", {"data": town.talk(secretary)})
    steps = secretary.get(f"process-instances/{instance}/steps").get_json()["items"]
    assert [step["number"] for step in steps] == ["01", "02"]
    assert steps[0]["person_name"] == "李一"
    (file,) = steps[0]["documents"]
    # What a file is follows from the field it was handed in for, not from who sent it.
    assert (file["name"], file["document"]) == ("申请书.pdf", "入党申请书")
    page = secretary.get(f"process-instances/{instance}/steps?limit=1").get_json()
    rest = secretary.get(
        f"process-instances/{instance}/steps?cursor={page['next_cursor']}"
    ).get_json()
    assert [step["number"] for step in rest["items"]] == ["02"]
    entries = secretary.get(f"process-instances/{instance}/ledger").get_json()["items"]
    assert [entry["kind"] for entry in entries] == ["started", "completed", "completed"]
    assert [entry["seq"] for entry in entries] == sorted(entry["seq"] for entry in entries)
    assert all(len(entry["digest"]) == 64 for entry in entries)
    page = secretary.get(f"process-instances/{instance}/ledger?limit=2").get_json()
    rest = secretary.get(
        f"process-instances/{instance}/ledger?cursor={page['next_cursor']}"
    ).get_json()
    assert [entry["seq"] for entry in rest["items"]] == [3]


def test_the_person_concerned_reads_his_own_words_only(town: Town) -> None:
    instance, task = town.start()
    secretary, applicant = town.program("secretary"), town.program("applicant")
    secretary.command(f"tasks/{task}/complete", {"data": town.talk(secretary)})
    response = applicant.get(f"process-instances/{instance}/steps")
    own, others = response.get_json()["items"]
    assert own["data"]
    assert not others["data"]
    assert not others["documents"]
    assert "动机端正" not in response.text
    assert applicant.get(f"process-instances/{instance}/ledger").status_code == 403


def test_foreign_instances_are_as_absent_as_those_that_never_were(town: Town) -> None:
    instance, _ = town.start()
    stranger = town.program("stranger")
    reason = {"reason": "不合适"}
    for method, path, body in (
        ("GET", "", None),
        ("GET", "/steps", None),
        ("GET", "/ledger", None),
        ("POST", "/cancel", reason),
        ("POST", "/suspend", reason),
        ("POST", "/resume", None),
        ("POST", "/messages", {"message": "withdraw"}),
    ):
        foreign = stranger.send(method, f"process-instances/{instance}{path}", json=body)
        absent = stranger.send(method, f"process-instances/999999{path}", json=body)
        assert foreign.status_code == absent.status_code == 404, path
        assert foreign.get_json() == absent.get_json(), path


def test_suspend_resume_cancel(town: Town) -> None:
    instance, task = town.start()
    secretary = town.program("secretary")
    place = f"process-instances/{instance}"
    seen = secretary.get(place).headers["ETag"]
    reason = {"reason": "核实情况"}
    done = secretary.command(f"{place}/suspend", reason, headers={"If-Match": seen})
    assert done.status_code == 200, done.text
    stale = secretary.command(f"{place}/resume", headers={"If-Match": seen})
    assert (stale.status_code, stale.get_json()["code"]) == (412, "stale_revision")
    halted = secretary.command(f"tasks/{task}/complete", {"data": town.talk(secretary)})
    assert (halted.status_code, halted.get_json()["code"]) == (409, "not_running")
    assert secretary.command(f"{place}/resume").status_code == 200
    assert secretary.command(f"{place}/cancel", {"reason": " "}).status_code == 422
    assert town.program("member").command(f"{place}/cancel", reason).status_code == 404
    assert town.program("commissioner").command(f"{place}/cancel", reason).status_code == 403
    key = uuid4()
    ended = secretary.command(f"{place}/cancel", reason, key=key)
    again = secretary.command(f"{place}/cancel", reason, key=key)
    assert ended.get_json() == again.get_json()
    assert ended.get_json()["ended"]
    assert secretary.get(place).get_json()["status"] == "cancelled"
    late = secretary.command(f"{place}/cancel", reason)
    assert (late.status_code, late.get_json()["code"]) == (409, "not_running")


def test_a_message_withdraws_the_application(town: Town) -> None:
    instance, _ = town.start()
    applicant = town.program("applicant")
    place = f"process-instances/{instance}"
    offered = applicant.get(place).get_json()["messages"]
    assert "withdraw" in [message["message"] for message in offered]
    data = {"withdraw_reason": "个人原因", "withdraw_confirmed": True}
    wrong = applicant.command(f"{place}/messages", {"message": "withdraw", "data": {"x": 1}})
    assert "data.x" in wrong.get_json()["fields"]
    unknown = applicant.command(f"{place}/messages", {"message": "nothing", "data": {}})
    assert unknown.status_code == 404
    data["withdraw_files"] = [applicant.upload("撤回申请.pdf")]
    sent = applicant.command(f"{place}/messages", {"message": "withdraw", "data": data})
    assert sent.status_code == 200, sent.text
    assert sent.get_json()["ended"]


def test_files_belong_to_their_uploader_until_handed_in(town: Town) -> None:
    applicant, secretary = town.program("applicant"), town.program("secretary")
    file = applicant.upload()
    assert applicant.get(f"attachments/{file}").data == PDF
    for program in (secretary, town.program("administrator")):
        assert program.get(f"attachments/{file}").status_code == 404
    body = start_body(town, applicant)
    body["data"]["application_files"] = [file]
    applicant.command("process-instances", body)
    assert secretary.get(f"attachments/{file}").data == PDF
    assert secretary.get("attachments/999999").status_code == 404


def test_files_are_taken_strictly(town: Town) -> None:
    applicant = town.program("applicant")
    for name, content in (("申请书.exe", PDF), ("申请书.pdf", b"text"), ("申请书.pdf", b"")):
        response = applicant.post("attachments", query_string={"name": name}, data=content)
        assert (response.status_code, response.get_json()["code"]) == (422, "file_refused")
    assert applicant.post("attachments", data=PDF).status_code == 422
    again = applicant.post(
        "attachments", query_string={"name": "a.pdf"}, data=b"x" * (20 * 1024 * 1024 + 1)
    )
    assert again.status_code == 413


def test_the_person_concerned_and_auditors_list_who_read_the_papers(town: Town) -> None:
    applicant = town.program("applicant")
    made = applicant.command("process-instances", start_body(town, applicant)).get_json()
    path = f"process-instances/{made['instance_id']}/readings"
    with unit_of_work() as session:
        locked = store.lock_instance(session, made["instance_id"])
        assert locked is not None
        payload = {"attachment": 1, "document": "政治审查材料"}
        event = Event(EntryKind.READ, actor_id=town.people["secretary"], payload=payload)
        store.write_entry(session, locked, event, town.clock.now())
    (found,) = applicant.get(path).get_json()["items"]
    assert (found["kind"], found["documents"]) == ("read", ["政治审查材料"])
    assert found["post"] is None
    assert town.program("stranger").get(path).status_code == 404
    assert applicant.get(f"{path}?cursor=x").status_code == 422
