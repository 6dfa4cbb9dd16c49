"""A ballot paper in bytes: always equally long, and read back as it was filled in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ballots.paper import Choice, Paper, Question, check_choices, decode, encode
from engine.ballots.receipts import in_letters, receipt_code

CODE = bytes(range(10))


def question(key: str, options: int, items: int, least: int, most: int) -> Question:
    return Question(
        key,
        key,
        tuple(Choice(f"o{n}", f"选项{n}") for n in range(options)),
        tuple(Choice(str(n + 1), f"某{n}") for n in range(items)),
        least,
        most,
    )


@st.composite
def filled(draw: st.DrawFn) -> tuple[Paper, dict[str, list[str]]]:
    questions = []
    for n in range(draw(st.integers(1, 4))):
        options = draw(st.integers(1, 20))
        most = draw(st.integers(1, options))
        questions.append(
            question(f"q{n}", options, draw(st.integers(0, 6)), draw(st.integers(0, most)), most)
        )
    paper = Paper("测评", tuple(questions), ("党员", "群众"))
    choices = {}
    for q in questions:
        values = [option.value for option in q.options]
        for place in q.places:
            name = f"{q.key}.{place}" if place else q.key
            choices[name] = draw(
                st.lists(st.sampled_from(values), min_size=q.least, max_size=q.most, unique=True)
            )
    return paper, choices


@given(filled(), st.sampled_from(["党员", "群众"]), st.binary(min_size=10, max_size=10))
def test_what_was_filled_in_is_read_back_and_shows_nothing_by_its_length(
    made: tuple[Paper, dict[str, list[str]]], category: str, code: bytes
) -> None:
    paper, given_choices = made
    choices, problems = check_choices(paper, given_choices)
    assert not problems
    content = encode(paper, choices, category, code)
    assert len(content) == paper.length
    opened = decode(paper, content)
    assert (opened.category, opened.code) == (category, code)
    assert {q: {p: set(v) for p, v in places.items()} for q, places in opened.choices.items()} == {
        q: {p: set(v) for p, v in places.items()} for q, places in choices.items()
    }
    assert Paper.from_data(paper.as_data()) == paper


PAPER = Paper("选举", (question("one", 3, 0, 1, 1), question("some", 5, 0, 1, 3)), ("党员",))


@pytest.mark.parametrize(
    ("given_choices", "wrong"),
    [
        ({"one": ["o0"], "some": ["o0", "o1", "o2"]}, set()),
        ({"one": ["o0"], "some": ["o0", "o1", "o2", "o3"]}, {"some"}),
        ({"one": ["o0", "o1"], "some": ["o0"]}, {"one"}),
        ({"one": [], "some": []}, {"one", "some"}),
        ({"one": ["o9"], "some": ["o0"]}, {"one"}),
        ({"one": ["o0"], "some": ["o0"], "other": ["o0"]}, {""}),
        ({"one": ["o0", "o0"], "some": ["o0", "o0", "", "o1"]}, set()),
    ],
)
def test_what_may_be_chosen(given_choices: dict[str, list[str]], wrong: set[str]) -> None:
    assert set(check_choices(PAPER, given_choices)[1]) == wrong


def test_a_paper_of_another_box_is_not_read() -> None:
    choices, _ = check_choices(PAPER, {"one": ["o0"], "some": ["o0"]})
    content = encode(PAPER, choices, "党员", CODE)
    for spoilt in (content[:-1], content + b"\0", b"\7" + content[1:], content[:-1] + b"\xff"):
        with pytest.raises((ValueError, IndexError)):
            decode(PAPER, spoilt)


def test_a_receipt_is_the_same_in_two_windows_and_another_for_everybody_else() -> None:
    from uuid import UUID

    here, there = UUID(int=1), UUID(int=2)
    assert receipt_code(here, "one") == receipt_code(here, "one")
    assert (
        len({receipt_code(here, "one"), receipt_code(here, "two"), receipt_code(there, "one")}) == 3
    )
    shown = in_letters(receipt_code(here, "one"))
    assert len(shown) == 19
    assert not set(shown) & set("ILOU")  # letters that are taken for others when it is copied
