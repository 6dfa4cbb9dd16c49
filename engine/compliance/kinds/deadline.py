"""Deadline: a step is done within a length of time from another (期限).

The last day is lawful, the day after is not. The day from which it runs is not counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, NamedTuple

from engine.compliance.case import Case
from engine.compliance.kinds.spans import Begun, Length, Start, after, begun, still_to_do, words_of
from engine.compliance.results import Outcome, Severity
from engine.compliance.rules import Verdict
from engine.errors import N_, Translatable
from engine.expressions import Expression


@dataclass(frozen=True, slots=True)
class Deadline:
    """Within ``within`` of ``start``; with a reason within ``or_within``, or whenever."""

    start: Start
    within: Length
    reason: Expression | None = None
    """True when a reason for being late was recorded."""
    or_within: Length | None = None
    """The limit that holds with a reason; None, or nothing: a reason excuses any delay."""
    warn_from: Start | None = None
    """An earlier start: past the limit from it, it is only a warning."""
    must: str = ""
    """What has to be done, in words; otherwise the title of the step."""

    ahead: ClassVar[bool] = True

    def judge(self, case: Case) -> Verdict | None:
        """Judge a step that was done."""
        start = begun(case, self.start)
        if start is None:
            return None
        limits = _limits(self, case, start)
        day = case.day
        if day <= limits.last:
            if limits.warn is None or day <= limits.warn.last:
                return Verdict(
                    Outcome.MET,
                    lambda: _sentence(N_("%(limit)s；实际 %(day)s，没有超期。"), limits, day),
                    lambda: _numbers(limits, day),
                )
            if self._excused(case, limits.warn, day):
                return _late_with_reason(limits.warn, day)
            return _late(limits.warn, day, Severity.WARNING)
        if self._excused(case, limits, day):
            return _late_with_reason(limits, day)
        longer = self._longer(case, limits)
        return _late(longer if longer and longer.reasoned else limits, day)

    def outstanding(self, case: Case) -> Verdict | None:
        """Say until when a step has to be done, or that it is late."""
        start = begun(case, self.start)
        if start is None or not still_to_do(case, start.occurrence):
            return None
        limits = _limits(self, case, start)
        day = case.day
        near = limits.warn or limits
        if day <= near.last:
            left = (near.last - day).days
            return Verdict(
                Outcome.PENDING,
                lambda: _sentence(N_("%(limit)s；还有 %(left)s 天。"), near, day, left=left),
                lambda: {**_numbers(near, day), "left": left},
                until=near.last,
            )
        over, severity = (limits, None) if day > limits.last else (near, Severity.WARNING)
        late = (day - over.last).days
        return Verdict(
            Outcome.NOT_MET,
            _sentence(
                N_("%(limit)s；至 %(day)s 仍未办理，已超期 %(late)s 天。"), over, day, late=late
            ),
            {**_numbers(over, day), "late": late},
            until=over.last,
            severity=severity,
        )

    def _excused(self, case: Case, limits: _Limits, day: date) -> bool:
        longer = self._longer(case, limits)
        return longer is not None and longer.reasoned and (longer.open or day <= longer.last)

    def _longer(self, case: Case, limits: _Limits) -> _Limits | None:
        """Return the limits that hold with a reason."""
        if self.reason is None:
            return None
        reasoned = case.holds(self.reason)
        amounts = {} if self.or_within is None else self.or_within.resolve(case)
        if not amounts:
            return _Limits(
                limits.begun, limits.amounts, limits.last, limits.must, None, reasoned, True
            )
        last = after(limits.begun.day, amounts, case)
        return _Limits(limits.begun, amounts, last, limits.must, None, reasoned)


class _Limits(NamedTuple):
    begun: Begun
    amounts: Mapping[str, int]
    last: date
    must: str
    warn: _Limits | None = None
    reasoned: bool = False
    open: bool = False


def _limits(check: Deadline, case: Case, start: Begun) -> _Limits:
    amounts = check.within.resolve(case)
    must = check.must or case.title(case.element)
    warn: _Limits | None = None
    if check.warn_from is not None:
        earlier = begun(case, check.warn_from)
        if earlier is not None and earlier.day < start.day:
            warn = _Limits(earlier, amounts, after(earlier.day, amounts, case), must)
    return _Limits(start, amounts, after(start.day, amounts, case), must, warn)


def _limit_in_words(limits: _Limits) -> Translatable:
    return Translatable(
        N_("%(from)s %(name)s，%(length)s内即不晚于 %(until)s 须%(must)s"),
        {
            "from": limits.begun.day.isoformat(),
            "name": Translatable(limits.begun.name),
            "length": words_of(limits.amounts),
            "until": limits.last.isoformat(),
            "must": Translatable(limits.must),
        },
    )


def _sentence(template: str, limits: _Limits, day: date, **more: int) -> Translatable:
    return Translatable(
        template, {"limit": _limit_in_words(limits), "day": day.isoformat(), **more}
    )


def _numbers(limits: _Limits, day: date) -> dict[str, int | str]:
    return {
        "from": limits.begun.day.isoformat(),
        **limits.amounts,
        "until": limits.last.isoformat(),
        "day": day.isoformat(),
    }


def _late(limits: _Limits, day: date, severity: Severity | None = None) -> Verdict:
    late = (day - limits.last).days
    return Verdict(
        Outcome.NOT_MET,
        _sentence(N_("%(limit)s；实际 %(day)s，超期 %(late)s 天。"), limits, day, late=late),
        {**_numbers(limits, day), "late": late},
        severity=severity,
    )


def _late_with_reason(limits: _Limits, day: date) -> Verdict:
    late = (day - limits.last).days
    return Verdict(
        Outcome.MET,
        _sentence(
            N_("%(limit)s；实际 %(day)s，晚了 %(late)s 天，已按规定写明原因。"),
            limits,
            day,
            late=late,
        ),
        {**_numbers(limits, day), "late": late},
    )
