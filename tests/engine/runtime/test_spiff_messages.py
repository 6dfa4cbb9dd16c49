"""Messages and signals: who catches them, and which leave the instance."""

from uuid import uuid4

from tests.bpmn_builder import (
    Catch,
    End,
    First,
    Fork,
    Task,
    Throw,
    Xor,
    message,
    signal,
)
from tests.spiff_driver import Instance, parse


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
