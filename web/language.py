"""Chinese first; English when the account or the visitor's choice says so."""

from __future__ import annotations

from typing import Final

from flask import Flask, g, has_request_context, request, session
from flask_babel import Babel, gettext

from engine.errors import GuichengError, InvalidInput, Translatable, say

LANGUAGES: Final = {"zh": "中文", "en": "English"}
_LOCALES: Final = {"zh": "zh_Hans_CN", "en": "en"}


def chosen_language() -> str:
    """Return ``zh`` or ``en`` for this request: the account's choice, else the visitor's."""
    if not has_request_context():
        return "zh"
    signed_in = g.get("signed_in")
    language = signed_in.language if signed_in else session.get("language", "zh")
    return language if language in LANGUAGES else "zh"


def in_words(message: GuichengError | Translatable | str) -> str:
    """Return an engine message in the reader's language."""
    return say(message, gettext)


def why_refused(refusal: InvalidInput) -> str:
    """Return all that a refusal says of its fields, in the reader's language, as one line."""
    words = [in_words(word) for group in refusal.fields.values() for word in group]
    return " ".join(words) or in_words(refusal)


def register(app: Flask) -> None:
    """Bind Flask-Babel; templates get ``in_words`` and the language switch."""
    app.config["BABEL_DEFAULT_LOCALE"] = _LOCALES["zh"]
    Babel(
        app,
        locale_selector=lambda: _LOCALES[chosen_language()],
        timezone_selector=lambda: "Asia/Shanghai",
    )
    app.jinja_env.globals.update(in_words=in_words, LANGUAGES=LANGUAGES, language=chosen_language)


def switch_language(language: str) -> None:
    """Keep a visitor's choice in the cookie until an account says otherwise."""
    if language in LANGUAGES and request:
        session["language"] = language
