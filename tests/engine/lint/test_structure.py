"""Each check of the diagram alone, fed a diagram that is wrong in just this way."""

from __future__ import annotations

import pytest

from engine.errors import Severity
from tests.package_builder import (
    DIAGRAM,
    add,
    check_with,
    codes,
    diagram,
    flow,
    good_files,
    instead_of_check,
    lint,
    spoil,
    subprocess,
    swap,
)

BPMN = "tiny_review.bpmn"
DIAGRAM_FLOW_TO_END = (
    '    <sequenceFlow id="flow_become_end" sourceRef="become_applicant"'
    ' targetRef="end_reviewing"/>\n'
)
TO_BECOME = 'sourceRef="join_check" targetRef="become_applicant"'
"""The end of the flow that leads on from the join."""


def test_the_good_package_has_no_problem() -> None:
    assert lint(good_files()) == []


ERRORS = {
    "process-id": (None, [('<process id="tiny_review"', '<process id="other"')]),
    "event-subprocess": ("extra", [add(subprocess("extra", attributes='triggeredByEvent="true"'))]),
    "compensation": (
        "check",
        [instead_of_check('<userTask id="check" name="联系人核对" isForCompensation="true"/>')],
    ),
    "implicit-fork": ("check", [add(flow("check", "end_reviewing"))]),
    "mi-cardinality-output": (
        "check",
        [
            check_with(
                "<multiInstanceLoopCharacteristics><loopCardinality>2</loopCardinality>"
                "<loopDataOutputRef>results</loopDataOutputRef></multiInstanceLoopCharacteristics>"
            )
        ],
    ),
    "mi-without-number": ("check", [check_with("<multiInstanceLoopCharacteristics/>")]),
    "loop-without-end": ("check", [check_with("<standardLoopCharacteristics/>")]),
    "unreachable": (
        "lost",
        [add('<intermediateThrowEvent id="lost" name="走不到"/>', flow("lost", "end_reviewing"))],
    ),
    "dead-end": (
        "become_applicant",
        [
            (DIAGRAM_FLOW_TO_END, ""),
            ('    <endEvent id="end_reviewing" name="审核完成"/>\n', ""),
        ],
    ),
    "end-event-missing": (
        "stage_applying",
        [
            ('    <endEvent id="end_applying" name="已申请"/>\n', ""),
            ('sourceRef="apply" targetRef="end_applying"', 'sourceRef="apply" targetRef="apply"'),
        ],
    ),
    "start-event-count": (
        "stage_reviewing",
        [add('<startEvent id="start_again" name="又开始"/>', flow("start_again", "review"))],
    ),
    "endless-loop": (
        "circle",
        [
            add(
                '<exclusiveGateway id="circle"/>',
                '<exclusiveGateway id="is_more" name="还有吗" default="flow_no_more"/>',
                flow("circle", "is_more"),
                flow("is_more", "circle", 'review_decision == "agree"'),
                flow("is_more", "become_applicant", id="flow_no_more"),
            ),
            (TO_BECOME, 'sourceRef="join_check" targetRef="circle"'),
        ],
    ),
    "data-object-scope": (
        "ref",
        [
            (
                '  <startEvent id="start" name="开始"/>',
                '  <dataObject id="thing"/><startEvent id="start" name="开始"/>',
            ),
            add(
                subprocess("inner", '<dataObjectReference id="ref" dataObjectRef="thing"/>'),
                flow("inner", "become_applicant"),
            ),
            (TO_BECOME, 'sourceRef="join_check" targetRef="inner"'),
        ],
    ),
}


@pytest.mark.parametrize("code", ERRORS)
def test_an_error_of_structure(code: str) -> None:
    element, changes = ERRORS[code]
    problems = spoil(BPMN, *changes)
    assert codes(problems) == [code]
    assert problems[0].severity is Severity.ERROR
    assert (problems[0].element, problems[0].file) == (element, BPMN)
    assert problems[0].line
    assert problems[0].message and problems[0].cure


@pytest.mark.parametrize(
    "element",
    [
        '<scriptTask id="check" name="脚本"/>',
        '<businessRuleTask id="check" name="规则"/>',
        '<serviceTask id="check" name="服务"/>',
        '<complexGateway id="check" name="复杂"/>',
    ],
)
def test_an_unsupported_element(element: str) -> None:
    problems = [p for p in spoil(BPMN, instead_of_check(element)) if p.file == BPMN]
    assert codes(problems) == ["unsupported-element"]
    assert problems[0].element == "check"


@pytest.mark.parametrize("tag", ["adHocSubProcess", "transaction"])
def test_an_unsupported_subprocess(tag: str) -> None:
    problems = spoil(BPMN, instead_of_check(subprocess("check", tag=tag)))
    assert codes([p for p in problems if p.file == BPMN]) == ["unsupported-element"]


def test_a_data_store() -> None:
    problems = spoil(
        BPMN,
        ("<message id=", '<dataStore id="store" name="库"/><message id='),
        add('<dataStoreReference id="store_ref" dataStoreRef="store"/>'),
    )
    assert codes(problems) == ["unsupported-element"]


def test_no_way_to_an_end() -> None:
    problems = spoil(
        BPMN,
        (
            '    <endEvent id="end_refused" name="不同意"/>',
            '<exclusiveGateway id="circle"/><userTask id="again" name="再来"/>'
            + flow("circle", "again")
            + flow("again", "circle"),
        ),
        (
            'sourceRef="is_agreed" targetRef="end_refused"',
            'sourceRef="is_agreed" targetRef="circle"',
        ),
        (
            "<flowNodeRef>check</flowNodeRef>",
            "<flowNodeRef>check</flowNodeRef><flowNodeRef>again</flowNodeRef>",
        ),
    )
    assert {p.element for p in problems if p.code == "no-path-to-end"} == {"circle", "again"}


@pytest.mark.parametrize(
    ("code", "element", "change"),
    [
        ("name-missing", "check", instead_of_check('<userTask id="check" name="Check"/>')),
        ("id-not-snake-case", "Flow_0a1", ('"flow_become_end"', '"Flow_0a1"')),
        (
            "vendor-attribute",
            "check",
            instead_of_check(
                '<userTask id="check" name="联系人核对" xmlns:c="http://camunda.org/schema/1.0/bpmn"'
                ' c:assignee="me"/>'
            ),
        ),
    ],
)
def test_a_warning_of_structure(code: str, element: str, change: tuple[str, str]) -> None:
    problems = spoil(BPMN, change)
    assert codes(problems) == [code]
    assert problems[0].severity is Severity.WARNING
    assert problems[0].element == element


def test_vendor_extensions_are_told_once() -> None:
    form = '<z:form xmlns:z="http://camunda.org/schema/zeebe/1.0"/>'
    problems = spoil(BPMN, check_with(f"<extensionElements>{form}{form}</extensionElements>"))
    assert [problem.code for problem in problems] == ["vendor-attribute"]


def test_a_second_pool_is_ignored() -> None:
    pools = (
        '<collaboration id="pools"><participant id="one" name="甲" processRef="tiny_review"/>'
        '<participant id="two" name="乙"/></collaboration><process id="tiny_review"'
    )
    problems = spoil(BPMN, ('<process id="tiny_review"', pools))
    assert codes(problems) == ["collaboration-ignored"]


@pytest.mark.parametrize(
    ("code", "element"), [("shape-missing", "check"), ("edge-missing", "flow_become_end")]
)
def test_what_is_not_drawn(code: str, element: str) -> None:
    files = good_files()
    files[BPMN] = diagram(DIAGRAM, undrawn=element)
    problems = lint(files)
    assert codes(problems) == [code]
    assert problems[0].element == element


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("xml-malformed", b"<definitions"),
        ("xml-doctype", b'<!DOCTYPE x [<!ENTITY a "b">]><definitions/>'),
        ("xml-too-large", b"<definitions>" + b" " * 2_000_001 + b"</definitions>"),
        ("xml-encoding", '<?xml version="1.0" encoding="UTF-16"?><definitions/>'.encode("utf-16")),
        ("bpmn-schema", diagram(swap(DIAGRAM, "userTask id=\"check\"", "uzerTask id=\"check\""))),
    ],
)  # fmt: skip
def test_a_file_that_is_no_diagram(code: str, data: bytes) -> None:
    files = good_files()
    files[BPMN] = data
    problems = lint(files)
    assert codes(problems) == [code]
    assert problems[0].file == BPMN


def test_a_missing_diagram() -> None:
    files = good_files()
    del files[BPMN]
    assert codes(lint(files)) == ["bpmn-missing"]
