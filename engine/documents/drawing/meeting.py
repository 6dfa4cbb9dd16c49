"""The papers of meetings (三会一课、主题党日). The wording is our own."""

from __future__ import annotations

from typing import Final

from engine.documents.drawing.official import ORGANISATION, OfficialPaper

KEY: Final = "meeting"
HELD: Final = "{{ steps.roll_call.day }}"
COUNTED: Final = (
    "应到{{ steps.roll_call.data.roll.due }}人，实到{{ steps.roll_call.data.roll.present }}人"
)


def meeting_notice() -> OfficialPaper:
    """会议通知。"""
    paper = OfficialPaper()
    paper.title("关于召开{{ matter.title }}的通知")
    paper.recipient("有关同志")
    paper.body(
        "定于{{ step.words.meets_on }}{{ step.words.meets_at }}在{{ step.words.meets_where }}"
        "召开{{ matter.title }}，请准时参加；因故不能参加的，请事先请假。"
    )
    paper.heading("议题")
    paper.each("item in steps.set_agenda.data.topics", "{{ loop.index }}．{{ item.topic }}")
    paper.if_written("step.words.notice_note", heading="会前准备")
    paper.signature(ORGANISATION, "{{ step.day }}")
    return paper


def sign_in_sheet() -> OfficialPaper:
    """签到表：会前打印是空白表，登记以后写有人数和名单。"""
    paper = OfficialPaper()
    paper.title("{{ matter.title }}签到表")
    paper.notes(
        "党组织：{{ matter.organisation_full }}　　日期：{{ step.day }}　　"
        "应到：{{ step.data.roll.due }}人　　实到：{{ step.data.roll.present }}人"
    )
    paper.table(
        [["序号", "姓名", "签名", "序号", "姓名", "签名"]], [14, 30, 34, 14, 30, 34], head=True
    )
    paper.table([[""] * 6 for _ in range(12)], [14, 30, 34, 14, 30, 34])
    paper.if_written("step.words.roll", "到会情况：")
    paper.if_written("step.words.absences", "缺席人员和原因：")
    paper.if_written("step.words.guests", "列席人员：")
    return paper


def minutes() -> OfficialPaper:
    """会议记录。"""
    paper = OfficialPaper()
    paper.title("{{ matter.title }}会议记录")
    paper.table(
        [
            ["党组织", ORGANISATION],
            ["时间", f"{HELD}{{{{ steps.send_notice.words.meets_at }}}}"],
            ["地点", "{{ steps.send_notice.words.meets_where }}"],
            ["主持人", "{{ steps.roll_call.words.chaired_by }}"],
            ["记录人", "{{ steps.roll_call.words.recorder }}"],
            ["到会", COUNTED],
            ["缺席及原因", "{{ steps.roll_call.words.absences }}"],
            ["列席", "{{ steps.roll_call.words.guests }}"],
        ],
        [34, 122],
    )
    paper.heading("议题")
    paper.each("item in steps.set_agenda.data.topics", "{{ loop.index }}．{{ item.topic }}")
    paper.heading("讨论情况")
    paper.each("said in steps.discuss.data.speeches", "{{ said.speaker }}：{{ said.points }}")
    paper.body("{{ steps.discuss.words.discussion }}")
    paper.control("if steps.hold_vote.done")
    paper.heading("表决情况")
    paper.each(
        "one in steps.hold_vote.rounds",
        "{{ one.words.motion }}（{{ one.words.vote_way }}）：{{ one.words.vote }}",
    )
    paper.control("endif")
    paper.heading("其他")
    paper.body("{{ step.words.minutes }}")
    paper.body(
        "记录人（签名）：{{ step.words.minutes_writer }}　　"
        "审签人（签名）：{{ steps.sign_minutes.words.minutes_signer }}"
    )
    return paper


def resolution() -> OfficialPaper:
    """会议决议。"""
    paper = OfficialPaper()
    paper.title("{{ matter.title }}决议")
    paper.body(f"{HELD}，{{{{ matter.organisation_full }}}}召开{{{{ matter.title }}}}，{COUNTED}。")
    paper.each("one in steps.hold_vote.rounds", "{{ one.words.motion }}：{{ one.words.vote }}")
    paper.body("{{ step.words.resolution }}")
    paper.body("会议主持人（签名）：{{ step.words.resolution_signer }}")
    paper.signature(ORGANISATION, "{{ step.day }}")
    return paper


PAPERS = {
    "meeting_notice": meeting_notice,
    "sign_in_sheet": sign_in_sheet,
    "minutes": minutes,
    "resolution": resolution,
}
