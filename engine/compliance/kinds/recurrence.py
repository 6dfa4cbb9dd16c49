"""Recurrence: something is recorded again and again, with no gap too long (定期)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, NamedTuple

from engine.calendars.arithmetic import add_months
from engine.compliance.case import Case
from engine.compliance.facts import Occurrence
from engine.compliance.kinds.spans import Length, Start, after, begun, words_of
from engine.compliance.results import Outcome, joined
from engine.compliance.rules import Amount, Element, Verdict
from engine.errors import N_, Translatable


class _Gap(NamedTuple):
    last: date
    """The day of the last record, or of the start."""
    name: str
    """What happened then, in words of the package."""
    amounts: Mapping[str, int]
    limit: date
    """The last day on which the next record is in time."""


@dataclass(frozen=True, slots=True)
class Recurrence:
    """From ``start`` on a record at least ``every`` so often, until ``until`` is done.

    The rule stands at the steps that are records, where the gap before each is judged, and at those
    of ``until``, where the last gap is, and the number of records in the time before.
    """

    records: tuple[Element, ...]
    start: Start
    every: Length
    until: tuple[Element, ...] = ()
    at_least: Amount | None = None
    in_last: Amount | None = None
    """Calendar months before ``until`` in which ``at_least`` records lie."""
    what: str = ""
    """What is recorded, in words."""

    ahead: ClassVar[bool] = True

    def judge(self, case: Case) -> Verdict | None:
        """Judge a record, or the step that ends the recurrence."""
        found = self._gap(case)
        if found is None:
            return None
        last, _, amounts, limit = found
        numbers: dict[str, int | str] = {
            "last": last.isoformat(),
            **amounts,
            "until": limit.isoformat(),
            "day": case.day.isoformat(),
        }
        wrong: list[Translatable] = []
        late = (case.day - limit).days
        if late > 0:
            numbers["late"] = late
            template = N_(
                "%(last)s %(name)s，%(length)s内即不晚于 %(until)s 须再次%(what)s；"
                "实际 %(day)s，间隔超出 %(late)s 天。"
            )
            wrong.append(self._sentence(template, case, found, late=late))
        if case.element in self.until and self.at_least is not None:
            wrong += self._too_few(case, numbers)
        if wrong:
            return Verdict(Outcome.NOT_MET, joined(wrong), numbers)
        met = N_("%(last)s %(name)s，至 %(day)s 不超过 %(length)s（%(until)s）。")
        return Verdict(Outcome.MET, lambda: self._sentence(met, case, found), numbers)

    def outstanding(self, case: Case) -> Verdict | None:
        """Say until when the next record is due."""
        if case.element in self.until:
            return None
        found = self._gap(case)
        if found is None:
            return None
        left = (found.limit - case.day).days
        numbers = {"last": found.last.isoformat(), "until": found.limit.isoformat()}
        outcome, kind, words = Outcome.PENDING, "left", N_("还有 %(n)s 天。")
        if left < 0:
            outcome, kind, words = Outcome.NOT_MET, "late", N_("已超期 %(n)s 天。")
        rule = N_("%(last)s %(name)s，%(length)s内即不晚于 %(until)s 须再次%(what)s；")
        return Verdict(
            outcome,
            lambda: joined(
                [self._sentence(rule, case, found), Translatable(words, {"n": abs(left)})]
            ),
            {**numbers, kind: abs(left)},
            until=found.limit,
        )

    def _sentence(self, template: str, case: Case, found: _Gap, **more: int) -> Translatable:
        return Translatable(
            template,
            {
                "last": found.last.isoformat(),
                "name": Translatable(found.name),
                "length": words_of(found.amounts),
                "until": found.limit.isoformat(),
                "what": self._what(case),
                "day": case.day.isoformat(),
                **more,
            },
        )

    def _what(self, case: Case) -> Translatable:
        return Translatable(self.what or case.title(self.records[0]))

    def _gap(self, case: Case) -> _Gap | None:
        """Return the interval that is running on the judged day."""
        start = begun(case, self.start)
        if start is None:
            return None
        last, name = start.day, start.name
        record = case.earlier(self.records)
        # A record made before the start, by its day, does not begin a new interval.
        if record is not None and record.occurred_on > last:
            last, name = record.occurred_on, self.what or case.title(self.records[0])
        amounts = self.every.resolve(case)
        return _Gap(last, name, amounts, after(last, amounts, case))

    def _too_few(self, case: Case, numbers: dict[str, int | str]) -> list[Translatable]:
        months, least = case.amount(self.in_last), case.amount(self.at_least)
        first = add_months(case.day, -months)
        records = [o for o in self._recorded(case) if first <= o.occurred_on <= case.day]
        numbers |= {"records": len(records), "least": least}
        if len(records) >= least:
            return []
        template = N_("%(day)s 前 %(months)s 个月内%(what)s %(n)s 次，须不少于 %(least)s 次。")
        params = {
            "day": case.day.isoformat(),
            "months": months,
            "what": self._what(case),
            "n": len(records),
            "least": least,
        }
        return [Translatable(template, params)]

    def _recorded(self, case: Case) -> list[Occurrence]:
        return [
            o
            for element in self.records
            for o in case.facts.all(element)
            if case.before is None or o.seq < case.before
        ]
