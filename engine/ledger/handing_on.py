"""Checkpoints that leave the house: export, print, and compare with one that others have kept."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from sqlalchemy.orm import Session

from engine.digests import FORMS
from engine.errors import N_, GuichengError, NotFound
from engine.ledger.checkpoints import Sealed, find_checkpoint, leaves_at, newest_checkpoint
from engine.ledger.faults import Fault
from engine.ledger.keys import PublicKey, known_keys, public_keys
from engine.ledger.merkle import Leaf, Tree
from engine.ledger.statements import is_signed_by
from engine.ledger.verify_checkpoints import (
    check_keys,
    read_checkpoint,
    read_keys,
    sealed_head_lost,
)

TYPE: Final = "guicheng-checkpoint-export"
MAX_BYTES: Final = 2**30


class ExportUnreadable(GuichengError):
    """The file is no exported checkpoint, or was changed after it was exported."""

    code = "export_unreadable"
    default = N_("这不是导出的校验点文件，或者文件已损坏：%(reason)s")


@dataclass(frozen=True)
class Kept:
    """A checkpoint that was kept outside, with the keys of its day and the heads it seals."""

    sealed: Sealed
    keys: tuple[PublicKey, ...]
    leaves: tuple[Leaf, ...] | None
    """None when the export was made without them."""


def export_checkpoint(
    session: Session, number: int | None = None, *, chains: bool = True
) -> dict[str, Any]:
    """Return a checkpoint (the newest by default) with all public keys, as plain data.

    With ``chains`` the heads of all chains are in it: then a comparison can name what was changed,
    even if every table of checkpoints was rewritten. Raises NotFound.
    """
    sealed = _wanted(session, number)
    found: dict[str, Any] = {
        "type": TYPE,
        "version": 1,
        "checkpoint": sealed.statement(),
        "keys": public_keys(session),
    }
    if chains:
        leaves = leaves_at(session, sealed.number)
        found["chains"] = [[leaf.chain_id, leaf.length, leaf.digest.hex()] for leaf in leaves]
    return found


def checkpoint_to_print(session: Session, number: int | None = None) -> tuple[Sealed, PublicKey]:
    """Return a checkpoint (the newest by default) and its key. Raises NotFound."""
    sealed = _wanted(session, number)
    return sealed, next(key for key in known_keys(session) if key.id == sealed.key_id)


def _wanted(session: Session, number: int | None) -> Sealed:
    found = newest_checkpoint(session) if number is None else find_checkpoint(session, number)
    if found is None:
        raise NotFound(N_("没有这个校验点，请先运行 guicheng checkpoint。"))
    return found


def read_export(path: Path) -> Kept:
    """Read an exported checkpoint and check it against itself: keys, signature, root.

    Raises ExportUnreadable.
    """
    if path.stat().st_size > MAX_BYTES:
        raise ExportUnreadable(reason=N_("文件过大"))
    try:
        found = json.loads(path.read_bytes())
        if not isinstance(found, Mapping) or found.get("type") != TYPE:
            raise ExportUnreadable(reason=N_("类型不符"))
        sealed = Sealed.from_statement(found["checkpoint"])
        keys = tuple(PublicKey.from_statement(key) for key in found["keys"])
        chains = found.get("chains")
        leaves = None
        if chains is not None:
            leaves = tuple(Leaf(int(i), int(n), bytes.fromhex(head)) for i, n, head in chains)
    except (ValueError, KeyError, TypeError) as error:
        raise ExportUnreadable(reason=N_("格式不符")) from error
    signer = next((key for key in keys if key.id == sealed.key_id), None)
    if sealed.form not in FORMS or signer is None or next(check_keys(keys), None):
        raise ExportUnreadable(reason=N_("公钥不可信"))
    if not is_signed_by(signer.public, sealed.statement()):
        raise ExportUnreadable(reason=N_("签名不符"))
    if leaves is not None and (
        Tree(sealed.form, [leaf.text() for leaf in leaves]).root != sealed.root
        or len(leaves) != sealed.size
    ):
        raise ExportUnreadable(reason=N_("各链末条摘要与根不符"))
    return Kept(sealed, keys, leaves)


def compare_checkpoint(connection: psycopg.Connection[Any], kept: Kept) -> Iterator[Fault]:
    """Yield what the database has other than the checkpoint kept outside, in one snapshot.

    Together with a verification without faults, no difference means that every entry up to the
    checkpoint is still the one that was sealed.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        number = kept.sealed.number
        ours = {key.id: key for key in read_keys(connection)}
        for key in kept.keys:
            if ours.get(key.id) != key:
                yield _fault("key_differs", N_("密钥 %(key)s 在数据库中没有，或被改动"), key=key.id)
        stored = read_checkpoint(connection, number)
        if stored is None:
            yield _fault("checkpoint_missing", N_("校验点 %(number)s 缺失"), number=number)
        elif stored != kept.sealed:
            message = N_("数据库中的校验点 %(number)s 不是所保存的这一个")
            yield _fault("checkpoint_differs", message, number=number)
        if kept.leaves is not None:
            yield from _lost(connection, kept.leaves, number)


def _lost(
    connection: psycopg.Connection[Any], leaves: tuple[Leaf, ...], number: int
) -> Iterator[Fault]:
    heads = connection.execute(
        """
        SELECT n.chain_id, n.length, e.seq IS NULL
        FROM unnest(%s::bigint[], %s::integer[], %s::bytea[]) AS n(chain_id, length, digest)
        LEFT JOIN ledger_entry e ON e.chain_id = n.chain_id AND e.seq = n.length
        WHERE e.digest IS DISTINCT FROM n.digest ORDER BY 1
        """,
        (
            [leaf.chain_id for leaf in leaves],
            [leaf.length for leaf in leaves],
            [leaf.digest for leaf in leaves],
        ),
    )
    for chain_id, length, gone in heads:
        yield sealed_head_lost(chain_id, length, number, gone=gone)


def _fault(code: str, message: str, **params: object) -> Fault:
    return Fault(0, None, code, message % params)
