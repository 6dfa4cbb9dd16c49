"""The inboxes in which the open tasks of a matter are listed, when no step of it changes them."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Session

from engine.database import run
from engine.runtime.models import NO_LIMIT


def list_candidates(session: Session, instance_id: int) -> None:
    """Put the matter's open tasks back into inboxes (after a suspension)."""
    run(
        session,
        """
        INSERT INTO task_candidate (principal, due_on, task_id)
        SELECT DISTINCT p, t.due_on, t.id
        FROM task t, unnest(CASE WHEN t.assignee_id IS NULL THEN t.candidates
            ELSE ARRAY['p' || t.assignee_id] END) p
        WHERE t.instance_id = %(id)s AND t.state = 'open'
        ON CONFLICT DO NOTHING
        """,
        {"id": instance_id},
    )


def unlist_candidates(session: Session, instance_id: int) -> None:
    """Take the matter's open tasks out of all inboxes (while it is suspended)."""
    run(
        session,
        "DELETE FROM task_candidate WHERE task_id IN"
        " (SELECT id FROM task WHERE instance_id = %(id)s AND state = 'open')",
        {"id": instance_id},
    )


def set_limits(session: Session, task_id: int, earliest: date | None, due: date | None) -> None:
    """Set the first and the last lawful day of an open task, in the inboxes too."""
    run(
        session,
        """
        WITH changed AS (
            UPDATE task SET earliest_on = %(earliest)s, due_on = %(due)s
            WHERE id = %(id)s AND (earliest_on, due_on) IS DISTINCT FROM (%(earliest)s, %(due)s)
            RETURNING id
        )
        UPDATE task_candidate c SET due_on = %(due)s FROM changed WHERE c.task_id = changed.id
        """,
        {"id": task_id, "earliest": earliest, "due": due or NO_LIMIT},
    )
