"""What a run does with tasks, conditions and variables, and with what goes wrong."""

from uuid import uuid4

import pytest

from engine.definitions.parsing import parse_bpmn
from engine.errors import (
    EngineFault,
    ExpressionFault,
    StepBudgetExceeded,
    StuckInstance,
    TaskClosed,
)
from tests.bpmn_builder import (
    Boundary,
    Catch,
    Fork,
    Loop,
    Sub,
    Task,
    Throw,
    Xor,
    message,
    wrap,
)
from tests.spiff_driver import DAY, Instance, environment, parse


def test_tasks_follow_one_another_until_the_end():
    instance = Instance(parse([Task("a"), Task("b")]))
    assert instance.open() == ["a"]
    assert instance.complete("a") == ["b"]
    assert not instance.run.completed
    assert instance.complete("b") == []
    assert instance.run.completed
    assert not instance.run.cancelled


def test_only_the_names_that_the_diagram_reads_are_kept():
    spec = parse([Task("a"), Xor([("decision == 'yes'", [Task("b")]), (None, [])])])
    assert spec.variables == {"decision"}
    instance = Instance(spec)
    instance.complete("a", decision="yes", secret="身份证号")
    assert instance.task("b").variables == {"decision": "yes", "on": {"a": "2026-06-10"}}
    kept = Instance(spec, environment(variables=frozenset({"secret"})))
    kept.complete("a", decision="yes", secret="x")
    assert kept.task("b").variables["secret"] == "x"


def test_missing_names_are_none_and_the_default_is_taken():
    spec = parse([Xor([("decision == 'yes'", [Task("b")]), (None, [Task("c")])])])
    assert Instance(spec).open() == ["c"]


def test_of_two_true_conditions_the_first_in_the_file_wins():
    spec = parse([Task("a"), Xor([("x > 1", [Task("b")]), ("x > 0", [Task("c")]), (None, [])])])
    assert Instance(spec).complete("a", x=2) == ["b"]
    assert Instance(spec).complete("a", x=1) == ["c"]


def test_variables_never_hide_functions():
    spec = parse([Task("a"), Xor([("len(people) == 2", [Task("b")]), (None, [])])])
    instance = Instance(spec, environment(variables=frozenset({"len"})))
    assert instance.complete("a", people=[1, 2], len="x") == ["b"]


def test_submitted_values_are_copied():
    spec = parse([Task("a"), Xor([("vote['outcome'] == 'adopted'", [Task("b")]), (None, [])])])
    instance = Instance(spec, restoring=False)
    vote = {"outcome": "adopted"}
    instance.complete("a", vote=vote)
    vote["outcome"] = "lost"
    assert instance.task("b").variables["vote"] == {"outcome": "adopted"}


def test_what_was_passed_is_told_with_the_flows_that_were_taken():
    spec = parse([Task("a"), Xor([("x", [Task("b")]), (None, [Task("c")])], id="ask"), Task("d")])
    instance = Instance(spec)
    instance.complete("a", x=True)
    passed = instance.run.passed
    assert [(p.element, p.kind) for p in passed] == [
        ("a", "userTask"),
        ("ask", "exclusiveGateway"),
    ]
    [flow] = passed[1].flows
    assert (spec.flows[flow].source, spec.flows[flow].target) == ("ask", "b")
    assert passed[0].variables == {"x": True, "on": {"a": "2026-06-10"}}


def test_flows_lead_to_activities_with_boundary_events_too():
    spec = parse([Task("a"), Task("b", boundary=[Boundary("m", message("m"))])])
    instance = Instance(spec)
    instance.complete("a")
    assert len(instance.run.passed[0].flows) == 1


def test_an_endless_automatic_loop_is_stopped():
    spec = parse([Task("a"), Loop([Throw("spin")], "True")])
    instance = Instance(spec, environment(step_budget=500))
    with pytest.raises(StepBudgetExceeded):
        instance.complete("a")
    with pytest.raises(EngineFault):
        instance.run.snapshot()


def test_a_join_that_can_never_fire_is_found_at_once():
    # Only one of two alternatives reaches a join that waits for both.

    raw = wrap(
        '<process id="main" isExecutable="true"><startEvent id="start"/><userTask id="a"/>'
        '<exclusiveGateway id="x" default="f3"/><parallelGateway id="join"/><endEvent id="end"/>'
        '<userTask id="b"/><userTask id="c"/>'
        '<sequenceFlow id="f1" sourceRef="start" targetRef="a"/>'
        '<sequenceFlow id="f2" sourceRef="a" targetRef="x"/>'
        '<sequenceFlow id="f3" sourceRef="x" targetRef="b"/>'
        '<sequenceFlow id="f4" sourceRef="x" targetRef="c">'
        "<conditionExpression>False</conditionExpression></sequenceFlow>"
        '<sequenceFlow id="f5" sourceRef="b" targetRef="join"/>'
        '<sequenceFlow id="f6" sourceRef="c" targetRef="join"/>'
        '<sequenceFlow id="f7" sourceRef="join" targetRef="end"/></process>'
    )
    instance = Instance(parse_bpmn({"t.bpmn": raw}, "main"))
    assert instance.complete("a") == ["b"]
    with pytest.raises(StuckInstance):
        instance.complete("b")


def test_a_faulty_expression_stops_the_step_and_the_run():
    spec = parse([Task("a"), Xor([("x > 1", [Task("b")]), (None, [])])])
    instance = Instance(spec)
    before = instance.run.snapshot()
    with pytest.raises(ExpressionFault):
        instance.complete("a", x="text")
    with pytest.raises(EngineFault):
        instance.run.complete(uuid4(), {}, DAY)
    instance.run = type(instance.run).restore(spec, before, instance.env)
    assert instance.complete("a", x=2) == ["b"]


def test_a_task_that_is_not_open_is_refused():
    instance = Instance(parse([Task("a"), Task("b")]))
    uid = instance.task("a").uid
    instance.complete("a")
    with pytest.raises(TaskClosed):
        instance.fresh().complete(uid, {}, DAY)


def test_a_cancelled_instance_is_over():
    each = Sub("s", [Fork([[Task("a")], [Task("b")]])])
    instance = Instance(parse([Fork([[each], [Catch("c", message("m"))]])]))
    instance.run.cancel()
    assert instance.run.completed
    assert instance.run.cancelled
    assert instance.run.open_tasks() == []
    assert instance.run.subscriptions() == []
    assert instance.fresh().cancelled


def test_plain_and_manual_tasks_wait_for_people():
    instance = Instance(parse([Task("a", kind="task"), Task("b", kind="manualTask")]))
    assert instance.complete("a") == ["b"]
    assert instance.complete("b") == []
    assert instance.run.completed


def test_data_objects_pass_values_between_tasks():

    raw = wrap(
        '<process id="main" isExecutable="true"><dataObject id="file"/>'
        '<dataObjectReference id="file_ref" dataObjectRef="file"/>'
        '<startEvent id="start"/>'
        '<userTask id="a"><dataOutputAssociation id="out"><targetRef>file_ref</targetRef>'
        "</dataOutputAssociation></userTask>"
        '<userTask id="b"><dataInputAssociation id="in"><sourceRef>file_ref</sourceRef>'
        '<targetRef>file_ref</targetRef></dataInputAssociation></userTask><endEvent id="end"/>'
        '<sequenceFlow id="f1" sourceRef="start" targetRef="a"/>'
        '<sequenceFlow id="f2" sourceRef="a" targetRef="b"/>'
        '<sequenceFlow id="f3" sourceRef="b" targetRef="end"/></process>'
    )
    instance = Instance(parse_bpmn({"t.bpmn": raw}, "main"))
    instance.complete("a", file="content")
    instance.fresh()
    assert instance.task("b").variables["file"] == "content"
