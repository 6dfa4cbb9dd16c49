"""Ballot fields: a group whose components are the questions of a secret ballot.

The field takes no input: what it holds is the count of the box, made when the box is closed. Who
is on the roll, and whom or what a question is about, are words (``members``) or expressions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from engine.ballots.counting import in_words
from engine.ballots.paper import MOST_OPTIONS
from engine.errors import N_, Sentence
from engine.expressions import Expression
from engine.forms.attributes import Refuse, read_expression
from engine.forms.fields import Field, FieldKind

BODIES: Final = ("members", "party_members", "committee")
"""Words for rolls: who has a vote; all Party members; who sits on the committee."""
ON_PAPER: Final = "paper"
"""A category without a roll, who vote on paper only."""
VOTERS: Final = N_("投票人")
"""The category where there is only one."""

_LABELLED = re.compile(r"\s*([^=<>!()\[\]\"'.,]+?)\s*=(?!=)(.*)", re.DOTALL)
_QUESTIONS: Final = {FieldKind.RADIO, FieldKind.CHECKLIST}
QUESTION_PROPERTIES: Final = ("about", "candidates", "least", "most")


@dataclass(frozen=True)
class Who:
    """People of a ballot: a word of BODIES, ON_PAPER, or an expression that gives their numbers."""

    label: str
    who: str | Expression


def read_roll(text: str, refuse: Refuse) -> tuple[Who, ...]:
    """Read ``roll``: ``members``, or several categories as ``领导班子=committee; 群众=paper``."""
    found = []
    for part in filter(None, (piece.strip() for piece in text.split(";"))):
        labelled = _LABELLED.fullmatch(part)
        label, who = (labelled[1], labelled[2].strip()) if labelled else (VOTERS, part)
        found.append(Who(label, _who(who, "roll", refuse, (*BODIES, ON_PAPER))))
    if not found or len({one.label for one in found}) < len(found):
        refuse(
            "property",
            N_("roll 没有写明谁可以投票，或类别重名"),
            N_("写成 members，或 领导班子=committee; 党员=members; 群众=paper"),
        )
    return tuple(found)


def read_question_people(properties: Mapping[str, str], refuse: Refuse) -> tuple[Who, ...]:
    """Read ``about`` (asked once for each person) and ``candidates`` (people as options)."""
    return tuple(
        Who(name, _who(properties[name], name, refuse, BODIES))
        for name in ("about", "candidates")
        if properties.get(name)
    )


def question_bounds(properties: Mapping[str, str], refuse: Refuse) -> dict[str, str]:
    """Read how many options may be chosen at once: ``least`` and ``most``."""
    found = {}
    for name in ("least", "most"):
        value = properties.get(name)
        if value is None:
            continue
        if not (value.isascii() and value.isdigit()) or int(value) > MOST_OPTIONS:
            refuse("property", N_("属性 %s 须为整数") % name, N_('写成 "2" 的样子'))
        else:
            found[name] = value
    return found


def _who(text: str, name: str, refuse: Refuse, words: Sequence[str]) -> str | Expression:
    if text in words:
        return text
    return read_expression(text, name, refuse) or words[0]


def check_questions(questions: Sequence[Field], refuse: Refuse) -> tuple[Field, ...]:
    """Return the questions of a ballot, checked."""
    for question in questions:
        if question.kind not in _QUESTIONS or question.hide is not None:
            refuse(
                "domain",
                N_("ballot 里只能有 radio 和 checklist，且不能隐藏"),
                N_("一问一选用 radio，可选多项用 checklist；选票上没有自由填写的文字"),
            )
    if not questions:
        refuse("domain", N_("ballot 里没有问题"), N_("在 components 中加入 radio 或 checklist"))
    return tuple(questions)


def unpublished(fields: Sequence[Field]) -> list[str]:
    """Return the ballots of a form whose details are for those who lead, not for the voters."""
    return [f.key for f in fields if f.kind is FieldKind.BALLOT and not f.flag("publish", True)]


def numbers_only(data: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """Return a step's data with nothing of these ballots but how many there were."""
    found = dict(data)
    for key in keys:
        if isinstance(found.get(key), Mapping):
            found[key] = {k: v for k, v in found[key].items() if k not in ("counts", "categories")}
    return found


def count_from(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a count as a scenario gives it, completed: ``issued`` and what differs from all."""
    issued = given.get("issued", 0)
    collected = given.get("collected", issued)
    invalid = given.get("invalid", 0)
    numbers = {
        "issued": issued,
        "collected": collected,
        "valid": collected - invalid,
        "invalid": invalid,
        "not_returned": issued - collected,
    }
    return {**numbers, "electronic": 0, "small": False, "min_size": 0, "counts": {}, **given}


def ballot_in_words(field: Field, value: Mapping[str, Any], name_of: Callable[[int], str]) -> str:
    """Return the count as it stands in the record: the numbers, then each question."""
    pieces: list[str] = [in_words(value)]
    for question in field.questions:
        counts = value.get("counts", {}).get(question.key)
        if not counts:
            continue
        about = any(who.label == "about" for who in question.people)
        places = counts.items() if about else [("", counts)]
        for place, line in places:
            head = name_of(int(place)) if place else question.label
            pieces.append(
                Sentence(N_("%(head)s：%(line)s"), head=head, line=_line(question, line, name_of))
            )
    return "；".join(pieces)


def _line(question: Field, line: Mapping[str, int], name_of: Callable[[int], str]) -> str:
    labels = {option.value: option.label for option in question.options}
    people = any(who.label == "candidates" for who in question.people)

    def label(value: str) -> str:
        if value in labels:
            return labels[value]
        if value == "blank":
            return N_("未填")
        return name_of(int(value)) if people else value

    return "、".join(f"{label(value)} {count}" for value, count in line.items())
