"""The closed sets of ballots."""

from __future__ import annotations

from engine.coded import Coded
from engine.errors import N_


class BoxState(Coded):
    """What has become of a box."""

    OPEN = "open", N_("投票中")
    CLOSED = "closed", N_("已计票")
    VOID = "void", N_("已作废")


class Way(Coded):
    """How somebody votes."""

    ELECTRONIC = "electronic", N_("已在线投票")
    PAPER = "paper", N_("已领纸质票")
