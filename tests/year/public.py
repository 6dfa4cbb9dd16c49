"""Notices, what is made public, and an admission, each as far as a year goes."""

from __future__ import annotations

from datetime import date, timedelta

from tests.year.desk import Desk
from tests.year.meetings import Days, Entry
from tests.year.world import ORGANISER

TEXT = "拟走访慰问：李一、张二。有意见的请在公示期间反映。"


def public_notice(desk: Desk, line: Entry) -> Days:
    """Post a notice for the working days required; an objection is verified."""
    say = line.changes.get
    until: date = say("until", line.day(7))
    lead, recorder = line.lead, line.recorder
    contacts = {"contact_phone": "0000-1234567", "contact_place": "党建办公室"}
    if say("one_way"):
        del contacts["contact_place"]

    yield line.day(-1)
    matter = desk.start(
        line.process,
        line.branch,
        recorder,
        {
            "notice_type": "condolence",
            "notice_title": "走访慰问困难党员名单公示",
            "notice_basis": "支部委员会会议研究决定。",
            "notice_text": TEXT,
            "no_private": True,
            "planned_until": until.isoformat(),
            **contacts,
        },
    )
    yield line.on
    matter.do(
        "post_notice",
        recorder,
        notice_checker=desk.ids[lead],
        posted_text=TEXT,
        notice_places=["board"],
        notice_position="公示栏",
        notice_until=until.isoformat(),
        notice_receiver=desk.ids[recorder],
        notice_files=desk.upload(recorder),
    )
    yield until + timedelta(days=1)
    if not say("objection"):
        matter.do("collect_opinions", recorder, text_kept="yes", notice_decision="none")
    else:
        matter.do(
            "collect_opinions",
            recorder,
            text_kept="yes",
            notice_decision="objection",
            opinions=[
                {
                    "received_on": line.day(2).isoformat(),
                    "signed": "named",
                    "with_facts": "yes",
                    "content": "名单中的一户不符合条件。",
                }
            ],
            named_count=1,
            register_files=desk.upload(recorder),
            verifiers=desk.people([line.at.people[3]]),
        )
        yield until + timedelta(days=4)
        verifier = line.at.people[3]
        matter.do(
            "verify_objections",
            verifier,
            verification="入户了解，核对收入材料。",
            handling="已当面答复。",
            verification_decision="no_effect",
            verification_files=desk.upload(verifier),
        )
    matter.do(
        "conclude_notice",
        recorder,
        notice_result="no_effect" if say("objection") else "clear",
        notice_record_files=desk.upload(recorder),
    )
    assert matter.ended, f"{line} has not ended: {matter.open}"


def party_openness(desk: Desk, line: Entry) -> Days:
    """Publish the statement of dues."""
    by_day: date = line.changes.get("publish_by", line.on)
    recorder = line.recorder

    yield line.day(-9)
    matter = desk.begin(
        line.process,
        line.branch,
        recorder,
        "propose",
        {
            "catalogue_item": "dues",
            "open_title": "上半年党费收缴使用情况",
            "open_text": "上半年应收党费 1200 元，实收 1200 元，上缴 1200 元。",
            "open_scope": "party",
            "open_forms": ["board", "meeting"],
            "publish_by": by_day.isoformat(),
        },
    )
    matter.do(
        "check_secrecy",
        recorder,
        no_secret=True,
        is_needed=True,
        is_accurate=True,
        secrecy_decision="cleared",
    )
    matter.do("approve", line.lead, approval_decision="approve")
    yield line.on
    files = desk.upload(recorder)
    matter.do(
        "publish", recorder, published_item="dues", published_at="公开栏", publish_files=files
    )
    yield line.day(10)
    matter.do("collect_feedback", recorder, feedback_decision="none")
    assert matter.ended, f"{line} has not ended: {matter.open}"


def member_admission(desk: Desk, line: Entry) -> Days:
    """Let somebody apply, be talked to and, if the branch goes on, become an activist."""
    applicant: str = line.changes["applicant"]
    lead, recorder = line.lead, line.recorder

    yield line.on
    matter = desk.start(
        line.process,
        line.branch,
        applicant,
        {
            "birth_date": "2000-05-01",
            "occupation": "镇农业综合服务中心职员",
            "receiving_branch": desk.ids[line.branch],
            "in_own_words": True,
            "application_files": desk.upload(applicant),
        },
        subject=applicant,
    )
    yield line.day(line.changes.get("talked_after", 20))
    topics = ("experience", "understanding", "motive", "law", "family")
    matter.do(
        "first_talk",
        lead,
        talkers=desk.people([lead, recorder]),
        talk_place="党员活动室",
        talk_impression="动机端正，建议纳入培养。",
        talk_files=desk.upload(lead),
        **{f"topic_{topic}": "谈清楚了。" for topic in topics},
    )
    if not line.changes.get("goes_on"):
        return
    yield line.day(63)
    committee = line.at.committee_people
    matter.do(
        "decide_activist",
        recorder,
        recommended_by=["members", "mass_organisation"],
        recommenders=desk.people(line.at.people[3:5]),
        mass_organisation="青山镇团委",
        recommendation_opinion="党员推荐会推荐，团委推优。",
        committee_attendance={"present": desk.people(committee)},
        committee_minutes="逐个讨论了推荐意见，一致同意。",
        activist_decision="agree",
        recommendation_files=desk.upload(recorder),
    )
    decided = desk.today
    yield line.day(65)
    matter.do(
        "file_activist",
        ORGANISER,
        filing_number="青党备〔2026〕3号",
        activist_filing_decision="agree",
        filing_files=desk.upload(ORGANISER),
    )
    contacts = line.at.people[3:5]
    matter.do(
        "assign_contacts",
        recorder,
        contacts=desk.people(contacts),
        contacts_since=decided.isoformat(),
        contacts_task="每月谈心，带领学习。",
        contacts_files=desk.upload(recorder),
    )
    examined = date(decided.year, decided.month + 6, decided.day)
    yield examined
    matter.do(
        "examine_activist",
        contacts[0],
        period_from=decided.isoformat(),
        period_to=examined.isoformat(),
        findings="工作踏实，按时汇报思想，积极参加学习。",
        education_done=["study", "party_lesson"],
        contact_opinion="继续培养。",
        branch_opinion="同意培养联系人意见。",
        examination_files=desk.upload(contacts[0]),
        examination_next="continue",
    )
