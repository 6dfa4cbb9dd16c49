"""Organisational life meetings of the demo: two held, with what they found; one in preparation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import combinations
from typing import Any

from sqlalchemy import select

from engine.database import db
from engine.demo.stage import Place, Stage
from engine.rectification.commands import DEEDS, Words, say_item
from engine.runtime.rectification.models import RectificationItem

KEY = "organisational_life"
PROBLEMS = (
    ("联系服务群众不够经常", "每月走访一次，记在民情日记里。"),
    ("党员教育形式单一", "每季度组织一次现场教学。"),
    ("流动党员联系不紧", "支委分工，每月打一次电话。"),
)
STATEMENTS = (
    "一年来按时参加组织生活，理论学习还不够系统。今后每周抽出半天读书。",
    "工作中满足于完成任务，主动听意见不够。今后多到户里坐一坐。",
    "对年轻同志帮助不多。今后带好一名积极分子。",
)
CRITICISM = ("理论学习不够深入。", "开展工作主动性不强。", "联系群众不够经常。")


def hold_life_meeting(stage: Stage, place: Place, day: date, due: Sequence[date]) -> int:
    """Hold the meeting of a branch on ``day``; return the matter. ``due``: when each item is."""
    head, second = place.secretary, place.commissioner
    prepared = _prepare(stage, place, day, day - timedelta(days=17))
    matter, tasks = prepared
    for number, task in enumerate(stage.open_tasks(matter).get("self_examine", ())):
        statement = {"statement": STATEMENTS[number % len(STATEMENTS)], "items": []}
        on = day - timedelta(days=6 - number % 3)
        tasks |= stage.complete(task.id, statement, by=head, on=on)
    members = stage.roll(place, "all_members", day)
    step = tasks["check_preparation"]
    decided = {"preparation_decision": "hold"}
    opened = stage.complete(step, decided, by=head, on=day - timedelta(days=2))
    held = {
        "meeting_result": "held",
        "roll": {"present": members},
        "chaired_by": head,
        "recorder": second,
    }
    opened = stage.complete(opened["hold_meeting"], held, by=second, on=day)
    criticism = {
        "speeches": [
            {
                "speaker": person,
                "self_criticism": CRITICISM[number % len(CRITICISM)],
                "received": "讲问题可以再具体一些。",
            }
            for number, person in enumerate(members)
        ],
        "raised": [{"problem": PROBLEMS[2][0]}],
    }
    opened = stage.complete(opened["criticise"], criticism, by=second, on=day)
    items = [
        {"problem": problem, "owner": owner, "measure": measure, "due": last.isoformat()}
        for (problem, measure), owner, last in zip(
            PROBLEMS, (head, second, second), due, strict=True
        )
    ]
    opened = stage.complete(opened["rectify"], {"items": items}, by=head, on=_later(stage, day, 1))
    report = {"report_text": "会议按程序召开，查摆问题三条，均已明确整改措施和时限。"}
    opened = stage.complete(opened["report"], report, by=head, on=_later(stage, day, 8))
    good = {"report_decision": "pass", "report_note": "程序完整，同意。请按期整改。"}
    superior = stage.town.people["zhen.zuzhi"]
    opened = stage.complete(opened["review_report"], good, by=superior, on=_later(stage, day, 11))
    told = {"scope": ["members", "board"], "publish_note": "通报会议情况和整改措施。"}
    stage.complete(opened["publish"], told, by=second, on=_later(stage, day, 13))
    return matter


def prepare_life_meeting(stage: Stage, place: Place, day: date, open_for: Sequence[int]) -> None:
    """Prepare a meeting that is still to come; those in ``open_for`` have not examined themselves.

    Every third of the others has not, either: the secretary sees who is missing.
    """
    matter, _ = _prepare(stage, place, day, stage.today - timedelta(days=10))
    for number, task in enumerate(stage.open_tasks(matter)["self_examine"]):
        if number % 3 == 2 or task.item in {f"p{person}" for person in open_for}:
            continue
        statement = {"statement": STATEMENTS[number % len(STATEMENTS)], "items": []}
        on = stage.today - timedelta(days=1 + number % 5)
        stage.complete(task.id, statement, by=place.secretary, on=on)


def rectify(stage: Stage, matter: int, done_on: date, worked_on: date) -> None:
    """Close the first item of a meeting, and say of the second how it goes."""
    head = db.session.scalars(
        select(RectificationItem)
        .where(RectificationItem.instance_id == matter)
        .order_by(RectificationItem.id)
    ).all()
    first, second, *_ = [item.id for item in head]
    owner = stage.actor(head[0].owner_id)
    superior = stage.actor(stage.town.people["zhen.zuzhi"])
    report = Words(
        "已走访 24 户，问题 9 件办结 8 件，1 件已报镇里。", occurred_on=done_on, done=True
    )
    say_item(DEEDS["report"], first, report, actor=owner, clock=stage.clock(done_on))
    closed = Words("查看民情日记，情况属实，同意销号。", occurred_on=done_on)
    say_item(DEEDS["close"], first, closed, actor=superior, clock=stage.clock(done_on))
    goes = Words("已到镇史馆开展一次现场教学，第二次正在联系。", occurred_on=worked_on)
    say_item(
        DEEDS["report"],
        second,
        goes,
        actor=stage.actor(head[1].owner_id),
        clock=stage.clock(worked_on),
    )


# --- inside -------------------------------------------------------------------------------------


def _prepare(stage: Stage, place: Place, day: date, begun: date) -> tuple[int, dict[str, int]]:
    """Make the plan and do what is to be done before, but for the members' own statements."""
    head, second = place.secretary, place.commissioner
    members = stage.roll(place, "all_members", begun)
    committee = stage.roll(place, "committee", begun)
    plan = {
        "theme": "对照党章找差距，服务群众见行动",
        "meeting_form": "branch",
        "planned_on": day.isoformat(),
        "combine_review": "no",
        "members": members,
        "committee": committee,
        "report_plan": "no",
    }
    tasks = stage.start(KEY, plan, at=place, by=second, on=begun)
    matter = stage.matter_of(tasks["study"])

    def done(element: str, data: dict[str, Any], after: int, by: int) -> None:
        tasks.update(stage.complete(tasks[element], data, by=by, on=begun + timedelta(days=after)))

    studied = begun + timedelta(days=3)
    lesson = {
        "study_on": studied.isoformat(),
        "study_topic": "党章和组织生活的规定",
        "study_count": len(members),
    }
    done("study", {"sessions": [lesson]}, 3, second)
    others = [person for person in members if person not in committee]
    pairs = [*combinations(committee, 2)]
    pairs += [(committee[at % len(committee)], person) for at, person in enumerate(others)]
    talked = (begun + timedelta(days=5)).isoformat()
    talks = [{"talk_one": one, "talk_other": other, "talk_on": talked} for one, other in pairs]
    done("talk", {"talks": talks}, 5, head)
    heard = {
        "heard_how": "座谈会一次，意见箱收到意见两件。",
        "opinions": [{"opinion_from": "masses", "opinion": "希望干部多到组里走走。"}],
    }
    done("collect_opinions", heard, 6, second)
    found = [{"problem": problem} for problem, _ in PROBLEMS[:2]]
    done("examine_branch", {"branch_problems": found}, 7, head)
    return matter, tasks


def _later(stage: Stage, day: date, days: int) -> date:
    return min(stage.today, day + timedelta(days=days))
