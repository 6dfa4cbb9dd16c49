"""Tasks over the API: the inbox, claiming, completing, drafts, and every way to be refused."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from werkzeug.test import TestResponse

from tests.web.api.conftest import Town


def code(response: TestResponse) -> str:
    assert response.content_type == "application/problem+json"
    problem = response.get_json()
    assert problem["status"] == response.status_code
    found: str = problem["code"]
    return found


def test_the_inbox_lists_what_one_may_do(town: Town) -> None:
    _, task = town.start()
    found = town.program("secretary").get("tasks").get_json()
    assert [item["id"] for item in found["items"]] == [task]
    assert found["next_cursor"] is None
    line = found["items"][0]
    assert line["process"] == "member_admission"
    assert line["step_number"] == "02"
    assert line["subject_name"] == "李一"
    assert line["due_on"] == "2026-12-22"
    assert town.program("member").get("tasks").get_json()["items"] == []


def test_the_inbox_comes_in_pages_and_buckets(town: Town) -> None:
    town.start()
    town.start("member_two")
    secretary = town.program("secretary")
    first = secretary.get("tasks?limit=1").get_json()
    second = secretary.get(f"tasks?limit=1&cursor={first['next_cursor']}").get_json()
    assert second["next_cursor"] is None
    assert first["items"][0]["id"] < second["items"][0]["id"]
    todo = secretary.get("tasks?bucket=todo").get_json()
    assert len(todo["items"]) == todo["counts"]["todo"] == 2
    assert secretary.get("tasks?bucket=overdue").get_json()["items"] == []
    assert len(secretary.get("tasks?text=李一").get_json()["items"]) == 1
    waiting = town.program("superior").get("tasks?bucket=waiting").get_json()["items"]
    assert len(waiting) == 2


def test_a_task_comes_with_its_form_and_its_revision(town: Town) -> None:
    _, task = town.start()
    response = town.program("secretary").get(f"tasks/{task}")
    assert response.headers["ETag"] == '"1"'
    body = response.get_json()
    assert "complete" in body["may"]
    assert body["basis"][0]["article"] == "第七条"
    talkers = next(f for f in walk(body["form"]["fields"]) if f["key"] == "talkers")
    assert town.people["secretary"] in [choice["id"] for choice in talkers["choices"]]
    assert body["previous"][0]["number"] == "01"


def walk(fields: list[dict]) -> list[dict]:
    return [f for field in fields for f in (field, *walk(field["fields"]))]


def test_claim_complete_and_the_next_task_opens(town: Town) -> None:
    instance, task = town.start()
    secretary = town.program("secretary")
    claimed = secretary.command(f"tasks/{task}/claim", headers={"If-Match": '"1"'})
    assert claimed.get_json() == {"instance_id": instance, "opened": [], "ended": False}
    done = secretary.command(f"tasks/{task}/complete", {"data": town.talk(secretary)})
    assert done.status_code == 200, done.text
    assert [found["element"] for found in done.get_json()["opened"]] == ["decide_activist"]
    mine = secretary.get("tasks?bucket=done").get_json()["items"]
    assert [item["id"] for item in mine] == [task]


def test_a_repeated_command_is_answered_as_the_first_time(town: Town) -> None:
    _, task = town.start()
    town.clock.set(town.clock.at + timedelta(minutes=1))
    secretary, key = town.program("secretary"), uuid4()
    data = {"data": town.talk(secretary)}
    first = secretary.command(f"tasks/{task}/complete", data, key=key)
    town.clock.set(town.clock.at + timedelta(minutes=1))
    again = secretary.command(f"tasks/{task}/complete", data, key=key, headers={"If-Match": '"1"'})
    assert (again.status_code, again.get_json()) == (200, first.get_json())
    # Without the key it is another command, and comes too late.
    late = secretary.command(f"tasks/{task}/complete", data)
    assert (late.status_code, code(late)) == (409, "task_closed")


def test_unclaiming_twice_with_one_key_is_answered_twice(town: Town) -> None:
    _, task = town.start()
    commissioner, key = town.program("commissioner"), uuid4()
    commissioner.command(f"tasks/{task}/claim")
    first = commissioner.command(f"tasks/{task}/unclaim", key=key)
    again = commissioner.command(f"tasks/{task}/unclaim", key=key)
    assert first.status_code == again.status_code == 200
    assert first.get_json() == again.get_json()


def test_a_key_belongs_to_one_command(town: Town) -> None:
    _, task = town.start()
    secretary, key = town.program("secretary"), uuid4()
    secretary.command(f"tasks/{task}/claim", key=key)
    other = secretary.command(f"tasks/{task}/complete", {"data": town.talk(secretary)}, key=key)
    assert (other.status_code, code(other)) == (422, "idempotency_key_reused")
    assert secretary.get(f"tasks/{task}").get_json()["state"] == "open"


def test_a_key_is_a_uuid(town: Town) -> None:
    _, task = town.start()
    response = town.program("secretary").post(
        f"tasks/{task}/claim", headers={"Idempotency-Key": "once"}
    )
    assert response.status_code == 422
    assert list(response.get_json()["fields"]) == ["Idempotency-Key"]


@pytest.mark.parametrize("tag", ['"7"', 'W/"1"', '"x"', '"1", "2"'])
def test_a_stale_revision_changes_nothing(town: Town, tag: str) -> None:
    _, task = town.start()
    secretary = town.program("secretary")
    response = secretary.command(f"tasks/{task}/claim", headers={"If-Match": tag})
    assert (response.status_code, code(response)) == (412, "stale_revision")
    assert secretary.get(f"tasks/{task}").get_json()["claimed_by"] is None


def test_any_revision_will_do_where_the_client_says_so(town: Town) -> None:
    _, task = town.start()
    response = town.program("secretary").command(f"tasks/{task}/claim", headers={"If-Match": "*"})
    assert response.status_code == 200


def test_a_foreign_task_is_as_absent_as_one_that_never_was(town: Town) -> None:
    _, task = town.start()
    stranger = town.program("stranger")
    reason = {"reason": "不合适"}
    attempts = [
        ("GET", "", None),
        ("POST", "/claim", None),
        ("POST", "/unclaim", None),
        ("POST", "/delegate", {"person_id": town.people["member"], **reason}),
        ("POST", "/complete", {"data": {}}),
        ("POST", "/send-back", {"target": "submit_application", **reason}),
        ("GET", "/draft", None),
        ("PUT", "/draft", {"data": {}}),
        ("DELETE", "/draft", None),
    ]
    for method, path, body in attempts:
        foreign = stranger.send(method, f"tasks/{task}{path}", json=body)
        absent = stranger.send(method, f"tasks/999999{path}", json=body)
        assert foreign.status_code == absent.status_code == 404, path
        assert foreign.get_json() == absent.get_json(), path


def test_one_who_sees_the_matter_is_told_that_he_may_not(town: Town) -> None:
    _, task = town.start()
    response = town.program("superior").command(
        f"tasks/{task}/complete", {"data": town.talk(town.program("superior"))}
    )
    assert (response.status_code, code(response)) == (403, "not_allowed")


def test_a_claimed_task_is_refused_to_others(town: Town) -> None:
    _, task = town.start()
    town.program("secretary").command(f"tasks/{task}/claim")
    response = town.program("commissioner").command(f"tasks/{task}/claim")
    assert (response.status_code, code(response)) == (409, "already_claimed")


def test_problems_of_the_form_name_the_fields(town: Town) -> None:
    _, task = town.start()
    response = town.program("secretary").command(
        f"tasks/{task}/complete",
        {"data": {"talkers": ["x"], "nonsense": 1}, "occurred_on": "2026-11-20"},
    )
    assert (response.status_code, code(response)) == (422, "invalid_input")
    fields = response.get_json()["fields"]
    assert {"data.nonsense", "data.topic_motive"} <= set(fields)
    assert any(name.startswith("data.talkers") for name in fields)
    future = town.program("secretary").command(
        f"tasks/{task}/complete", {"data": {}, "occurred_on": "2027-01-01"}
    )
    assert future.status_code == 422


def test_delegating_puts_the_task_into_the_other_inbox(town: Town) -> None:
    _, task = town.start()
    secretary = town.program("secretary")
    body = {"person_id": town.people["member"], "reason": "外出开会"}
    assert secretary.command(f"tasks/{task}/delegate", body).status_code == 200
    mine = town.program("member").get("tasks").get_json()["items"]
    assert [item["id"] for item in mine] == [task]
    nobody = secretary.command(f"tasks/{task}/delegate", {**body, "person_id": 999_999})
    assert list(nobody.get_json()["fields"]) == ["person"]


def test_sending_back_opens_the_earlier_step_again(town: Town) -> None:
    _, task = town.start()
    secretary = town.program("secretary")
    targets = secretary.get(f"tasks/{task}").get_json()["send_back_targets"]
    assert [target["element"] for target in targets] == ["submit_application"]
    nowhere = secretary.command(
        f"tasks/{task}/send-back", {"target": "archive_materials", "reason": "不全"}
    )
    assert (nowhere.status_code, code(nowhere)) == (403, "not_allowed")
    back = secretary.command(
        f"tasks/{task}/send-back", {"target": "submit_application", "reason": "申请书缺签名"}
    )
    (opened,) = back.get_json()["opened"]
    assert opened["element"] == "submit_application"
    again = town.program("applicant").get(f"tasks/{opened['id']}").get_json()
    assert again["returned"]
    assert "申请书缺签名" in again["send_back_reason"]


def test_drafts_are_kept_for_oneself(town: Town) -> None:
    _, task = town.start()
    secretary = town.program("secretary")
    assert secretary.get(f"tasks/{task}/draft").status_code == 404
    data = {"talk_place": "活动室", "topic_motive": "半句"}
    saved = secretary.put(f"tasks/{task}/draft", {"data": data})
    assert saved.status_code == 200
    assert secretary.get(f"tasks/{task}/draft").get_json()["data"] == data
    assert secretary.get(f"tasks/{task}").get_json()["form"]["values"] == data
    assert town.program("commissioner").get(f"tasks/{task}/draft").status_code == 404
    assert town.program("superior").put(f"tasks/{task}/draft", {"data": {}}).status_code == 403
    assert secretary.delete(f"tasks/{task}/draft").status_code == 204
    assert secretary.delete(f"tasks/{task}/draft").status_code == 204
    assert secretary.get(f"tasks/{task}/draft").status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        "cursor=x",
        "cursor=2026-13-40.1",
        "cursor=2026-11-22.99999999999999999999",
        "limit=0",
        "limit=101",
        "limit=1e3",
        "limit=%D9%A3",
        "bucket=all",
        "organisation_id=0",
        "organisation_id=99999999999999999999999",
        "text=%00",
        "unknown=1",
        "limit=1&limit=2",
    ],
)
def test_a_query_is_taken_strictly(town: Town, query: str) -> None:
    response = town.program("secretary").get(f"tasks?{query}")
    assert (response.status_code, code(response)) == (422, "invalid_input")
    assert list(response.get_json()["fields"]) == [query.partition("=")[0]]


def test_what_is_refused_is_said_in_the_language_asked_for(town: Town) -> None:
    applicant = town.program("applicant")
    answers = [
        applicant.get("tasks?limit=1000", headers={"Accept-Language": language}).get_json()
        for language in ("zh", "en")
    ]
    assert [answer["fields"]["limit"] for answer in answers] == [
        ["应为 1 至 100 的整数。"],
        ["Must be a whole number from 1 to 100."],
    ]
    assert [answer["title"] for answer in answers] == [
        "填写的内容有误",
        "Something entered is not right",
    ]
