"""The count: electronic ballots and the totals of paper ones together, and what must add up.

``valid + invalid + not_returned = issued``, always. Numbers that would tell on a few people are not
broken down: where fewer than ``min_size`` ballots are valid, only how many there were is told, and
a category so small is not told apart (nor one from which it could be reckoned).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.ballots.paper import ALONE, BLANK, Choices, Paper, Question, place_name
from engine.errors import N_, Sentence

Tally = dict[str, dict[str, Counter[str]]]
"""How often each option was chosen, by question and place."""


@dataclass(frozen=True)
class PaperTotals:
    """What the tellers counted of one category's paper ballots."""

    issued: int
    collected: int
    invalid: int
    tally: Tally

    @property
    def valid(self) -> int:
        """Ballots that count."""
        return self.collected - self.invalid


@dataclass(frozen=True)
class Roll:
    """The numbers of the roll for one category."""

    online: int
    """Who may vote electronically."""
    on_paper: int
    """Who was handed a paper ballot."""


def empty_tally(paper: Paper) -> Tally:
    """Return a tally of nothing."""
    return {q.key: {place: Counter() for place in q.places} for q in paper.questions}


def add_ballot(tally: Tally, choices: Choices) -> None:
    """Count one ballot."""
    for key, places in tally.items():
        for place, counter in places.items():
            counter.update(choices[key][place] or [BLANK])


def add_tally(tally: Tally, other: Tally) -> None:
    """Count what others have counted."""
    for key, places in tally.items():
        for place, counter in places.items():
            counter.update(other[key][place])


def total_names(paper: Paper) -> set[str]:
    """Return the names of all numbers that tellers may enter."""
    names = set()
    for number in range(len(paper.categories)):
        names |= {f"{number}.{name}" for name in ("issued", "collected", "invalid")}
        for question in paper.questions:
            for place in question.places:
                name = place_name(question, place)
                names |= {f"{number}.{name}.{option.value}" for option in question.options}
    return names


def check_totals(
    paper: Paper, rolls: Mapping[str, Roll], given: Mapping[str, int | None]
) -> tuple[dict[str, PaperTotals], dict[str, list[str]]]:
    """Read the totals of paper ballots, by name: ``0.collected``, ``0.grade.17.excellent``.

    The first part is the number of the category. Returns them by category, and problems by the
    same names, each with the numbers it rests on.
    """
    problems: dict[str, list[str]] = {}
    found: dict[str, PaperTotals] = {}
    if not set(given) <= total_names(paper):
        problems[""] = [N_("选票上没有这一项，请刷新页面后重新填写。")]
    for number, category in enumerate(paper.categories):
        issued = rolls[category].on_paper if category in rolls else 0
        if category in paper.by_hand:
            issued = given.get(f"{number}.issued") or 0
        if not issued:
            if any(v for k, v in given.items() if k.startswith(f"{number}.")):
                problems[f"{number}.collected"] = [N_("没有发出纸质票，不能登记纸质票数。")]
            continue
        found[category] = _one_category(paper, f"{number}.", issued, given, problems)
    return found, problems


def _one_category(
    paper: Paper,
    prefix: str,
    issued: int,
    given: Mapping[str, int | None],
    problems: dict[str, list[str]],
) -> PaperTotals:
    def number(name: str) -> int:
        value = given.get(prefix + name)
        if value is None:
            problems[prefix + name] = [N_("请填写，没有的填 0。")]
        return value or 0

    def refuse(name: str, sentence: str, **numbers: object) -> None:
        problems.setdefault(prefix + name, []).append(Sentence(sentence, **numbers))

    collected, invalid = number("collected"), number("invalid")
    if collected > issued:
        refuse(
            "collected",
            N_("收回 %(collected)s 张，多于发出的 %(issued)s 张，投票无效，须重新投票。"),
            collected=collected,
            issued=issued,
        )
    if invalid > collected:
        refuse(
            "invalid",
            N_("废票 %(invalid)s 张，多于收回的 %(collected)s 张，请核对。"),
            invalid=invalid,
            collected=collected,
        )
    valid = max(collected - invalid, 0)
    tally = empty_tally(paper)
    for question in paper.questions:
        for place in question.places:
            name = place_name(question, place)
            counts = {o.value: number(f"{name}.{o.value}") for o in question.options}
            total = sum(counts.values())
            most = valid * question.most
            if total > most or any(n > valid for n in counts.values()):
                refuse(
                    name,
                    N_("各项合计 %(total)s 票，多于有效票所能有的 %(most)s 票，请核对。"),
                    total=total,
                    most=most,
                )
                continue
            tally[question.key][place].update({k: n for k, n in counts.items() if n})
            if question.most == 1 and valid > total:
                tally[question.key][place][BLANK] = valid - total
    return PaperTotals(issued, collected, invalid, tally)


def count(
    paper: Paper,
    rolls: Mapping[str, Roll],
    ballots: Iterable[tuple[str, Choices]],
    totals: Mapping[str, PaperTotals],
    *,
    min_size: int,
) -> dict[str, Any]:
    """Return the result as JSON: what rules, gateways and pages read.

    ``issued collected valid invalid not_returned electronic``, ``small``, ``counts`` by question
    (and item) and option, and ``categories`` likewise where there are several.
    """
    tallies = {category: empty_tally(paper) for category in paper.categories}
    cast: Counter[str] = Counter()
    for category, choices in ballots:
        add_ballot(tallies[category], choices)
        cast[category] += 1
    lines: dict[str, dict[str, Any]] = {}
    for category in paper.categories:
        roll, on_paper = rolls.get(category, Roll(0, 0)), totals.get(category)
        issued, collected = roll.online, cast[category]
        invalid = 0
        if on_paper is not None:
            add_tally(tallies[category], on_paper.tally)
            issued, collected = issued + on_paper.issued, collected + on_paper.collected
            invalid = on_paper.invalid
        elif category not in paper.by_hand:
            issued += roll.on_paper
        lines[category] = _numbers(issued, collected, invalid)
    everything = empty_tally(paper)
    for tally in tallies.values():
        add_tally(everything, tally)
    whole = _numbers(*(sum(line[k] for line in lines.values()) for k in _SUMMED))
    small = whole["valid"] < min_size
    result: dict[str, Any] = {
        **whole,
        "electronic": cast.total(),
        "small": small,
        "min_size": min_size,
        "counts": {} if small else _counts(paper, everything),
    }
    if len(paper.categories) > 1:
        told = set() if small else _told_apart(lines, min_size)
        result["categories"] = {
            category: {**line, "counts": _counts(paper, tallies[category])}
            if category in told
            else line
            for category, line in lines.items()
        }
    return result


_SUMMED = ("issued", "collected", "invalid")


def _numbers(issued: int, collected: int, invalid: int) -> dict[str, Any]:
    return {
        "issued": issued,
        "collected": collected,
        "valid": collected - invalid,
        "invalid": invalid,
        "not_returned": issued - collected,
    }


def _told_apart(lines: Mapping[str, Mapping[str, int]], min_size: int) -> set[str]:
    """Return the categories whose counts are told.

    One alone that is withheld could be reckoned from the whole; then the next smallest is withheld
    with it. Empty ones betray nobody.
    """
    some = {c: line["valid"] for c, line in lines.items() if line["valid"]}
    told = {c for c, valid in some.items() if valid >= min_size}
    withheld = set(some) - told
    if withheld and told and sum(some[c] for c in withheld) < min_size:
        told.discard(min(told, key=lambda c: (some[c], c)))
    return told


def _counts(paper: Paper, tally: Tally) -> dict[str, Any]:
    """Return the counts by question and option, in between by item where there are any."""
    found: dict[str, Any] = {}
    for question in paper.questions:
        places = {place: _line(question, counter) for place, counter in tally[question.key].items()}
        found[question.key] = places if question.items else places[ALONE]
    return found


def _line(question: Question, counter: Counter[str]) -> dict[str, int]:
    line = {option.value: counter[option.value] for option in question.options}
    return line | ({BLANK: counter[BLANK]} if counter[BLANK] else {})


def adds_up(result: Mapping[str, Any]) -> bool:
    """Tell whether the numbers of a result agree with one another."""
    return bool(
        0 <= result["invalid"] <= result["collected"] <= result["issued"]
        and result["valid"] + result["invalid"] == result["collected"]
        and result["collected"] + result["not_returned"] == result["issued"]
    )


def in_words(result: Mapping[str, Any]) -> Sentence:
    """Say how many ballots were issued, came back and count, with the arithmetic."""
    text = Sentence(
        N_(
            "发出 %(issued)s 张，收回 %(collected)s 张（有效 %(valid)s 张、无效 %(invalid)s 张），"
            "未交回 %(not_returned)s 张"
        ),
        **{key: result[key] for key in _SAID},
    )
    if not result.get("small"):
        return text
    return Sentence(
        N_("%(text)s；有效票不足 %(min_size)s 张，为保密不分项公布"),
        text=text,
        min_size=result["min_size"],
    )


_SAID = ("issued", "collected", "valid", "invalid", "not_returned")
