"""Diagrams come from outside: what is wrong is said, and nothing else happens."""

import random
import re
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.definitions.package import load_folder
from engine.definitions.parsing import FrozenSpec, parse_bpmn
from engine.definitions.xml import read_xml
from engine.errors import PackageProblem, Severity
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
    date_timer,
    definitions,
    duration,
    instances,
    message,
    signal,
    wrap,
)

PROCESSES = Path(__file__).parents[3] / "processes"


def parse(data: bytes, process: str = "main") -> FrozenSpec:
    return parse_bpmn({"test.bpmn": data}, process)


def codes(data: bytes, process: str = "main") -> list[str]:
    with pytest.raises(PackageProblem) as refused:
        parse(data, process)
    for problem in refused.value.problems:
        assert problem.severity is Severity.ERROR
        assert problem.message and problem.cure
    return [problem.code for problem in refused.value.problems]


def scope(inner: str, flows: str = "") -> bytes:
    """A process from start to end with something raw in between, reached by nothing."""
    return wrap(
        '<process id="main" isExecutable="true"><startEvent id="start"/><endEvent id="end"/>'
        f'{inner}<sequenceFlow id="f" sourceRef="start" targetRef="end"/>{flows}</process>'
    )


# --- hardening


def test_a_document_type_is_refused_in_every_disguise():
    body = definitions({"main": [Task("a")]}).split(b"\n", 1)[1]
    bomb = (
        b'<!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
        b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
    )
    assert codes(bomb + body) == ["xml-doctype"]
    assert codes(b'<!DOCTYPE x SYSTEM "file:///etc/passwd">' + body) == ["xml-doctype"]
    assert codes(b"<!doctype html>" + body) == ["xml-doctype"]
    assert codes((bomb + body).decode().encode("utf-16")) == ["xml-encoding"]
    assert codes(b'<?xml version="1.0" encoding="UTF-7"?>' + body) == ["xml-encoding"]
    assert codes(b'<?xml version="1.0" encoding="utf-16"?>' + body) == ["xml-encoding"]
    assert codes(b"\xef\xbb\xbf<?xml version='1.0' encoding='GB18030'?>" + body) == ["xml-encoding"]


def test_the_line_of_a_document_type_is_told():
    with pytest.raises(PackageProblem) as refused:
        read_xml(b"<?xml version='1.0'?>\n\n<!DOCTYPE a>\n<a/>", "x.bpmn")
    assert refused.value.problems[0].line == 3


def test_a_byte_order_mark_is_fine():
    assert parse(b"\xef\xbb\xbf" + definitions({"main": [Task("a")]}))


def test_too_large_empty_and_broken_files_are_refused():
    assert codes(b"<a>" + b" " * 2_000_001 + b"</a>") == ["xml-too-large"]
    assert codes(b"") == ["xml-malformed"]
    assert codes(b"not xml") == ["xml-malformed"]
    assert codes(b"<a><b></a>") == ["xml-malformed"]
    assert codes(b"<a>" * 5_000 + b"</a>" * 5_000) == ["xml-malformed"]
    assert codes(zlib.compress(b"x" * 100)) in (["xml-malformed"], ["xml-encoding"])


def test_the_schema_holds():
    assert "bpmn-schema" in codes(b"<a/>")
    assert "bpmn-schema" in codes(scope('<userTask id="a" colour="red"/>'))
    with pytest.raises(PackageProblem) as refused:
        parse(wrap('<process id="main">\n<userTask id="a"/>\n<wrong/></process>'))
    assert refused.value.problems[0].line == 4


def test_comments_and_vendor_attributes_do_not_matter():
    data = definitions({"main": [Task("a")]}).replace(
        b"<userTask ", b'<!-- a --><?pi x?><userTask xmlns:v="urn:v" v:form="f" '
    )
    assert "a" in parse(data).elements


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=200))
def test_garbage_is_refused(data):
    assert codes(data)


def test_mutilated_diagrams_are_refused_or_parsed():
    """Cut, swap and repeat pieces of a real diagram: nothing but PackageProblem may come out."""
    whole = definitions(
        {
            "main": [
                Task("a", boundary=[Boundary("late", duration("P1M"), [Task("r")])]),
                Fork([[Sub("s", [Task("b")])], [Loop([Task("c")], "x > 1")]]),
                Xor([("y", [Call("k", "other")]), (None, [Catch("m", message("m"))])]),
                Task("v", loop=instances("people", item="p")),
            ],
            "other": [Task("o"), Throw("t", signal("s"))],
        }
    )
    rng = random.Random(1)
    parts = whole.split(b"<")
    ids = re.findall(rb'id="([^"]+)"', whole)
    outcomes = set()
    for _ in range(400):
        mutated = list(parts)
        for _ in range(rng.randrange(1, 4)):
            i, j = rng.randrange(2, len(parts)), rng.randrange(2, len(parts))
            match rng.randrange(5):
                case 0:
                    mutated[i] = mutated[j]
                case 1:
                    mutated[i] = b""
                case 2:
                    mutated[i] = mutated[i].replace(b"Ref=", b"ref=", 1)
                case 3:
                    mutated[i] = re.sub(
                        rb'((?:sourceRef|targetRef|calledElement|attachedToRef|default)=")[^"]*',
                        rb"\1" + rng.choice(ids),
                        mutated[i],
                        count=1,
                    )
                case _:
                    cut = rng.randrange(len(mutated[i]) + 1)
                    mutated[i] = mutated[i][:cut]
        data = b"<".join(mutated)
        if rng.random() < 0.1:
            data = data[: rng.randrange(len(data))]
        try:
            parse(data)
            outcomes.add("parsed")
        except PackageProblem as refused:
            outcomes |= {problem.code for problem in refused.problems}
    assert {"parsed", "xml-malformed", "bpmn-schema", "flow-broken"} <= outcomes


# --- what is refused


@pytest.mark.parametrize(
    ("inner", "code"),
    [
        ('<scriptTask id="x"><script>1</script></scriptTask>', "element-unsupported"),
        ('<serviceTask id="x"/>', "element-unsupported"),
        ('<businessRuleTask id="x"/>', "element-unsupported"),
        ('<complexGateway id="x"/>', "element-unsupported"),
        ('<adHocSubProcess id="x"/>', "element-unsupported"),
        ('<startEvent id="x"/>', "start-event"),
        ('<subProcess id="x"><startEvent id="y"/></subProcess>', "end-event"),
        ('<subProcess id="x"><endEvent id="y"/></subProcess>', "start-event"),
        ('<userTask id="Start"/>', "reserved-id"),
        ('<userTask id="End"/>', "reserved-id"),
        ('<userTask id="a.EndJoin"/>', "reserved-id"),
        ('<callActivity id="x" calledElement="nobody"/>', "call-unknown"),
        ('<callActivity id="x"/>', "call-unknown"),
        ('<callActivity id="x" calledElement="main"/>', "call-recursive"),
        ('<receiveTask id="x"/>', "event-reference"),
        ('<sendTask id="x"/>', "event-reference"),
        (
            (
                '<intermediateThrowEvent id="x"><linkEventDefinition name="l"/>'
                "</intermediateThrowEvent>"
            ),
            "event-unsupported",
        ),
        (
            '<intermediateThrowEvent id="x"><compensateEventDefinition/></intermediateThrowEvent>',
            "event-unsupported",
        ),
        ('<intermediateCatchEvent id="x"/>', "event-unsupported"),
        (
            '<intermediateCatchEvent id="x"><messageEventDefinition/></intermediateCatchEvent>',
            "event-reference",
        ),
        (
            '<intermediateCatchEvent id="x"><timerEventDefinition/></intermediateCatchEvent>',
            "timer-empty",
        ),
        (
            (
                '<intermediateCatchEvent id="x"><timerEventDefinition/><signalEventDefinition/>'
                "</intermediateCatchEvent>"
            ),
            "event-multiple",
        ),
        (
            (
                '<subProcess id="x" triggeredByEvent="true"><startEvent id="y"/><endEvent id="z"/>'
                "</subProcess>"
            ),
            "event-subprocess",
        ),
    ],
)
def test_what_the_engine_would_not_do_right_is_refused(inner, code):
    assert code in codes(scope(inner))


def test_a_problem_names_file_element_and_line():
    data = scope('\n\n<serviceTask id="robot"/>')
    with pytest.raises(PackageProblem) as refused:
        parse(data)
    [problem] = refused.value.problems
    assert (problem.file, problem.element, problem.line) == ("test.bpmn", "robot", 4)


def test_all_problems_are_told_at_once():
    assert sorted(
        codes(scope('<serviceTask id="a"/><scriptTask id="b"/><userTask id="End"/>'))
    ) == [
        "element-unsupported",
        "element-unsupported",
        "reserved-id",
    ]


def test_flows_stay_inside_their_scope():
    inner = (
        '<subProcess id="s"><startEvent id="y"/><endEvent id="z"/>'
        '<sequenceFlow id="g" sourceRef="y" targetRef="z"/></subProcess>'
    )
    flow = '<sequenceFlow id="h" sourceRef="z" targetRef="end"/>'
    assert codes(scope(inner, flow)) == ["flow-broken"]


def test_forks_without_gateway_are_refused():
    flows = (
        '<sequenceFlow id="f2" sourceRef="start" targetRef="a"/>'
        '<sequenceFlow id="f3" sourceRef="a" targetRef="end"/>'
        '<sequenceFlow id="f4" sourceRef="a" targetRef="b"/>'
    )
    data = scope('<userTask id="a"/><userTask id="b"/>', flows)
    assert codes(data) == ["bpmn-not-executable"]


def test_a_condition_is_needed_on_all_but_the_default():
    flows = (
        '<sequenceFlow id="f2" sourceRef="start" targetRef="x"/>'
        '<sequenceFlow id="f3" sourceRef="x" targetRef="a"/>'
        '<sequenceFlow id="f4" sourceRef="x" targetRef="end"/>'
    )
    data = scope('<exclusiveGateway id="x"/><userTask id="a"/>', flows)
    with pytest.raises(PackageProblem) as refused:
        parse(data)
    [problem] = refused.value.problems
    assert (problem.code, problem.element) == ("bpmn-not-executable", "f3")


@pytest.mark.parametrize(
    "source", ["open('x')", "a.b", "x **", "[y for y in z]", "lambda: 1", "x" * 3000, "__import__"]
)
def test_expressions_outside_the_language_are_refused(source):
    body = [Task("a"), Xor([(source, [Task("b")]), (None, [])])]
    assert codes(definitions({"main": body})) == ["expression-invalid"]


@pytest.mark.parametrize(
    "event",
    [duration("P1X"), duration("2027-01-01"), date_timer("P1Y"), cycle("P1M"), cycle("R/2027-13")],
)
def test_timers_written_wrongly_are_refused(event):
    assert codes(definitions({"main": [Catch("c", event)]})) == ["timer-invalid"]


def test_a_data_object_that_nobody_declares_does_not_hang_the_parser():
    inner = (
        '<subProcess id="s"><startEvent id="y"/><subProcess id="s2"><startEvent id="y2"/>'
        '<userTask id="a"><dataInputAssociation id="in"><sourceRef>ref</sourceRef>'
        "<targetRef>ref</targetRef></dataInputAssociation></userTask>"
        '<endEvent id="z2"/><sequenceFlow id="g1" sourceRef="y2" targetRef="a"/>'
        '<sequenceFlow id="g2" sourceRef="a" targetRef="z2"/></subProcess><endEvent id="z"/>'
        '<sequenceFlow id="h1" sourceRef="y" targetRef="s2"/>'
        '<sequenceFlow id="h2" sourceRef="s2" targetRef="z"/></subProcess>'
    )
    flows = (
        '<sequenceFlow id="f2" sourceRef="start" targetRef="s"/>'
        '<sequenceFlow id="f3" sourceRef="s" targetRef="end"/>'
    )
    reference = '<dataObjectReference id="ref" dataObjectRef="file"/>'
    flows = flows.replace('sourceRef="start"', 'sourceRef="start"')
    data = scope(inner + reference, flows).replace(
        b'<sequenceFlow id="f" sourceRef="start" targetRef="end"/>', b""
    )
    # Declared two levels up it is found; declared nowhere it is refused. Stock searches for ever.
    assert "data-object" in codes(data) or "bpmn-schema" in codes(data)
    declared = data.replace(reference.encode(), b'<dataObject id="file"/>' + reference.encode())
    assert "file" in parse(declared).variables


def test_duplicate_ids_over_files_are_refused():
    files = {
        "a.bpmn": definitions({"main": [Task("same"), Call("k", "other")]}),
        "b.bpmn": wrap(
            '<process id="other" isExecutable="true"><startEvent id="s"/><userTask id="same"/>'
            '<endEvent id="e"/><sequenceFlow id="g1" sourceRef="s" targetRef="same"/>'
            '<sequenceFlow id="g2" sourceRef="same" targetRef="e"/></process>'
        ),
    }
    with pytest.raises(PackageProblem) as refused:
        parse_bpmn(files, "main")
    assert {(p.code, p.file) for p in refused.value.problems} == {("duplicate-id", "b.bpmn")}


def test_the_process_must_exist():
    assert codes(definitions({"other": [Task("a")]})) == ["process-missing"]
    with pytest.raises(PackageProblem):
        parse_bpmn({}, "main")


# --- size


def test_long_lines_and_deep_nesting():
    spec = parse(definitions({"main": [Task(f"t{i}") for i in range(1_500)]}))
    assert len(spec.elements) == 1_502
    assert codes(definitions({"main": [Task(f"t{i}") for i in range(2_500)]})) == [
        "diagram-too-large"
    ]
    deep: list[object] = [Task("inside")]
    for level in range(15):
        deep = [Sub(f"s{level}", deep)]  # type: ignore[arg-type]
    assert parse(definitions({"main": deep})).elements["inside"].parent == "s0"  # type: ignore[dict-item]
    for level in range(15, 60):
        deep = [Sub(f"s{level}", deep)]  # type: ignore[arg-type]
    assert "nesting-too-deep" in codes(definitions({"main": deep}))  # type: ignore[dict-item]


# --- what is told


def test_lanes_are_inherited_from_the_enclosing_subprocess():
    data = wrap(
        '<process id="main" isExecutable="true"><laneSet id="ls">'
        '<lane id="applicant" name="入党申请人"><flowNodeRef>start</flowNodeRef></lane>'
        '<lane id="branch" name="党支部"><flowNodeRef>s</flowNodeRef>'
        '<childLaneSet id="cls"><lane id="secretary" name="书记"><flowNodeRef>b</flowNodeRef>'
        "</lane></childLaneSet></lane></laneSet>"
        '<startEvent id="start"/><subProcess id="s"><laneSet id="ls2">'
        '<lane id="contacts" name="培养联系人"><flowNodeRef>y</flowNodeRef></lane></laneSet>'
        '<startEvent id="i"/><userTask id="x"/><userTask id="y"/><endEvent id="j"/>'
        '<sequenceFlow id="g1" sourceRef="i" targetRef="x"/>'
        '<sequenceFlow id="g2" sourceRef="x" targetRef="y"/>'
        '<sequenceFlow id="g3" sourceRef="y" targetRef="j"/></subProcess>'
        '<userTask id="b"/><endEvent id="end"/>'
        '<sequenceFlow id="f1" sourceRef="start" targetRef="s"/>'
        '<sequenceFlow id="f2" sourceRef="s" targetRef="b"/>'
        '<sequenceFlow id="f3" sourceRef="b" targetRef="end"/></process>'
    )
    elements = parse(data).elements
    assert {e: (i.lane, i.lane_name) for e, i in elements.items() if e in "start s x y b end"} == {
        "start": ("applicant", "入党申请人"),
        "s": ("branch", "党支部"),
        "x": ("branch", "党支部"),
        "y": ("contacts", "培养联系人"),
        "b": ("secretary", "书记"),
        "end": (None, None),
    }


def test_names_days_messages_and_expressions_are_collected():
    spec = parse(
        definitions(
            {
                "main": [
                    Task("a"),
                    Xor([("decision == 'x' and len(people) > 1", []), (None, [])]),
                    Catch("w", date_timer('add_months(on["a"], 12) if "b" in on else late')),
                    Catch("m", message("withdraw")),
                    Throw("t", message("news")),
                    Catch("s", signal("alarm")),
                    Task("v", loop=instances("voters", item="voter", output=("votes", "vote"))),
                ]
            }
        )
    )
    assert spec.variables == {"decision", "people", "late", "voters", "voter", "votes", "vote"}
    assert spec.dates == {"a", "b"}
    assert spec.messages == {"withdraw"}
    assert spec.thrown == {"news"}
    assert spec.signals == {"alarm"}
    assert {use.element for use in spec.expressions} >= {"w"}
    assert all(use.line and use.source for use in spec.expressions)
    assert spec.elements["v"].multi_instance
    assert spec.elements["w"].event == "timer"
    assert spec.elements["m"].event_name == "withdraw"


def test_elements_know_their_flows():
    spec = parse(definitions({"main": [Task("a"), Task("b")]}))
    [flow] = spec.elements["a"].outgoing
    assert spec.flows[flow].target == "b"
    assert spec.elements["b"].incoming == (flow,)
    assert spec.steps_to["a", "b"] == (flow,)


def test_only_the_process_and_what_it_calls_is_told():
    data = definitions({"main": [Call("k", "called")], "called": [Task("c")], "other": [Task("x")]})
    assert {"k", "c"} <= set(parse(data).elements)
    assert "x" not in parse(data).elements


@pytest.mark.parametrize(
    "folder", sorted(p.parent for p in PROCESSES.glob("*/process.toml")), ids=lambda path: path.name
)
def test_our_own_diagrams_parse(folder):
    package = load_folder(folder)
    spec = parse_bpmn(package.bpmn_files, package.key)
    assert all(e.lane for e in spec.elements.values() if e.kind == "userTask")
