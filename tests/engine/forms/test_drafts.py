"""Drafts: kept as typed, one per person and task."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from engine.clock import FixedClock
from engine.errors import InvalidInput
from engine.forms.drafts import (
    MAX_DRAFT,
    discard_draft,
    load_draft,
    save_draft,
)


def test_a_draft_is_kept_as_typed(session: Session, clock: FixedClock) -> None:
    typed = {"name": " 李", "vote": {"for": "x"}, "rows": [{"a": ""}]}
    saved_at = save_draft(session, clock, task_id=1, person_id=2, data=typed)
    draft = load_draft(session, task_id=1, person_id=2)
    assert draft is not None
    assert draft.data == typed
    assert draft.saved_at == saved_at == clock.now()


def test_the_latest_draft_takes_the_place_of_the_one_before(
    session: Session, clock: FixedClock
) -> None:
    save_draft(session, clock, task_id=1, person_id=2, data={"a": 1})
    clock.set(datetime.now(UTC) + timedelta(minutes=1))
    save_draft(session, clock, task_id=1, person_id=2, data={"a": 2})
    draft = load_draft(session, task_id=1, person_id=2)
    assert draft is not None
    assert (draft.data, draft.saved_at) == ({"a": 2}, clock.now())


def test_everyone_has_a_draft_of_their_own(session: Session, clock: FixedClock) -> None:
    save_draft(session, clock, task_id=1, person_id=2, data={"a": 1})
    assert load_draft(session, task_id=1, person_id=3) is None
    assert load_draft(session, task_id=2, person_id=2) is None


def test_drafts_are_discarded(session: Session, clock: FixedClock) -> None:
    for person in (2, 3):
        save_draft(session, clock, task_id=1, person_id=person, data={})
    assert discard_draft(session, task_id=1, person_id=2)
    assert not discard_draft(session, task_id=1, person_id=2)
    assert load_draft(session, task_id=1, person_id=3) is not None


def test_what_cannot_be_stored_is_mended_or_refused(session: Session, clock: FixedClock) -> None:
    save_draft(session, clock, task_id=1, person_id=2, data={"a\x00": ["b\x00"]})
    draft = load_draft(session, task_id=1, person_id=2)
    assert draft is not None
    assert draft.data == {"a": ["b"]}
    for bad in ({"a": float("nan")}, {"a": "\ud800"}, {"a": object()}):
        with pytest.raises(InvalidInput, match="无法保存"):
            save_draft(session, clock, task_id=1, person_id=2, data=bad)


def test_a_draft_has_a_largest_size(session: Session, clock: FixedClock) -> None:
    room = MAX_DRAFT - len('{"a": ""}')
    save_draft(session, clock, task_id=1, person_id=2, data={"a": "字" * room})
    with pytest.raises(InvalidInput, match=str(MAX_DRAFT)):
        save_draft(session, clock, task_id=1, person_id=2, data={"a": "字" * (room + 1)})
