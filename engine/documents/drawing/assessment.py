"""The papers of the assessment of secretaries (述职评议考核). The wording is our own."""

from __future__ import annotations

from typing import Final

from engine.documents.drawing.official import ORGANISATION, OfficialPaper

KEY: Final = "assessment"
YEAR: Final = "{{ steps.plan.words.cycle }}"
SECRETARY: Final = "{{ steps.plan.words.secretary }}"


def rating_summary() -> OfficialPaper:
    """民主测评汇总表：按类别的票数，没有投票人。"""
    paper = OfficialPaper()
    paper.title("述职评议民主测评汇总表")
    paper.notes("党组织：{{ matter.organisation_full }}　　测评日期：{{ step.day }}")
    paper.ballot_count("rating", "测评结果供评定等次时参考。")
    return paper


def overall_opinion() -> OfficialPaper:
    """综合评价意见。"""
    paper = OfficialPaper()
    paper.title(f"{YEAR}年度党支部书记抓党建工作综合评价意见")
    paper.notes("党组织：{{ matter.organisation_full }}　　会议日期：{{ step.day }}")
    paper.table(
        [
            ["述职书记", SECRETARY],
            ["会议到会", "应到{{ step.words.due_count }}人，实到{{ step.words.present_count }}人"],
            ["综合评价等次", "{{ step.words.grade }}"],
            ["综合评价意见", "{{ step.words.overall_opinion }}"],
        ],
        [34, 122],
    )
    paper.if_written("step.words.change_reason", "重新评定的理由：")
    paper.signature("{{ matter.approving }}", "{{ step.day }}")
    return paper


def indicators() -> OfficialPaper:
    """平时考核指标表：数值、得分和调整。"""
    paper = OfficialPaper()
    paper.title(f"{YEAR}年度述职评议平时考核指标表")
    paper.notes("党组织：{{ matter.organisation_full }}　　冻结日期：{{ step.day }}")
    paper.each(
        "row in step.data.indicators",
        "{{ loop.index }}．{{ row.title }}：{{ row.value }}{{ row.unit }}，"
        "得分{{ row.score }}（满分{{ row.weight }}，按记录计算{{ row.calculated }}）"
        "{% if row.reason %}。调整理由：{{ row.reason }}{% endif %}",
    )
    paper.body("数值按冻结日前一天为止的记录计算，依据见系统内本环节的“指标和依据”。")
    return paper


def feedback() -> OfficialPaper:
    """反馈意见。"""
    paper = OfficialPaper()
    paper.title(f"关于{YEAR}年度述职评议考核情况的反馈意见")
    paper.recipient(ORGANISATION)
    paper.body(
        f"{YEAR}年度党支部书记{SECRETARY}的述职评议考核，"
        "经会议（{{ steps.grade.day }}）研究，综合评价等次为“{{ steps.grade.words.grade }}”。"
    )
    paper.heading("反馈意见")
    paper.body("{{ step.words.feedback_text }}")
    paper.control("if step.data.feedback_problems")
    paper.heading("存在的问题")
    paper.control("endif")
    paper.each("one in step.data.feedback_problems", "{{ loop.index }}．{{ one.problem }}")
    paper.body("请对照问题列出责任、措施和期限，按期整改。有不同意见的，可以申请复核。")
    paper.signature("{{ matter.approving }}", "{{ step.day }}")
    return paper


PAPERS = {
    "indicators": indicators,
    "rating_summary": rating_summary,
    "overall_opinion": overall_opinion,
    "feedback": feedback,
}
