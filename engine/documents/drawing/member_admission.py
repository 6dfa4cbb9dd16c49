"""The papers of member admission. The wording is our own, after what the articles ask for."""

from __future__ import annotations

from typing import Final

from engine.documents.drawing.official import ORGANISATION, OfficialPaper

KEY: Final = "member_admission"
ABOVE = "{{ matter.approving }}"
PERSON = (
    "{{ person.name }}，{{ person.gender }}，{{ person.ethnicity }}，{{ person.birth_date }}出生，"
    "{{ person.education }}学历，现为{{ steps.submit_application.words.occupation }}，"
    "{{ steps.submit_application.day }}递交入党申请书。"
)
SIGNED = "支部书记（签名）：{{ step.words.resolution_signer }}　　记录人：{{ step.words.recorder }}"


def vote(path: str) -> str:
    """Return the sentence about a vote by secret ballot."""
    return (
        f"应到会有表决权的正式党员{{{{ {path}.due }}}}人，实到会{{{{ {path}.present }}}}人，"
        "超过应到会有表决权人数的半数，会议有效。采取无记名投票方式进行表决，"
        f"赞成{{{{ {path}['for'] }}}}票，不赞成{{{{ {path}.against }}}}票，"
        f"弃权{{{{ {path}.abstain }}}}票，须{{{{ {path}.needed }}}}票赞成。"
    )


def _void(path: str) -> str:
    """Return the sentence about a meeting without a quorum."""
    return (
        f"应到会有表决权的正式党员{{{{ {path}.due }}}}人，实到会{{{{ {path}.present }}}}人，"
        "未超过半数，会议无效，改期召开。"
    )


def _committee_vote(fields: str) -> str:
    """Return the sentence about the superior committee's vote, by the beginning of its fields."""
    counted = {
        "应到会委员": "due",
        "实到会": "present",
        "赞成": "for",
        "不赞成": "against",
        "弃权": "abstain",
    }
    numbers = "，".join(
        f"{words}{{{{ step.data.{fields}_{key} }}}}人" for words, key in counted.items()
    )
    return f"{{{{ step.day }}}}，党委召开会议集体讨论，{numbers}。"


def _close_resolution(paper: OfficialPaper) -> None:
    """Add how every resolution of the members' meeting ends."""
    paper.if_written("step.words.resolution")
    paper.body("报上级党委审批。")
    paper.signature(ORGANISATION, "{{ step.day }}")
    paper.notes(SIGNED)


def full_record() -> OfficialPaper:
    """全程纪实表。"""
    paper = OfficialPaper(landscape=True)
    paper.title("{{ matter.title }}全程纪实表")
    paper.notes(
        "编号：{{ matter.number }}　　姓名：{{ person.name }}　　党组织：{{ matter.organisation }}"
        "　　开始：{{ matter.started_on }}　　情况：{{ matter.outcome or matter.status }}"
    )
    widths = [13, 40, 52, 26, 50, 76]
    heads = ["序号", "阶段", "环节", "发生日期", "经办人", "情况"]
    paper.table([heads], widths, head=True, size=10.5)
    paper.loop(
        "row in rows",
        [
            "{{ loop.index }}",
            "{{ row.stage }}",
            "{{ row.step }}",
            "{{ row.occurred_on.year }}.{{ row.occurred_on.month }}.{{ row.occurred_on.day }}",
            "{{ row.who }}",
            "{{ row.what or '—' }}",
        ],
        size=10.5,
    )
    paper.notes("本表由系统按留痕生成，{{ today }}。")
    return paper


def activist_filing_report() -> OfficialPaper:
    """入党积极分子备案报告。"""
    paper = OfficialPaper()
    paper.title("关于确定{{ person.name }}同志为入党积极分子的\n备案报告")
    paper.recipient(ABOVE)
    paper.body(PERSON)
    paper.body(
        "{{ steps.first_talk.day }}，党支部派{{ steps.first_talk.words.talkers }}同本人谈话，"
        "了解了本人的经历、对党的认识、入党动机、遵纪守法和家庭主要成员等情况。"
    )
    paper.if_written("steps.decide_activist.words.recommendation_opinion", "推荐（推优）意见：")
    paper.body(
        "{{ steps.decide_activist.day }}，支部委员会召开会议，"
        "应到{{ steps.decide_activist.data.committee_attendance.due }}人，"
        "实到{{ steps.decide_activist.data.committee_attendance.present }}人，"
        "经集体研究，决定确定{{ person.name }}同志为入党积极分子。"
    )
    paper.body("现报请备案。")
    paper.signature(ORGANISATION, "{{ step.day }}")
    return paper


def examination_form() -> OfficialPaper:
    """入党积极分子培养教育考察登记表。"""
    paper = OfficialPaper()
    paper.title("入党积极分子培养教育考察登记表")
    paper.table(
        [
            ["姓名", "{{ person.name }}", "性别", "{{ person.gender }}"],
            ["民族", "{{ person.ethnicity }}", "出生日期", "{{ person.birth_date }}"],
            ["学历", "{{ person.education }}",
             "申请入党日期", "{{ steps.submit_application.day }}"],
            ["单位及职务", "{{ steps.submit_application.words.occupation }}",
             "确定为积极分子日期", "{{ steps.decide_activist.day }}"],
            ["党支部", "{{ matter.organisation }}", "培养联系人", "{{ participants.contacts }}"],
        ],
        [30, 48, 36, 42],
    )  # fmt: skip
    paper.notes(" ")
    paper.table(
        [["考察期间", "主要表现", "培养联系人意见", "党支部意见"]], [36, 48, 36, 36], head=True
    )
    paper.loop(
        "r in step.rounds",
        [
            "{{ r.words.period_from }}至{{ r.words.period_to }}",
            "{{ r.words.findings }}{% if r.words.problems %}{{ r.words.problems }}{% endif %}",
            "{{ r.words.contact_opinion }}",
            "{{ r.words.branch_opinion }}（{{ r.day }}）",
        ],
    )
    return paper


def notice() -> OfficialPaper:
    """发展对象公示。"""
    paper = OfficialPaper()
    paper.title("关于拟确定{{ person.name }}同志为发展对象的公示")
    paper.body(
        "根据《中国共产党发展党员工作细则》的有关规定，经支部委员会{{ steps.propose_prospect.day }}"
        "会议讨论，并报" + ABOVE + "同意，拟将{{ person.name }}同志列为发展对象，现予公示。"
    )
    paper.body(PERSON)
    paper.body(
        "{{ steps.decide_activist.day }}被确定为入党积极分子，培养联系人为"
        "{{ participants.contacts }}。"
    )
    paper.body(
        "公示自{{ step.day }}张贴之日的次日起，不少于五个工作日。"
        "对公示对象有意见的，请在公示期内以书面、电话或者当面方式实名反映，反映情况应当客观真实。"
    )
    paper.body("受理方式：{{ step.words.notice_contact }}")
    paper.body("受理人员：{{ step.words.notice_receiver }}")
    paper.signature(ORGANISATION, "{{ step.day }}")
    return paper


def pre_review_request() -> OfficialPaper:
    """预审请示。"""
    paper = OfficialPaper()
    paper.title("关于对发展对象{{ person.name }}同志进行预审的请示")
    paper.recipient(ABOVE)
    paper.body(PERSON)
    paper.body(
        "{{ steps.decide_activist.day }}被确定为入党积极分子，"
        "{{ steps.conclude_notice.day }}公示期满后列为发展对象。"
        "入党介绍人为{{ participants.introducers }}。"
        "{{ steps.political_review.day }}完成政治审查，"
        "{{ steps.intensive_training.words.training_from }}至"
        "{{ steps.intensive_training.words.training_to }}参加集中培训。"
    )
    paper.body(
        "{{ step.day }}，支部委员会召开会议，应到{{ step.data.committee_attendance.due }}人，"
        "实到{{ step.data.committee_attendance.present }}人，征求党员和群众意见后集体讨论，"
        "认为{{ person.name }}同志合格、手续完备。现报请预审。"
    )
    paper.body("妥否，请批示。")
    paper.signature(ORGANISATION, "{{ step.day }}")
    return paper


def admission_resolution() -> OfficialPaper:
    """支部大会关于接收预备党员的决议。"""
    paper = OfficialPaper()
    paper.title("关于接收{{ person.name }}同志为中共预备党员的决议")
    paper.body(
        "{{ matter.organisation_full }}于{{ step.day }}召开支部大会，讨论{{ person.name }}"
        "同志的入党问题。入党介绍人为{{ participants.introducers }}。"
    )
    paper.control("if step.data.admission_ballot == 'postponed'")
    paper.body("会议经讨论，决定暂不表决。")
    paper.control("elif step.data.admission_vote.outcome == 'no_quorum'")
    paper.body(_void("step.data.admission_vote"))
    paper.control("else")
    paper.body(vote("step.data.admission_vote"))
    paper.control("if step.data.admission_vote.outcome == 'lost'")
    paper.body("赞成人数未超过应到会有表决权的正式党员的半数，大会没有通过接收其为预备党员。")
    paper.control("else")
    paper.body("赞成人数超过应到会有表决权的正式党员的半数，大会决议接收其为中共预备党员。")
    paper.control("endif")
    paper.control("endif")
    _close_resolution(paper)
    return paper


def admission_request() -> OfficialPaper:
    """关于接收预备党员的请示。"""
    paper = OfficialPaper()
    paper.title("关于审批接收{{ person.name }}同志为中共预备党员的\n请示")
    paper.recipient(ABOVE)
    paper.body(PERSON)
    paper.body(
        "{{ steps.pre_review.day }}经你委预审合格，"
        "{{ steps.hold_admission_meeting.day }}召开支部大会，"
        + vote("steps.hold_admission_meeting.data.admission_vote")
        + "大会决议接收其为中共预备党员。"
    )
    paper.body("随文报送：{{ step.words.submitted_papers }}。")
    paper.if_written("step.words.general_branch_opinion", "党总支审议意见：")
    paper.body("妥否，请批示。")
    paper.signature(ORGANISATION, "{{ step.day }}")
    return paper


def admission_reply() -> OfficialPaper:
    """上级党委关于接收预备党员的批复。"""
    paper = OfficialPaper()
    paper.title(
        "关于{% if step.data.approval_decision == 'disapprove' %}不予{% endif %}"
        "批准{{ person.name }}同志为中共预备党员的批复"
    )
    paper.recipient(ORGANISATION)
    paper.notes("文号：{{ step.words.approval_number }}")
    paper.body(
        "你支部报送的接收{{ person.name }}同志为中共预备党员的有关材料收悉。"
        + _committee_vote("approval")
    )
    paper.control("if step.data.approval_decision == 'disapprove'")
    paper.body("经表决，不予批准。请做好本人的思想工作。")
    paper.control("elif step.data.approval_decision == 'return'")
    paper.body("经讨论，退回补正后再报。")
    paper.control("else")
    paper.body(
        "经表决，批准{{ person.name }}同志为中共预备党员，预备期一年，"
        "自{{ steps.hold_admission_meeting.day }}支部大会通过之日起算。"
        "请及时通知本人，在党员大会上宣布，并编入党支部和党小组，继续进行教育和考察。"
    )
    paper.control("endif")
    paper.if_written("step.words.approval_opinion")
    paper.signature(ABOVE, "{{ step.day }}")
    return paper


def conversion_resolution() -> OfficialPaper:
    """支部大会关于预备党员转正的决议。"""
    paper = OfficialPaper()
    paper.title("关于预备党员{{ person.name }}同志转正问题的决议")
    paper.body(
        "{{ person.name }}同志于{{ steps.hold_admission_meeting.day }}被接收为中共预备党员，"
        "{{ steps.apply_conversion.day }}提出转正申请。"
        "{{ matter.organisation_full }}于{{ step.day }}召开支部大会讨论。"
    )
    paper.body("党小组意见：{{ step.words.opinion_group }}")
    paper.body("支部委员会审查意见：{{ step.words.committee_opinion }}")
    paper.control("if step.data.conversion_vote.outcome == 'no_quorum'")
    paper.body(_void("step.data.conversion_vote"))
    paper.control("else")
    paper.body("提请表决的意见：{{ step.words.conversion_decision }}。")
    paper.body(vote("step.data.conversion_vote"))
    paper.body(
        "{% if step.data.conversion_vote.outcome == 'adopted' %}赞成人数超过应到会有表决权的"
        "正式党员的半数，大会决议通过上述意见。"
        "{% else %}赞成人数未超过半数，上述意见没有通过。{% endif %}"
    )
    paper.control("endif")
    _close_resolution(paper)
    return paper


def conversion_reply() -> OfficialPaper:
    """上级党委关于转正的批复。"""
    paper = OfficialPaper()
    paper.title("关于预备党员{{ person.name }}同志转正问题的批复")
    paper.recipient(ORGANISATION)
    paper.notes("文号：{{ step.words.conversion_approval_number }}")
    paper.body(
        "你支部报送的关于{{ person.name }}同志转正问题的决议收悉。"
        + _committee_vote("conversion_approval")
    )
    paper.control("if step.data.conversion_approval_decision == 'return'")
    paper.body("经讨论，退回重新研究。")
    paper.control("else")
    paper.body(
        "经表决，同意你支部大会的决议。按期转正或者延长期满转正的，党龄从预备期满之日算起。"
        "请及时通知本人，并在党员大会上宣布。"
    )
    paper.control("endif")
    paper.if_written("step.words.conversion_approval_opinion")
    paper.signature(ABOVE, "{{ step.day }}")
    return paper


PAPERS = {
    "full_record": full_record,
    "activist_filing_report": activist_filing_report,
    "examination_form": examination_form,
    "notice": notice,
    "pre_review_request": pre_review_request,
    "admission_resolution": admission_resolution,
    "admission_request": admission_request,
    "admission_reply": admission_reply,
    "conversion_resolution": conversion_resolution,
    "conversion_reply": conversion_reply,
}
