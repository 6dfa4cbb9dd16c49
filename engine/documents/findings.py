"""What the rules found in a matter, as the case file tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session


@dataclass(frozen=True)
class CaseArticle:
    """The article that a finding rests on."""

    regulation: str
    edition: str
    article: str


@dataclass(frozen=True)
class CaseFinding:
    """One rule as it stands at one occurrence of a step."""

    rule: str
    title: str
    element: str
    round: int
    seq: int | None
    outcome: str
    outcome_label: str
    severity: str
    sentence: str
    articles: tuple[CaseArticle, ...] = ()
    numbers: Mapping[str, Any] = field(default_factory=dict)
    until: str | None = None
    state: str = ""
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What the page marks it with."""
        return f"{self.rule}|{self.element}|{self.round}"

    @property
    def notable(self) -> bool:
        """Whether it stands at its step, and not only in the table of all rules."""
        return self.outcome in ("not_met", "pending", "waived")


def findings_of(session: Session, instance_id: int) -> tuple[CaseFinding, ...]:
    """Return what the rules say of a matter now."""
    return ()
