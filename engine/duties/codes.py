"""The closed sets of duties: what they are stored as, and what people read."""

from __future__ import annotations

from typing import Final

from engine.coded import Coded
from engine.errors import N_


class DutyState(Coded):
    """How a duty of one period stands."""

    PLANNED = "planned", N_("计划")
    """The period lies ahead."""
    DUE = "due", N_("待办")
    """The period runs, or what may be carried over still can be."""
    DONE = "done", N_("已办")
    LATE = "late", N_("逾期未办")
    """The last day has passed."""
    MADE_UP = "made_up", N_("已补办")
    """Done after the last day."""
    LAPSED = "lapsed", N_("不再要求")
    """The organisation was dissolved, or does not owe it any more."""


OPEN: Final = (DutyState.PLANNED, DutyState.DUE)
"""States that the calendar may still change."""
BROKEN: Final = (DutyState.LATE, DutyState.MADE_UP)
"""States of what was not done in time: each is a finding."""
