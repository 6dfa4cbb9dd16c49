"""The closed sets of meetings: shares, bodies, outcomes, reasons to be left out of 应到会."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from engine.coded import Coded
from engine.errors import N_


class Share(StrEnum):
    """A part of a body, as the rules put it."""

    MORE_THAN_HALF = "more_than_half"
    HALF = "half"
    TWO_THIRDS = "two_thirds"
    FOUR_FIFTHS = "four_fifths"

    def needed(self, of: int) -> int:
        """Return the least whole number that is this share of ``of``."""
        match self:
            case Share.MORE_THAN_HALF:
                return of // 2 + 1
            case Share.HALF:
                return -(-of // 2)
            case Share.TWO_THIRDS:
                return -(-of * 2 // 3)
            case Share.FOUR_FIFTHS:
                return -(-of * 4 // 5)


class VoteBase(StrEnum):
    """Whom a share of the votes is counted of."""

    DUE = "due"
    PRESENT = "present"


@dataclass(frozen=True)
class Threshold:
    """What carries a motion: a share of those due or of those present."""

    share: Share
    base: VoteBase

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``more_than_half_of_due`` and its like. Raises ValueError."""
        share, _, base = text.rpartition("_of_")
        return cls(Share(share), VoteBase(base))


class Body(StrEnum):
    """Whose meeting it is."""

    MEMBERS = "members"
    COMMITTEE = "committee"
    ALL_MEMBERS = "all_members"
    """Party members of every kind: a lesson or a theme day, where nothing is voted on."""


class Outcome(Coded):
    """How a vote ended."""

    ADOPTED = "adopted", N_("通过")
    LOST = "lost", N_("未通过")
    NO_QUORUM = "no_quorum", N_("未达到法定人数，会议无效")


class Exclusion(Coded):
    """Why a member may be left out of 应到会 for one meeting (domain/14 §5)."""

    CANNOT_EXPRESS = "cannot_express", N_("患有精神病或因其他疾病不能表达本人意志")
    ABROAD = "abroad", N_("自费出国半年以上")
    SERVING_SENTENCE = "serving_sentence", N_("未受留党察看以上处分但正在服刑")
    BEDRIDDEN = "bedridden", N_("年老体弱卧床不起或长期患病生活不能自理")
    AWAY = "away", N_("工作调动、外出学习或工作半年以上，应转未转组织关系")
    RETIRED_AWAY = "retired_away", N_("离退休后长期回原籍居住，组织关系未转且不能参加会议")


ADMISSION_EXCLUSIONS: tuple[Exclusion, ...] = tuple(
    reason for reason in Exclusion if reason is not Exclusion.RETIRED_AWAY
)
"""Reasons that hold for admission, conversion and disposal."""

ELECTION_EXCLUSIONS: tuple[Exclusion, ...] = tuple(Exclusion)
"""Reasons that hold for elections."""
