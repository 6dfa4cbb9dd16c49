"""Official papers: filled from the record, drafts before, and only for those who may read it."""

from __future__ import annotations

import io
import zipfile

import docx
import pytest
from docx.document import Document
from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.clock import FixedClock
from engine.documents.papers import DRAFT, MadePaper, list_papers, make_paper
from engine.documents.values import official_name
from engine.errors import NotAllowed, NotFound
from engine.runtime.models import Task
from engine.runtime.operations import complete_task
from engine.settings import Settings
from tests.engine.documents.conftest import Case, play_matter

ALL = [
    "full_record",
    "activist_filing_report",
    "examination_form",
    "notice",
    "pre_review_request",
    "admission_resolution",
    "admission_request",
    "admission_reply",
    "conversion_resolution",
    "conversion_reply",
]


def offered(case: Case, by: str = "secretary") -> dict[str, bool]:
    """Return whether each paper is a draft, by its id."""
    found = list_papers(case.session, case.actor(by), case.clock, case.instance_id)
    return {paper.id: paper.draft for paper in found}


def made(case: Case, paper: str, by: str = "secretary") -> MadePaper:
    return make_paper(case.session, case.actor(by), case.clock, case.instance_id, paper)


def opened(paper: MadePaper) -> Document:
    return docx.Document(io.BytesIO(paper.content))


def text_of(paper: MadePaper) -> str:
    document = opened(paper)
    lines = [paragraph.text for paragraph in document.paragraphs]
    for table in document.tables:
        lines += [cell.text for row in table.rows for cell in row.cells]
    return "\n".join(lines)


def test_every_paper_of_a_finished_matter_is_filled(case: Case) -> None:
    assert offered(case) == dict.fromkeys(ALL, False)
    for paper in ALL:
        words = text_of(made(case, paper))
        assert "李一" in words
        assert "{{" not in words and "{%" not in words, paper
        assert DRAFT not in words


def test_papers_say_what_is_recorded(case: Case) -> None:
    resolution = text_of(made(case, "admission_resolution"))
    assert "关于接收李一同志为中共预备党员的决议" in resolution
    assert "应到会有表决权的正式党员7人，实到会6人" in resolution
    assert "大会决议接收其为中共预备党员" in resolution
    assert "没有通过" not in resolution
    reply = text_of(made(case, "admission_reply"))
    assert "批准李一同志为中共预备党员，预备期一年，自2026年10月9日支部大会通过之日起算" in reply
    assert "不予批准" not in reply
    form = text_of(made(case, "examination_form"))
    assert "2025年3月5日至2025年9月5日" in form
    assert "2025年9月6日至2026年3月5日" in form
    record = text_of(made(case, "full_record"))
    assert record.count("06 培养教育考察") == 2
    assert "25 材料归档" in record


def test_a_paper_is_laid_out_as_official_documents_are(case: Case) -> None:
    document = opened(made(case, "admission_reply"))
    section = document.sections[0]
    assert section.page_width is not None and section.page_height is not None
    assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)
    assert section.top_margin is not None and section.left_margin is not None
    assert (round(section.top_margin.mm), round(section.left_margin.mm)) == (37, 28)
    with zipfile.ZipFile(io.BytesIO(made(case, "admission_reply").content)) as archive:
        body = archive.read("word/document.xml").decode()
        fonts = archive.read("word/fontTable.xml").decode()
    assert "仿宋_GB2312" in body and "方正小标宋简体" in body
    assert 'altName w:val="仿宋;FangSong' in fonts


def test_before_its_step_is_recorded_a_paper_is_a_draft_with_blanks(
    session: Session, clock: FixedClock, own_settings: Settings
) -> None:
    case = play_matter(session, clock, own_settings, until="post_notice")
    found = offered(case)
    assert found["notice"] is True
    assert found["activist_filing_report"] is False
    assert "admission_resolution" not in found
    draft = made(case, "notice")
    assert draft.draft and draft.name.startswith("草稿-")
    header = "".join(p.text for p in opened(draft).sections[0].header.paragraphs)
    assert DRAFT in header
    words = text_of(draft)
    assert "拟将李一同志列为发展对象" in words
    assert "受理人员：＿＿＿＿" in words
    with pytest.raises(NotFound):
        made(case, "admission_resolution")
    with pytest.raises(NotFound):
        made(case, "no_such_paper")


def test_the_person_concerned_and_strangers_get_none(case: Case) -> None:
    for who, error in (("applicant", NotAllowed), ("member_a", NotFound)):
        with pytest.raises(error):
            offered(case, who)
        with pytest.raises(error):
            made(case, "full_record", who)


def test_a_refusal_has_no_paper_that_says_yes(
    session: Session, clock: FixedClock, own_settings: Settings
) -> None:
    case = play_matter(session, clock, own_settings, scenario="activist_not_agreed", actions=1)
    assert "activist_filing_report" not in offered(case)


def test_a_vote_that_was_lost_reads_so(
    session: Session, clock: FixedClock, own_settings: Settings
) -> None:
    case = play_matter(session, clock, own_settings, scenario="admission_vote_lost")
    words = text_of(made(case, "admission_resolution"))
    assert "没有通过接收其为预备党员" in words
    assert "大会决议接收" not in words


def test_the_same_record_gives_the_same_bytes(case: Case) -> None:
    assert made(case, "conversion_reply").content == made(case, "conversion_reply").content


def test_words_from_people_are_text_and_never_instructions(
    session: Session, clock: FixedClock, own_settings: Settings
) -> None:
    case = play_matter(session, clock, own_settings, until="post_notice")
    entry = "{{ 7*7 }}<w:b/>&"
    wanted = select(Task.id).where(
        Task.instance_id == case.instance_id, Task.state == "open", Task.element == "post_notice"
    )
    complete_task(
        session.scalars(wanted).one(),
        {
            "notice_places": ["work"],
            "notice_position": "公示栏",
            "notice_text": "公示",
            "notice_contact": entry,
            "notice_receiver": case.ids["commissioner"],
            "notice_files": [],
        },
        actor=case.actor("commissioner"),
        clock=case.clock,
        occurred_on=case.clock.today(),
    )
    assert f"受理方式：{entry}" in text_of(made(case, "notice"))


@pytest.mark.parametrize(
    ("name", "official"),
    [("第一党支部", "中共第一党支部"), ("中共青石镇委员会", "中共青石镇委员会")],
)
def test_papers_are_signed_with_the_official_name(name: str, official: str) -> None:
    assert official_name(name) == official
