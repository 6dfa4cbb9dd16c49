"""Branches of a run: where they join, and what they know of one another."""

from datetime import date

from tests.bpmn_builder import (
    Fork,
    Loop,
    Or,
    Sub,
    Task,
    Xor,
)
from tests.spiff_driver import Instance, environment, parse


def test_branches_join_when_all_have_arrived():
    spec = parse([Fork([[Task("a")], [Task("b")], [Task("c")]]), Task("d")])
    instance = Instance(spec)
    assert instance.open() == ["a", "b", "c"]
    assert instance.complete("b") == ["a", "c"]
    assert instance.complete("a") == ["c"]
    assert instance.complete("c") == ["d"]


def test_a_second_token_on_one_flow_waits_for_the_next_round():
    # Two tokens reach the join along the flow from a; it may fire only with one from b as well.
    a_twice = Fork([[], []])
    spec = parse(
        [Task("go"), Fork([[Xor([(None, [a_twice, Task("a")])])], [Task("b")]]), Task("done")]
    )
    instance = Instance(spec)
    instance.complete("go")
    assert instance.complete("a") == ["b"]
    assert instance.complete("b") == ["done"]


def test_a_slow_branch_does_not_undo_what_a_quick_one_decided():
    again = Loop([Fork([[Task("a")], [Task("b")]])], "not (a_says == 'yes' and b_says == 'yes')")
    for order in ("ab", "ba"):
        instance = Instance(parse([again, Task("done")]))
        instance.complete("a", a_says="no")
        assert instance.complete("b", b_says="no") == ["a", "b"]
        instance.complete(order[0], **{f"{order[0]}_says": "yes"})
        assert instance.complete(order[1], **{f"{order[1]}_says": "yes"}) == ["done"]


def test_days_are_remembered_by_element_and_meet_at_joins():
    spec = parse(
        [
            Fork([[Task("a"), Task("a2")], [Task("b")]]),
            Task("c"),
            Xor([("on['a'] < on['b']", [Task("d")]), (None, [])]),
        ]
    )
    assert spec.dates == {"a", "b"}
    instance = Instance(spec)
    instance.complete("a", date(2026, 1, 5))
    instance.complete("a2", date(2026, 3, 1))
    instance.complete("b", date(2026, 2, 1))
    task = instance.task("c")
    assert task.variables["on"] == {"a": "2026-01-05", "a2": "2026-03-01", "b": "2026-02-01"}
    assert task.not_before == date(2026, 3, 1)
    assert instance.complete("c", date(2026, 3, 2)) == ["d"]
    assert set(instance.task("d").variables["on"]) == {"a", "b", "c"}


def test_the_environment_may_ask_for_more_days():
    spec = parse([Task("a"), Task("b"), Task("c")])
    instance = Instance(spec, environment(dates=frozenset({"a"})))
    instance.complete("a", date(2026, 1, 5))
    instance.complete("b", date(2026, 1, 6))
    assert instance.task("c").variables["on"] == {"a": "2026-01-05", "b": "2026-01-06"}


def test_of_a_step_done_again_the_latest_day_counts_at_the_join():
    spec = parse(
        [
            Task("x"),
            Fork([[Loop([Task("x2")], "again")], [Task("slow")]]),
            Xor([("on['x2'] > on['x']", [Task("good")]), (None, [Task("bad")])]),
        ]
    )
    instance = Instance(spec)
    instance.complete("x", date(2026, 1, 1))
    instance.complete("x2", date(2026, 1, 2), again=True)
    instance.complete("x2", date(2026, 1, 9), again=False)
    assert instance.complete("slow", date(2026, 1, 3)) == ["good"]
    assert instance.task("good").variables["on"]["x2"] == "2026-01-09"


def test_branches_do_not_see_one_anothers_days_before_they_meet():
    instance = Instance(
        parse([Task("x"), Fork([[Task("a"), Task("a2")], [Task("b"), Task("b2")]])]),
        restoring=False,
    )
    instance.complete("x", date(2026, 1, 1))
    instance.complete("a", date(2026, 2, 1))
    assert instance.task("b").variables["on"] == {"x": "2026-01-01"}


def test_inclusive_branches_join_those_that_were_taken():
    spec = parse(
        [
            Task("ask"),
            Or([("x", [Task("a")]), ("y", [Task("b"), Task("b2")]), (None, [Task("c")])]),
            Task("done"),
        ]
    )
    both = Instance(spec)
    assert both.complete("ask", x=True, y=True) == ["a", "b"]
    assert both.complete("a") == ["b"]
    assert both.complete("b") == ["b2"]
    assert both.complete("b2") == ["done"]
    one = Instance(spec)
    assert one.complete("ask", y=True) == ["b"]
    one.complete("b")
    assert one.complete("b2") == ["done"]
    none = Instance(spec)
    assert none.complete("ask") == ["c"]
    assert none.complete("c") == ["done"]


def test_an_inclusive_join_waits_for_a_branch_inside_a_subprocess():
    spec = parse(
        [Or([("True", [Task("a")]), ("True ", [Sub("s", [Task("b"), Task("b2")])]), (None, [])]),
         Task("done")]
    )  # fmt: skip
    instance = Instance(spec)
    assert instance.complete("a") == ["b"]
    assert instance.complete("b") == ["b2"]
    assert instance.complete("b2") == ["done"]


def test_an_inclusive_join_works_in_a_loop():
    split = Or([("x", [Task("a")]), ("y", [Task("b")]), (None, [])])
    instance = Instance(parse([Loop([Task("ask"), split], "again"), Task("done")]))
    for x, y in ((True, True), (True, False), (False, True), (True, True)):
        instance.complete("ask", x=x, y=y, again=True)
        for element, taken in (("b", y), ("a", x)):
            if taken:
                instance.complete(element)
        assert instance.open() == ["ask"]


def test_the_final_variables_are_those_of_all_branches():
    ask = Xor([("x or y", []), (None, [])])
    instance = Instance(parse([Fork([[Task("a")], [Task("b")]]), ask]))
    instance.complete("b", y=2)
    instance.complete("a", x=1)
    assert instance.run.variables == {"x": 1, "y": 2}
