"""Document: what has to be written, attached or on the list is there (材料)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from engine.compliance.case import Case
from engine.compliance.results import Outcome, listed
from engine.compliance.rules import Field, Verdict
from engine.errors import N_, Translatable
from engine.expressions import Expression, present


@dataclass(frozen=True, slots=True)
class Paper:
    """Something that has to be there."""

    field: Field
    title: str
    option: str = ""
    """The option of a checklist that says so; otherwise the field has to hold something."""
    only_if: Expression | None = None

    def there(self, case: Case) -> bool:
        """Tell whether it is."""
        value = case.value(self.field)
        if not self.option:
            return present(value) and value is not False
        return isinstance(value, (list, tuple)) and self.option in value


@dataclass(frozen=True, slots=True)
class Document:
    """All of the papers are there."""

    papers: tuple[Paper, ...]

    ahead: ClassVar[bool] = False

    def judge(self, case: Case) -> Verdict | None:
        """Judge a step that was done."""
        wanted = [p for p in self.papers if case.holds(p.only_if)]
        if not wanted:
            return None
        missing = [p.title for p in wanted if not p.there(case)]
        numbers: Mapping[str, int | str] = {"wanted": len(wanted), "missing": len(missing)}
        if missing:
            sentence = Translatable(
                N_("须有 %(wanted)s 项，缺 %(missing)s 项：%(titles)s。"),
                {**numbers, "titles": _titles(missing)},
            )
            return Verdict(Outcome.NOT_MET, sentence, numbers)
        complete = N_("须有的 %(wanted)s 项齐全：%(titles)s。")
        return Verdict(
            Outcome.MET,
            lambda: Translatable(
                complete, {"wanted": len(wanted), "titles": _titles([p.title for p in wanted])}
            ),
            numbers,
        )

    def outstanding(self, case: Case) -> Verdict | None:
        """Nothing is due."""
        return None


def _titles(titles: list[str]) -> Translatable:
    return listed([Translatable(title) for title in titles])
