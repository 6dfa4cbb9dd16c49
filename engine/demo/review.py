"""Democratic reviews of the demo: one done, one whose secret ballot is open right now."""

from __future__ import annotations

import random
from collections.abc import Collection
from datetime import date, timedelta

from sqlalchemy import select

from engine.ballots.models import BallotBox
from engine.ballots.paper import Paper
from engine.database import db
from engine.demo.balloting import hold_on_paper
from engine.demo.people import SEED
from engine.demo.stage import Place, Stage
from engine.runtime import balloting

KEY = "democratic_review"
SELF = (
    ("对照党员标准，能按时参加组织生活，按月交纳党费。", "学习不够系统，今后坚持每周学习。"),
    ("完成了承诺的三件实事。", "联系群众面不够宽，今后多走访。"),
    ("工作上能带头，遇到难事不推。", "有时急躁，今后多听意见。"),
)


def hold_review(stage: Stage, place: Place, begun: date) -> None:
    """Review everybody of a small branch, from the lessons to what follows."""
    tasks, members, graded = _assess(stage, place, begun)
    head = place.secretary
    lot = random.Random(f"{SEED} review")  # noqa: S311 - the same demo on every run

    def on(days: int) -> date:
        return min(stage.today, begun + timedelta(days=days))

    counts = {str(person): {"excellent": lot.randint(0, 3), "qualified": 0} for person in graded}
    for count in counts.values():
        count["qualified"] = len(members) - count["excellent"]
    ballot = tasks["questionnaire"]
    wanted = {"counts": {"grade": counts}}
    hold_on_paper(
        ballot, "questionnaire", wanted, actor=stage.actor(head), clock=stage.clock(on(12))
    )
    opened = stage.complete(ballot, {}, by=head, on=on(12))
    # A third at the most may be called excellent; those who run the meeting are not among them.
    excellent = [person for person in graded if person != head][: max(1, len(graded) // 4)]
    grades = {
        "decided_by": "committee" if place.has_committee else "meeting",
        "excellent": excellent,
        "qualified": [person for person in graded if person not in excellent],
        "opinions": [
            {"about": person, "opinion": "履行义务较好，日常表现符合标准。"} for person in graded
        ],
        "feedback_to": graded,
    }
    opened = stage.complete(
        opened["grade_members"], grades, by=head, on=on(18), files={"grade_minutes": "评定会议记录"}
    )
    matter = stage.matter_of(ballot)
    for task in stage.open_tasks(matter)["give_feedback"]:
        opened |= stage.complete(
            task.id, {"talked_by": head, "accepts": "accept"}, by=head, on=on(20)
        )
    settled = {"regrade": "none"}
    opened = stage.complete(opened["settle_feedback"], settled, by=head, on=on(22))
    report = {
        "n_excellent": len(excellent),
        "n_qualified": len(graded) - len(excellent),
        "n_basic": 0,
        "n_unqualified": 0,
        "report_text": "评议按程序进行，等次由会议评定，均已反馈本人。",
    }
    opened = stage.complete(opened["report_superior"], report, by=head, on=on(24))
    used = {"praise": "在党员大会上表扬。"}
    stage.complete(opened["use_results"], used, by=head, on=on(26))


def open_ballot(stage: Stage, place: Place, begun: date, waiting: Collection[int]) -> None:
    """Bring a review to its secret ballot; more than half have voted, none of those waiting."""
    tasks, members, _ = _assess(stage, place, begun)
    box = db.session.scalars(
        select(BallotBox).where(BallotBox.task_id == tasks["questionnaire"])
    ).one()
    question = Paper.from_data(box.paper).questions[0]
    lot = random.Random(f"{SEED} ballot")  # noqa: S311
    for number, person in enumerate(members):
        if number % 5 > 2 or person in waiting:
            continue
        given = {
            f"{question.key}.{item}": [lot.choice(("excellent", "qualified", "qualified"))]
            for item in question.places
        }
        balloting.cast_ballot(
            box.id,
            given,
            secret=f"{SEED} {lot.random()}",
            actor=stage.actor(person),
            clock=stage.clock(stage.today),
        )


def _assess(stage: Stage, place: Place, begun: date) -> tuple[dict[str, int], list[int], list[int]]:
    """Bring a review to the open ballot; return its tasks, who takes part and who is graded."""
    head, second = place.secretary, place.commissioner
    members = stage.roll(place, "all_members", begun)
    graded = stage.roll(place, "members", begun)
    left_out = set(members) - set(graded)
    study = {
        "review_year": begun.year,
        "sessions": [{"held_on": begun.isoformat(), "content": "学习党章和民主评议的要求"}],
        "reviewed": members,
        "graded": graded,
    }
    if left_out:
        study["not_graded_reason"] = "预备党员参加评议，不评定等次。"
    tasks = stage.start(KEY, study, at=place, by=head, on=begun)
    report = {
        "report_summary": "一年来支部按计划开展组织生活，联系服务群众，完成年初确定的三件实事。",
        "last_rectification": "上年度查摆的两个问题已经整改。",
    }
    day = begun + timedelta(days=3)
    tasks = stage.complete(tasks["secretary_report"], report, by=head, on=day)
    matter = stage.matter_of(next(iter(tasks.values())))
    for number, task in enumerate(stage.open_tasks(matter)["self_assess"]):
        text, problems = SELF[number % len(SELF)]
        given = {"given": "given", "self_text": text, "self_problems": problems}
        day = begun + timedelta(days=4 + number % 3)
        tasks = stage.complete(task.id, given, by=head, on=day)
    comments = [
        {"about": person, "comment": "工作踏实，还可以多提建议。"}
        for person in graded
        if person != second
    ][:4]
    review = {"peer_place": "branch", "comments": comments}
    tasks = stage.complete(tasks["peer_review"], review, by=second, on=begun + timedelta(days=8))
    return tasks, members, graded
