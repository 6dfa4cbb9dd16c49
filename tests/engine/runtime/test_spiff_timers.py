"""Timers count by the calendar, from the days on which things happened, and by our clock."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.clock import ZONE
from engine.definitions.timers import Duration, is_literal, parse_duration, parse_moment
from engine.errors import ExpressionFault
from tests.bpmn_builder import (
    Boundary,
    Catch,
    First,
    Fork,
    Loop,
    Task,
    Xor,
    cycle,
    date_timer,
    duration,
    instances,
    message,
)
from tests.spiff_driver import NOON, Instance, environment, parse


def due_days(instance: Instance) -> list[str]:
    return [t.due_at.astimezone(ZONE).isoformat() for t in instance.run.timers()]


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("P1Y", "2027-02-28T00:00:00+08:00"),
        ("'P1Y'", "2027-02-28T00:00:00+08:00"),
        ("P1M", "2026-03-28T00:00:00+08:00"),
        ("P1Y6M", "2027-08-28T00:00:00+08:00"),
        ("P2W", "2026-03-14T00:00:00+08:00"),
        ("P10D", "2026-03-10T00:00:00+08:00"),
        ("P1DT12H", "2026-03-01T12:00:00+08:00"),
        ("PT1H", "2026-11-22T13:00:00+08:00"),
        ("PT0.5S", "2026-11-22T12:00:00.500000+08:00"),
    ],
)
def test_durations_count_from_the_latest_day_or_from_now(text, due):
    instance = Instance(parse([Task("a"), Catch("wait", duration(text)), Task("b")]))
    if not text.startswith("PT"):
        instance.clock.set(date(2026, 2, 28))
    instance.complete("a", date(2026, 2, 28))
    assert due_days(instance) == [due]


@pytest.mark.parametrize(
    ("day", "months", "due"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2026, 12, 15), 2, date(2027, 2, 15)),
    ],
)
def test_months_are_those_of_the_calendar(day, months, due):
    instance = Instance(parse([Task("a"), Catch("wait", duration(f"P{months}M"))]))
    instance.clock.set(day)
    instance.complete("a", day)
    [timer] = instance.run.timers()
    assert timer.due_at.astimezone(ZONE).date() == due


def test_a_duration_without_any_day_counts_from_today():
    instance = Instance(parse([Catch("wait", duration("P1D")), Task("a")]))
    assert due_days(instance) == ["2026-11-23T00:00:00+08:00"]
    assert instance.advance(datetime(2026, 11, 22, 23, 59, tzinfo=ZONE)) == 0
    assert instance.advance(datetime(2026, 11, 23, 0, 0, tzinfo=ZONE)) == 1
    assert instance.open() == ["a"]


@pytest.mark.parametrize(
    ("source", "due"),
    [
        ('add_months(on["a"], 12)', "2027-06-10T00:00:00+08:00"),
        ("'2027-06-10'", "2027-06-10T00:00:00+08:00"),
        ("2027-06-10", "2027-06-10T00:00:00+08:00"),
        ("2027-06-10T09:30:00", "2027-06-10T09:30:00+08:00"),
        ("2027-06-10T09:30:00Z", "2027-06-10T17:30:00+08:00"),
    ],
)
def test_dates_are_days_in_shanghai(source, due):
    instance = Instance(parse([Task("a"), Catch("wait", date_timer(source)), Task("b")]))
    instance.complete("a", date(2026, 6, 10))
    assert due_days(instance) == [due]


def test_a_timer_that_is_already_due_fires_in_the_same_step():
    spec = parse([Task("a"), Catch("wait", duration("P1Y")), Task("b")])
    instance = Instance(spec)
    assert instance.complete("a", date(2020, 1, 1)) == ["b"]
    assert instance.passed() == ["a", "wait"]


def test_of_two_due_boundaries_the_earlier_one_counts():
    first = Boundary("first", duration("P1M"), [Task("early")])
    second = Boundary("second", duration("P2M"), [Task("late")])
    for boundary in ((first, second), (second, first)):
        instance = Instance(parse([Task("a"), Task("b", boundary=boundary)]))
        assert instance.complete("a", date(2020, 1, 1)) == ["early"]
        assert instance.run.timers() == []


def test_timers_fire_in_the_order_of_their_moments():
    spec = parse(
        [
            Fork(
                [
                    [Catch("w3", duration("P3D")), Task("t3")],
                    [Catch("w1", duration("P1D")), Task("t1")],
                    [Catch("w2", duration("P2D")), Task("t2")],
                ]
            )
        ]
    )
    instance = Instance(spec)
    assert [t.element for t in instance.run.timers()] == ["w1", "w2", "w3"]
    assert instance.advance(date(2026, 12, 31)) == 3
    assert instance.passed() == ["w1", "w2", "w3"]


def test_an_interrupting_boundary_timer_takes_the_task_away():
    late = Boundary("late", duration("P1M"), [Task("remedy")])
    instance = Instance(parse([Task("a"), Task("b", boundary=[late]), Task("c")]))
    instance.complete("a", date(2026, 11, 20))
    assert instance.advance(date(2026, 12, 19)) == 0
    assert instance.open() == ["b"]
    assert instance.advance(date(2026, 12, 20)) == 1
    assert instance.open() == ["remedy"]
    assert "b" not in instance.passed()


def test_the_boundary_timer_goes_when_the_task_is_done():
    late = Boundary("late", duration("P1M"), [Task("remedy")], interrupting=False)
    instance = Instance(parse([Task("b", boundary=[late]), Task("c")]))
    instance.complete("b", date(2026, 11, 20))
    assert instance.run.timers() == []
    assert instance.open() == ["c"]


def test_a_gateway_with_two_timers_waits_for_the_earlier_one():
    gateway = First(
        "wait",
        [
            ("long", duration("P2M"), [Task("l")]),
            ("short", duration("P1M"), [Task("s")]),
            ("said", message("go"), [Task("m")]),
        ],
    )
    instance = Instance(parse([gateway]))
    timers = instance.run.timers()
    assert [t.element for t in timers] == ["short", "long"]
    assert len({t.uid for t in timers} | {s.uid for s in instance.run.subscriptions()}) == 3
    assert instance.advance(date(2027, 6, 1)) == 1
    assert instance.open() == ["s"]
    assert instance.run.timers() == []


def test_cycles_start_a_token_each_round_and_catch_up_in_order():
    remind = Boundary("remind", cycle("R3/P1M"), [Task("r")], interrupting=False)
    instance = Instance(parse([Task("a"), Task("b", boundary=[remind])]))
    instance.clock.set(date(2026, 2, 1))
    instance.complete("a", date(2026, 1, 31))
    assert due_days(instance) == ["2026-02-28T00:00:00+08:00"]
    assert instance.advance(date(2026, 3, 1)) == 1
    assert due_days(instance) == ["2026-03-31T00:00:00+08:00"]
    assert instance.open() == ["b", "r"]
    assert instance.advance(date(2026, 12, 1)) == 2
    assert instance.open() == ["b", "r", "r", "r"]
    assert instance.run.timers() == []
    instance.complete("b", date(2026, 12, 1))
    assert instance.open() == ["r", "r", "r"]
    for _ in range(3):
        instance.complete("r")
    assert instance.run.completed


def test_a_cycle_without_end_goes_on():
    tick = Boundary("tick", cycle("R/PT1H"), [], interrupting=False)
    instance = Instance(parse([Task("b", boundary=[tick])]))
    assert instance.advance(NOON + timedelta(hours=48)) == 48
    assert len(instance.run.snapshot()) < 400
    assert len(instance.run.timers()) == 1
    instance.complete("b")
    assert instance.run.completed


def test_a_cycle_may_name_its_first_round():
    tick = Boundary("tick", cycle("R2/2026-12-01/P1M"), [], interrupting=False)
    instance = Instance(parse([Task("b", boundary=[tick])]))
    assert due_days(instance) == ["2026-12-01T00:00:00+08:00"]
    instance.advance(date(2026, 12, 2))
    assert due_days(instance) == ["2027-01-01T00:00:00+08:00"]


def test_an_interrupting_cycle_fires_once():
    tick = Boundary("tick", cycle("R5/P1M"), [Task("r")])
    instance = Instance(parse([Task("b", boundary=[tick])]))
    assert instance.advance(date(2027, 12, 1)) == 1
    assert instance.open() == ["r"]
    instance.complete("r")
    assert instance.run.completed


def test_a_cycle_before_a_multi_instance_starts_it_once_a_round():
    each = Task("each", loop=instances(cardinality="2"))
    tick = Boundary("tick", cycle("R2/P1M"), [each], interrupting=False)
    instance = Instance(parse([Task("b", boundary=[tick])]))
    instance.advance(date(2027, 12, 1))
    assert instance.open() == ["b", "each", "each", "each", "each"]


def test_the_due_moment_does_not_move_when_the_instance_is_restored():
    spec = parse([Task("a"), Catch("wait", duration("PT1H")), Task("b")])
    instance = Instance(spec)
    instance.complete("a")
    before = instance.run.timers()
    instance.clock.set(NOON + timedelta(minutes=30))
    assert instance.fresh().timers() == before
    assert instance.advance(NOON + timedelta(minutes=59)) == 0
    assert instance.advance(NOON + timedelta(minutes=60)) == 1


def test_a_timer_in_a_loop_is_armed_anew():
    instance = Instance(
        parse([Loop([Task("a"), Catch("wait", duration("P1M"))], "again"), Task("done")]),
        environment(variables=frozenset({"again"})),
    )
    instance.clock.set(date(2026, 1, 2))
    instance.complete("a", date(2026, 1, 1), again=True)
    instance.advance(date(2026, 2, 1))
    assert instance.open() == ["a"]
    instance.complete("a", date(2026, 2, 1), again=False)
    assert due_days(instance) == ["2026-03-01T00:00:00+08:00"]
    instance.advance(date(2026, 3, 1))
    assert instance.open() == ["done"]


def test_waits_in_a_row_add_up():
    late = Boundary("late", duration("P1M"), [Task("remedy")])
    spec = parse(
        [
            Task("a"),
            Catch("year", duration("P1Y")),
            Catch("month", duration("P1M")),
            Task("b", boundary=[late]),
        ]
    )
    instance = Instance(spec)
    instance.clock.set(date(2029, 3, 10))
    instance.complete("a", date(2028, 1, 31))
    # Both waits are over, the month for the task is not.
    assert instance.open() == ["b"]
    assert instance.task("b").not_before == date(2029, 2, 28)
    assert due_days(instance) == ["2029-03-28T00:00:00+08:00"]


def test_a_date_in_the_past_does_not_move_the_latest_day_back():
    instance = Instance(parse([Task("a"), Catch("w", date_timer("2020-01-01")), Task("b")]))
    instance.complete("a", date(2026, 1, 1))
    assert instance.task("b").not_before == date(2026, 1, 1)


def test_rounds_of_a_cycle_can_reach_a_join():
    # Each round brings a token to the join; the other branch brings one.
    instance = Instance(parse([Fork([[Catch("tick", cycle("R2/P1M"))], [Task("a")]]), Task("b")]))
    assert instance.advance(date(2027, 6, 1)) == 2
    assert instance.open() == ["a"]
    assert instance.complete("a") == ["b"]
    assert instance.task("b").not_before == date(2026, 12, 22)


def test_a_timer_without_date_is_a_fault():
    spec = parse([Task("a"), Catch("wait", date_timer("when"))])
    with pytest.raises(ExpressionFault, match="没有得到日期"):
        Instance(spec).complete("a")
    with pytest.raises(ExpressionFault, match="P1X"):
        Instance(parse([Task("a"), Catch("wait", duration("'P1X'"))])).complete("a")


def test_a_date_may_depend_on_a_choice():
    source = "add_months(on['a'], 12 if extended else 6)"
    instance = Instance(parse([Task("a"), Catch("w", date_timer(source)), Xor([(None, [])])]))
    instance.complete("a", date(2026, 8, 31), extended=False)
    assert due_days(instance) == ["2027-02-28T00:00:00+08:00"]


@given(
    years=st.integers(0, 50), months=st.integers(0, 200), weeks=st.integers(0, 100),
    days=st.integers(0, 4000), hours=st.integers(0, 999), seconds=st.integers(0, 9999),
)  # fmt: skip
def test_durations_are_read_as_written(years, months, weeks, days, hours, seconds):
    text = f"P{years}Y{months}M{weeks}W{days}DT{hours}H{seconds}S"
    assert parse_duration(text) == Duration(
        12 * years + months, 7 * weeks + days, 3600 * hours + seconds
    )


@given(st.text(alphabet="PTYMWDHSR/0123456789.-: '", max_size=14))
def test_anything_else_is_refused(text):
    if not is_literal(text, "duration"):
        with pytest.raises(ExpressionFault):
            parse_duration(text)
    with suppress(ExpressionFault):
        assert parse_moment(text).tzinfo is UTC


@given(
    start=st.dates(date(1990, 1, 1), date(2090, 1, 1)),
    months=st.integers(1, 48),
    times=st.integers(1, 20),
)
def test_rounds_of_months_never_drift(start, months, times):
    moment = datetime(start.year, start.month, start.day, tzinfo=ZONE)
    due = Duration(months, 0, 0).after(moment, times).astimezone(ZONE).date()
    assert (due.year * 12 + due.month) - (start.year * 12 + start.month) == months * times
    assert due.day <= start.day
    assert due.day == start.day or (due + timedelta(days=1)).day == 1
