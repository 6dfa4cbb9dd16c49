"""English texts: complete, and with the same places to fill as the Chinese ones."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask_babel import force_locale, gettext

from engine.errors import InvalidInput
from engine.forms import compile_form
from engine.forms.votes import (
    Attendance,
    Ballots,
    Share,
    Threshold,
    Vote,
    attendance_in_words,
    vote_in_words,
)
from tests.engine.forms.conftest import World
from web.language import in_words
from web.translations import english, extracted

THRESHOLD = "more_than_half_of_due"
PLACE = re.compile(r"%\(\w+\)[sd]|%s")


def test_every_english_text_has_the_places_of_the_chinese_one() -> None:
    for message in english():
        ids = message.id if isinstance(message.id, (tuple, list)) else [message.id]
        texts = message.string if isinstance(message.string, (tuple, list)) else [message.string]
        for text in filter(None, texts):
            assert sorted(PLACE.findall(text)) == sorted(PLACE.findall(ids[0])), ids[0]


def test_every_message_has_an_english_text() -> None:
    """`python -m web.translations update` adds what is new and names what lacks an English text."""
    known = english()
    wanted = [m.id if isinstance(m.id, str) else m.id[0] for m in extracted() if m.id]
    assert [m for m in wanted if (found := known.get(m)) is None or not found.string] == []


def test_pages_speak_english_when_asked(app: Flask) -> None:
    with app.test_request_context(), force_locale("en"):
        assert gettext("待办") == "To do"
        assert in_words("党支部") == "Party branch"


def test_what_a_form_refuses_is_said_in_the_reader_s_language(app: Flask) -> None:
    form = compile_form(
        {
            "schemaVersion": 16,
            "type": "default",
            "id": "f",
            "components": [
                {"type": "textfield", "key": "a", "label": "Alias", "validate": {"maxLength": 3}},
                {
                    "type": "textfield",
                    "key": "b",
                    "label": "人",
                    "properties": {"domain": "person", "status": "full,probationary"},
                },
            ],
        },
        file="f.form",
    )
    with pytest.raises(InvalidInput) as refused:
        form.load({"a": "four", "b": 404}, World())
    fields = refused.value.fields
    assert fields == {
        "a": ["最多 3 个字，现有 4 个字，请删减。"],
        "b": ["所选的人不符合要求：须为2026-06-10 当日本支部的预备党员、正式党员，请重新选择。"],
    }
    with app.test_request_context(), force_locale("en"):
        said = " ".join(in_words(words) for group in fields.values() for words in group)
    assert re.findall(r"[\u4e00-\u9fff]", said) == []
    assert "4" in said
    assert "probationary member, full member" in said.lower()


def test_a_meeting_is_said_in_english_with_its_numbers(app: Flask) -> None:
    meeting = Attendance(12, tuple(range(7)), (), Share.MORE_THAN_HALF)
    vote = Vote(Ballots(in_favour=5, written_for=1), meeting, Threshold.parse(THRESHOLD))
    assert vote_in_words(vote) == "赞成须 7 票，现 6 票（其中书面意见 1 票），未通过"
    with app.test_request_context(), force_locale("en"):
        assert in_words(attendance_in_words(meeting)) == (
            "12 due, 7 present: a quorum (more than 6 needed)"
        )
        assert in_words(vote_in_words(vote)) == (
            "7 votes in favour needed, 6 cast (1 of them in writing): not adopted"
        )
