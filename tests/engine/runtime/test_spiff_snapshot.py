"""The state of a run stays small, whatever happened before, and says what it means."""

from datetime import date, timedelta

import pytest

from engine.errors import EngineFault, StepBudgetExceeded
from engine.runtime.snapshot import SnapshotUnreadable
from engine.runtime.spiff import Run
from tests.bpmn_builder import (
    Boundary,
    Call,
    Catch,
    Fork,
    Loop,
    Sub,
    Task,
    Throw,
    Xor,
    cycle,
    duration,
    message,
)
from tests.spiff_driver import DAY, Instance, environment, parse


def test_two_thousand_rounds_with_fork_and_join_inside():
    again = Loop([Task("a"), Fork([[Task("b")], [Task("c")]])], "more")
    instance = Instance(parse([again, Task("done")]))
    sizes = set()
    for number in range(2_000):
        instance.complete("a", more=True)
        # The branches arrive in either order; the join must wait for both each time.
        first, second = ("b", "c") if number % 2 else ("c", "b")
        assert instance.complete(first, more=True) == [second]
        assert instance.complete(second, more=True) == ["a"]
        if number > 1_000:
            sizes.add(len(instance.run.snapshot()))
    assert max(sizes) < 250
    assert max(sizes) - min(sizes) <= 8
    instance.complete("a", more=False)
    instance.complete("b")
    assert instance.complete("c") == ["done"]


def test_thousands_of_automatic_activities_in_one_step():
    # A cycle timer that is 1 500 rounds late catches up at once, in a tree that stays small.
    tick = Boundary("tick", cycle("R1500/PT1M"), [Sub("s", [Throw("t")])], interrupting=False)
    instance = Instance(parse([Task("b", boundary=[tick])]))
    assert instance.advance(instance.clock.at + timedelta(days=30)) == 1_500
    assert instance.passed().count("tick") == 1_500
    assert instance.passed().count("t") == 1_500
    assert instance.open() == ["b"]
    assert len(instance.run.snapshot()) < 300


def test_an_endless_automatic_loop_is_stopped_with_a_small_tree():
    endless = Loop([Fork([[Throw("x")], [Sub("s", [Throw("y")])]])], "True")
    instance = Instance(parse([Task("a"), endless]), environment(step_budget=12_000))
    with pytest.raises(StepBudgetExceeded):
        instance.complete("a")
    assert len(instance.run._workflow.tasks) < 600


def test_an_instance_of_25_tasks_stays_within_a_kilobyte():
    body = []
    for stage in range(5):
        steps = [
            Task(f"recommend_and_decide_{stage}"),
            Xor([(f"decision_{stage} == 'agree'", [Task(f"file_{stage}")]), (None, [])]),
            Fork([[Task(f"examine_{stage}")], [Catch(f"wait_{stage}", duration("P1Y"))]]),
            Xor([(f"on['recommend_and_decide_{stage}'] > '2020'", []), (None, [])]),
            Task(f"report_{stage}"),
            Task(f"archive_{stage}"),
        ]
        stop = Boundary(f"withdrawn_{stage}", message("withdraw"), [])
        body.append(Sub(f"stage_{stage}", steps, boundary=[stop]))
    spec = parse(body)
    assert sum(e.kind == "userTask" for e in spec.elements.values()) == 25
    instance = Instance(spec)
    instance.clock.set(date(2040, 1, 1))
    day, largest, steps = date(2026, 1, 1), 0, 0
    while tasks := instance.run.open_tasks():
        task = tasks[0]
        values = {f"decision_{i}": "agree" for i in range(5)}
        instance.complete(task.element, day, **values)
        largest = max(largest, len(instance.run.snapshot()))
        day += timedelta(days=20)
        steps += 1
    assert steps == 25
    assert instance.run.completed
    assert largest <= 1_000


def test_ids_of_what_waits_stay_the_same():
    late = Boundary("late", duration("P1Y"), [Task("r")])
    body = [
        Fork([[Task("a", boundary=[late])], [Catch("c", message("m"))], [Sub("s", [Task("b")])]])
    ]
    instance = Instance(parse(body))
    for _ in range(3):
        before = instance.run
        after = instance.fresh()
        assert after is not before
        assert after.open_tasks() == before.open_tasks()
        assert after.timers() == before.timers()
        assert after.subscriptions() == before.subscriptions()
        assert after.snapshot() == before.snapshot()


def test_restoring_an_old_snapshot_goes_back_exactly():
    spec = parse([Task("a"), Fork([[Task("b")], [Task("c")]]), Task("d")])
    instance = Instance(spec)
    instance.complete("a")
    before = instance.run.snapshot()
    instance.complete("b")
    instance.complete("c")
    again = Run.restore(spec, before, instance.env)
    assert [t.element for t in again.open_tasks()] == ["b", "c"]


def test_a_straight_line_of_five_hundred_tasks():
    spec = parse([Task(f"t{i}") for i in range(500)])
    instance = Instance(spec)
    for number in range(500):
        assert instance.open() == [f"t{number}"]
        instance.complete(f"t{number}")
    assert instance.run.completed


def test_calls_of_calls():
    names = [f"p{i}" for i in range(12)]
    others = {
        name: [Task(f"t_{name}"), Call(f"call_{name}", following)]
        for name, following in zip(names, [*names[1:], "last"], strict=True)
    }
    spec = parse([Call("call", "p0"), Task("done")], last=[Task("end_task")], **others)
    instance = Instance(spec)
    for name in names:
        assert instance.open() == [f"t_{name}"]
        instance.complete(f"t_{name}")
    assert instance.complete("end_task") == ["done"]


@pytest.mark.parametrize(
    "blob", [b"", b"\x00", b"\x02\x90", b"\x01", b"\x01garbage", b"\x01\x93\x90\x90\x00"]
)
def test_what_cannot_be_read_is_an_engine_fault(blob):
    spec = parse([Task("a")])
    with pytest.raises(SnapshotUnreadable):
        Run.restore(spec, blob, environment())
    assert issubclass(SnapshotUnreadable, EngineFault)


def test_a_snapshot_of_another_definition_is_refused():
    blob = Instance(parse([Task("a"), Task("b")])).run.snapshot()
    with pytest.raises(SnapshotUnreadable):
        Run.restore(parse([Task("x")]), blob, environment())


def test_many_threads_share_one_specification():
    from concurrent.futures import ThreadPoolExecutor

    spec = parse(
        [
            Task("pick"),
            Fork([[Task("a")], [Sub("s", [Task("b")], boundary=[Boundary("m", message("m"))])]]),
            Xor([("x == 3", [Task("end")]), (None, [])]),
        ]
    )

    def live(number: int) -> list[str]:
        instance = Instance(spec)
        instance.complete("pick", DAY, x=number % 5)
        instance.complete("b")
        return instance.complete("a")

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(live, range(200)))
    assert results == [["end"] if number % 5 == 3 else [] for number in range(200)]
