"""How a matter follows its procedure, for those who see its findings."""

from __future__ import annotations

from sqlalchemy.orm import Session

from engine.audit.matter import may_see_findings
from engine.clock import Clock
from engine.directory.actors import Actor
from engine.runtime.conformance import Conformance
from engine.runtime.queries.access import open_matter
from engine.runtime.queries.conformance import matter_conformance


def show_conformance(
    session: Session, actor: Actor, clock: Clock, instance_id: int
) -> Conformance | None:
    """Return how a matter follows its procedure; None when that is not for the actor, or erased.

    It replays the whole matter: ask for it where it is shown, not in lists. Raises NotFound where
    the actor may not see the matter.
    """
    opened = open_matter(session, actor, clock, instance_id)
    if not may_see_findings(actor, opened.view):
        return None
    return matter_conformance(session, instance_id)
