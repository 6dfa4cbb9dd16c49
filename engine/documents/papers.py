"""Official papers (文书) filled from the record, as .docx from the templates of the package."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy.orm import Session

from engine.runtime.queries.records import Trail
from engine.runtime.views import MatterView


@dataclass(frozen=True)
class Paper:
    """A paper that was made."""

    title: str
    content: bytes


def ready_papers(
    session: Session, trail: Trail, view: MatterView, *, closed: Collection[int] = ()
) -> list[Paper]:
    """Return the papers whose step is recorded."""
    return []
