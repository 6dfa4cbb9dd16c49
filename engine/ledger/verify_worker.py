"""A process that verifies ranges of chains: ``python -m engine.ledger.verify_worker``.

Reads lines of JSON: first where to connect and which snapshot to look at, then one range after the
other. Answers each with lines: entries seen, faults, and at last what was counted.
"""

from __future__ import annotations

import json
import sys

import psycopg

from engine.ledger.checking import check_range
from engine.ledger.faults import Report


def main() -> None:
    """Work until the input ends."""
    order = json.loads(sys.stdin.readline())
    with psycopg.connect(order["url"], options="-c role=guicheng_app -c jit=off") as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        # Nothing but hexadecimal digits and dashes; it cannot be a parameter here.
        snapshot = "".join(c for c in order["snapshot"] if c.isalnum() or c == "-")
        connection.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'".encode())
        for line in sys.stdin:
            first, last = json.loads(line)
            report = Report()
            for fault in check_range(connection, first, last, report, progress=_seen):
                _say({"fault": fault.to_json()})
            _say({"report": vars(report)})


def _seen(count: int) -> None:
    _say({"seen": count})


def _say(message: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(message, ensure_ascii=False) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
