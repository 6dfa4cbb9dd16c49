"""What is done at the year's end above the branches: the leaders' own meeting, the assessments."""

from __future__ import annotations

from itertools import permutations
from typing import Any

from tests.year.desk import Desk, Matter
from tests.year.life import PROBLEM
from tests.year.meetings import Days, Entry
from tests.year.world import COMMITTEE, DEPARTMENT, DEPUTY, HEAD, LEADERS, ORGANISER


def democratic_life_meeting(desk: Desk, line: Entry) -> Days:
    """Hold the leading body's democratic life meeting, watched over by the county."""
    say = line.changes.get
    body = {code: desk.ids[code] for code in LEADERS}

    yield line.day(-17)
    theme = {
        "meeting_kind": "regular",
        "meeting_year": line.on.year,
        "theme": "转变作风，服务群众",
        "theme_from": "superior",
    }
    matter = desk.begin(line.process, COMMITTEE, ORGANISER, "set_theme", theme)
    matter.do(
        "make_plan",
        ORGANISER,
        planned_on=line.on.isoformat(),
        members=list(body.values()),
        plan_note="会前准备两周；会期半天。",
        report_drafts="no",
    )
    matter.do("review_plan", DEPARTMENT, plan_opinion="同意主题和方案。")

    yield line.day(-8)
    today = desk.today.isoformat()
    study = {"study_on": today, "study_topic": "年度专题学习", "study_count": len(body)}
    matter.do("study", ORGANISER, sessions=[study])
    heard = {"opinion_about": "body", "opinion_from": "masses", "opinion": "多到村里走访。"}
    ways = {"heard_how": "座谈会、书面征求。", "fed_back_on": today}
    matter.do("collect_opinions", ORGANISER, opinions=[heard], **ways)
    talks = [
        {"talk_one": one, "talk_other": other, "talk_on": today}
        for one, other in permutations(body.values(), 2)
        if one < other
    ]
    matter.do("talk", HEAD, talks=talks)
    matter.do(
        "examine_body",
        HEAD,
        drafted_by=body[HEAD],
        body_statement="对照检查班子一年来的工作。",
        body_problems=[{"problem": PROBLEM}],
    )

    yield line.day(-6)
    each = matter.tasks_of("self_examine", HEAD)
    for code, person in body.items():
        matter.complete(each[person], code, statement="一年来的学习、工作和问题。")
    matter.do("check_preparation", HEAD, preparation_decision="hold")

    yield line.on
    _hold(matter, body, say("absent", ()))

    yield line.day(1)
    if absent := say("absent", ()):
        told = [
            {
                "told_person": body[code],
                "told_on": desk.today.isoformat(),
                "told_what": "转告批评。",
            }
            for code in absent
        ]
        matter.do("make_up", ORGANISER, told=told)
    matter.do("comment", DEPARTMENT, comment_decision="pass", comment_note="查摆问题具体。")
    due = line.on.replace(year=line.on.year + 1, month=6).isoformat()
    item = {"problem": PROBLEM, "measure": "每月走访一次。", "due": due, "owner": body[DEPUTY]}
    matter.do("rectify", HEAD, items=[item])

    yield line.day(say("reported_after", 9))
    matter.do(
        "report",
        HEAD,
        report_to=["superior", "discipline", "organisation"],
        report_text="会议按程序召开，问题均已明确整改措施。",
    )
    matter.do("publish", ORGANISER, publish_scope=["members"], publish_note="通报整改措施。")
    assert matter.ended, f"{line} has not ended: {matter.open}"


def _hold(matter: Matter, body: dict[str, int], absent: Any) -> None:
    present = {code: person for code, person in body.items() if code not in absent}
    more: dict[str, Any] = {}
    if absent:
        more["absent"] = [
            {"absent_person": body[code], "absent_reason": "illness"} for code in absent
        ]
        more["statements"] = [body[code] for code in absent]
    matter.do(
        "hold_meeting",
        ORGANISER,
        meeting_result="held",
        held_as="regular",
        roll={"present": list(present.values())},
        chaired_by=body[HEAD],
        recorder=body[ORGANISER],
        **more,
    )
    speeches = [
        {
            "speaker": person,
            "self_criticism": "深入基层不够。",
            "critics": [other for other in present.values() if other != person],
            "received": "抓落实不够紧。",
        }
        for person in present.values()
    ]
    opening = "会前学习一次，征求意见一条。"
    matter.do("criticise", ORGANISER, opening=opening, speeches=speeches, pledge="带头整改。")


def assessment(desk: Desk, line: Entry) -> Days:
    """Let the committee assess a secretary, with figures counted from the records of the year."""
    key, lead = line.branch, line.lead

    yield line.day(-15)
    plan = {
        "cycle": line.on.year,
        "secretary": desk.ids[lead],
        "plan_text": "全镇党支部书记述职。",
        "plan_file": desk.upload(ORGANISER),
    }
    matter = desk.begin(line.process, key, ORGANISER, "plan", plan)

    yield line.day(-3)
    _compare_figures(desk, matter, line)
    matter.do("freeze_indicators", ORGANISER, daily_note="平时工作扎实。")
    matter.do(
        "site_check",
        ORGANISER,
        checked_by=desk.people([ORGANISER, DEPUTY]),
        check_result="查阅三会一课台账，走访党员。",
    )
    matter.do(
        "write_report",
        lead,
        results="组织生活正常。",
        shortcomings="流动党员管理不够经常。",
        causes="联系制度没有落实到人。",
        next_plan="建立联系人制度。",
        last_rectification="上年度没有述职。",
    )
    matter.do(
        "review_report",
        ORGANISER,
        review_opinion="同意述职。",
        report_way="onsite",
        leaders=desk.people([HEAD, ORGANISER, DEPUTY]),
    )

    yield line.on
    meeting = {"meeting_place": "镇政府会议室", "host": desk.ids[HEAD], "attended": 30}
    files = desk.upload(ORGANISER)
    matter.do("onsite_report", ORGANISER, onsite_minutes=files, **meeting)
    found = [{"problem": "流动党员管理不够经常"}]
    matter.do(
        "comment",
        ORGANISER,
        commented_by=desk.ids[HEAD],
        comments="流动党员管理要加强。",
        problems_found=found,
    )
    (ballot,) = (b for b in desk.get(ORGANISER, "ballots")["ballots"] if b["open"])
    answers = {"secretary_rating": ["good"], "branch_rating": ["fairly_good"]}
    for voter in (HEAD, ORGANISER, line.recorder):
        desk.post(voter, f"ballots/{ballot['id']}/cast", {"answers": answers})
    matter.do("rating", ORGANISER)

    yield line.day(2)
    grade = {"due_count": 9, "present_count": 8, "graded_count": 10, "good_count": 3}
    minutes = desk.upload(ORGANISER)
    opinion = {"grade": "fairly_good", "overall_opinion": "履行责任较好。"}
    matter.do("grade", ORGANISER, grade_minutes=minutes, **grade, **opinion)
    words = {"feedback_text": "肯定成绩，指出问题。", "announced": "全镇各党支部"}
    matter.do("feedback", ORGANISER, feedback_problems=found, **words)
    matter.do("answer_feedback", lead, answer_feedback="accept")
    due = line.on.replace(year=line.on.year + 1, month=6).isoformat()
    item = {"owner": desk.ids[lead], "measure": "一名支委联系一名流动党员", "due": due}
    matter.do("rectify", lead, items=[{**found[0], **item}])
    matter.do("use_results", ORGANISER, use_of_results="作为评先评优的依据。")
    assert matter.ended, f"{line} has not ended: {matter.open}"


def _compare_figures(desk: Desk, matter: Matter, line: Entry) -> None:
    """Hold the figures that are to be frozen against those counted by hand from the diary."""
    (task,) = matter.open["freeze_indicators"]
    rows = desk.get(ORGANISER, f"tasks/{task}")["form"]["values"]["indicators"]
    figures = {row["indicator"]: row["value"] for row in rows}
    for name, wanted in line.changes.get("figures", {}).items():
        assert figures[name] == wanted, f"{line.branch} {name}: {figures[name]}, not {wanted}"
