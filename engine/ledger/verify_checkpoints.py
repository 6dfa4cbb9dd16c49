"""Verify checkpoints: keys, signatures, their own chain, and that every sealed head still stands.

Whether the entries themselves are right is not asked here; that an entry's digest is the sealed one
is enough, as all before it hangs on that digest.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row

from engine.digests import FORMS
from engine.errors import N_
from engine.ledger.checkpoints import Sealed
from engine.ledger.faults import Fault, Report
from engine.ledger.keys import PublicKey
from engine.ledger.merkle import Leaf, Tree
from engine.ledger.statements import is_signed_by, key_id

_KEYS = "SELECT * FROM checkpoint_key ORDER BY number"
_CHECKPOINTS = "SELECT * FROM checkpoint ORDER BY number"
_LEAVES = "SELECT number, chain_id, length, digest FROM checkpoint_leaf ORDER BY number, chain_id"
_LOST = """
SELECT l.chain_id, min(l.length) AS length, min(l.number) AS number, bool_or(e.seq IS NULL) AS gone
FROM checkpoint_leaf l
LEFT JOIN ledger_entry e ON e.chain_id = l.chain_id AND e.seq = l.length
WHERE e.digest IS DISTINCT FROM l.digest GROUP BY l.chain_id ORDER BY l.chain_id
"""


def check_checkpoints(connection: psycopg.Connection[Any], report: Report) -> Iterator[Fault]:
    """Yield every fault of keys and checkpoints, in the open transaction."""
    keys = read_keys(connection)
    sealed = [
        Sealed(r.number, r.at, r.form, r.size, r.entries, r.root, r.previous, r.key_id, r.signature)
        for r in _rows(connection, _CHECKPOINTS)
    ]
    report.checkpoints = len(sealed)
    report.sealed = sealed[-1].entries if sealed else 0
    yield from check_keys(keys)
    yield from check_sequence(sealed, keys)
    yield from _roots(connection, sealed)
    for row in _rows(connection, _LOST):
        yield sealed_head_lost(row.chain_id, row.length, row.number, gone=row.gone)


def read_keys(connection: psycopg.Connection[Any]) -> list[PublicKey]:
    """Return all public keys, the oldest first."""
    return [
        PublicKey(r.number, r.id, r.public, r.since, r.previous, r.signed_by, r.signature)
        for r in _rows(connection, _KEYS)
    ]


def read_checkpoint(connection: psycopg.Connection[Any], number: int) -> Sealed | None:
    """Return the checkpoint with this number."""
    found = (row for row in _rows(connection, _CHECKPOINTS) if row.number == number)
    return next(map(_sealed, found), None)


def sealed_head_lost(chain_id: int, length: int, number: int, *, gone: bool) -> Fault:
    """Return the fault of a chain that is not the one that was sealed."""
    message = (
        N_("校验点 %(number)s 封存的第 %(length)s 条已不存在，整条链或其末尾被删除")
        if gone
        else N_("第 %(length)s 条及以前的记录不是校验点 %(number)s 封存时的记录，被改写")
    )
    told = message % {"number": number, "length": length}
    return Fault(chain_id, length, "sealed_head_lost", told)


def _sealed(r: Any) -> Sealed:
    return Sealed(
        r.number, r.at, r.form, r.size, r.entries, r.root, r.previous, r.key_id, r.signature
    )


def check_keys(keys: Sequence[PublicKey]) -> Iterator[Fault]:
    """Yield every fault of the keys: each is vouched for by the one before it."""
    before: PublicKey | None = None
    for number, key in enumerate(keys, 1):
        signer = key if before is None or key.signed_by == key.id else before
        if key.number != number:
            yield _fault("key_missing", N_("第 %(number)s 把校验点密钥缺失"), number=number)
            return
        if (
            key.id != key_id(key.public)
            or key.previous != (before.id if before else "")
            or not is_signed_by(signer.public, key.statement())
        ):
            yield _fault("key_changed", N_("第 %(number)s 把校验点密钥不可信"), number=number)
        before = key


def unvouched(keys: Sequence[PublicKey]) -> list[PublicKey]:
    """Return the later keys that no earlier one vouches for: made after a loss, or by a forger."""
    return [key for key in keys[1:] if key.signed_by == key.id]


def check_sequence(sealed: Sequence[Sealed], keys: Sequence[PublicKey]) -> Iterator[Fault]:
    """Yield every fault of the checkpoints as a chain: numbers, order, digests, signatures."""
    public = {key.id: key for key in keys}
    ends = {key.id: later.since for key, later in pairwise(keys)}
    before: Sealed | None = None
    for number, one in enumerate(sealed, (sealed[0].number if sealed else 1)):
        if one.number != number or (before is None and number != 1):
            missing = 1 if before is None else number
            yield _fault("checkpoint_missing", N_("校验点 %(number)s 缺失"), number=missing)
            return
        if one.form not in FORMS:
            yield _checkpoint("checkpoint_changed", N_("校验点 %(number)s 的摘要算法编号不明"), one)
            return
        if one.previous != (before.digest() if before else b""):
            message = N_("校验点 %(number)s 与上一个校验点不相接")
            yield _checkpoint("checkpoint_broken", message, one)
        key = public.get(one.key_id)
        if key is None:
            yield _checkpoint("key_unknown", N_("校验点 %(number)s 的签名密钥没有登记"), one)
        elif not is_signed_by(key.public, one.statement()):
            yield _checkpoint("signature_wrong", N_("校验点 %(number)s 的签名不符，被改动"), one)
        elif one.at < key.since or one.at > ends.get(key.id, one.at):
            message = N_("校验点 %(number)s 的签名密钥当时不是现行密钥")
            yield _checkpoint("key_out_of_time", message, one)
        before = one


def _roots(connection: psycopg.Connection[Any], sealed: Sequence[Sealed]) -> Iterator[Fault]:
    """Yield the checkpoints whose stored heads do not give their root."""
    known = {one.number: one for one in sealed if one.form in FORMS}
    heads = _Heads()
    with connection.cursor("sealed") as cursor:
        cursor.itersize = 5000
        cursor.execute(_LEAVES, binary=True)
        groups = groupby(cursor, key=lambda row: row[0])
        waiting = next(groups, None)
        for number in sorted(known):
            one = known[number]
            while waiting is not None and waiting[0] <= number:
                leaves = [Leaf(*row[1:]) for row in waiting[1]]
                if waiting[0] != number and waiting[0] not in known:
                    message = N_("有未知校验点 %(number)s 的封存记录")
                    yield _fault("leaf_unknown", message, number=waiting[0])
                heads.take(leaves)
                waiting = next(groups, None)
            if (heads.root(one.form), heads.size, heads.entries) != (
                one.root,
                one.size,
                one.entries,
            ):
                message = N_("校验点 %(number)s 的封存记录与其签名的根不符，被改动")
                yield _checkpoint("root_differs", message, one)
        while waiting is not None:
            message = N_("有未知校验点 %(number)s 的封存记录")
            yield _fault("leaf_unknown", message, number=waiting[0])
            waiting = next(groups, None)


class _Heads:
    """The heads as of one checkpoint after the other, and the tree over them."""

    def __init__(self) -> None:
        self._chains: list[int] = []
        self._leaves: dict[int, Leaf] = {}
        self._tree: Tree | None = None
        self.entries = 0

    @property
    def size(self) -> int:
        return len(self._chains)

    def take(self, leaves: Sequence[Leaf]) -> None:
        """Take over the heads that a checkpoint adds or changes, in the order of their chains."""
        fresh = [leaf for leaf in leaves if leaf.chain_id not in self._leaves]
        changed = {leaf.chain_id: leaf for leaf in leaves if leaf.chain_id in self._leaves}
        self.entries += sum(leaf.length for leaf in leaves)
        self.entries -= sum(self._leaves[chain].length for chain in changed)
        self._leaves.update((leaf.chain_id, leaf) for leaf in leaves)
        last = self._chains[-1] if self._chains else None
        in_order = last is None or not fresh or fresh[0].chain_id > last
        self._chains.extend(leaf.chain_id for leaf in fresh)
        if not in_order:
            # A matter whose number is lower was committed later; all after it moves on.
            self._chains.sort()
            self._tree = None
        elif self._tree is not None:
            self._tree.change(
                {bisect_left(self._chains, i): leaf.text() for i, leaf in changed.items()},
                [leaf.text() for leaf in fresh],
            )

    def root(self, form: int) -> bytes:
        """Return the root that the heads give."""
        if self._tree is None or self._tree.form != form:
            self._tree = Tree(form, [self._leaves[chain].text() for chain in self._chains])
        return self._tree.root


def _rows(connection: psycopg.Connection[Any], statement: str) -> list[Any]:
    with connection.cursor(row_factory=namedtuple_row, binary=True) as cursor:
        return cursor.execute(statement).fetchall()


def _checkpoint(code: str, message: str, one: Sealed) -> Fault:
    return _fault(code, message, number=one.number)


def _fault(code: str, message: str, **params: object) -> Fault:
    values: Mapping[str, object] = params
    return Fault(0, None, code, message % values)
