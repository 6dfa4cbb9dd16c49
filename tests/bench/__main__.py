"""``python -m tests.bench`` measures everything, ``python -m tests.bench loop size`` a part.

``--doc`` puts the table into docs/performance.md. Each part has a process and a server of its own:
none pays for what the parts before it have left in memory or on the way to the disk.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from engine.settings import ROOT
from tests.bench.installation import DATA_DIR
from tests.bench.parts import measured
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
            with ProcessPoolExecutor(1, get_context("spawn")) as process:
                report.join(process.submit(measured, name).result())
            report.write(DATA_DIR / "bench.json", whole=False)
        report.write(DATA_DIR / "bench.json", whole=set(wanted) == set(PARTS))
        if into_document:
            report.into_document(ROOT / "docs" / "performance.md")
    finally:
        report.show()


if __name__ == "__main__":
    main()
