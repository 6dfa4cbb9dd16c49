"""Sentences nest, can be stored, and are translated piece by piece."""

from __future__ import annotations

import json

from engine.compliance.results import (
    Outcome,
    joined,
    render,
    sentence_data,
    sentence_from,
)
from engine.errors import Translatable
from tests.compliance_builder import judge, lawful_2026, result


def test_a_sentence_with_sentences_inside_is_stored_and_read_again() -> None:
    inner = Translatable("%(n)s 个月", {"n": 3})
    sentence = Translatable("%(length)s内，不晚于 %(day)s", {"length": inner, "day": "2026-03-01"})
    template, params = sentence_data(sentence)
    stored = json.loads(json.dumps(params))
    assert sentence_from(template, stored) == sentence
    assert str(sentence) == "3 个月内，不晚于 2026-03-01"


def test_each_piece_is_translated_on_its_own() -> None:
    english = {"%(n)s 个月": "%(n)s months", "%(length)s内办理": "within %(length)s"}
    sentence = Translatable("%(length)s内办理", {"length": Translatable("%(n)s 个月", {"n": 3})})
    assert render(sentence, lambda text: english.get(text, text)) == "within 3 months"
    assert render(sentence) == "3 个月内办理"


def test_sentences_are_joined() -> None:
    one, two = Translatable("一。"), Translatable("%(n)s。", {"n": 2})
    assert joined([one]) is one
    assert str(joined([one, two, one])) == "一。2。一。"
    english = {"%(first)s%(rest)s": "%(first)s %(rest)s", "一。": "One."}
    assert render(joined([one, two]), lambda text: english.get(text, text)) == "One. 2。"


def test_every_result_can_be_stored() -> None:
    for one in judge(lawful_2026()):
        template, params = sentence_data(one.sentence)
        again = sentence_from(template, json.loads(json.dumps(params)))
        assert str(again) == str(one.sentence)
        assert "%(" not in str(one.sentence)
        json.dumps(dict(one.numbers))


def test_a_waived_result_keeps_its_numbers() -> None:
    matter = lawful_2026().on("first_talk", "2026-07-02")
    late = result(matter, "R-ADM-02")
    assert late.outcome is Outcome.NOT_MET
    matter.waived = {late.key: "申请人住院"}
    waived = result(matter, "R-ADM-02")
    assert waived.outcome is Outcome.WAIVED
    assert waived.numbers == late.numbers


def test_an_allowance_lets_a_step_pass_but_does_not_make_it_lawful() -> None:
    matter = lawful_2026().change("propose_prospect", opinion_masses="")
    blocked = result(matter, "R-ADM-09")
    assert (blocked.outcome, blocked.hinders) == (Outcome.NOT_MET, True)
    matter.allowed = frozenset({("R-ADM-09", "propose_prospect")})
    allowed = result(matter, "R-ADM-09")
    assert (allowed.outcome, allowed.overridden, allowed.hinders) == (Outcome.NOT_MET, True, False)
