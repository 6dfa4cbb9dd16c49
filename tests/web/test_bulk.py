"""批量办理: one form, many people, each completed on its own, and nothing twice."""

from __future__ import annotations

import io
import re
from datetime import date

import pytest
from sqlalchemy import func, select

from engine.attachments.models import Attachment
from engine.directory.codes import PostKind
from engine.directory.models import Post
from engine.forms.drafts import load_draft, save_draft
from engine.ledger.models import LedgerEntry
from tests.web.bulk_world import Talks
from tests.web.conftest import Browser, World

LATE = date(2026, 11, 21)
"""Asked on this day, the talk may only be on the 23rd."""


@pytest.fixture
def talks(world: World) -> Talks:
    """Several people whom the leader has to talk to."""
    return Talks(world)


def choose(talks: Talks, *tasks: int, by: str = "leader") -> Browser:
    """Open the bulk page for tasks."""
    browser = talks.world.sign_in(by)
    browser.get("/inbox/bulk?" + "&".join(f"task={task}" for task in tasks))
    return browser


def entries(talks: Talks) -> int:
    return talks.world.session.scalar(select(func.count()).select_from(LedgerEntry)) or 0


def test_the_inbox_offers_boxes_for_like_tasks_but_none_for_decisions(talks: Talks) -> None:
    one, two = talks.start("worker"), talks.start("deputy")
    decision = talks.start("worker", key="verdicts")
    browser = talks.world.sign_in("leader")
    browser.get("/inbox")
    boxes = re.findall(r'name="task" value="(\d+)" form="bulk"', browser.page)
    assert sorted(map(int, boxes)) == sorted([one, two])
    assert str(decision) not in boxes
    assert 'action="/inbox/bulk"' in browser.page


def test_a_single_task_is_no_bulk(talks: Talks) -> None:
    talks.start("worker")
    browser = talks.world.sign_in("leader")
    browser.get("/inbox")
    assert 'id="bulk"' not in browser.page


def test_the_page_names_everybody_it_applies_to(talks: Talks) -> None:
    tasks = talks.start("worker"), talks.start("deputy")
    browser = choose(talks, *tasks)
    assert "共 2 项" in browser.page
    assert "万小云" in browser.page
    assert "戴强" in browser.page
    assert browser.page.count('name="note"') == 1


def test_each_task_is_completed_on_its_own(talks: Talks) -> None:
    tasks = talks.start("worker"), talks.start("deputy")
    browser = choose(talks, *tasks)
    response = browser.post("/inbox/bulk", talks.posts(browser, *tasks))
    assert response.status_code == 200
    assert "2 项全部办结" in browser.page
    assert talks.states(*tasks) == ["completed", "completed"]


def test_sending_the_page_twice_changes_nothing(talks: Talks) -> None:
    tasks = talks.start("worker"), talks.start("deputy")
    browser = choose(talks, *tasks)
    values = talks.posts(browser, *tasks)
    browser.post("/inbox/bulk", values)
    before = entries(talks)
    response = browser.post("/inbox/bulk", values)
    assert response.status_code == 200
    assert "2 项全部办结" in browser.page
    assert entries(talks) == before


def test_what_cannot_be_done_says_why_and_the_rest_is_done(talks: Talks) -> None:
    good, early = talks.start("worker"), talks.start("deputy", on=LATE)
    browser = choose(talks, good, early)
    browser.post("/inbox/bulk", talks.posts(browser, good, early))
    assert "1 项已办结，1 项没有办结" in browser.page
    assert "11月23日" in browser.page or "2026-11-23" in browser.page
    assert f'href="/tasks/{early}"' in browser.page
    assert talks.states(good, early) == ["completed", "open"]
    draft = load_draft(talks.world.session, task_id=early, person_id=talks.world.people["leader"])
    assert draft is not None
    assert draft.data["note"] == "谈了五个方面"


def test_a_draft_that_was_there_is_kept(talks: Talks) -> None:
    good, early = talks.start("worker"), talks.start("deputy", on=LATE)
    leader = talks.world.people["leader"]
    save_draft(
        talks.world.session,
        talks.world.clock,
        task_id=early,
        person_id=leader,
        data={"note": "已写一半"},
    )
    talks.world.session.commit()
    browser = choose(talks, good, early)
    browser.post("/inbox/bulk", talks.posts(browser, good, early))
    draft = load_draft(talks.world.session, task_id=early, person_id=leader)
    assert draft is not None
    assert draft.data == {"note": "已写一半"}


def test_when_nothing_could_be_done_the_form_stays_with_what_was_typed(talks: Talks) -> None:
    tasks = talks.start("worker", on=LATE), talks.start("deputy", on=LATE)
    browser = choose(talks, *tasks)
    response = browser.post("/inbox/bulk", talks.posts(browser, *tasks))
    assert response.status_code == 422
    assert 'id="errors"' in browser.page
    assert "谈了五个方面" in browser.page
    assert talks.states(*tasks) == ["open", "open"]


def test_a_missing_day_is_asked_for(talks: Talks) -> None:
    tasks = talks.start("worker"), talks.start("deputy")
    browser = choose(talks, *tasks)
    response = browser.post("/inbox/bulk", talks.posts(browser, *tasks, _occurred_on=""))
    assert response.status_code == 422
    assert 'id="occurred_on-wrong"' in browser.page


def test_a_person_may_be_left_out_on_the_page(talks: Talks) -> None:
    one, two = talks.start("worker"), talks.start("deputy")
    browser = choose(talks, one, two)
    browser.post("/inbox/bulk", talks.posts(browser, one))
    assert talks.states(one, two) == ["completed", "open"]


def test_decisions_are_never_taken_in_bulk(talks: Talks) -> None:
    tasks = talks.start("worker", key="verdicts"), talks.start("deputy", key="verdicts")
    browser = choose(talks, *tasks)
    assert "须逐人讨论、逐人决定" in browser.page
    response = browser.post(
        "/inbox/bulk",
        {
            "_task": [f"{task}:{talks.task(task).revision}" for task in tasks],
            "_occurred_on": "2026-11-22",
        },
    )
    assert response.status_code == 422
    assert "须逐人讨论、逐人决定" in browser.page
    assert talks.states(*tasks) == ["open", "open"]


def test_unlike_tasks_are_offered_apart(talks: Talks) -> None:
    talk, verdict = talks.start("worker"), talks.start("deputy", key="verdicts")
    browser = choose(talks, talk, verdict)
    assert "只能批量办理同一流程、同一环节的任务" in browser.page
    assert f'href="/tasks/{talk}"' in browser.page
    assert f'href="/tasks/{verdict}"' not in browser.page
    assert "须逐人讨论决定" in browser.page


def test_foreign_tasks_are_not_there(talks: Talks) -> None:
    tasks = talks.start("worker"), talks.start("deputy")
    browser = choose(talks, *tasks, by="stranger")
    assert "请先在待办中勾选" in browser.page
    assert "万小云" not in browser.page
    browser.post(
        "/inbox/bulk", {"_task": [f"{task}:1" for task in tasks], "_occurred_on": "2026-11-22"}
    )
    assert talks.states(*tasks) == ["open", "open"]


def test_choosing_nothing_or_nonsense_says_what_to_do(talks: Talks) -> None:
    browser = talks.world.sign_in("leader")
    for path in ("/inbox/bulk", "/inbox/bulk?task=x&task=99999999999999999"):
        assert browser.get(path).status_code == 422
        assert "请先在待办中勾选" in browser.page


def test_an_old_page_does_not_complete_what_has_changed(talks: Talks) -> None:
    one, two = talks.start("worker"), talks.start("deputy")
    browser = choose(talks, one, two)
    values = talks.posts(browser, one, two)
    browser.get(f"/tasks/{two}")
    browser.post(f"/tasks/{two}/claim", {"_revision": browser.hidden("_revision")})
    browser.post("/inbox/bulk", values)
    assert talks.states(one, two) == ["completed", "open"]
    assert "刚刚被他人更新" in browser.page


def test_one_paper_for_all_becomes_a_paper_of_each(talks: Talks) -> None:
    tasks = talks.start("worker"), talks.start("deputy")
    browser = choose(talks, *tasks)
    assert "为每个人各存一份" in browser.page
    values = talks.posts(browser, *tasks)
    values["_file.files"] = (io.BytesIO(b"%PDF-1.7\n%%EOF\n"), "记录.pdf")
    browser.post("/inbox/bulk", values)
    assert talks.states(*tasks) == ["completed", "completed"]
    matters = {talks.task(task).instance_id for task in tasks}
    bound = talks.world.session.scalars(
        select(Attachment.instance_id).where(Attachment.instance_id.is_not(None))
    ).all()
    assert sorted(bound) == sorted(matters)


def test_at_most_fifty_at_once(talks: Talks) -> None:
    tasks = [talks.start(talks.newcomer(f"甲{number}")) for number in range(51)]
    browser = choose(talks, *tasks)
    assert "一次最多批量办理 50 项" in browser.page


def test_without_scripts_rows_and_sums_are_worked_out_by_a_button(talks: Talks) -> None:
    tasks = talks.start("worker"), talks.start("deputy")
    browser = choose(talks, *tasks)
    response = browser.post("/inbox/bulk/refresh", talks.posts(browser, *tasks, note="保留"))
    assert response.status_code == 200
    assert "保留" in browser.page
    assert talks.states(*tasks) == ["open", "open"]
    live = browser.post("/inbox/bulk/live", talks.posts(browser, *tasks))
    assert live.status_code == 200


def test_people_of_other_organisations_are_pointed_out(talks: Talks) -> None:
    world = talks.world
    stranger = world.people["stranger"]
    one = talks.start("worker")
    place = world.session.scalar(
        select(Post.organisation_id).where(Post.person_id == world.people["leader"]).limit(1)
    )
    assert place == world.office
    from engine.database import unit_of_work
    from engine.directory.models import Person

    with unit_of_work() as session:
        person = session.get(Person, stranger)
        assert person is not None
        other = person.organisation_id
        session.add(
            Post(
                person_id=world.people["leader"],
                organisation_id=other,
                kind=PostKind.SECRETARY,
                since=date(2020, 1, 1),
            )
        )
    world.office = other or 0
    two = talks.start("stranger")
    browser = choose(talks, one, two)
    assert "所选任务属于不同的党组织" in browser.page
    browser.post("/inbox/bulk", talks.posts(browser, one, two))
    assert talks.states(one, two) == ["completed", "completed"]
