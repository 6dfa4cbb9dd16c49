"""Which step counts for which period."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from engine.definitions.duties import DutyPeriod
from engine.duties.allotting import Held, Owed, allot, fulfilled
from engine.duties.periods import last_day, periods_between


def owed(kind: DutyPeriod, *, carry: int = 0, times: int = 1, make_up: int = 3) -> list[Owed]:
    return [
        Owed(number, p.first, p.last, last_day(p, carry), times, make_up_months=make_up)
        for number, p in enumerate(
            periods_between(kind, date(2026, 1, 1), date(2027, 12, 31)), start=1
        )
    ]


def held(*days: date) -> list[Held]:
    return [Held(number, 5, day) for number, day in enumerate(days, start=1)]


def counted(duties: list[Owed], *days: date) -> dict[int, tuple[date, ...]]:
    steps = held(*days)
    return {id: far.days for id, far in fulfilled(steps, allot(duties, steps)).items()}


def test_a_step_counts_for_the_month_it_happened_in() -> None:
    months = owed(DutyPeriod.MONTH)
    assert counted(months, date(2026, 1, 31), date(2026, 2, 1)) == {
        1: (date(2026, 1, 31),),
        2: (date(2026, 2, 1),),
    }


def test_a_second_one_makes_up_for_the_earliest_missed() -> None:
    months = owed(DutyPeriod.MONTH)
    days = date(2026, 3, 3), date(2026, 3, 20), date(2026, 3, 30)
    assert counted(months, *days) == {3: (days[0],), 1: (days[1],), 2: (days[2],)}


def test_what_was_missed_long_ago_is_not_made_up() -> None:
    months = owed(DutyPeriod.MONTH)
    first, last = date(2026, 4, 30), date(2026, 5, 1)
    assert 1 in counted(months, date(2026, 4, 1), first)
    assert 1 not in counted(owed(DutyPeriod.MONTH, make_up=2), date(2026, 4, 1), last)


def test_what_carries_over_counts_for_the_year_before_while_that_lacks_it() -> None:
    years = owed(DutyPeriod.YEAR, carry=3)
    assert counted(years, date(2027, 3, 31)) == {1: (date(2027, 3, 31),)}
    assert counted(years, date(2027, 4, 1)) == {2: (date(2027, 4, 1),)}
    assert counted(years, date(2026, 12, 1), date(2027, 2, 1)) == {
        1: (date(2026, 12, 1),),
        2: (date(2027, 2, 1),),
    }


def test_a_matter_started_for_a_period_makes_up_for_it() -> None:
    months = owed(DutyPeriod.MONTH)
    months[0] = Owed(1, date(2026, 1, 1), date(2026, 1, 31), date(2026, 1, 31), 1, 77, 3)
    step = Held(77, 4, date(2026, 2, 10))
    assert allot(months, [step]) == {(77, 4): 1}
    early = Held(77, 4, date(2025, 12, 31))
    assert allot(months, [early]) == {}


def test_several_times_in_a_period() -> None:
    years = owed(DutyPeriod.YEAR, times=2)
    days = date(2026, 5, 1), date(2026, 6, 1), date(2026, 7, 1)
    steps = held(*days)
    far = fulfilled(steps, allot(years, steps))[1]
    assert far.done_on(2) == days[1]
    assert far.days == days
    assert far.done_on(4) is None


@given(st.lists(st.dates(date(2025, 11, 1), date(2028, 2, 1)), max_size=40), st.integers(0, 6))
def test_no_step_counts_twice_and_more_steps_never_leave_less_done(
    days: list[date], carry: int
) -> None:
    duties = owed(DutyPeriod.QUARTER, carry=carry)
    before = 0
    for number in range(len(days) + 1):
        steps = held(*days[:number])
        found = allot(duties, steps)
        assert set(found) <= {(s.instance_id, s.seq) for s in steps}
        done = sum(bool(far.days) for far in fulfilled(steps, found).values())
        assert done >= before
        before = done
