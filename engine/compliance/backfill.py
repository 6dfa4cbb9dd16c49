"""What is recorded late (补录): by the parameter of the organisation that records it."""

from __future__ import annotations

from datetime import date
from typing import Final

from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.compliance.parameter_store import parameter_view
from engine.compliance.regulation_store import current_regulations

GAP: Final = "backfill_gap_days"
"""The parameter: more days than this between happening and recording are late (R-ADM-42)."""
USUAL_GAP: Final = 7
"""What counts in an installation in which no parameters are deployed."""


def is_backfilled(session: Session, path: str, day: date, clock: Clock) -> bool:
    """Tell whether what happened on ``day`` is recorded so late that it is marked 补录.

    ``path`` is that of the matter's organisation; what counts is the parameter's value today.
    """
    today = clock.today()
    if day >= today:
        return False  # nothing has to be asked of what is recorded on its own day
    gap = USUAL_GAP
    declared = current_regulations(session).parameters
    if GAP in declared:
        gap = parameter_view(session, path, declared).value(GAP, today).number
    return (today - day).days > gap
