"""Prove that the head of a chain was sealed in a checkpoint.

A proof leads from one chain's head to the root of a checkpoint without showing any other chain.
That the chain has only grown since is proved by its entries themselves: the sealed head is the
digest of one of them, and the later ones are linked to it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.errors import N_, GuichengError, NotFound
from engine.ledger.checkpoints import Sealed, find_checkpoint, leaves_at, newest_checkpoint
from engine.ledger.keys import public_keys
from engine.ledger.merkle import Leaf, Tree, verify_path
from engine.ledger.models import CheckpointLeaf

__all__ = [
    "CheckpointDamaged",
    "Proof",
    "inclusion_proof",
    "latest_checkpoint_covering",
    "prove",
    "public_keys",
    "verify_inclusion",
]

_KEPT_TREES: Final = 2
_trees: OrderedDict[bytes, tuple[list[int], Tree]] = OrderedDict()
_trees_lock = Lock()


class CheckpointDamaged(GuichengError):
    """The stored heads of a checkpoint do not give its root: somebody changed the tables."""

    code = "checkpoint_damaged"
    default = N_("校验点 %(number)s 的记录与其签名的根不符，可能被改动，请运行 guicheng verify。")


@dataclass(frozen=True)
class Proof:
    """The way from a chain's head to the root of a checkpoint. Digests are in hex."""

    chain_id: int
    length: int
    """How many entries the chain had when it was sealed."""
    head: str
    """The digest of the last of them."""
    index: int
    """Which leaf of the tree it is, from 0."""
    path: tuple[str, ...]
    """The siblings from the leaf up to below the root."""
    checkpoint: Mapping[str, Any]
    """The signed checkpoint."""

    @property
    def leaf(self) -> Leaf:
        """Return the leaf that is proved."""
        return Leaf(self.chain_id, self.length, bytes.fromhex(self.head))

    def to_json(self) -> dict[str, Any]:
        """Return the proof as plain data."""
        return {**vars(self), "path": list(self.path), "checkpoint": dict(self.checkpoint)}


def verify_inclusion(leaf: Leaf, proof: Proof, root: bytes) -> bool:
    """Tell whether the proof leads from ``leaf`` to ``root``. It looks at no signature."""
    return leaf == proof.leaf and verify_path(
        proof.checkpoint["form"],
        leaf.text(),
        proof.index,
        proof.checkpoint["size"],
        [bytes.fromhex(sibling) for sibling in proof.path],
        root,
    )


def latest_checkpoint_covering(session: Session, chain_id: int, seq: int) -> Sealed | None:
    """Return the newest checkpoint, if it seals entry ``seq`` of the chain; else None."""
    leaf = session.execute(
        select(CheckpointLeaf.length)
        .where(CheckpointLeaf.chain_id == chain_id)
        .order_by(CheckpointLeaf.number.desc())
        .limit(1)
    ).scalar()
    return newest_checkpoint(session) if leaf is not None and leaf >= seq else None


def prove(session: Session, chain_id: int) -> Proof | None:
    """Return the proof for the chain in the newest checkpoint; None if that does not know it."""
    sealed = newest_checkpoint(session)
    return None if sealed is None else _proof(session, chain_id, sealed)


def inclusion_proof(session: Session, chain_id: int, number: int) -> Proof:
    """Return the proof for the chain in checkpoint ``number``.

    Raises NotFound if there is no such checkpoint, or the chain began after it; CheckpointDamaged.
    """
    sealed = find_checkpoint(session, number)
    proof = None if sealed is None else _proof(session, chain_id, sealed)
    if proof is None:
        raise NotFound(N_("校验点 %(number)s 中没有这条链。"), number=number)
    return proof


def _proof(session: Session, chain_id: int, sealed: Sealed) -> Proof | None:
    leaf = session.execute(
        select(CheckpointLeaf.length, CheckpointLeaf.digest)
        .where(CheckpointLeaf.chain_id == chain_id, CheckpointLeaf.number <= sealed.number)
        .order_by(CheckpointLeaf.number.desc())
        .limit(1)
    ).one_or_none()
    if leaf is None:
        return None
    chains, tree = _tree(session, sealed)
    index = bisect_left(chains, chain_id)
    path = tuple(sibling.hex() for sibling in tree.path(index))
    proof = Proof(chain_id, leaf.length, leaf.digest.hex(), index, path, sealed.statement())
    if not verify_inclusion(proof.leaf, proof, sealed.root):
        raise CheckpointDamaged(number=sealed.number)
    return proof


def _tree(session: Session, sealed: Sealed) -> tuple[list[int], Tree]:
    """Return a checkpoint's tree with its chains in order; the last ones used are kept."""
    with _trees_lock:
        if found := _trees.get(sealed.root):
            _trees.move_to_end(sealed.root)
            return found
    leaves = leaves_at(session, sealed.number)
    tree = Tree(sealed.form, [leaf.text() for leaf in leaves])
    if tree.root != sealed.root:
        raise CheckpointDamaged(number=sealed.number)
    made = [leaf.chain_id for leaf in leaves], tree
    with _trees_lock:
        _trees[sealed.root] = made
        while len(_trees) > _KEPT_TREES:
            _trees.popitem(last=False)
    return made
