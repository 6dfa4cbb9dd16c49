"""Pairs: who has to have spoken with whom has done so (谈心谈话全覆盖)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, ClassVar

from engine.compliance.case import Case
from engine.compliance.facts import Coming
from engine.compliance.results import Outcome, joined
from engine.compliance.rules import Element, Field, Verdict
from engine.errors import N_, Translatable


@dataclass(frozen=True, slots=True)
class Pairs:
    """Every two of the committee have spoken, and every member with one of the committee.

    The rows of ``talks`` name the two people in ``one`` and ``other``.
    """

    talks: Field
    one: str
    other: str
    committee: Field
    members: Field
    listed_at: Element | None = None
    """The activity from whose list members left, and onto which others came late."""
    on: str = ""
    """The column with the day; a talk after the judged step does not count."""

    ahead: ClassVar[bool] = False

    def judge(self, case: Case) -> Verdict | None:
        """Judge a step that was done."""
        committee = set(_people(case.value(self.committee)))
        members = set(_people(case.value(self.members)))
        for coming in case.facts.coming:
            if coming.element == self.listed_at and _counts(case, coming):
                (members.discard if coming.left else members.add)(coming.person)
        talked = set(self._talked(case))
        wanted = [frozenset(pair) for pair in combinations(sorted(committee), 2)]
        missing = [pair for pair in wanted if pair not in talked]
        alone = [
            person
            for person in sorted(members - committee)
            if not any(frozenset((person, other)) in talked for other in committee)
        ]
        if not wanted and not (members - committee):
            return None
        numbers: dict[str, int | str] = {
            "pairs": len(wanted),
            "missing_pairs": len(missing),
            "members": len(members - committee),
            "missing_members": len(alone),
        }
        said = []
        if missing:
            template = N_("委员之间应有 %(pairs)s 对谈心谈话，还差 %(missing_pairs)s 对。")
            said.append(Translatable(template, numbers))
        if alone:
            template = N_("委员同党员：还有 %(missing_members)s 名党员没有同委员谈心谈话。")
            said.append(Translatable(template, numbers))
        if said:
            return Verdict(Outcome.NOT_MET, joined(said), numbers)
        template = N_("委员之间 %(pairs)s 对、委员同 %(members)s 名党员都已谈心谈话。")
        return Verdict(Outcome.MET, Translatable(template, numbers), numbers)

    def outstanding(self, case: Case) -> Verdict | None:
        """Nothing is due."""
        return None

    def _talked(self, case: Case) -> list[frozenset[int]]:
        rows = case.value(self.talks)
        found = []
        for row in rows if isinstance(rows, (list, tuple)) else ():
            if not isinstance(row, Mapping):
                continue
            day = row.get(self.on) if self.on else None
            if isinstance(day, str) and day > case.day.isoformat():
                continue
            pair = {p for name in (self.one, self.other) for p in _people(row.get(name))}
            found += [frozenset(two) for two in combinations(sorted(pair), 2)]
        return found


def _counts(case: Case, coming: Coming) -> bool:
    return case.before is None or coming.seq <= case.before


def _people(value: Any) -> list[int]:
    values = value if isinstance(value, (list, tuple)) else [value]
    return [one for one in values if isinstance(one, int) and not isinstance(one, bool)]
