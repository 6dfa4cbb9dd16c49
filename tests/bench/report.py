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
    "verify_entries_per_s": ("≥", 20_000),
    "rules_ms_per_step": ("≤", 1.0),
    "board_p95_ms": ("≤", 300),
}

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"

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


def value_met(value: float | None, sign: str, bound: float) -> bool:
    """Tell whether a measured value meets its target."""
    return value is not None and (value >= bound if sign == "≥" else value <= bound)


@dataclass
class Report:
    """What has been measured so far."""

    numbers: dict[str, float] = field(default_factory=dict)
    lines: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, label: str, spread: Spread, *, key: str | None = None, digits: int = 2) -> None:
        """Add a line of the table; with ``key`` its median goes to ``bench.json``."""
        if key:
            self.numbers[key] = round(spread.median, 4)
        self.line(label, spread.text(digits), key)

    def fact(self, label: str, value: float, *, key: str | None = None, unit: str = "") -> None:
        """Add a line with a single value."""
        shown = f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"
        if key:
            self.numbers[key] = value
        self.line(label, f"{shown}{unit}", key)

    def line(self, label: str, value: str, key: str | None = None) -> None:
        """Add a line and show it at once."""
        target = ""
        if key in TARGETS:
            sign, bound = TARGETS[key]
            met = value_met(self.numbers.get(key or ""), sign, bound)
            target = f"{sign} {bound:g}{'' if met else ' (missed)'}"
        self.lines.append((label, value, target))
        say(f"{label}: {value}{f'   target {target}' if target else ''}")

    def join(self, other: Report) -> None:
        """Add what another part has measured."""
        self.numbers |= other.numbers
        self.lines += other.lines

    def write(self, path: Path, *, whole: bool) -> None:
        """Write the numbers; unless all were measured, keep the others that stand there."""
        kept: dict[str, float] = {}
        if not whole and path.exists():
            kept = json.loads(path.read_text())
        path.write_text(json.dumps({**kept, **self.numbers}, indent=2) + "\n")

    def show(self) -> None:
        """Print the table."""
        width = max((len(label) for label, _, _ in self.lines), default=0)
        print()
        for label, value, target in self.lines:
            print(f"{label:<{width}}  {value}{f'   target {target}' if target else ''}")

    def into_document(self, path: Path) -> None:
        """Put the table into a document, between its two marks."""
        before, _, rest = path.read_text().partition(BEGIN)
        _, _, after = rest.partition(END)
        rows = [f"| {label} | {value} | {target} |" for label, value, target in self.lines]
        table = ["| what | median (least to most) | target |", "|---|---|---|", *rows]
        path.write_text("\n".join([before + BEGIN, *table, END + after]))


def say(text: str) -> None:
    """Print a line of progress with the seconds since the beginning."""
    print(f"[{time.monotonic() - _began:6.1f}s] {text}", file=sys.stderr, flush=True)
