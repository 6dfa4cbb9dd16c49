"""Have running matters measured anew, by a worker: what they are measured with has changed."""

from __future__ import annotations

from typing import Final

from sqlalchemy.orm import Session

from engine.queue import enqueue

REJUDGE: Final = "rejudge"
"""The job that measures running matters, below an organisation or all."""


def judge_again(session: Session, organisation_id: int | None = None) -> None:
    """Enqueue it in the transaction of ``session``; without an organisation for all matters."""
    enqueue(session, REJUDGE, organisation_id=organisation_id)
