"""Subprocesses of a run: what ends them, and what they hand on."""

from datetime import date

import pytest

from engine.definitions.parsing import parse_bpmn
from engine.errors import (
    EngineFault,
)
from tests.bpmn_builder import (
    TERMINATE,
    Boundary,
    Call,
    Catch,
    End,
    Fork,
    Sub,
    Task,
    Throw,
    Xor,
    definitions,
    error,
    instances,
    message,
)
from tests.spiff_driver import Instance, parse

ESCALATION = '<escalationEventDefinition escalationRef="up"/>'
CANCEL = "<cancelEventDefinition/>"


def test_subprocesses_and_called_processes_pass_data_in_and_out():
    inner = Sub("outer", [Task("a"), Sub("inner", [Task("b"), Call("call", "other")])])
    spec = parse(
        [inner, Xor([("x == 1 and y == 2", [Task("good")]), (None, [Task("bad")])])],
        other=[Task("c"), Fork([[Task("d")], [Task("e")]])],
    )
    assert spec.elements["b"].parent == "inner"
    assert spec.elements["inner"].parent == "outer"
    assert spec.elements["c"].process == "other"
    instance = Instance(spec)
    assert instance.complete("a", date(2026, 1, 1), x=1) == ["b"]
    assert instance.complete("b", date(2026, 2, 1)) == ["c"]
    assert instance.task("c").not_before == date(2026, 2, 1)
    assert instance.complete("c", y=2) == ["d", "e"]
    assert instance.complete("e") == ["d"]
    assert instance.complete("d") == ["good"]


def test_a_terminate_event_ends_its_own_scope_only():
    stop = Xor([("stop", [End("halt", TERMINATE)]), (None, [])])
    spec = parse([Sub("s", [Fork([[Task("a"), stop], [Task("b")], [Task("c")]])]), Task("after")])
    instance = Instance(spec)
    assert instance.complete("a", stop=True) == ["after"]
    instance = Instance(spec)
    assert instance.complete("a", stop=False) == ["b", "c"]


def test_a_terminate_event_ends_the_instance():
    spec = parse([Fork([[Task("a"), End("halt", TERMINATE)], [Task("b")]])])
    instance = Instance(spec)
    assert instance.complete("a") == []
    assert instance.run.completed
    assert not instance.run.cancelled


def test_an_interrupting_boundary_ends_nested_work():
    late = Boundary("late", message("stop"), [Task("say_why")])
    deep = Sub("deep", [Fork([[Task("a")], [Sub("deeper", [Task("b")])]])])
    spec = parse([Sub("stage", [deep], boundary=[late]), Task("next")])
    instance = Instance(spec)
    assert instance.open() == ["a", "b"]
    instance.complete("a", date(2026, 3, 1))
    assert instance.deliver("stop", occurred_on=date(2026, 3, 5)) == 1
    assert instance.open() == ["say_why"]
    # What happened inside did happen, and so did the message.
    assert instance.task("say_why").not_before == date(2026, 3, 5)
    assert instance.task("say_why").variables["on"]["a"] == "2026-03-01"
    instance.complete("say_why")
    assert instance.run.completed


def test_an_interrupting_boundary_ends_all_instances_of_a_subprocess():
    stop = Boundary("late", message("stop"), [Task("say_why")])
    each = Sub("each", [Task("a")], boundary=[stop], loop=instances(cardinality="3"))
    instance = Instance(parse([each]))
    assert instance.open() == ["a", "a", "a"]
    instance.complete("a", item=1)
    assert instance.open() == ["a", "a"]
    instance.deliver("stop")
    assert instance.open() == ["say_why"]


def test_a_non_interrupting_boundary_runs_beside_its_activity():
    remind = Boundary("remind", message("ask"), [Task("answer")], interrupting=False)
    spec = parse([Task("work", boundary=[remind]), Task("next")])
    instance = Instance(spec)
    assert instance.deliver("ask") == 1
    assert instance.open() == ["work", "answer"]
    assert instance.complete("work") == ["next", "answer"]
    assert instance.deliver("ask") == 0
    instance.complete("next")
    assert not instance.run.completed
    instance.complete("answer")
    assert instance.run.completed


def test_an_error_is_caught_on_the_boundary_of_its_subprocess():
    failed = Boundary("failed", error("bad"), [Task("repair")])
    body = [Fork([[Task("a"), End("fail", error("bad"))], [Task("b")]])]
    instance = Instance(parse([Sub("s", body, boundary=[failed]), Task("next")]))
    assert instance.complete("a") == ["repair"]
    assert instance.task("repair").variables["on"] == {"a": "2026-06-10"}


def test_the_error_wins_when_it_ends_the_subprocess():
    failed = Boundary("failed", error("bad"), [Task("repair")])
    body = [Task("a"), End("fail", error("bad"))]
    instance = Instance(parse([Sub("s", body, boundary=[failed]), Task("next")]))
    assert instance.complete("a") == ["repair"]
    assert instance.passed() == ["a", "fail", "failed"]


def test_an_escalation_may_leave_its_subprocess_running():
    told = Boundary("told", ESCALATION, [Task("look")], interrupting=False)
    body = [Task("a"), Throw("raise", ESCALATION), Task("b")]
    spec = parse_bpmn(
        {
            "t.bpmn": definitions(
                {"main": [Sub("s", body, boundary=[told])]},
                extra='<escalation id="up" name="up" escalationCode="up"/>',
            )
        },
        "main",
    )
    instance = Instance(spec)
    assert instance.complete("a") == ["b", "look"]
    instance.complete("b")
    instance.complete("look")
    assert instance.run.completed


def test_a_transaction_may_be_cancelled_from_inside():
    raw = definitions({"main": [Sub("s", [Task("a"), End("stop", CANCEL)]), Task("next")]})
    raw = raw.replace(b"subProcess", b"transaction").replace(
        b'<transaction id="s" >',
        b'<userTask id="why"/><endEvent id="over"/>'
        b'<boundaryEvent id="undone" attachedToRef="s"><cancelEventDefinition/></boundaryEvent>'
        b'<sequenceFlow id="x1" sourceRef="undone" targetRef="why"/>'
        b'<sequenceFlow id="x2" sourceRef="why" targetRef="over"/><transaction id="s">',
    )
    instance = Instance(parse_bpmn({"t.bpmn": raw}, "main"))
    assert instance.complete("a") == ["why"]
    instance.complete("why")
    assert instance.run.completed


def test_a_conditional_event_waits_for_its_condition():
    when = "<conditionalEventDefinition><condition>x == 1</condition></conditionalEventDefinition>"
    spec = parse([Task("a"), Catch("until", when), Task("b")])
    assert Instance(spec).complete("a", x=1) == ["b"]
    instance = Instance(spec)
    assert instance.complete("a", x=2) == []
    assert not instance.run.completed


def test_an_error_that_nobody_catches_stops_the_step():
    instance = Instance(parse([Sub("s", [Task("a"), End("fail", error("bad"))])]))
    with pytest.raises(EngineFault, match="bad"):
        instance.complete("a")
