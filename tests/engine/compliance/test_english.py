"""Every sentence can be read in English: words of the package and of the program together."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from engine.calendars.arithmetic import add_days
from engine.compliance.results import render
from tests.compliance_builder import (
    SHIPPED,
    Matter,
    book,
    extended,
    judge,
    lawful_2014,
    lawful_2026,
    lawful_crossing,
)
from web.translations import english

CHINESE = re.compile(r"[\u4e00-\u9fff]")
_TEXTS = english()


def _english(text: str) -> str:
    known = book().english.get(text)
    if known is None:
        message = _TEXTS.get(text)
        known = str(message.string) if message is not None and message.string else text
    return known


def _late() -> Matter:
    """Return a matter in which nearly everything goes wrong."""
    matter = extended(lawful_2026())
    for n, step in enumerate(matter):
        step.day = add_days(step.day, 400 if n % 2 else -30)
        step.recorded = add_days(step.day, 60)
        if n % 3 == 0:
            step.data = {}
    return matter


@pytest.mark.parametrize(
    "made",
    [
        lawful_2014,
        lambda: extended(lawful_2026()),
        _late,
        lambda: lawful_2026().until("post_notice"),
    ],
)
def test_no_sentence_has_chinese_words_left(made: Callable[[], Matter]) -> None:
    for table in ({}, {"holidays": SHIPPED}):
        for one in judge(made(), **table):
            text = render(one.sentence, _english)
            assert not CHINESE.search(text), (one.rule.id, text)


def test_titles_of_rules_are_there_in_english() -> None:
    for rule in book().rules:
        assert rule.title_en
        assert not CHINESE.search(rule.title_en)


def test_a_sentence_reads_well() -> None:
    matter = lawful_crossing().on("submit_application", "2026-01-31").on("first_talk", "2026-03-02")
    (late,) = [r for r in judge(matter.until("first_talk")) if r.rule.id == "R-ADM-02"]
    assert render(late.sentence, _english) == (
        "2026-01-31: the application was received. Within 1 month(s), by 2026-02-28 at the latest: "
        "hold the first talk; done on 2026-03-02, 2 day(s) late."
    )
