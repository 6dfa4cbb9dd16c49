"""Findings in the words people use."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from flask import Flask
from flask_babel import gettext

from engine.audit.views import Blocking, FindingRow, RuleTally, TrailRow
from engine.compliance.findings import FindingState
from engine.compliance.results import Outcome, Severity, render
from engine.errors import Translatable
from web.language import chosen_language, in_words
from web.words import long_date

_ISO: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TONES: Final = {
    FindingState.OPEN: "todo",
    FindingState.ASKED: "soon",
    FindingState.EXPLAINED: "info",
    FindingState.CONCLUDED: "done",
    FindingState.WAIVED: "skipped",
}


def sentence_in_words(sentence: Translatable, english: Mapping[str, str]) -> str:
    """Return what a rule says, in the reader's language, with its days as people write them."""
    return render(_with_days(sentence), _translate(english))


def _with_days(sentence: Translatable) -> Translatable:
    return Translatable(sentence.template, {k: _day(v) for k, v in sentence.params.items()})


def _day(value: object) -> object:
    if isinstance(value, Translatable):
        return _with_days(value)
    return long_date(value) if isinstance(value, str) and _ISO.fullmatch(value) else value


def _translate(english: Mapping[str, str]) -> Callable[[str], str]:
    if chosen_language() != "en":
        return str

    def translate(text: str) -> str:
        return english.get(text) or str(gettext(text) if text else "")

    return translate


def finding_sentence(row: FindingRow) -> str:
    """Return the sentence of a finding, with its arithmetic."""
    return sentence_in_words(row.sentence, row.english)


def rule_title(thing: FindingRow | RuleTally | TrailRow | Blocking) -> str:
    """Return the title of the rule in the reader's language."""
    if isinstance(thing, (FindingRow, TrailRow)):
        title, english = thing.rule_title, thing.rule_title_en
    else:
        title, english = thing.title, thing.title_en
    return english if chosen_language() == "en" and english else title


def finding_state(row: FindingRow) -> tuple[str, str]:
    """Return tone and words of how a finding stands."""
    match row.outcome:
        case Outcome.PENDING:
            return "waiting", in_words(row.outcome.label)
        case Outcome.MET:
            return "done", gettext("后来符合")
        case Outcome.NOT_APPLICABLE:
            return "skipped", gettext("不再适用")
        case Outcome.WAIVED:
            return "skipped", in_words(row.outcome.label)
    return _TONES[row.state], in_words(row.state.label)


def severity_state(severity: Severity) -> tuple[str, str]:
    """Return tone and words of how grave it is."""
    tone = "overdue" if severity is Severity.HARD else "soon"
    return tone, in_words(severity.label)


def register(app: Flask) -> None:
    """Give templates the words."""
    app.jinja_env.globals.update(
        finding_sentence=finding_sentence,
        finding_state=finding_state,
        rule_title=rule_title,
        sentence_in_words=sentence_in_words,
        severity_state=severity_state,
    )
