"""Frozen: figures name the records they were counted from, and changed scores say why (指标).

``asks = "sources"``: a figure was counted on records up to a day before the step, and there is a
record for each. ``asks = "changes"``: a score other than the reckoned one has author and reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from engine.compliance.case import Case
from engine.compliance.results import Outcome
from engine.compliance.rules import Field, Verdict
from engine.errors import N_, Translatable
from engine.expressions import present


@dataclass(frozen=True, slots=True)
class Frozen:
    """What the rows of a list of figures must say."""

    rows: Field
    changes: bool
    """Whether changed scores are asked about, else the records behind the figures."""

    ahead: ClassVar[bool] = False

    def judge(self, case: Case) -> Verdict | None:
        """Judge a step that was done."""
        found = case.value(self.rows)
        rows = (
            [r for r in found if isinstance(r, Mapping)] if isinstance(found, (list, tuple)) else []
        )
        if self.changes:
            rows = [row for row in rows if row.get("score") != row.get("calculated")]
            if not rows:
                return None
            wrong = [row for row in rows if not _explained(row)]
            said = (
                N_("改动得分 %(count)s 项，都保留了原值、改动人和理由。"),
                N_("改动得分 %(count)s 项，其中 %(wrong)s 项缺原值、改动人或者理由：%(which)s。"),
            )
        else:
            day = case.day.isoformat()
            wrong = [row for row in rows if not _backed(row, day)]
            said = (
                N_("指标 %(count)s 项，都按冻结日的记录计算，附有依据。"),
                N_("指标 %(count)s 项，其中 %(wrong)s 项的数值没有依据或者没有冻结日：%(which)s。"),
            )
        names = "、".join(str(row.get("title") or row.get("indicator")) for row in wrong)
        numbers: dict[str, int | str] = {"count": len(rows), "wrong": len(wrong), "which": names}
        missing = bool(wrong) or not rows
        return Verdict(
            Outcome.NOT_MET if missing else Outcome.MET,
            Translatable(said[missing], numbers),
            numbers,
        )

    def outstanding(self, case: Case) -> Verdict | None:
        """Nothing is due."""
        return None


def _explained(row: Mapping[str, Any]) -> bool:
    reason = row.get("reason")
    said = isinstance(reason, str) and bool(reason.strip())
    return said and present(row.get("calculated")) and present(row.get("author"))


def _backed(row: Mapping[str, Any], day: str) -> bool:
    """Tell whether there are records for a figure, all of days before that of the step."""
    value, as_of, sources = row.get("value"), row.get("as_of"), row.get("sources")
    if not isinstance(value, int) or not isinstance(as_of, str) or as_of >= day:
        return False
    known = len(sources) if isinstance(sources, (list, tuple)) else 0
    return known >= value and (value > 0 or known == 0)
