"""Pairs: who has to have spoken with whom has done so (谈心谈话全覆盖、相互批评)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations, permutations, product
from typing import Any, ClassVar

from engine.compliance.case import Case
from engine.compliance.facts import Coming
from engine.compliance.results import Outcome, joined
from engine.compliance.rules import Element, Field, Verdict
from engine.errors import N_, Translatable


@dataclass(frozen=True, slots=True)
class Pairs:
    """Every two of the committee have spoken, and every member with one of the committee.

    The rows of ``talks`` name the people in ``one`` and ``other``. Where it goes ``one_way``, each
    of the committee needs it from each other one: ``one`` names who gave, ``other`` who received.
    """

    talks: Field
    one: str
    other: str
    committee: Field
    members: Field | None = None
    listed_at: Element | None = None
    """The activity from whose list people left, and onto which others came late."""
    on: str = ""
    """The column with the day; a talk after the judged step does not count."""
    one_way: bool = False
    what: str = ""
    """What is given and received, in words; only where it goes one way."""

    ahead: ClassVar[bool] = False

    def judge(self, case: Case) -> Verdict | None:
        """Judge a step that was done."""
        committee = set(_people(case.value(self.committee)))
        members = set() if self.members is None else set(_people(case.value(self.members)))
        for coming in case.facts.coming:
            if coming.element == self.listed_at and _counts(case, coming):
                listed = committee if self.members is None else members
                (listed.discard if coming.left else listed.add)(coming.person)
        talked = set(self._talked(case))
        ways = permutations if self.one_way else combinations
        wanted = list(ways(sorted(committee), 2))
        missing = [pair for pair in wanted if pair not in talked]
        alone = [
            person
            for person in sorted(members - committee)
            if not any((min(person, o), max(person, o)) in talked for o in committee)
        ]
        if not wanted and not (members - committee):
            return None
        numbers: dict[str, int | str] = {"pairs": len(wanted), "missing_pairs": len(missing)}
        if self.one_way:
            return self._given_and_received(numbers)
        numbers |= {"members": len(members - committee), "missing_members": len(alone)}
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
        if self.members is None:
            template = N_("委员之间 %(pairs)s 对都已谈心谈话。")
        return Verdict(Outcome.MET, Translatable(template, numbers), numbers)

    def _given_and_received(self, numbers: Mapping[str, int | str]) -> Verdict:
        params = {**numbers, "what": Translatable(self.what)}
        if numbers["missing_pairs"]:
            template = N_(
                "每人都应收到其他每个人的%(what)s，共 %(pairs)s 人次，还差 %(missing_pairs)s 人次。"
            )
            return Verdict(Outcome.NOT_MET, Translatable(template, params), numbers)
        template = N_("每人都收到了其他每个人的%(what)s，共 %(pairs)s 人次。")
        return Verdict(Outcome.MET, Translatable(template, params), numbers)

    def outstanding(self, case: Case) -> Verdict | None:
        """Nothing is due."""
        return None

    def _talked(self, case: Case) -> list[tuple[int, int]]:
        rows = case.value(self.talks)
        found: list[tuple[int, int]] = []
        for row in rows if isinstance(rows, (list, tuple)) else ():
            if not isinstance(row, Mapping):
                continue
            day = row.get(self.on) if self.on else None
            if isinstance(day, str) and day > case.day.isoformat():
                continue
            one, other = _people(row.get(self.one)), _people(row.get(self.other))
            found += (
                product(one, other) if self.one_way else combinations(sorted({*one, *other}), 2)
            )
        return found


def _counts(case: Case, coming: Coming) -> bool:
    return case.before is None or coming.seq <= case.before


def _people(value: Any) -> list[int]:
    values = value if isinstance(value, (list, tuple)) else [value]
    return [one for one in values if isinstance(one, int) and not isinstance(one, bool)]
