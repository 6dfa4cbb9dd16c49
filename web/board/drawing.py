"""How far each duty is, as a picture drawn by the server; its table stands beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from engine.duties.board_views import ByDuty, Tally
from engine.duties.codes import DutyState

WIDTH: Final = 720
LEFT: Final = 190
RIGHT: Final = 64
LINE: Final = 34
THICK: Final = 20
SHOWN: Final = (DutyState.DONE, DutyState.MADE_UP, DutyState.LATE, DutyState.DUE)


@dataclass(frozen=True)
class Part:
    """A part of a bar."""

    state: DutyState
    x: float
    width: float


@dataclass(frozen=True)
class Bar:
    """A duty: its parts one after the other, all bars as long as the whole."""

    duty: ByDuty
    y: int
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Bars:
    """What the template draws."""

    bars: tuple[Bar, ...]
    width: int = WIDTH
    left: int = LEFT
    thick: int = THICK

    @property
    def height(self) -> int:
        """Return the height of the picture."""
        return LINE * len(self.bars) + 8


def draw_bars(duties: Sequence[ByDuty]) -> Bars:
    """Return a bar for each duty of which anything is due."""
    shown = [duty for duty in duties if _whole(duty.tally)]
    return Bars(
        tuple(Bar(duty, 4 + LINE * n, tuple(_parts(duty.tally))) for n, duty in enumerate(shown))
    )


def _whole(tally: Tally) -> int:
    return sum(tally.of(state) for state in SHOWN)


def _parts(tally: Tally) -> list[Part]:
    scale = (WIDTH - LEFT - RIGHT) / _whole(tally)
    found: list[Part] = []
    x = float(LEFT)
    for state in SHOWN:
        width = tally.of(state) * scale
        if width:
            found.append(Part(state, round(x, 1), round(width, 1)))
        x += width
    return found
