"""What a run does with each element of a diagram."""

from datetime import date
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
    TERMINATE,
    Boundary,
    Call,
    Catch,
    End,
    First,
    Fork,
    Loop,
    Or,
    Sub,
    Task,
    Throw,
    Xor,
    definitions,
    error,
    instances,
    message,
    signal,
    wrap,
)
from tests.spiff_driver import DAY, Instance, environment, parse

ESCALATION = '<escalationEventDefinition escalationRef="up"/>'
CANCEL = "<cancelEventDefinition/>"


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


def test_messages_bring_their_variables():
    catch = Catch("reply", message("answer"))
    spec = parse([catch, Xor([("verdict == 'yes'", [Task("good")]), (None, [Task("bad")])])])
    instance = Instance(spec)
    assert [(s.element, s.name, s.kind) for s in instance.run.subscriptions()] == [
        ("reply", "answer", "message")
    ]
    assert instance.deliver("other") == 0
    assert instance.deliver("answer", {"verdict": "yes", "noise": 1}) == 1
    assert instance.open() == ["good"]
    assert "noise" not in instance.task("good").variables
    assert "reply" in instance.passed()


def test_a_message_addresses_exactly_one_catcher():
    spec = parse(
        [Fork([[Catch("c1", message("m")), Task("a")], [Catch("c2", message("m")), Task("b")]])]
    )
    instance = Instance(spec)
    second = instance.run.subscriptions()[1]
    assert instance.deliver("m", uid=uuid4()) == 0
    assert instance.deliver("m", uid=second.uid) == 1
    assert instance.open() == ["b"]
    assert instance.deliver("m") == 1
    assert instance.open() == ["a", "b"]


def test_a_receive_task_waits_for_its_message():
    receive = Task("wait", kind="receiveTask", attributes='messageRef="message_m"')
    other = Catch("c", message("m"))  # declares the message
    spec = parse([Xor([("False", [other]), (None, [receive])]), Task("b")])
    instance = Instance(spec)
    assert instance.open() == []
    assert instance.deliver("m") == 1
    assert instance.open() == ["b"]


def test_an_event_gateway_takes_the_first_event_only():
    gateway = First(
        "wait", [("yes", message("agree"), [Task("a")]), ("no", message("refuse"), [Task("b")])]
    )
    instance = Instance(parse([gateway]))
    subscriptions = instance.run.subscriptions()
    assert [s.element for s in subscriptions] == ["yes", "no"]
    assert subscriptions[0].uid != subscriptions[1].uid
    assert instance.deliver("refuse", uid=subscriptions[0].uid) == 0
    assert instance.deliver("refuse", uid=subscriptions[1].uid) == 1
    assert instance.open() == ["b"]
    assert {"wait", "no"} <= set(instance.passed())
    assert "yes" not in instance.passed()


def test_thrown_messages_go_out_once_and_not_into_the_snapshot():
    spec = parse([Task("a"), Throw("tell", message("news")), Xor([("x", [Task("b")]), (None, [])])])
    instance = Instance(spec)
    instance.complete("a", x=1)
    [sent] = instance.run.take_messages()
    assert (sent.name, sent.payload, sent.kind) == ("news", {"x": 1}, "message")
    assert instance.run.take_messages() == []
    assert instance.fresh().take_messages() == []


def test_a_message_caught_inside_does_not_go_out():
    spec = parse(
        [Fork([[Catch("c", message("m")), Task("a")], [Task("b"), Throw("t", message("m"))]])]
    )
    instance = Instance(spec)
    assert instance.complete("b") == ["a"]
    assert instance.run.take_messages() == []


def test_a_signal_end_event_is_thrown():
    spec = parse([Task("a"), End("done", signal("alarm"))])
    instance = Instance(spec)
    instance.complete("a")
    assert [(m.name, m.kind) for m in instance.run.take_messages()] == [("alarm", "signal")]
    assert instance.run.completed


def test_signals_are_caught_inside_by_everyone():
    wait = [[Catch(f"c{i}", signal("s")), Task(f"t{i}")] for i in range(3)]
    instance = Instance(parse([Fork([*wait, [Task("a"), Throw("t", signal("s"))]])]))
    assert instance.complete("a") == ["t0", "t1", "t2"]


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
    from engine.definitions.parsing import parse_bpmn

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


def test_the_final_variables_are_those_of_all_branches():
    ask = Xor([("x or y", []), (None, [])])
    instance = Instance(parse([Fork([[Task("a")], [Task("b")]]), ask]))
    instance.complete("b", y=2)
    instance.complete("a", x=1)
    assert instance.run.variables == {"x": 1, "y": 2}


def test_data_objects_pass_values_between_tasks():
    from engine.definitions.parsing import parse_bpmn

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
