"""What was found in a matter's file, as plain text for a terminal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from engine.checking.judging import Checked
from engine.compliance.results import Result, Severity, render
from engine.definitions.versions import Definition

WIDEST: Final = 100
"""Columns of a terminal to fill with the last column; its text is broken there."""
MOST_ARTICLES: Final = 3
"""So many articles are named in the table; all of them in the JSON."""
_NO_LINE_BEGINS: Final = "，。；：、）”？！"


def report(checked: Checked, translate: Callable[[str], str] = str) -> Iterator[str]:
    """Yield the lines of the report."""
    facts = checked.matter.facts
    definition = checked.matter.procedure.definition
    yield f"{definition.package.title}　{checked.matter.title}".rstrip("　")
    end = f"{facts.ended_on} 办结" if facts.ended_on else "尚未办结"
    steps = len(facts.occurrences)
    yield f"{facts.started_on} 起，{end}，{steps} 个环节；按 {checked.judged_on} 检查"
    yield ""
    yield from _section(
        "不符合的规则", "没有发现不符合的规则。", checked.broken, definition, translate
    )
    if checked.pending:
        yield from _section("待定的规则", "", checked.pending, definition, translate)
    found = checked.conformance.deviations
    if found:
        yield f"与流程不一致之处（{len(found)}）"
        rows = [
            (
                d.departure.label,
                _step(definition, d.element, d.round),
                d.day.isoformat() if d.day else "—",
                render(d.sentence, translate),
            )
            for d in found
        ]
        yield from table(("类型", "环节", "日期", "说明"), rows)
        yield ""
    else:
        yield "办理顺序与流程一致。"
    warnings = len(checked.broken) - checked.hard
    yield (
        f"不符合 {checked.hard} 项，提醒 {warnings} 项，待定 {len(checked.pending)} 项；"
        f"与流程不一致 {len(found)} 处，吻合度 {checked.conformance.fitness:.0%}。"
    )


def _section(
    title: str,
    nothing: str,
    results: Sequence[Result],
    definition: Definition,
    translate: Callable[[str], str],
) -> Iterator[str]:
    if not results:
        yield nothing
        return
    yield f"{title}（{len(results)}）"
    rows = [
        (
            result.rule.id,
            "不符合" if result.severity is Severity.HARD else "提醒",
            _step(definition, result.element, result.round),
            result.day.isoformat(),
            _basis(result),
            render(result.sentence, translate),
        )
        for result in results
    ]
    yield from table(("规则", "轻重", "环节", "日期", "依据", "说明"), rows)
    yield ""


def _step(definition: Definition, element: str, round: int) -> str:
    step = definition.package.steps.get(element)
    if step is None:
        return element
    words = f"{step.number} {step.title}" if step.number else step.title
    return words if round == 1 else f"{words}（第 {round} 次）"


def _basis(result: Result) -> str:
    edition = f"{result.edition} " if result.edition and len(result.edition) == 4 else ""
    named = [article.article for article in result.articles]
    shown = named if len(named) <= MOST_ARTICLES else named[:1]
    return edition + "、".join(shown) + (f" 等 {len(named)} 条" if shown != named else "")


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
