"""The trend as a picture, drawn by the server: plain SVG, no script, the table stands beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.audit.views import MonthTally

WIDTH, HEIGHT, FOOT, LEFT = 720, 220, 28, 36


@dataclass(frozen=True)
class Bar:
    """A month: two parts stacked, and where they stand."""

    month: MonthTally
    x: float
    width: float
    hard_y: float
    hard_height: float
    warning_y: float
    warning_height: float
    labelled: bool


@dataclass(frozen=True)
class Line:
    """A line of the scale."""

    y: float
    count: int


@dataclass(frozen=True)
class Trend:
    """What the template draws."""

    width: int
    height: int
    bars: tuple[Bar, ...]
    lines: tuple[Line, ...]
    left: int = LEFT
    ground: int = HEIGHT - FOOT


def draw_trend(months: Sequence[MonthTally]) -> Trend:
    """Return the bars of the months, the highest as high as the picture."""
    step = _step(max((month.tally.all for month in months), default=0))
    top = step * max(1, -(-max((m.tally.all for m in months), default=0) // step))
    ground = HEIGHT - FOOT
    scale = (ground - 12) / top
    each = (WIDTH - LEFT) / max(1, len(months))
    every = 1 if len(months) <= 12 else 2
    bars = []
    for place, month in enumerate(months):
        hard, warning = month.tally.hard * scale, month.tally.warning * scale
        bars.append(
            Bar(
                month=month,
                x=round(LEFT + place * each + each * 0.15, 1),
                width=round(each * 0.7, 1),
                hard_y=round(ground - hard, 1),
                hard_height=round(hard, 1),
                warning_y=round(ground - hard - warning, 1),
                warning_height=round(warning, 1),
                labelled=(len(months) - 1 - place) % every == 0,
            )
        )
    lines = [Line(round(ground - n * scale, 1), n) for n in range(0, top + 1, step)]
    return Trend(WIDTH, HEIGHT, tuple(bars), tuple(lines))


def _step(most: int) -> int:
    """Return a round distance for at most five lines."""
    power = 1
    while True:
        for step in (1, 2, 5):
            if most <= step * power * 5:
                return step * power
        power *= 10
