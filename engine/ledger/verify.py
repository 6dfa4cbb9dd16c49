"""Find what was changed behind our back: recompute every digest and compare every chain's end.

Reads the tables directly, in one consistent snapshot, and trusts nothing but the digests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

from engine.errors import N_
from engine.ledger.chain import FORMS, Head, entry_digest, payload_digest


@dataclass(frozen=True)
class Fault:
    """One thing that does not verify."""

    chain_id: int
    seq: int | None
    code: str
    message: str

    def __str__(self) -> str:
        where = f"{self.chain_id}" + (f"#{self.seq}" if self.seq is not None else "")
        return f"{where} {self.code}: {self.message}"


@dataclass
class Report:
    """What a verification saw."""

    chains: int = 0
    entries: int = 0
    erased: int = 0


_ENTRIES = "SELECT * FROM ledger_entry ORDER BY chain_id, seq"
_HEADS = """
SELECT id, chain_length AS length, chain_head AS head FROM instance
UNION ALL SELECT id, length, head FROM ledger_chain
"""
_NUMBERS = """
SELECT c.prefix, c.year, c.last, array_agg(i.serial ORDER BY i.serial) AS present
FROM matter_counter c LEFT JOIN instance i ON i.prefix = c.prefix AND i.year = c.year
GROUP BY c.prefix, c.year, c.last
"""


def verify(
    connection: psycopg.Connection[Any],
    report: Report,
    *,
    progress: Callable[[int], object] = lambda count: None,
    batch: int = 2000,
) -> Iterator[Fault]:
    """Yield every fault of every chain. Call ``progress`` with the number of entries just read.

    The connection may be any role that can read; it is left in a finished transaction.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        heads: dict[int, Head] = {
            row[0]: Head(row[1], bytes(row[2])) for row in connection.execute(_HEADS)
        }
        chain_id: int | None = None
        head = Head()
        with connection.cursor("verify", row_factory=dict_row) as cursor:
            cursor.itersize = batch
            cursor.execute(_ENTRIES)
            seen = 0
            for row in cursor:
                if row["chain_id"] != chain_id:
                    if chain_id is not None:
                        yield from _end_of_chain(chain_id, head, heads)
                    chain_id, head = row["chain_id"], Head()
                    report.chains += 1
                yield from _check(row, head, report)
                head = Head(row["seq"], bytes(row["digest"]))
                report.entries += 1
                seen += 1
                if seen == batch:
                    progress(seen)
                    seen = 0
            progress(seen)
        if chain_id is not None:
            yield from _end_of_chain(chain_id, head, heads)
        for rest, expected in sorted(heads.items()):
            if expected.length:
                yield Fault(rest, None, "chain_missing", N_("整条留痕链缺失"))
        yield from _missing_numbers(connection)


def _check(row: dict[str, Any], head: Head, report: Report) -> Iterator[Fault]:
    chain_id, seq = row["chain_id"], row["seq"]
    if row["form"] not in FORMS:
        yield Fault(chain_id, seq, "form_unknown", N_("摘要算法编号不明"))
        return
    if seq != head.length + 1:
        yield Fault(
            chain_id,
            seq,
            "entry_missing",
            N_("第 %(first)s 至 %(last)s 条缺失") % {"first": head.length + 1, "last": seq - 1},
        )
    if bytes(row["previous"]) != head.digest:
        yield Fault(chain_id, seq, "link_broken", N_("与上一条的摘要不相接"))
    if entry_digest(row) != bytes(row["digest"]):
        yield Fault(chain_id, seq, "entry_changed", N_("内容与摘要不符，该条被改动"))
    if row["payload"] is None and row["salt"] is None:
        report.erased += 1
    elif row["payload"] is None or row["salt"] is None:
        yield Fault(chain_id, seq, "payload_changed", N_("填报内容被部分清除"))
    elif payload_digest(row["form"], bytes(row["salt"]), row["payload"]) != bytes(
        row["payload_digest"]
    ):
        yield Fault(chain_id, seq, "payload_changed", N_("填报内容与摘要不符，被改动"))


def _end_of_chain(chain_id: int, head: Head, heads: dict[int, Head]) -> Iterator[Fault]:
    expected = heads.pop(chain_id, None)
    if expected is None:
        yield Fault(chain_id, head.length, "chain_unknown", N_("留痕所属的事项不存在"))
    elif expected.length > head.length:
        yield Fault(
            chain_id,
            expected.length,
            "entry_missing",
            N_("第 %(first)s 至 %(last)s 条缺失")
            % {"first": head.length + 1, "last": expected.length},
        )
    elif expected.length < head.length:
        yield Fault(chain_id, expected.length + 1, "entry_inserted", N_("末尾多出条目"))
    elif expected.digest != head.digest:
        yield Fault(chain_id, head.length, "head_differs", N_("末条摘要与事项登记的不符"))


def _missing_numbers(connection: psycopg.Connection[Any]) -> Iterator[Fault]:
    for prefix, year, last, present in connection.execute(_NUMBERS):
        for serial in sorted(set(range(1, last + 1)) - set(present)):
            yield Fault(
                0, None, "matter_missing", N_("事项 %s 缺失") % f"{prefix}-{year}-{serial:04d}"
            )
