"""Doing a task in a browser without JavaScript, and every way in which it may not be done."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from engine.runtime.models import Task
from tests.web.conftest import Browser, World


def answer(browser: Browser, **more: str) -> dict[str, str]:
    """Return what the form of the task page posts."""
    return {
        "_command": browser.hidden("_command"),
        "_revision": browser.hidden("_revision"),
        "_occurred_on": "2026-11-22",
        "approval": "agree",
        **more,
    }


def stand_in(world: World) -> str:
    return str(world.people["deputy"])


def state(world: World, task: int) -> str:
    world.session.expire_all()
    row = world.session.get(Task, task)
    assert row is not None
    return row.state


def test_the_inbox_shows_the_task_with_person_step_and_article(world: World) -> None:
    world.start()
    page = world.sign_in("leader").get("/inbox").get_data(as_text=True)
    assert "万小云" in page
    assert "负责人审批" in page
    assert "考勤管理办法（2024）第四条" in page


def test_completing_a_task_needs_no_javascript(world: World) -> None:
    matter, task = world.start()
    browser = world.sign_in("leader")
    browser.get(f"/tasks/{task}")
    response = browser.post(f"/tasks/{task}", answer(browser, stand_in=stand_in(world)))
    assert response.status_code == 303
    assert response.location == f"/matters/{matter}"
    assert "已办结" in browser.get(response.location).get_data(as_text=True)
    assert state(world, task) == "completed"


def test_a_mistake_is_said_at_the_field_and_on_top_and_keeps_what_was_typed(world: World) -> None:
    _, task = world.start()
    browser = world.sign_in("leader")
    browser.get(f"/tasks/{task}")
    response = browser.post(
        f"/tasks/{task}", answer(browser, approval="refuse", _occurred_on="2026-11-21")
    )
    assert response.status_code == 422
    assert 'href="#f-approval_note"' in browser.page
    assert 'id="f-approval_note-wrong"' in browser.page
    assert re.search(r'value="refuse" checked', browser.page)
    assert 'value="2026-11-21"' in browser.page
    assert state(world, task) == "open"
    assert "有草稿" in browser.get("/inbox").get_data(as_text=True)


def test_a_day_that_is_no_day_is_asked_for_again(world: World) -> None:
    _, task = world.start()
    browser = world.sign_in("leader")
    browser.get(f"/tasks/{task}")
    response = browser.post(f"/tasks/{task}", answer(browser, _occurred_on="昨天"))
    assert response.status_code == 422
    assert 'id="occurred_on-wrong"' in browser.page


def test_sending_the_same_form_twice_makes_one_record(world: World) -> None:
    matter, task = world.start()
    browser = world.sign_in("leader")
    browser.get(f"/tasks/{task}")
    values = answer(browser, stand_in=stand_in(world))
    first = browser.post(f"/tasks/{task}", values)
    second = browser.post(f"/tasks/{task}", values)
    assert first.status_code == second.status_code == 303
    assert second.location == f"/matters/{matter}"
    record = browser.get(f"/matters/{matter}?tab=steps").get_data(as_text=True)
    assert record.count('id="step-approve_leave"') == 1
    assert "第 2 次" not in record


def test_the_back_button_leads_to_a_page_that_says_it_is_done(world: World) -> None:
    _, task = world.start()
    browser = world.sign_in("leader")
    browser.get(f"/tasks/{task}")
    browser.post(f"/tasks/{task}", answer(browser, stand_in=stand_in(world)))
    again = browser.post(
        f"/tasks/{task}", answer(browser, _command=str(uuid4()), stand_in=stand_in(world))
    )
    assert again.status_code == 409
    assert "已经办结" in browser.page
    assert "不会产生第二份记录" in browser.page
    assert browser.get(f"/tasks/{task}").status_code == 302


def test_who_has_done_his_part_may_lose_sight_of_the_matter_and_is_led_to_the_inbox(
    world: World,
) -> None:
    _, task = world.start()
    browser = world.sign_in("deputy")
    browser.get(f"/tasks/{task}")
    values = answer(browser, stand_in=str(world.people["leader"]))
    assert browser.post(f"/tasks/{task}", values).location == "/inbox"
    assert browser.post(f"/tasks/{task}", values).location == "/inbox"


def test_of_two_windows_the_slower_one_changes_nothing(world: World) -> None:
    _, task = world.start()
    one, two = world.sign_in("leader"), world.sign_in("deputy")
    one.get(f"/tasks/{task}")
    two.get(f"/tasks/{task}")
    claimed = one.post(f"/tasks/{task}/claim", {"_revision": one.hidden("_revision")})
    assert claimed.status_code == 303
    response = two.post(f"/tasks/{task}", answer(two, stand_in=stand_in(world)))
    assert response.status_code == 409
    assert "任务已由他人签收" in two.page
    assert state(world, task) == "open"


def test_an_old_window_of_the_same_person_is_told_of_the_change(world: World) -> None:
    _, task = world.start()
    browser = world.sign_in("leader")
    browser.get(f"/tasks/{task}")
    old = answer(browser, stand_in=stand_in(world))
    browser.post(f"/tasks/{task}/claim", {"_revision": browser.hidden("_revision")})
    response = browser.post(f"/tasks/{task}", old)
    assert response.status_code == 409
    assert "此事项已有更新" in browser.page
    assert f'href="/tasks/{task}"' in browser.page
    assert state(world, task) == "open"


def test_a_foreign_task_does_not_exist_for_a_stranger(world: World) -> None:
    _, task = world.start()
    browser = world.sign_in("stranger")
    for path in (f"/tasks/{task}", "/tasks/999999"):
        assert browser.get(path).status_code == 404
    page = browser.get(f"/tasks/{task}").get_data(as_text=True)
    assert "没有找到" in page
    assert "万小云" not in page
    browser.get("/account")
    for command in ("", "/draft", "/live", "/claim", "/delegate", "/send-back", "/files"):
        assert browser.post(f"/tasks/{task}{command}", {"reason": "x"}).status_code == 404


def test_who_may_see_but_not_do_is_told_why(world: World) -> None:
    _, task = world.start()
    browser = world.sign_in("worker")
    page = browser.get(f"/tasks/{task}").get_data(as_text=True)
    assert "可以办理的有" in page
    assert 'id="task-form"' not in page
    browser.get("/account")
    response = browser.post(f"/tasks/{task}", {"approval": "agree", "_occurred_on": "2026-11-22"})
    assert response.status_code == 403
    assert "没有权限" in browser.page
    assert state(world, task) == "open"


def test_a_draft_is_kept_and_shown_again(world: World) -> None:
    _, task = world.start()
    browser = world.sign_in("leader")
    browser.get(f"/tasks/{task}")
    values = answer(browser, approval="refuse", approval_note="人手不够", _draft="1")
    assert browser.post(f"/tasks/{task}/draft", values).status_code == 303
    page = browser.get(f"/tasks/{task}").get_data(as_text=True)
    assert "人手不够" in page
    assert "草稿保存于" in page
    assert "人手不够" not in world.sign_in("deputy").get(f"/tasks/{task}").get_data(as_text=True)


def test_while_typing_the_server_says_what_is_hidden_and_saves(world: World) -> None:
    _, task = world.start()
    browser = world.sign_in("leader")
    browser.get(f"/tasks/{task}")
    token, values = browser.hidden("_csrf"), answer(browser, approval="refuse")
    response = browser.client.post(
        f"/tasks/{task}/live", data=values, headers={"X-CSRF-Token": token, "HX-Request": "true"}
    )
    page = response.get_data(as_text=True)
    assert 'data-hidden="stand_in"' in page
    assert "已自动保存 12:00" in page
    assert "<html" not in page


def test_what_was_typed_is_escaped_everywhere(world: World) -> None:
    nasty = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
    matter, task = world.start(leave_reason=nasty)
    browser = world.sign_in("leader")
    for path in (f"/tasks/{task}", f"/matters/{matter}", "/inbox", f"/matters/?q={nasty}"):
        page = browser.get(path).get_data(as_text=True)
        assert "<script>alert" not in page
        assert "<img" not in page


def test_sending_back_without_a_reason_is_refused_with_advice(world: World) -> None:
    _, task = world.start()
    browser = world.sign_in("leader")
    browser.get(f"/tasks/{task}")
    assert "退回…" in browser.page
    values = {"_revision": browser.hidden("_revision"), "target": "request_leave", "reason": " "}
    assert browser.post(f"/tasks/{task}/send-back", values).status_code == 422
    assert "请写明退回的理由" in browser.page


def test_a_task_sent_back_says_why(world: World) -> None:
    matter, task = world.start()
    browser = world.sign_in("leader")
    browser.get(f"/tasks/{task}")
    values = {
        "_revision": browser.hidden("_revision"),
        "target": "request_leave",
        "reason": "日期写错了",
    }
    assert browser.post(f"/tasks/{task}/send-back", values).status_code == 303
    worker = world.sign_in("worker")
    page = worker.get("/mine/").get_data(as_text=True)
    mine = re.search(r"/tasks/(\d+)", page)
    assert mine
    assert "日期写错了" in worker.get(mine[0]).get_data(as_text=True)
    assert f"/matters/{matter}" in page


def test_starting_a_matter_with_a_file(world: World, pdf: Callable[[], Any]) -> None:
    browser = world.sign_in("worker")
    browser.get("/start/")
    assert "请假审批" in browser.page
    browser.get("/start/leave_request")
    values = {
        "_command": browser.hidden("_command"),
        "_subject": browser.hidden("_subject"),
        "_organisation": browser.hidden("_organisation"),
        "_occurred_on": "2026-11-22",
        "leave_from": "2026-11-30",
        "leave_to": "",
        "leave_kind": "sick",
        "_file.certificate": pdf(),
    }
    assert browser.post("/start/leave_request", values).status_code == 422
    attached = re.search(r'name="certificate" value="(\d+)" checked', browser.page)
    assert attached, "the file survives the refusal"
    values |= {"leave_to": "2026-12-01", "certificate": attached[1]}
    del values["_file.certificate"]
    response = browser.post("/start/leave_request", values)
    assert response.status_code == 303
    page = browser.get(response.location + "?tab=steps").get_data(as_text=True)
    assert "证明.pdf" in page


def test_a_file_that_is_not_what_it_claims_is_refused_at_its_field(world: World) -> None:
    import io

    browser = world.sign_in("worker")
    browser.get("/start/leave_request")
    values = {
        "_command": browser.hidden("_command"),
        "_occurred_on": "2026-11-22",
        "leave_kind": "sick",
        "_file.certificate": (io.BytesIO(b"MZ"), "证明.pdf"),
    }
    assert browser.post("/start/leave_request", values).status_code == 422
    assert "的内容不是 PDF" in browser.page
    assert 'href="#f-certificate"' in browser.page


def test_files_are_handed_out_by_right_and_never_shown_inside_our_pages(
    world: World, pdf: Callable[[], Any]
) -> None:
    browser = world.sign_in("worker")
    browser.get("/start/leave_request")
    values = {
        "_command": browser.hidden("_command"),
        "_subject": browser.hidden("_subject"),
        "_organisation": browser.hidden("_organisation"),
        "_occurred_on": "2026-11-22",
        "leave_from": "2026-11-30",
        "leave_to": "2026-12-01",
        "leave_kind": "sick",
        "_file.certificate": pdf(),
    }
    matter = browser.post("/start/leave_request", values).location
    page = browser.get(matter).get_data(as_text=True)
    found = re.search(r"/files/\d+", page)
    assert found
    response = browser.get(found[0])
    assert response.status_code == 200
    assert response.data.startswith(b"%PDF")
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in response.headers["Content-Security-Policy"]
    assert world.sign_in("leader").get(found[0]).status_code == 200
    assert world.sign_in("stranger").get(found[0]).status_code == 404
    assert world.browser().get(found[0]).status_code == 401
