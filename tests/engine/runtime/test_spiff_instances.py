"""Multi-instance and loops of one task."""

from datetime import date

import pytest

from engine.errors import ExpressionFault
from engine.runtime.spiff import Run
from tests.bpmn_builder import Boundary, Loop, Sub, Task, Xor, instances, message
from tests.spiff_driver import Instance, parse

PEOPLE = [f"p{i}" for i in range(200)]


def test_two_hundred_people_in_parallel():
    loop = instances("people", item="person", output=("answers", "answer"))
    ask = Xor([("len(answers) == 200", [Task("good")]), (None, [Task("bad")])])
    instance = Instance(parse([Task("pick"), Task("vote", loop=loop), ask]))
    instance.complete("pick", people=PEOPLE)
    tasks = instance.run.open_tasks()
    assert len(tasks) == 200
    assert [t.item for t in tasks] == list(range(200))
    assert [t.value for t in tasks] == PEOPLE
    uids = {t.uid for t in tasks}
    assert len(uids) == 200
    for number in reversed(range(200)):
        instance.complete("vote", item=number, answer=f"yes{number}")
        assert {t.uid for t in instance.run.open_tasks()} <= uids or number == 0
    assert instance.open() == ["good"]
    assert instance.task("good").variables["answers"] == [f"yes{n}" for n in reversed(range(200))]
    assert "person" not in instance.task("good").variables


def test_two_hundred_people_one_after_the_other():
    loop = instances("people", item="person", output=("answers", "answer"), sequential=True)
    ask = Xor([("answers[199] == 'a199'", [Task("good")]), (None, [])])
    instance = Instance(parse([Task("pick"), Task("vote", loop=loop), ask]))
    instance.complete("pick", people=PEOPLE)
    for number in range(200):
        [task] = instance.run.open_tasks()
        assert (task.item, task.value) == (number, PEOPLE[number])
        instance.complete("vote", answer=f"a{number}")
    assert instance.open() == ["good"]


def test_two_hundred_subprocesses():
    loop = instances("people", item="person")
    each = Sub("each", [Task("a"), Task("b")], loop=loop)
    instance = Instance(parse([Task("pick"), each, Task("done")]))
    instance.complete("pick", people=PEOPLE)
    assert instance.open() == ["a"] * 200
    assert instance.task("a", item=7).value == "p7"
    for number in range(200):
        instance.restoring = number % 10 == 0
        instance.complete("a", item=number)
        instance.complete("b", item=number)
    assert instance.open() == ["done"]


def test_instances_by_number_and_by_key():
    spec = parse([Task("ask"), Task("t", loop=instances(cardinality="n")), Task("done")])
    instance = Instance(spec)
    assert instance.complete("ask", n=3) == ["t", "t", "t"]
    assert [t.item for t in instance.run.open_tasks()] == [0, 1, 2]
    loop = instances("posts", item="who", output=("done_by", "by"))
    spec = parse([Task("ask"), Task("t", loop=loop), Xor([("done_by", [Task("end")]), (None, [])])])
    instance = Instance(spec)
    instance.complete("ask", posts={"secretary": 1, "deputy": 2})
    assert [(t.item, t.value) for t in instance.run.open_tasks()] == [
        ("secretary", 1),
        ("deputy", 2),
    ]
    instance.complete("t", item="deputy", by="x")
    assert instance.complete("t", item="secretary", by="y") == ["end"]
    assert instance.task("end").variables["done_by"] == {"deputy": "x", "secretary": "y"}


def test_nobody_at_all_is_passed_over():
    instance = Instance(parse([Task("ask"), Task("t", loop=instances("people")), Task("done")]))
    assert instance.complete("ask", people=[]) == ["done"]


def test_a_missing_collection_is_a_fault():
    instance = Instance(parse([Task("ask"), Task("t", loop=instances("people")), Task("done")]))
    with pytest.raises(ExpressionFault):
        instance.complete("ask")


def test_a_condition_may_end_the_rest():
    loop = instances("people", output=("answers", "answer"), until="len(answers) >= 2")
    for sequential in (False, True):
        if sequential:
            loop = loop.replace('"false"', '"true"')
        instance = Instance(parse([Task("pick"), Task("vote", loop=loop), Task("done")]))
        instance.complete("pick", people=PEOPLE[:5])
        instance.complete("vote", item=0, answer=1)
        assert "vote" in instance.open()
        item = 1 if sequential else 3
        assert instance.complete("vote", item=item, answer=1) == ["done"]


def test_a_multi_instance_may_run_again_in_a_loop():
    loop = instances("people", item="person", output=("answers", "answer"))
    again = Loop([Task("pick"), Task("vote", loop=loop)], "len(answers) < 3")
    for sequential in ("false", "true"):
        again.body[1].loop = loop.replace('"false"', f'"{sequential}"')
        instance = Instance(parse([again, Task("done")]))
        instance.complete("pick", people=[1, 2])
        instance.complete("vote", answer="a")
        assert instance.complete("vote", answer="b") == ["pick"]
        instance.complete("pick", people=[1, 2, 3])
        for _ in range(3):
            instance.complete("vote", answer="c")
        assert instance.open() == ["done"]
        assert instance.task("done").variables["answers"] == ["c", "c", "c"]


def test_days_of_instances_reach_what_follows():
    loop = instances(cardinality="2", output=("answers", "answer"))
    instance = Instance(parse([Task("vote", loop=loop), Task("done")]))
    instance.complete("vote", date(2026, 5, 2), item=1)
    instance.complete("vote", date(2026, 5, 1), item=0)
    assert instance.task("done").not_before == date(2026, 5, 2)


def test_each_instance_is_passed_and_then_the_whole():
    instance = Instance(parse([Task("vote", loop=instances(cardinality="2")), Task("done")]))
    instance.complete("vote", item=0)
    assert [(p.element, p.instance) for p in instance.run.passed] == [("vote", True)]
    instance.complete("vote", item=1)
    assert [(p.element, p.instance) for p in instance.run.passed] == [
        ("vote", True),
        ("vote", False),
    ]


def test_a_boundary_ends_all_instances():
    stop = Boundary("stop", message("stop"), [Task("why")])
    task = Task("vote", loop=instances(cardinality="50"), boundary=[stop])
    instance = Instance(parse([task, Task("done")]))
    instance.complete("vote", item=7)
    instance.deliver("stop")
    assert instance.open() == ["why"]


def test_a_standard_loop_repeats_while_its_condition_holds():
    loop = (
        "<standardLoopCharacteristics><loopCondition>more</loopCondition>"
        "</standardLoopCharacteristics>"
    )
    instance = Instance(parse([Task("t", loop=loop), Task("done")]))
    size = None
    for number in range(60):
        assert instance.complete("t", more=True) == ["t"]
        if number == 30:
            size = len(instance.run.snapshot())
    assert len(instance.run.snapshot()) == size
    assert instance.complete("t", more=False) == ["done"]


def test_too_many_instances_are_refused():
    instance = Instance(parse([Task("a"), Task("t", loop=instances(cardinality="n"))]))
    with pytest.raises(ExpressionFault, match="2000"):
        instance.complete("a", n=10_000_000)


def test_the_specification_is_not_changed_by_running():
    loop = instances("people", item="person")
    spec = parse([Task("pick"), Task("vote", loop=loop), Sub("s", [Task("x")])])

    def shape() -> object:
        return [
            (name, list(t._inputs), list(t._outputs), t.completed_event.n_subscribers())
            for scope in (spec.spec, *spec.subprocess_specs.values())
            for name, t in scope.task_specs.items()
        ]

    before = shape()
    for _ in range(2):
        instance = Instance(spec)
        instance.complete("pick", people=[1, 2])
        instance.complete("vote")
        instance.complete("vote")
        instance.complete("x")
        assert isinstance(instance.run, Run) and instance.run.completed
    assert shape() == before
