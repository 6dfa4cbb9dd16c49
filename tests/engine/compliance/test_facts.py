"""Facts: values that can be written down and read again, and looked at as of a step."""

from __future__ import annotations

from datetime import date

from engine.compliance.facts import (
    Facts,
    Occurrence,
    Place,
    Witness,
    read_witness,
    witness_data,
)
from tests.compliance_builder import book, extended, judge, lawful_crossing


def test_facts_survive_being_written_down() -> None:
    facts = extended(lawful_crossing()).facts()
    assert Facts.from_json(facts.to_json()) == facts


def test_overrides_and_waivers_are_written_down_too() -> None:
    matter = lawful_crossing()
    matter.allowed = frozenset({("R-ADM-08", "propose_prospect")})
    matter.waived = {("R-ADM-02", "first_talk", 1): "有病历为证"}
    facts = matter.facts()
    assert Facts.from_json(facts.to_json()) == facts


def test_only_fields_that_rules_read_are_kept_and_the_results_are_the_same() -> None:
    facts = extended(lawful_crossing()).facts()
    kept = Facts.from_json(facts.only(book().reads).to_json())
    talk = kept.latest("superior_talk")
    assert talk is not None
    assert set(talk.data) == {"superior_talkers", "superior_talk_opinion"}
    assert [(r.key, r.outcome, str(r.sentence)) for r in judge(kept)] == [
        (r.key, r.outcome, str(r.sentence)) for r in judge(facts)
    ]


def test_a_step_is_seen_as_it_was_before_another() -> None:
    days = [date(2026, 1, day) for day in (1, 2, 3)]
    facts = Facts(
        "k",
        Place(1, "branch"),
        None,
        days[0],
        tuple(Occurrence("a", day, day, seq=n) for n, day in enumerate(days)),
    )
    first, second, third = facts.all("a")
    assert facts.latest("a") == third
    assert facts.latest("a", before=2) == second
    assert facts.latest("a", before=0) is None
    assert facts.latest("b") is None
    assert [facts.round_of(o) for o in (first, second, third)] == [1, 2, 3]
    assert facts.next_round("a") == 4
    assert facts.next_round("b") == 1


def test_a_witness_is_as_short_as_it_can_be() -> None:
    short = {
        Witness("full"): "full",
        Witness("full", True): ["full", True],
        Witness("full", False, ("organiser",)): ["full", False, ["organiser"]],
        Witness("full", False, ()): ["full", False, []],
    }
    for witness, data in short.items():
        assert witness_data(witness) == data
        assert read_witness(data) == witness
