"""Sealing: what goes in is what is committed to, and the payload stays hidden."""

from datetime import UTC, date, datetime

import pytest

from engine.ledger.chain import Event, Head, canonical, entry_digest, payload_digest, seal

AT = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def test_an_entry_links_to_the_one_before() -> None:
    first, head = seal(7, Head(), Event("started"), AT)
    second, end = seal(7, head, Event("completed", occurred_on=date(2026, 11, 20)), AT)
    assert (first["seq"], second["seq"]) == (1, 2)
    assert first["previous"] == b""
    assert second["previous"] == first["digest"]
    assert end == Head(2, second["digest"])


def test_the_digest_covers_every_field_except_payload_and_salt_themselves() -> None:
    row, _ = seal(7, Head(), Event("completed", actor_id=3, snapshot=b"s", element="x"), AT)
    for name, value in {
        "chain_id": 8,
        "seq": 2,
        "kind": "started",
        "recorded_at": datetime(2026, 1, 1, tzinfo=UTC),
        "occurred_on": date(2026, 1, 1),
        "actor_id": 4,
        "on_behalf_of": 1,
        "element": "y",
        "task_id": 1,
        "payload_digest": b"1",
        "snapshot": b"t",
        "previous": b"2",
    }.items():
        assert entry_digest({**row, name: value}) != row["digest"], name
    assert entry_digest({**row, "payload": None, "salt": None}) == row["digest"]


def test_the_same_payload_gives_another_digest_each_time() -> None:
    one, _ = seal(1, Head(), Event("completed", payload={"a": 1}), AT)
    two, _ = seal(1, Head(), Event("completed", payload={"a": 1}), AT)
    assert one["payload_digest"] != two["payload_digest"]
    assert payload_digest(1, one["salt"], one["payload"]) == one["payload_digest"]


def test_sm3_makes_another_chain_of_the_same_shape() -> None:
    row, head = seal(1, Head(), Event("started"), AT, form=2)
    assert len(head.digest) == 32
    assert entry_digest(row) == head.digest


def test_canonical_text_is_one_for_equal_values() -> None:
    assert canonical({"b": [1, "张"], "a": None}) == '{"a":null,"b":[1,"张"]}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical(float("nan"))
