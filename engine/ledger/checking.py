"""Check chains one entry after the other, and say of each fault what it is.

A good entry costs its digests and little more. What is not good is looked at closely: a fault shall
be told once, at its entry, with the field that was changed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg

from engine.digests import FORMS, digester
from engine.errors import N_
from engine.ledger.chain import SALT_BYTES, Head, canonical, payload_digest
from engine.ledger.faults import Fault, Report
from engine.ledger.kinds import EntryKind
from engine.ledger.rows import COLUMNS, Row, entry_text, is_whole, plain
from engine.ledger.suspects import Suspects, find_change, not_excluded

FIRST: Final = -(2**63)
LAST: Final = 2**63 - 1
EXPLAINED: Final = 100
"""Faults of one range whose field is looked for; where all is wrong, that helps nobody."""

_ENTRIES = f"""
SELECT {COLUMNS} FROM ledger_entry WHERE chain_id BETWEEN %s AND %s ORDER BY chain_id, seq
"""  # noqa: S608 - the columns are a constant of ours
_HEADS = """
SELECT id, chain_length, chain_head FROM instance WHERE id BETWEEN %(first)s AND %(last)s
UNION ALL SELECT id, length, head FROM ledger_chain WHERE id BETWEEN %(first)s AND %(last)s
"""
# Where an entry may come from that stands in a chain not its own.
_OTHER_CHAINS = """
SELECT chain_id FROM ledger_entry WHERE seq = %s - 1 AND digest = %s
UNION ALL
SELECT id FROM (SELECT id FROM instance UNION ALL SELECT id FROM ledger_chain) c
WHERE %s = 1 AND NOT EXISTS (SELECT FROM ledger_entry e WHERE e.chain_id = c.id AND e.seq = 1)
LIMIT 1000
"""

_PEOPLE = """
SELECT id FROM person UNION SELECT actor_id FROM ledger_entry WHERE actor_id IS NOT NULL
LIMIT 200000
"""
_ELEMENTS = """
SELECT DISTINCT element FROM ledger_entry WHERE element IS NOT NULL LIMIT 10000
"""
_TASKS = """
SELECT id FROM task WHERE instance_id = %s
UNION SELECT task_id FROM ledger_entry WHERE chain_id = %s AND task_id IS NOT NULL
"""


@dataclass
class _Chain:
    """A chain while it is read."""

    id: int
    head: Head = field(default_factory=Head)
    """As stored so far."""
    made: bytes | None = None
    """The digest that the last entry should have, when it has another one."""
    suspect: Row | None = None
    """The last entry, when its digest is wrong: the next one knows which of the two is."""
    erased: dict[int, str] = field(default_factory=dict)
    """Entries without content that no later entry has accounted for, with their kinds."""
    kept: set[int] = field(default_factory=set)
    """Entries said to be erased that have content."""


def check_range(
    connection: psycopg.Connection[Any],
    first: int,
    last: int,
    report: Report,
    *,
    progress: Callable[[int], object] = lambda count: None,
    batch: int = 2000,
) -> Iterator[Fault]:
    """Yield every fault of the chains numbered ``first`` to ``last``, in the open transaction."""
    heads = {
        row[0]: Head(row[1], bytes(row[2]))
        for row in connection.execute(_HEADS, {"first": first, "last": last})
    }
    work = _Work(connection, heads)
    with connection.cursor("verify") as cursor:
        cursor.execute(_ENTRIES, (first, last), binary=True)
        chain: _Chain | None = None
        while rows := cursor.fetchmany(batch):
            for row in map(Row._make, rows):
                if chain is None or row[0] != chain.id:
                    if chain is not None:
                        yield from work.end(chain)
                    chain = _Chain(row[0])
                    report.chains += 1
                head = chain.head
                if (
                    row[1] != head.length + 1
                    or row[16] != head.digest
                    or chain.suspect is not None
                    or row[3] == EntryKind.ERASED
                    or not is_whole(row)
                ):
                    yield from work.look(chain, row, report)
                chain.head = Head(row[1], row[17])
            report.entries += len(rows)
            progress(len(rows))
    if chain is not None:
        yield from work.end(chain)
    for rest in sorted(work.heads):
        yield Fault(rest, None, "chain_missing", N_("整条留痕链缺失"))


class _Work:
    """What looking closely needs: the database, and the heads not yet met."""

    def __init__(self, connection: psycopg.Connection[Any], heads: dict[int, Head]) -> None:
        self._connection = connection
        self.heads = heads
        self._explained = 0
        self._known: dict[str, list[Any]] = {}

    def look(self, chain: _Chain, row: Row, report: Report) -> Iterator[Fault]:
        """Yield what is wrong with an entry that is not simply good."""
        seq = row.seq
        gap = seq != chain.head.length + 1
        linked = gap or row.previous == chain.head.digest
        yield from self._settle(chain, row.previous)
        if chain.made is not None and row.previous == chain.made:
            linked = True  # it is the digest before that was changed, and this was said
        chain.made = None
        if gap:
            yield _missing(chain.id, seq, chain.head.length + 1, seq - 1)
        if row.form not in FORMS:
            yield self._changed(chain, row, "form_unknown", N_("摘要算法编号不明"))
            return
        digest = digester(row.form)(entry_text(row).encode()).digest()
        if digest != row.digest:
            chain.suspect, chain.made = row, digest
        elif not linked:
            yield Fault(chain.id, seq, "link_broken", N_("与上一条的摘要不相接"))
        yield from self._content(chain, row, report, whole=digest == row.digest)

    def end(self, chain: _Chain) -> Iterator[Fault]:
        """Yield what is wrong with the end of a chain, and with what was erased of it."""
        expected = self.heads.pop(chain.id, None)
        head = chain.head
        suspicious = chain.suspect is not None
        yield from self._settle(chain, b"" if expected is None else expected.digest)
        for seq in sorted(chain.erased):
            yield Fault(chain.id, seq, "erased_silently", N_("内容被清除，却没有相应的清除记录"))
        for seq in sorted(chain.kept):
            yield Fault(chain.id, seq, "erasure_undone", N_("已记为清除的内容又出现了"))
        if expected is None:
            yield Fault(chain.id, head.length, "chain_unknown", N_("留痕所属的事项不存在"))
        elif expected.length > head.length:
            yield _missing(chain.id, expected.length, head.length + 1, expected.length)
        elif expected.length < head.length:
            yield Fault(chain.id, expected.length + 1, "entry_inserted", N_("末尾多出条目"))
        elif expected.digest != head.digest and not suspicious:
            yield Fault(chain.id, head.length, "head_differs", N_("末条摘要与事项登记的不符"))

    def _settle(self, chain: _Chain, following: bytes) -> Iterator[Fault]:
        """Say which field of the last entry is wrong, now that its successor is known."""
        row, chain.suspect = chain.suspect, None
        if row is None:
            return
        if following == chain.made:
            message = N_("本条登记的摘要被改动")
            yield Fault(chain.id, row.seq, "entry_changed", message, ("digest",))
            return
        yield self._changed(chain, row, "entry_changed", N_("内容与摘要不符，该条被改动"))

    def _content(self, chain: _Chain, row: Row, report: Report, *, whole: bool) -> Iterator[Fault]:
        """Yield what is wrong with the content of an entry, or with its absence."""
        payload, salt = row.payload, row.salt
        if payload is None and salt is None and row.snapshot is None:
            report.erased += 1
            chain.erased[row.seq] = row.kind
            return
        if payload is None or salt is None:
            # An entry that was erased says so by the digest it has kept.
            erased = row.snapshot_digest is not None
            fields = tuple(
                name
                for name in ("payload", "salt", "snapshot")
                if (getattr(row, name) is not None) == erased
            )
            yield Fault(chain.id, row.seq, "payload_changed", N_("填报内容被部分清除"), fields)
            return
        if row.snapshot_digest is not None and row.snapshot is not None:
            message = N_("没有清除，却另有办理前状态的摘要")
            yield Fault(chain.id, row.seq, "entry_changed", message, ("snapshot_digest",))
        if payload_digest(row.form, salt, payload) != row.payload_digest:
            if whole:
                yield Fault(
                    chain.id,
                    row.seq,
                    "payload_changed",
                    N_("填报内容与摘要不符，被改动"),
                    _payload_or_salt(payload, salt),
                )
        elif row.kind == EntryKind.ERASED:
            _account(chain, payload)

    def _changed(self, chain: _Chain, row: Row, code: str, message: str) -> Fault:
        self._explained += 1
        if self._explained > EXPLAINED:
            return Fault(chain.id, row.seq, code, message)
        values = plain(row)
        found = find_change(values, self._suspects(chain, row))
        if found is None:
            return Fault(chain.id, row.seq, code, message, not_excluded(values))
        former = found.former
        said = former.hex() if isinstance(former, bytes) else str(former)
        if former is None:
            said = N_("空")
        if found.field == "previous":
            code, message = "link_broken", N_("与上一条的摘要不相接")
        return Fault(chain.id, row.seq, code, message, (found.field,), said)

    def _suspects(self, chain: _Chain, row: Row) -> Suspects:
        def column(statement: str, *values: Any) -> list[Any]:
            return [found[0] for found in self._connection.execute(statement, values)]

        def once(statement: str) -> list[Any]:
            if statement not in self._known:
                self._known[statement] = column(statement)
            return self._known[statement]

        length = self.heads[chain.id].length if chain.id in self.heads else row.seq
        return Suspects(
            length=min(length, 100_000),
            previous=self._before(row),
            chains=lambda previous: column(_OTHER_CHAINS, row.seq, previous, row.seq),
            people=lambda: once(_PEOPLE),
            elements=lambda: once(_ELEMENTS),
            tasks=lambda: column(_TASKS, row.chain_id, row.chain_id),
        )

    def _before(self, row: Row) -> bytes:
        found = self._connection.execute(
            "SELECT digest FROM ledger_entry WHERE chain_id = %s AND seq = %s",
            (row.chain_id, row.seq - 1),
        ).fetchone()
        return b"" if found is None else bytes(found[0])


def _payload_or_salt(payload: str, salt: bytes) -> tuple[str, ...]:
    """Return which of the two was changed, where their forms tell."""
    if len(salt) != SALT_BYTES:
        return ("salt",)
    try:
        written = canonical(json.loads(payload)) == payload
    except ValueError:
        written = False
    return ("payload", "salt") if written else ("payload",)


def _account(chain: _Chain, payload: str) -> None:
    """Take from the entries without content those that this entry says were erased."""
    named: set[int] = set()
    with suppress(ValueError, TypeError, KeyError):
        named = {int(seq) for seq in json.loads(payload)["seqs"]}
    for seq in named:
        kind = chain.erased.get(seq)
        if kind is None:
            chain.kept.add(seq)
        elif kind != EntryKind.ERASED:  # who erased what can itself not be erased
            del chain.erased[seq]


def _missing(chain_id: int, seq: int, first: int, last: int) -> Fault:
    message = N_("第 %(first)s 至 %(last)s 条缺失") % {"first": first, "last": last}
    return Fault(chain_id, seq, "entry_missing", message)
