"""Medians, progress on the screen, the table at the end, and ``bench.json``."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TARGETS: Mapping[str, tuple[str, float]] = {
    "engine_vs_sql_floor": ("≥", 0.5),
    "http_vs_flask_floor": ("≥", 0.6),
    "loop_1000_vs_1": ("≤", 1.2),
    "inbox_1m_vs_10k": ("≤", 1.5),
    "snapshot_bytes": ("≤", 1024),
    "bytes_per_matter": ("≤", 30 * 1024),
    "timers_lost": ("≤", 0),
    "timers_doubled": ("≤", 0),
}

_began = time.monotonic()


@dataclass(frozen=True)
class Spread:
    """The median of several rounds, with the least and the greatest."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Return the spread of the rounds' values."""
        return cls(statistics.median(values), min(values), max(values))

    def text(self, digits: int) -> str:
        """Return ``median (least to most)``."""
        return f"{self.median:.{digits}f} ({self.least:.{digits}f} to {self.most:.{digits}f})"


@dataclass
class Report:
    """What has been measured so far."""

    numbers: dict[str, float] = field(default_factory=dict)
    lines: list[tuple[str, str]] = field(default_factory=list)

    def add(self, label: str, spread: Spread, *, key: str | None = None, digits: int = 2) -> None:
        """Add a line of the table; with ``key`` its median goes to ``bench.json``."""
        self.line(label, spread.text(digits), key)
        if key:
            self.numbers[key] = round(spread.median, 4)

    def fact(self, label: str, value: float, *, key: str | None = None, unit: str = "") -> None:
        """Add a line with a single value."""
        shown = f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"
        self.line(label, f"{shown}{unit}", key)
        if key:
            self.numbers[key] = value

    def line(self, label: str, value: str, key: str | None = None) -> None:
        """Add a line and show it at once."""
        target = ""
        if key in TARGETS:
            sign, bound = TARGETS[key]
            target = f"   target {sign} {bound:g}"
        self.lines.append((label, value + target))
        say(f"{label}: {value}{target}")

    def write(self, path: Path, *, whole: bool) -> None:
        """Write the numbers; unless all were measured, keep the others that stand there."""
        kept: dict[str, float] = {}
        if not whole and path.exists():
            kept = json.loads(path.read_text())
        path.write_text(json.dumps({**kept, **self.numbers}, indent=2) + "\n")

    def show(self) -> None:
        """Print the table."""
        width = max((len(label) for label, _ in self.lines), default=0)
        print()
        for label, value in self.lines:
            print(f"{label:<{width}}  {value}")


def say(text: str) -> None:
    """Print a line of progress with the seconds since the beginning."""
    print(f"[{time.monotonic() - _began:6.1f}s] {text}", file=sys.stderr, flush=True)
