"""Count: so many different people, each of whom may be chosen (人数和资格)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from engine.compliance.case import Case
from engine.compliance.facts import Witness
from engine.compliance.results import Outcome, joined, listed
from engine.compliance.rules import Amount, Field, Verdict
from engine.directory.codes import MembershipStatus, PostKind
from engine.errors import N_, Translatable


@dataclass(frozen=True, slots=True)
class Count:
    """Between ``least`` and ``most`` people in a field, each of the kind demanded."""

    fields: tuple[Field, ...]
    """The first of them that the step has is looked at."""
    least: Amount | None = None
    most: Amount | None = None
    statuses: tuple[str, ...] = ()
    """Membership statuses that they may have on the day; empty: any."""
    unrestricted: bool = False
    """Nobody whose party rights are restricted that day."""
    not_subject: bool = False
    posts: tuple[str, ...] = ()
    """Each holds one of these posts; empty: any or none."""
    what: str = ""
    """Who they are, in words."""

    ahead: ClassVar[bool] = False

    def judge(self, case: Case) -> Verdict | None:
        """Judge a step that was done."""
        value = next((v for f in self.fields if (v := case.value(f)) is not None), None)
        people = _people(value)
        if value is None and self.least is None:
            return None
        assert case.occurrence is not None
        what = Translatable(self.what or case.title(case.element))
        distinct = len(set(people))
        wrong = list(self._number_wrong(case, what, people, distinct))
        witnesses = {p: case.occurrence.people.get(p) for p in dict.fromkeys(people)}
        if self.not_subject and case.facts.subject in witnesses:
            wrong.append(Translatable(N_("%(what)s中有本人。"), {"what": what}))
        wrong += self._unfit(what, [w for w in witnesses.values() if w is not None])
        numbers: dict[str, int | str] = {"count": distinct}
        if wrong:
            return Verdict(Outcome.NOT_MET, joined(wrong), numbers)
        on_roll = self._on_roll(case)
        unknown = sum(self._unknown(w) for p, w in witnesses.items() if p not in on_roll)
        if unknown:
            return Verdict(
                Outcome.PENDING,
                Translatable(
                    N_("%(what)s %(n)s 人，其中 %(unknown)s 人当日的身份没有留存，无法核实。"),
                    {"what": what, "n": distinct, "unknown": unknown},
                ),
                {**numbers, "unknown": unknown},
            )
        fit = N_("%(what)s %(n)s 人，符合条件。")
        return Verdict(
            Outcome.MET, lambda: Translatable(fit, {"what": what, "n": distinct}), numbers
        )

    def outstanding(self, case: Case) -> Verdict | None:
        """Nothing is due."""
        return None

    def _number_wrong(
        self, case: Case, what: Translatable, people: list[int], distinct: int
    ) -> Iterable[Translatable]:
        if distinct < len(people):
            yield Translatable(N_("%(what)s中有人写了不止一次。"), {"what": what})
        if self.least is None and self.most is None:
            return
        least = case.amount(self.least)
        most = None if self.most is None else case.amount(self.most)
        if distinct >= least and (most is None or distinct <= most):
            return
        params: dict[str, Any] = {"what": what, "n": distinct, "least": least, "most": most}
        if most is None:
            template = N_("%(what)s须不少于 %(least)s 人，实际 %(n)s 人。")
        elif least == most:
            template = N_("%(what)s须为 %(least)s 人，实际 %(n)s 人。")
        else:
            template = N_("%(what)s须为 %(least)s 至 %(most)s 人，实际 %(n)s 人。")
        yield Translatable(template, params)

    def _unfit(self, what: Translatable, witnesses: list[Witness]) -> list[Translatable]:
        wrong = []
        for status in dict.fromkeys(w.status for w in witnesses):
            if self.statuses and status not in self.statuses:
                n = sum(w.status == status for w in witnesses)
                wrong.append(
                    Translatable(
                        N_("%(what)s中有 %(n)s 人当日是%(status)s。"),
                        {"what": what, "n": n, "status": _label(MembershipStatus, status)},
                    )
                )
        restricted = sum(w.restricted for w in witnesses)
        if self.unrestricted and restricted:
            wrong.append(
                Translatable(
                    N_("%(what)s中有 %(n)s 人当日党员权利受限。"), {"what": what, "n": restricted}
                )
            )
        if self.posts:
            without = sum(
                w.posts is not None and not set(w.posts) & set(self.posts) for w in witnesses
            )
            if without:
                wrong.append(
                    Translatable(
                        N_("%(what)s中有 %(n)s 人当日不担任规定的职务（%(posts)s）。"),
                        {"what": what, "n": without, "posts": _labels(self.posts)},
                    )
                )
        return wrong

    def _on_roll(self, case: Case) -> frozenset[int]:
        """Return those known to have a vote that day: the roll of the meeting they attended."""
        assert case.occurrence is not None
        if self.posts:
            return frozenset()
        rolls = case.occurrence.rolls
        return frozenset(p for f in self.fields if f.inner for p in rolls.get(f.name, ()))

    def _unknown(self, witness: Witness | None) -> bool:
        if witness is None:
            return bool(self.statuses or self.unrestricted or self.posts)
        return bool(self.posts) and witness.posts is None


def _people(value: Any) -> list[int]:
    if isinstance(value, int) and not isinstance(value, bool):
        return [value]
    if isinstance(value, (list, tuple)):
        return [person for person in value if isinstance(person, int)]
    return []


def _label(codes: Any, code: str) -> Translatable:
    known = next((one for one in codes if one.value == code), None)
    return Translatable(code if known is None else known.label)


def _labels(posts: tuple[str, ...]) -> Translatable:
    return listed([_label(PostKind, post) for post in posts])
