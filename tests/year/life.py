"""How an organisational life meeting is prepared, held and followed up lawfully."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from itertools import combinations
from typing import Any, Final

from tests.year.desk import Desk, Matter
from tests.year.meetings import Days, Entry
from tests.year.world import HEAD, members

PROBLEM: Final = "联系服务群众不够经常"


def organisational_life(desk: Desk, line: Entry) -> Days:
    """Hold it: a plan, preparation with a task for each member, the meeting, what comes of it."""
    say = line.changes.get
    absent, read_out = say("absent", ()), say("read_out", ())
    key, lead, recorder = line.branch, line.lead, line.recorder

    yield line.day(-17)
    matter = desk.begin(line.process, key, recorder, "make_plan", _plan(desk, line))
    planned = members(key, desk.today)

    yield line.day(-8)
    now = members(key, desk.today)
    below = f"process-instances/{matter.id}/rolls/self_examine"
    for code in now:
        if code not in planned:
            body = {"person_id": desk.ids[code], "reason": "新转入"}
            matter.note(desk.post(lead, f"{below}/people", body))
    for code in planned:
        if code not in now:
            body = {"person_id": desk.ids[code], "reason": "已转出"}
            matter.note(desk.post(lead, f"{below}/leavers", body))
    matter.do("study", recorder, sessions=[_study(desk, len(now))])
    matter.do("talk", lead, talks=list(_talks(desk, line, now)))
    heard = [{"opinion_from": "masses", "opinion": "多到一线走访。"}]
    matter.do("collect_opinions", recorder, heard_how="座谈会和意见箱。", opinions=heard)
    matter.do("examine_branch", lead, branch_problems=[{"problem": PROBLEM}])

    yield line.day(-6)
    each = matter.tasks_of("self_examine", lead)
    assert set(each) == set(desk.people(now)), f"{line}: the list is not that of the members"
    for code in now:
        # Whoever writes on paper has it entered by the branch.
        by = recorder if code in say("on_paper", ()) else code
        matter.complete(each[desk.ids[code]], by, statement="一年来的学习、工作和问题。")
    matter.do("check_preparation", lead, preparation_decision="hold")

    yield line.on
    _hold(desk, matter, line, [c for c in now if c not in absent])

    yield line.day(1)
    if absent:
        made_up = [
            {
                "made_person": desk.ids[code],
                "made_on": desk.today.isoformat(),
                "made_how": "briefed",
            }
            for code in absent
            if code not in read_out
        ]
        matter.do("make_up", recorder, made_up=made_up)
    due: date = say("due", date(desk.today.year + 1, 6, 30))
    item = {"problem": PROBLEM, "measure": "每月走访一次。", "due": due.isoformat()}
    matter.do("rectify", lead, items=[{**item, "owner": desk.ids[recorder]}])

    yield line.day(say("reported_after", 9))
    matter.do("report", lead, report_text="会议按程序召开，问题均已明确整改措施。")
    matter.do("review_report", HEAD, report_decision="pass", report_note="合格。")
    matter.do("publish", recorder, scope=["members"], publish_note="通报会议和整改措施。")
    assert matter.ended, f"{line} has not ended: {matter.open}"
    if closed := say("closed"):
        yield closed
        _put_right(desk, matter, recorder, lead)


def _plan(desk: Desk, line: Entry) -> dict[str, Any]:
    return {
        "theme": "强化组织功能，服务群众",
        "meeting_form": "branch",
        "planned_on": line.on.isoformat(),
        "combine_review": "no",
        "members": desk.people(members(line.branch, desk.today)),
        "committee": desk.people(line.at.committee_people),
        "report_plan": "no",
    }


def _study(desk: Desk, count: int) -> dict[str, Any]:
    today = desk.today.isoformat()
    return {"study_on": today, "study_topic": "年度学习专题", "study_count": count}


def _talks(desk: Desk, line: Entry, now: Iterable[str]) -> Iterable[dict[str, Any]]:
    """Yield talks of every two of the committee, and of everybody else with one of them."""
    committee = line.at.committee_people
    pairs = [*combinations(committee, 2)]
    pairs += [(line.lead, code) for code in now if code not in committee]
    for one, other in pairs:
        if other not in line.changes.get("not_talked_to", ()):
            day = desk.today.isoformat()
            yield {"talk_one": desk.ids[one], "talk_other": desk.ids[other], "talk_on": day}


def _hold(desk: Desk, matter: Matter, line: Entry, present: list[str]) -> None:
    absent, read_out = line.changes.get("absent", ()), line.changes.get("read_out", ())
    more: dict[str, Any] = {}
    if absent:
        more["absent"] = [
            {"absent_person": desk.ids[code], "absent_reason": "illness"} for code in absent
        ]
    if read_out:
        more["statements_read"] = desk.people(read_out)
    matter.do(
        "hold_meeting",
        line.recorder,
        meeting_result="held",
        roll={"present": desk.people(present)},
        chaired_by=desk.ids[line.lead],
        recorder=desk.ids[line.recorder],
        **more,
    )
    speeches = [
        {"speaker": desk.ids[code], "self_criticism": "理论学习不够深入。"} for code in present
    ]
    matter.do("criticise", line.recorder, speeches=speeches)


def _put_right(desk: Desk, matter: Matter, owner: str, lead: str) -> None:
    (item,) = desk.pages(owner, "rectification-items", instance_id=str(matter.id))
    said = {"text": "走访已经落实，附记录。", "done": True}
    desk.post(owner, f"rectification-items/{item['id']}/report", said)
    desk.post(lead, f"rectification-items/{item['id']}/close", {"text": "核实无误，销号。"})
