"""What the invented branches put on their boards: notices that run, ended or are objected to."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from engine.demo.stage import Place, Stage

TEXT = "拟走访慰问：第一组两户、第三组三户。名单和标准由支部会议研究。有意见的请在公示期间反映。"


def post_notice(
    stage: Stage, place: Place, posted: date, until: date, *, objected: bool = False
) -> None:
    """Post a notice; after its days conclude it, or begin to look into what was objected."""
    head, second = place.secretary, place.commissioner
    decided = posted - timedelta(days=3)
    draft = {
        "notice_type": "condolence",
        "notice_title": "走访慰问名单公示",
        "notice_basis": f"{decided.month}月{decided.day}日支部会议研究决定。",
        "notice_text": TEXT,
        "no_private": True,
        "planned_until": until.isoformat(),
        "contact_phone": "0000-5500123",
        "contact_place": "青石镇人民政府二楼组织办公室",
    }
    opened = stage.start("public_notice", draft, at=place, by=second, on=posted - timedelta(days=1))
    board = {
        "notice_checker": head,
        "posted_text": TEXT,
        "notice_places": ["board"],
        "notice_position": "党群服务中心公示栏",
        "notice_until": until.isoformat(),
        "notice_receiver": second,
    }
    post = opened["post_notice"]
    stage.complete(post, board, by=second, on=posted, files={"notice_files": "公示"})
    after = until + timedelta(days=1)
    if after > stage.today:
        return
    opened = stage.wait(stage.matter_of(post), after)
    if objected:
        opinion = {
            "received_on": (until - timedelta(days=2)).isoformat(),
            "signed": "named",
            "with_facts": "yes",
            "content": "第三组有一户不符合条件，请核实。",
        }
        heard = {
            "text_kept": "yes",
            "notice_decision": "objection",
            "opinions": [opinion],
            "named_count": 1,
            "verifiers": [second],
        }
        files = {"register_files": "公示意见登记表"}
        stage.complete(opened["collect_opinions"], heard, by=second, on=after, files=files)
        return
    nothing = {"text_kept": "yes", "notice_decision": "none"}
    opened = stage.complete(opened["collect_opinions"], nothing, by=second, on=after)
    files = {"notice_record_files": "公示情况登记表"}
    clear = {"notice_result": "clear"}
    stage.complete(opened["conclude_notice"], clear, by=second, on=after, files=files)


def publish_dues(stage: Stage, place: Place, proposed: date, until: str | None = None) -> None:
    """Publish what was paid in dues; ``until`` names the step that is still to be done."""
    head, second = place.secretary, place.commissioner
    statement = {
        "catalogue_item": "dues",
        "open_title": "党费收缴使用情况",
        "open_text": "应收党费 1260 元，实收 1260 元，已按规定上缴。",
        "open_scope": "party",
        "open_forms": ["board", "meeting"],
        "publish_by": (proposed + timedelta(days=15)).isoformat(),
    }
    opened = stage.start("party_openness", statement, at=place, by=second, on=proposed)
    right = {"no_secret": True, "is_needed": True, "is_accurate": True}
    steps: tuple[tuple[str, dict[str, Any], int, int, dict[str, str]], ...] = (
        ("check_secrecy", {**right, "secrecy_decision": "cleared"}, second, 1, {}),
        ("approve", {"approval_decision": "approve"}, head, 2, {}),
        (
            "publish",
            {"published_item": "dues", "published_at": "党群服务中心公开栏"},
            second,
            5,
            {"publish_files": "公开情况"},
        ),
        ("collect_feedback", {"feedback_decision": "none"}, second, 15, {}),
    )
    for element, data, by, after, files in steps:
        on = proposed + timedelta(days=after)
        if element == until or on > stage.today:
            return
        opened = stage.complete(opened[element], data, by=by, on=on, files=files)
