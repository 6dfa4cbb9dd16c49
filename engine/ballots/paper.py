"""What a ballot paper asks, and one filled-in paper as bytes that are always equally long.

A question is answered once, or once for each item (each person to be graded). There are no free
words on a ballot: handwriting has a face.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from engine.errors import N_, Sentence

BLANK: Final = "blank"
"""Stands for an answer that was left out."""
ALONE: Final = ""
"""The item of a question that is asked once."""
CODE_BYTES: Final = 10
"""Length of a receipt code inside an envelope: 80 bits."""

_VERSION: Final = 1
_NOTHING: Final = 255
MOST_OPTIONS: Final = 250
MOST_ITEMS: Final = 1_000

Choices = Mapping[str, Mapping[str, Sequence[str]]]
"""By question and item the options chosen: none for a blank, several where that is allowed."""


@dataclass(frozen=True)
class Choice:
    """An option of a question, or somebody a question is about."""

    value: str
    label: str


@dataclass(frozen=True)
class Question:
    """One question. ``least`` and ``most`` bound how many options may be chosen at once."""

    key: str
    label: str
    options: tuple[Choice, ...]
    items: tuple[Choice, ...] = ()
    least: int = 1
    most: int = 1

    @property
    def places(self) -> tuple[str, ...]:
        """The items that are answered, or the one place of a question asked once."""
        return tuple(item.value for item in self.items) or (ALONE,)

    @property
    def width(self) -> int:
        """How many bytes the answer at one place takes."""
        return 1 if self.most == 1 else -(-len(self.options) // 8)


@dataclass(frozen=True)
class Paper:
    """The ballot paper of one box."""

    title: str
    questions: tuple[Question, ...]
    categories: tuple[str, ...]
    """Kinds of voters, counted apart; one alone where there is no difference."""
    by_hand: tuple[str, ...] = ()
    """Categories without a roll, who vote on paper only: the masses at a rating, for one."""
    note: str = ""

    @property
    def length(self) -> int:
        """The bytes of every filled-in paper."""
        answers = sum(question.width * len(question.places) for question in self.questions)
        return 2 + CODE_BYTES + answers

    def as_data(self) -> dict[str, Any]:
        """Return JSON."""

        def pairs(choices: Sequence[Choice]) -> list[list[str]]:
            return [[choice.value, choice.label] for choice in choices]

        return {
            "title": self.title,
            "note": self.note,
            "categories": list(self.categories),
            "by_hand": list(self.by_hand),
            "questions": [
                {
                    "key": q.key,
                    "label": q.label,
                    "options": pairs(q.options),
                    "items": pairs(q.items),
                    "least": q.least,
                    "most": q.most,
                }
                for q in self.questions
            ],
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Paper:
        """Read what :meth:`as_data` gave."""
        return cls(
            data["title"],
            tuple(
                Question(
                    q["key"],
                    q["label"],
                    tuple(Choice(*pair) for pair in q["options"]),
                    tuple(Choice(*pair) for pair in q["items"]),
                    q["least"],
                    q["most"],
                )
                for q in data["questions"]
            ),
            tuple(data["categories"]),
            tuple(data["by_hand"]),
            data["note"],
        )


def place_name(question: Question, place: str) -> str:
    """Return how an answer is called in a form and in problems: ``grade`` or ``grade.17``."""
    return f"{question.key}.{place}" if place else question.key


def check_choices(
    paper: Paper, given: Mapping[str, Sequence[str]]
) -> tuple[Choices, dict[str, list[str]]]:
    """Read what a voter chose, by :func:`place_name`; return it and problems by the same names."""
    problems: dict[str, list[str]] = {}
    choices: dict[str, dict[str, Sequence[str]]] = {}
    known = set()
    for question in paper.questions:
        values = {option.value for option in question.options}
        answers = choices.setdefault(question.key, {})
        for place in question.places:
            name = place_name(question, place)
            known.add(name)
            chosen = list(dict.fromkeys(value for value in given.get(name, ()) if value))
            if not set(chosen) <= values:
                problems[name] = [N_("请从列出的选项中选择。")]
            elif len(chosen) < question.least:
                problems[name] = [
                    N_("请选择一项。")
                    if question.least == 1
                    else Sentence(
                        N_("至少选 %(least)s 项，现为 %(n)s 项。"),
                        least=question.least,
                        n=len(chosen),
                    )
                ]
            elif len(chosen) > question.most:
                problems[name] = [
                    Sentence(
                        N_("最多选 %(most)s 项，现为 %(n)s 项，多选的选票无效，请减少。"),
                        most=question.most,
                        n=len(chosen),
                    )
                ]
            answers[place] = chosen
    if set(given) - known:
        problems[""] = [N_("选票上没有这一项，请刷新页面后重新填写。")]
    return choices, problems


def encode(paper: Paper, choices: Choices, category: str, code: bytes) -> bytes:
    """Return a filled-in paper as bytes, of the same length whatever was chosen."""
    parts = [bytes([_VERSION, paper.categories.index(category)]), code]
    for question in paper.questions:
        order = [option.value for option in question.options]
        for place in question.places:
            chosen = choices[question.key][place]
            if question.most == 1:
                parts.append(bytes([order.index(chosen[0]) if chosen else _NOTHING]))
            else:
                mask = sum(1 << order.index(value) for value in chosen)
                parts.append(mask.to_bytes(question.width, "big"))
    content = b"".join(parts)
    assert len(content) == paper.length
    return content


@dataclass(frozen=True)
class Opened:
    """A paper out of its envelope."""

    category: str
    code: bytes
    choices: Choices


def decode(paper: Paper, content: bytes) -> Opened:
    """Read what :func:`encode` gave. Raises ValueError for anything else."""
    if len(content) != paper.length or content[0] != _VERSION:
        raise ValueError("not a paper of this box")
    at = 2 + CODE_BYTES
    choices: dict[str, dict[str, Sequence[str]]] = {}
    for question in paper.questions:
        answers = choices.setdefault(question.key, {})
        for place in question.places:
            piece, at = content[at : at + question.width], at + question.width
            answers[place] = _chosen(question, piece)
    return Opened(paper.categories[content[1]], content[2 : 2 + CODE_BYTES], choices)


def _chosen(question: Question, piece: bytes) -> list[str]:
    if question.most == 1:
        return [] if piece[0] == _NOTHING else [question.options[piece[0]].value]
    mask = int.from_bytes(piece, "big")
    if mask >> len(question.options):
        raise ValueError("not a paper of this box")
    return [option.value for n, option in enumerate(question.options) if mask >> n & 1]
