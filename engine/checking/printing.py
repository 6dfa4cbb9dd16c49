"""What was found in a matter's file, as plain text for a terminal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from engine.checking.judging import Checked
from engine.compliance.results import Result, Severity, render
from engine.definitions.versions import Definition
from engine.errors import N_, Sentence, say

WIDEST: Final = 100
"""Columns of a terminal to fill with the last column; its text is broken there."""
MOST_ARTICLES: Final = 3
"""So many articles are named in the table; all of them in the JSON."""
_NOT_SHOWN: Final = ("Cc", "Cf", "Cs")
"""Control and format characters and halves of characters, by their Unicode category."""
_NO_LINE_BEGINS: Final = "，。；：、）”？！"


def report(checked: Checked, translate: Callable[[str], str] = str) -> Iterator[str]:
    """Yield the lines of the report; ``translate`` is given each template."""
    return map(harmless, _lines(checked, translate))


def harmless(text: str) -> str:
    """Write out characters of a file that would command the terminal or hide what stands there."""
    return "".join(
        char.encode("unicode_escape").decode("ascii")
        if unicodedata.category(char) in _NOT_SHOWN
        else char
        for char in text
    )


def _lines(checked: Checked, translate: Callable[[str], str]) -> Iterator[str]:

    def said(template: str, **params: Any) -> str:
        return say(Sentence(template, **params), translate)

    facts = checked.matter.facts
    definition = checked.matter.procedure.definition
    yield f"{translate(definition.package.title)}　{checked.matter.title}".rstrip("　")
    yield said(
        N_("%(start)s 起，%(end)s，%(n)s 个环节；按 %(day)s 检查"),
        start=facts.started_on.isoformat(),
        end=Sentence(N_("%(day)s 办结"), day=facts.ended_on.isoformat())
        if facts.ended_on
        else Sentence(N_("尚未办结")),
        n=len(facts.occurrences),
        day=checked.judged_on.isoformat(),
    )
    yield ""
    if checked.broken:
        head = said(N_("不符合的规则（%(n)s）"), n=len(checked.broken))
        yield from _section(head, checked.broken, definition, translate)
    else:
        yield said(N_("没有发现不符合的规则。"))
    if checked.pending:
        head = said(N_("待定的规则（%(n)s）"), n=len(checked.pending))
        yield from _section(head, checked.pending, definition, translate)
    found = checked.conformance.deviations
    if found:
        yield said(N_("与流程不一致之处（%(n)s）"), n=len(found))
        rows = [
            (
                said(d.departure.label),
                say(_step(definition, d.element, d.round), translate),
                d.day.isoformat() if d.day else "—",
                render(d.sentence, translate),
            )
            for d in found
        ]
        heads = (N_("类型"), N_("环节"), N_("日期"), N_("说明"))
        yield from table([said(head) for head in heads], rows)
        yield ""
    else:
        yield said(N_("办理顺序与流程一致。"))
    yield said(
        N_(
            "不符合 %(hard)s 项，提醒 %(warnings)s 项，待定 %(pending)s 项；"
            "与流程不一致 %(found)s 处，吻合度 %(fitness)s。"
        ),
        hard=checked.hard,
        warnings=len(checked.broken) - checked.hard,
        pending=len(checked.pending),
        found=len(found),
        fitness=f"{checked.conformance.fitness:.0%}",
    )


def _section(
    title: str,
    results: Sequence[Result],
    definition: Definition,
    translate: Callable[[str], str],
) -> Iterator[str]:
    yield title
    rows = [
        (
            result.rule.id,
            translate(N_("不符合") if result.severity is Severity.HARD else N_("提醒")),
            say(_step(definition, result.element, result.round), translate),
            result.day.isoformat(),
            say(_basis(result), translate),
            render(result.sentence, translate),
        )
        for result in results
    ]
    heads = (N_("规则"), N_("轻重"), N_("环节"), N_("日期"), N_("依据"), N_("说明"))
    yield from table([translate(head) for head in heads], rows)
    yield ""


def _step(definition: Definition, element: str, round: int) -> str:
    step = definition.package.steps.get(element)
    if step is None:
        return Sentence("%(element)s", element=element)
    words = f"{step.number} {step.title}" if step.number else step.title
    if round == 1:
        return words
    return Sentence(N_("%(step)s（第 %(n)s 次）"), step=words, n=round)


def _basis(result: Result) -> str:
    edition = f"{result.edition} " if result.edition and len(result.edition) == 4 else ""
    named = [article.article for article in result.articles]
    shown = tuple(named if len(named) <= MOST_ARTICLES else named[:1])
    if len(shown) == len(named):
        return Sentence(f"{edition}%(articles)s", articles=shown)
    return Sentence(
        N_("%(edition)s%(article)s 等 %(n)s 条"), edition=edition, article=shown[0], n=len(named)
    )


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield aligned lines; the last column is broken to fit, wide characters count double."""
    widths = [max(width(row[n]) for row in (heads, *rows)) for n in range(len(heads) - 1)]
    last = max(30, WIDEST - sum(widths) - 2 * len(widths))
    for row in (heads, ["-" * w for w in (*widths, 4)], *rows):
        first, *more = broken(row[-1], last)
        yield "  ".join([*(pad(c, w) for c, w in zip(row, widths, strict=False)), first]).rstrip()
        indent = " " * (sum(widths) + 2 * len(widths))
        yield from (indent + line for line in more)


def width(text: str) -> int:
    """Return how many columns a text takes in a terminal."""
    return sum(_wide(char) for char in text)


def pad(text: str, to: int) -> str:
    """Fill a text up with blanks."""
    return text + " " * (to - width(text))


def broken(text: str, most: int) -> list[str]:
    """Break a text into lines of at most ``most`` columns; dates, numbers and words stay whole."""
    lines = [""]
    for piece in re.findall(r"[!-~]+|.", " ".join(text.split())):
        if width(lines[-1]) + width(piece) > most and lines[-1] and piece not in _NO_LINE_BEGINS:
            lines.append("")
        lines[-1] += piece
    return [line.strip() for line in lines]


def _wide(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WFA" and char not in "—“”" else 1
