"""``python -m tests.bench`` measures everything, ``python -m tests.bench loop size`` a part.

``--doc`` puts the table into docs/performance.md.
"""

from __future__ import annotations

import sys
from importlib import import_module

from engine import postgres
from engine.settings import ROOT
from tests.bench.installation import BENCH_DIR, DATA_DIR
from tests.bench.report import Report, say

PARTS = ("engine", "http", "loop", "inbox", "size", "timers", "rules", "verify", "board")


def main() -> None:
    """Measure the parts named on the command line, or all."""
    into_document = "--doc" in sys.argv
    wanted = [name for name in sys.argv[1:] if name != "--doc"] or list(PARTS)
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        raise SystemExit(f"unknown: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    report = Report()
    try:
        for name in wanted:
            say(f"— {name}")
            import_module(f"tests.bench.{name}").measure(report)
            report.write(DATA_DIR / "bench.json", whole=False)
        report.write(DATA_DIR / "bench.json", whole=set(wanted) == set(PARTS))
        if into_document:
            report.into_document(ROOT / "docs" / "performance.md")
    finally:
        report.show()
        postgres.remove(BENCH_DIR)


if __name__ == "__main__":
    main()
