"""English texts: nearly complete, and with the same places to fill as the Chinese ones."""

from __future__ import annotations

import re

from flask import Flask
from flask_babel import force_locale, gettext

from web.language import in_words
from web.translations import compile_texts, english, extracted

PLACE = re.compile(r"%\(\w+\)[sd]|%s")


def test_every_english_text_has_the_places_of_the_chinese_one() -> None:
    for message in english():
        ids = message.id if isinstance(message.id, (tuple, list)) else [message.id]
        texts = message.string if isinstance(message.string, (tuple, list)) else [message.string]
        for text in filter(None, texts):
            assert sorted(PLACE.findall(text)) == sorted(PLACE.findall(ids[0])), ids[0]


def test_nearly_every_message_has_an_english_text() -> None:
    """`python -m web.translations update` names those that lack one."""
    known = english()
    wanted = [m for m in extracted() if m.id]
    lacking = [m.id for m in wanted if (found := known.get(m.id)) is None or not found.string]
    assert len(lacking) <= len(wanted) * 0.05, lacking


def test_pages_speak_english_when_asked(app: Flask) -> None:
    compile_texts()
    with app.test_request_context(), force_locale("en"):
        assert gettext("待办") == "To do"
        assert in_words("党支部") == "Party branch"
