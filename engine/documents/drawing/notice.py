"""The papers of public notices (公示). The wording is our own."""

from __future__ import annotations

from typing import Final

from engine.documents.drawing.official import ORGANISATION, OfficialPaper

KEY: Final = "notice"
DRAFT: Final = "steps.draft_notice.words"
OPINIONS: Final = "steps.collect_opinions"


def public_notice() -> OfficialPaper:
    """公示。"""
    paper = OfficialPaper()
    paper.title(f"{{{{ {DRAFT}.notice_title }}}}")
    paper.body(f"{{{{ {DRAFT}.notice_basis }}}}现将有关情况公示如下。")
    paper.body("{{ step.words.posted_text }}")
    paper.body(
        "公示自{{ step.day }}张贴之日的次日起，至{{ step.words.notice_until }}止。"
        "有意见的，请在公示期内以书面、电话或者当面方式反映，提倡实名，反映情况应当客观真实。"
    )
    for field, words in (
        ("contact_phone", "受理电话"),
        ("contact_place", "来访、来信地址"),
        ("contact_other", "其他方式"),
    ):
        paper.if_written(f"{DRAFT}.{field}", f"{words}：")
    paper.body("受理人员：{{ step.words.notice_receiver }}")
    paper.signature(ORGANISATION, "{{ step.day }}")
    return paper


def notice_result() -> OfficialPaper:
    """公示情况登记表。"""
    paper = OfficialPaper()
    paper.title("公示情况登记表")
    paper.table(
        [
            ("公示标题", f"{{{{ {DRAFT}.notice_title }}}}"),
            ("公示事项", f"{{{{ {DRAFT}.notice_type }}}}"),
            ("公示依据", f"{{{{ {DRAFT}.notice_basis }}}}"),
            ("公示范围", "{{ steps.post_notice.words.notice_places }}"),
            ("张贴位置", "{{ steps.post_notice.words.notice_position }}"),
            ("公示时间", "{{ steps.post_notice.day }}至{{ steps.post_notice.words.notice_until }}"),
            ("受理人员", "{{ steps.post_notice.words.notice_receiver }}"),
            ("内容有无变动", f"{{{{ {OPINIONS}.words.text_kept }}}}"),
            ("收到的意见", f"{{{{ {OPINIONS}.words.notice_decision }}}}"),
            ("核实情况", "{{ steps.verify_objections.words.verification }}"),
            ("处理情况", "{{ steps.verify_objections.words.handling }}"),
            ("公示结果", "{{ step.words.notice_result }}"),
            ("情况说明", "{{ step.words.notice_summary }}"),
        ],
        (36, 120),
    )
    paper.notes("反映人的姓名和联系方式不写入本表。")
    paper.body("承办人（签名）：　　　　　　　　负责人（签名）：")
    paper.signature(ORGANISATION, "{{ step.day }}")
    return paper


PAPERS: Final = {"public_notice": public_notice, "notice_result": notice_result}
