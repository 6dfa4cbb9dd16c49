"""Which matters are wanted: for an export, an event log, or to draw a sample from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement

from engine.definitions.models import ProcessVersion
from engine.runtime.models import Instance
from engine.runtime.views import MatterStatus


@dataclass(frozen=True)
class MatterFilter:
    """Which matters are wanted; the days are those on which they began."""

    organisation_id: int | None = None
    process: str | None = None
    status: MatterStatus | None = None
    since: date | None = None
    until: date | None = None

    def clauses(self) -> list[ColumnElement[bool]]:
        """Return the conditions on matters and their versions.

        Where they are is for the caller to say: it depends on what the actor may see.
        """
        found: list[ColumnElement[bool]] = []
        if self.process:
            found.append(ProcessVersion.key == self.process)
        if self.status is not None:
            found.append(Instance.status == str(self.status))
        if self.since is not None:
            found.append(Instance.started_on >= self.since)
        if self.until is not None:
            found.append(Instance.started_on <= self.until)
        return found
