"""Merkle trees: the RFC's own definition, paths that prove, and changes that cost little."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ledger.merkle import Leaf, Tree, leaf_hash, verify_path

texts = st.lists(st.text(max_size=5), min_size=1, max_size=40)


def root_by_definition(leaves: list[str]) -> bytes:
    """RFC 6962 §2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0].encode()).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    left, right = root_by_definition(leaves[:k]), root_by_definition(leaves[k:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def test_the_tree_of_nothing_is_the_digest_of_nothing() -> None:
    assert Tree(1, []).root == hashlib.sha256(b"").digest()


def test_the_roots_of_the_well_known_test_vectors() -> None:
    # The leaves of the reference implementation of Certificate Transparency.
    leaves = [bytes.fromhex(h) for h in ("", "00", "10", "2021", "3031")]
    tree = Tree(1, [leaf.decode() for leaf in leaves])
    assert tree.root.hex() == "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"


@given(texts)
def test_the_root_is_the_one_of_the_definition(leaves: list[str]) -> None:
    assert Tree(1, leaves).root == root_by_definition(leaves)


@given(texts)
def test_each_leaf_is_proved_by_its_path_and_no_other_is(leaves: list[str]) -> None:
    tree = Tree(1, leaves)
    for index, text in enumerate(leaves):
        path = tree.path(index)
        assert verify_path(1, text, index, len(leaves), path, tree.root)
        assert not verify_path(1, text + "x", index, len(leaves), path, tree.root)
        assert not verify_path(1, text, index, len(leaves), [*path, b"x" * 32], tree.root)
        assert not verify_path(1, text, len(leaves), len(leaves), path, tree.root)
        if path:
            assert not verify_path(1, text, index, len(leaves), path[:-1], tree.root)


@given(texts, st.data())
def test_a_changed_tree_equals_one_made_anew(leaves: list[str], data: st.DataObject) -> None:
    tree = Tree(1, leaves)
    for _ in range(3):
        changed = data.draw(
            st.dictionaries(st.integers(0, len(leaves) - 1), st.text(max_size=5), max_size=5)
        )
        appended = data.draw(st.lists(st.text(max_size=5), max_size=9))
        leaves = [changed.get(index, text) for index, text in enumerate(leaves)] + appended
        tree.change(changed, appended)
        anew = Tree(1, leaves)
        assert tree.root == anew.root
        assert [tree.path(i) for i in range(len(leaves))] == [
            anew.path(i) for i in range(len(leaves))
        ]


def test_sm3_makes_another_root() -> None:
    assert Tree(2, ["a", "b"]).root != Tree(1, ["a", "b"]).root
    assert verify_path(2, "a", 0, 2, Tree(2, ["a", "b"]).path(0), Tree(2, ["a", "b"]).root)


def test_a_leaf_s_text_is_canonical() -> None:
    assert Leaf(7, 3, b"\xab").text() == '[7,3,"ab"]'
    assert leaf_hash(1, "x") == hashlib.sha256(b"\x00x").digest()


def test_there_is_no_path_to_a_leaf_that_is_not_there() -> None:
    with pytest.raises(IndexError):
        Tree(1, ["a"]).path(1)
