"""One part of the benchmarks, in a process of its own."""

from __future__ import annotations

from importlib import import_module

from engine import postgres
from tests.bench.installation import BENCH_DIR
from tests.bench.report import Report


def measured(name: str) -> Report:
    """Measure one part, and remove what it has set up."""
    report = Report()
    try:
        import_module(f"tests.bench.{name}").measure(report)
    finally:
        postgres.remove(BENCH_DIR)
    return report
