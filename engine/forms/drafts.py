"""Keep what people have typed: a draft is saved as it is and checked only when handed in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.errors import N_, InvalidInput, Sentence
from engine.forms.models import Draft

MAX_DRAFT: Final = 200_000
"""Largest draft, in characters of JSON."""


class SavedDraft(NamedTuple):
    """A draft and the moment it was saved."""

    data: dict[str, Any]
    saved_at: datetime


def save_draft(
    session: Session, clock: Clock, *, task_id: int, person_id: int, data: Mapping[str, Any]
) -> datetime:
    """Store a person's draft for a task in place of an earlier one; return when it was saved.

    Raises InvalidInput if it is too large or holds characters that cannot be stored.
    """
    try:
        text = json.dumps(data, ensure_ascii=False, allow_nan=False)
        text.encode("utf-8")
    except (TypeError, ValueError, RecursionError):
        raise InvalidInput({"": [N_("内容无法保存，请删除特殊字符后重试。")]}) from None
    if len(text) > MAX_DRAFT:
        raise InvalidInput(
            {
                "": [
                    Sentence(
                        N_("草稿共 %(length)s 个字符，最多 %(limit)s 个，请删减后再保存。"),
                        length=len(text),
                        limit=MAX_DRAFT,
                    )
                ]
            }
        )
    saved_at = clock.now()
    values = {"data": _storable(data), "saved_at": saved_at}
    statement = insert(Draft).values(task_id=task_id, person_id=person_id, **values)
    session.execute(
        statement.on_conflict_do_update(index_elements=["task_id", "person_id"], set_=values)
    )
    return saved_at


def load_draft(session: Session, *, task_id: int, person_id: int) -> SavedDraft | None:
    """Return a person's draft for a task, if there is one."""
    row = session.execute(
        select(Draft.data, Draft.saved_at).where(
            Draft.task_id == task_id, Draft.person_id == person_id
        )
    ).one_or_none()
    return SavedDraft(*row) if row else None


def discard_draft(session: Session, *, task_id: int, person_id: int) -> bool:
    """Remove a person's draft for a task; tell whether there was one."""
    found = session.execute(
        delete(Draft)
        .where(Draft.task_id == task_id, Draft.person_id == person_id)
        .returning(Draft.task_id)
    )
    return found.first() is not None


def _storable(value: Any) -> Any:
    # PostgreSQL stores no NUL; a draft is no place to argue about it.
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, Mapping):
        return {str(key).replace("\x00", ""): _storable(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_storable(inner) for inner in value]
    return value
