"""Merkle trees after RFC 6962: one root for all chains, and a short path for one of them.

Pure functions and one class. A leaf's hash is H(0x00 ‖ text), a node's H(0x01 ‖ left ‖ right); the
last of an odd level goes up as it is, which gives the RFC's tree for any number of leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.digests import digester


@dataclass(frozen=True)
class Leaf:
    """The head of a chain as a checkpoint seals it."""

    chain_id: int
    length: int
    digest: bytes

    def text(self) -> str:
        """Return the canonical text ``[chain id,length,"digest in hex"]``."""
        return f'[{self.chain_id},{self.length},"{self.digest.hex()}"]'


def leaf_hash(form: int, text: str) -> bytes:
    """Return the hash of a leaf with this text."""
    found: bytes = digester(form)(b"\x00" + text.encode()).digest()
    return found


class Tree:
    """All levels of a tree, from the leaves' hashes up to the root."""

    def __init__(self, form: int, leaves: Iterable[str]) -> None:
        self.form = form
        self._make: Callable[[bytes], Any] = digester(form)
        self._levels: list[list[bytes]] = [[leaf_hash(form, text) for text in leaves]]
        while len(below := self._levels[-1]) > 1:
            self._levels.append(
                [self._node(below, index) for index in range((len(below) + 1) // 2)]
            )

    @property
    def size(self) -> int:
        """The number of leaves."""
        return len(self._levels[0])

    @property
    def root(self) -> bytes:
        """The root; the digest of nothing for a tree without leaves."""
        if not self._levels[0]:
            nothing: bytes = self._make(b"").digest()
            return nothing
        return self._levels[-1][0]

    def path(self, index: int) -> list[bytes]:
        """Return the hashes that lead from a leaf to the root. Raises IndexError."""
        if not 0 <= index < self.size:
            raise IndexError(index)
        found = []
        for level in self._levels[:-1]:
            if (sibling := index ^ 1) < len(level):
                found.append(level[sibling])
            index >>= 1
        return found

    def change(self, changed: Mapping[int, str], appended: Sequence[str] = ()) -> None:
        """Give some leaves another text and add others at the end.

        Costs in proportion to what changes, not to the size of the tree.
        """
        first = self._levels[0]
        dirty = set(changed) | set(range(len(first), len(first) + len(appended)))
        for index, text in changed.items():
            first[index] = leaf_hash(self.form, text)
        first.extend(leaf_hash(self.form, text) for text in appended)
        depth = 0
        while len(below := self._levels[depth]) > 1:
            depth += 1
            if depth == len(self._levels):
                self._levels.append([])
            level = self._levels[depth]
            dirty = {index >> 1 for index in dirty}
            level.extend([b""] * ((len(below) + 1) // 2 - len(level)))
            for index in dirty:
                level[index] = self._node(below, index)

    def _node(self, below: list[bytes], index: int) -> bytes:
        left = 2 * index
        if left + 1 == len(below):
            return below[left]
        found: bytes = self._make(b"\x01" + below[left] + below[left + 1]).digest()
        return found


def verify_path(
    form: int, text: str, index: int, size: int, path: Sequence[bytes], root: bytes
) -> bool:
    """Tell whether a leaf with this text stands at ``index`` under ``root`` (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size:
        return False
    make = digester(form)
    found, last = leaf_hash(form, text), size - 1
    for sibling in path:
        if last == 0:
            return False
        if index & 1 or index == last:
            found = make(b"\x01" + sibling + found).digest()
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            found = make(b"\x01" + found + sibling).digest()
        index, last = index >> 1, last >> 1
    return last == 0 and found == root
