"""How members are reviewed lawfully: each of them, with a secret ballot on everyone."""

from __future__ import annotations

from typing import Any

from tests.year.desk import Desk, Matter
from tests.year.meetings import Days, Entry
from tests.year.world import members


def democratic_review(desk: Desk, line: Entry) -> Days:
    """Review the members of a branch, from the study to the use of the results."""
    say = line.changes.get
    key, lead, recorder = line.branch, line.lead, line.recorder
    reviewed, graded = members(key, line.on), members(key, line.on, full=True)

    yield line.on
    matter = desk.begin(
        line.process,
        key,
        lead,
        "study",
        {
            "review_year": line.on.year,
            "sessions": [{"held_on": line.on.isoformat(), "content": "学习党章和评议要求"}],
            "reviewed": desk.people(reviewed),
            "graded": desk.people(graded),
        },
    )
    matter.do(
        "secretary_report", lead, report_summary="全年工作完成。", last_rectification="已经整改。"
    )

    yield line.day(3)
    each = matter.tasks_of("self_assess", lead)
    for code in reviewed:
        if code in say("absent", ()):
            words = {"given": "absent", "absent_reason": "在外地治病，未能参加。"}
            matter.complete(each[desk.ids[code]], recorder, **words)
        else:
            words = {"given": "given", "self_text": "履行了义务。", "self_problems": "学习不够。"}
            matter.complete(each[desk.ids[code]], code, **words)
    comments = [{"about": desk.ids[graded[-1]], "comment": "工作踏实，还要多提建议。"}]
    matter.do("peer_review", recorder, peer_place="branch", comments=comments)

    yield line.day(6)
    _vote(desk, matter, line, reviewed)

    yield line.day(10)
    matter.do("grade_members", lead, **_grades(desk, line, graded))

    yield line.day(12)
    each = matter.tasks_of("give_feedback", lead)
    assert set(each) == set(desk.people(graded)), f"{line}: feedback is not to everybody graded"
    for code in graded:
        matter.complete(each[desk.ids[code]], code, talked_by=desk.ids[lead], accepts="accept")
    matter.do("settle_feedback", lead, regrade="none", settle_note="没有不同意见。")

    yield line.day(10 + say("reported_after", 4))
    best = _best(line, graded)
    matter.do(
        "report_superior",
        lead,
        n_excellent=best,
        n_qualified=len(graded) - best,
        n_basic=0,
        n_unqualified=0,
        report_text="评议按程序进行。",
    )
    matter.do("use_results", lead, praise="在支部大会上表扬。")
    assert matter.ended, f"{line} has not ended: {matter.open}"


def _best(line: Entry, graded: list[str]) -> int:
    found: int = line.changes.get("excellent", len(graded) // 3)
    return found


def _grades(desk: Desk, line: Entry, graded: list[str]) -> dict[str, Any]:
    best = _best(line, graded)
    people = desk.people(graded)
    return {
        "decided_by": "committee",
        "excellent": people[:best],
        "qualified": people[best:],
        "opinions": [{"about": who, "opinion": "履行义务较好，符合标准。"} for who in people],
        "grade_minutes": desk.upload(line.lead),
        "feedback_to": people,
    }


def _vote(desk: Desk, matter: Matter, line: Entry, voters: list[str]) -> None:
    """Let everybody vote, some on paper; then close the step, which counts."""
    (ballot,) = (b for b in desk.get(line.lead, "ballots")["ballots"] if b["open"])
    path = f"ballots/{ballot['id']}"
    paper = desk.get(line.lead, path)["paper"]
    on_paper = line.changes.get("on_paper", ())
    if on_paper:
        two = [line.lead, line.recorder]
        desk.post(line.lead, f"{path}/tellers", {"people": desk.people(two)})
        desk.post(line.lead, f"{path}/paper-ballots", {"people": desk.people(on_paper)})
        totals = {"0.collected": len(on_paper), "0.invalid": 0}
        for name, chosen in _first_options(paper).items():
            for option in chosen:
                first = option == chosen[0]
                totals[f"0.{name}.{option}"] = len(on_paper) if first else 0
        desk.post(line.lead, f"{path}/totals", {"totals": totals})
        desk.post(line.recorder, f"{path}/totals/confirm")
    answers = {name: chosen[:1] for name, chosen in _first_options(paper).items()}
    receipts = set()
    for code in voters:
        if code not in on_paper:
            receipts.add(desk.post(code, f"{path}/cast", {"answers": answers})["receipt"])
    matter.do("questionnaire", line.lead)
    shown = desk.get(line.lead, path)
    assert receipts <= set(shown["receipts"]), f"{line}: not every ballot is counted"
    assert shown["result"]["issued"] == len(voters), shown["result"]


def _first_options(paper: Any) -> dict[str, list[str]]:
    """Return the options of every line of a ballot paper, as ``grade.17``."""
    found: dict[str, list[str]] = {}
    for question in paper["questions"]:
        options = [value for value, _ in question["options"]]
        for place in [value for value, _ in question["items"]] or [""]:
            found[".".join(filter(None, (question["key"], place)))] = options
    return found
