"""The papers of the democratic review (民主评议党员). The wording is our own."""

from __future__ import annotations

from typing import Final

from engine.documents.drawing.official import ORGANISATION, OfficialPaper

KEY: Final = "democratic_review"
YEAR: Final = "{{ steps.study.words.review_year }}"


def survey_summary() -> OfficialPaper:
    """民主测评汇总表：只有票数，没有投票人。"""
    paper = OfficialPaper()
    paper.title("民主测评汇总表")
    paper.notes("党组织：{{ matter.organisation_full }}　　测评日期：{{ step.day }}")
    paper.ballot_count("questionnaire", "测评结果供评定时参考。")
    return paper


def grading() -> OfficialPaper:
    """评定意见表。"""
    paper = OfficialPaper()
    paper.title(f"{YEAR}年度民主评议党员评定意见表")
    paper.notes("党组织：{{ matter.organisation_full }}　　会议日期：{{ step.day }}")
    paper.table(
        [
            ["评定会议", "{{ step.words.decided_by }}"],
            ["优秀", "{{ step.words.excellent }}"],
            ["合格", "{{ step.words.qualified }}"],
            ["基本合格", "{{ step.words.basic }}"],
            ["不合格", "{{ step.words.unqualified }}"],
        ],
        [34, 122],
    )
    paper.if_written("step.words.unqualified_facts", "不合格党员的主要事实：")
    paper.if_written("step.words.change_reason", "重新评定的理由：")
    paper.signature(ORGANISATION, "{{ step.day }}")
    return paper


def review_report() -> OfficialPaper:
    """民主评议情况报告。"""
    paper = OfficialPaper()
    paper.title(f"关于{YEAR}年度民主评议党员情况的报告")
    paper.recipient("{{ matter.approving }}")
    paper.body(
        f"{YEAR}年度民主评议党员工作已经完成。"
        "参加评议的党员：{{ steps.study.words.reviewed }}。{{ step.words.report_text }}"
    )
    paper.heading("评定情况")
    paper.body(
        "经{{ steps.grade_members.words.decided_by }}（{{ steps.grade_members.day }}）评定："
        "优秀{{ step.words.n_excellent }}人，合格{{ step.words.n_qualified }}人，"
        "基本合格{{ step.words.n_basic }}人，不合格{{ step.words.n_unqualified }}人。"
    )
    paper.body("优秀党员：{{ steps.grade_members.words.excellent }}")
    paper.if_written("step.words.report_unqualified", heading="不合格党员和理由")
    paper.signature(ORGANISATION, "{{ step.day }}")
    return paper


PAPERS = {
    "survey_summary": survey_summary,
    "grading": grading,
    "review_report": review_report,
}
