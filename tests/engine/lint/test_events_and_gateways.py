"""Checks of events, gateways and conditions, each fed a diagram that is wrong in just this way."""

from __future__ import annotations

import pytest

from engine.errors import Severity
from engine.lint.overlap import disjoint
from tests.package_builder import add, codes, flow, instead_of_check, spoil, subprocess

BPMN = "tiny_review.bpmn"
BECOME = '<intermediateThrowEvent id="become_applicant" name="成为申请人"/>'
END = '<endEvent id="end_reviewing" name="审核完成"/>'
START = '<startEvent id="start_reviewing" name="开始"/>'
WAIT = """<timerEventDefinition id="wait_timer">
        <timeDate>add_days(on["review"], 5)</timeDate>
      </timerEventDefinition>"""
CHOICE = '<exclusiveGateway id="is_agreed" name="是否同意" default="flow_is_agreed_end_refused"/>'
FLOW_TO_END = '<sequenceFlow id="flow_become_end" sourceRef="become_applicant" targetRef='
FLOW_FROM_JOIN = (
    '<sequenceFlow id="flow_join_become" sourceRef="join_check" targetRef="become_applicant"/>'
)
TIMER = '<timerEventDefinition id="{}"><timeDuration>PT1H</timeDuration></timerEventDefinition>'


def inside(element: str, content: str) -> tuple[str, str]:
    """Put something inside an element that is empty."""
    tag = element[1:].partition(" ")[0]
    return element, f"{element[:-2]}>{content}</{tag}>"


def race(*events: str) -> list[tuple[str, str]]:
    """An event-based gateway with these events in the place of the check."""
    catches = [
        f'<intermediateCatchEvent id="event_{n}" name="等待">{event}</intermediateCatchEvent>'
        + flow("check", f"event_{n}")
        + (flow(f"event_{n}", "meet"))
        for n, event in enumerate(events)
    ]
    return [
        instead_of_check('<eventBasedGateway id="check"/>', '<exclusiveGateway id="meet"/>'),
        ('sourceRef="check" targetRef="join_check"', 'sourceRef="meet" targetRef="join_check"'),
        add(*catches),
    ]


FORMAL = 'xmlns:x="http://www.w3.org/2001/XMLSchema-instance" x:type="tFormalExpression"'
REFUSE = "<conditionExpression>review_decision == 'refuse'</conditionExpression></sequenceFlow>"
TO_REFUSED = 'sourceRef="is_agreed" targetRef="end_refused"/>'
MESSAGE = '<messageEventDefinition id="m{}" messageRef="message_withdraw"/>'

ERRORS = {
    "signal-end-event": (
        "end_reviewing",
        [
            inside(END, '<signalEventDefinition id="s" signalRef="signal"/>'),
            ("<message id=", '<signal id="signal" name="signal"/><message id='),
        ],
    ),
    "link-event": (
        "become_applicant",
        [inside(BECOME, '<linkEventDefinition id="l" name="link"/>')],
    ),
    "compensation-event": (
        "become_applicant",
        [inside(BECOME, '<compensateEventDefinition id="c"/>')],
    ),
    "multiple-event": ("wait", [(WAIT, WAIT + MESSAGE.format(9))]),
    "parallel-multiple": ("wait", [('id="wait" name', 'id="wait" parallelMultiple="true" name')]),
    "event-without-trigger": ("wait", [(WAIT, "")]),
    "start-event-definition": (
        "start_reviewing",
        [
            inside(START, '<errorEventDefinition id="e" errorRef="error"/>'),
            ("<message id=", '<error id="error" errorCode="x"/><message id='),
        ],
    ),
    "start-not-interrupting": (
        "start_reviewing",
        [(START, START.replace("/>", ' isInterrupting="false"/>'))],
    ),
    "error-not-interrupting": (
        "caught",
        [
            ("<message id=", '<error id="error" errorCode="x"/><message id='),
            add(
                '<boundaryEvent id="caught" name="出错" attachedToRef="check"'
                ' cancelActivity="false"><errorEventDefinition id="e" errorRef="error"/>'
                "</boundaryEvent>",
                flow("caught", "end_reviewing"),
            ),
        ],
    ),
    "boundary-unattached": (
        "loose",
        [
            add(
                f'<boundaryEvent id="loose" name="悬空" attachedToRef="nothing">{TIMER.format("t")}'
                "</boundaryEvent>",
                flow("loose", "end_reviewing"),
            )
        ],
    ),
    "event-gateway-timers": ("check", race(TIMER.format("t1"), TIMER.format("t2"))),
    "event-gateway-target": ("check", race(TIMER.format("t1"))),
    "error-uncaught": (
        "end_reviewing",
        [
            inside(END, '<errorEventDefinition id="e" errorRef="error"/>'),
            ("<message id=", '<error id="error" errorCode="x"/><message id='),
        ],
    ),
    "escalation-uncaught": (
        "become_applicant",
        [
            inside(BECOME, '<escalationEventDefinition id="e" escalationRef="up"/>'),
            ("<message id=", '<escalation id="up" escalationCode="x"/><message id='),
        ],
    ),
    "message-unnamed": ("become_applicant", [inside(BECOME, '<messageEventDefinition id="m"/>')]),
    "instantiating": (
        "check",
        [
            instead_of_check(
                '<receiveTask id="check" name="等待" instantiate="true"'
                ' messageRef="message_withdraw"/>'
            )
        ],
    ),
    "gateway-default-missing": (
        "is_agreed",
        [
            (CHOICE, '<exclusiveGateway id="is_agreed" name="是否同意"/>'),
            (
                TO_REFUSED,
                TO_REFUSED.replace("/>", ">" + REFUSE),
            ),
        ],
    ),
    "default-with-condition": (
        "flow_is_agreed_end_refused",
        [
            (
                TO_REFUSED,
                TO_REFUSED.replace("/>", ">" + REFUSE),
            )
        ],
    ),
    "condition-missing": (
        "flow_is_agreed_end_reviewing",
        [add(flow("is_agreed", "end_reviewing"))],
    ),
    "condition-ignored": (
        "flow_become_end",
        [
            (
                FLOW_TO_END + '"end_reviewing"/>',
                FLOW_TO_END + '"end_reviewing">' + REFUSE,
            )
        ],
    ),
    "default-ignored": (
        "check",
        [
            instead_of_check(
                '<userTask id="check" name="联系人核对" default="flow_check_join_check"/>'
            )
        ],
    ),
    "expression-language": (
        "flow_is_agreed_fork_check",
        [("<conditionExpression>", f'<conditionExpression {FORMAL} language="feel">')],
    ),
}


@pytest.mark.parametrize("code", ERRORS)
def test_an_error_of_events_or_gateways(code: str) -> None:
    element, changes = ERRORS[code]
    problems = spoil(BPMN, *changes)
    mine = [problem for problem in problems if problem.file == BPMN]
    assert codes(mine) == [code]
    assert mine[0].severity is Severity.ERROR
    assert mine[0].element == element
    assert mine[0].line and mine[0].cure


def test_an_event_gateway_leads_to_events_only() -> None:
    changes = race(TIMER.format("t1"), MESSAGE.format(1))
    changes[2] = (changes[2][0], changes[2][1] + flow("check", "end_reviewing"))
    problems = spoil(BPMN, *changes)
    assert codes([p for p in problems if p.file == BPMN]) == ["event-gateway-target"]


def test_an_event_gateway_with_one_timer_is_fine() -> None:
    problems = spoil(BPMN, *race(TIMER.format("t1"), MESSAGE.format(1)))
    assert [problem for problem in problems if problem.file == BPMN] == []


def test_a_caught_error_is_fine() -> None:
    problems = spoil(
        BPMN,
        ("<message id=", '<error id="error" errorCode="x"/><message id='),
        inside(END, '<errorEventDefinition id="e" errorRef="error"/>'),
        (
            '  <endEvent id="end" name="结束"/>',
            '  <endEvent id="end" name="结束"/><endEvent id="end_failed" name="失败"/>'
            '<boundaryEvent id="failed" name="失败" attachedToRef="stage_reviewing">'
            '<errorEventDefinition id="e2" errorRef="error"/></boundaryEvent>'
            + flow("failed", "end_failed"),
        ),
    )
    assert [problem for problem in problems if problem.file == BPMN] == []


def test_a_compensation_boundary() -> None:
    boundary = (
        '<boundaryEvent id="undo" name="撤销" attachedToRef="check">'
        '<compensateEventDefinition id="c"/></boundaryEvent>'
    )
    problems = spoil(BPMN, add(boundary, flow("undo", "end_reviewing")))
    assert codes(problems) == ["compensation-event"]


@pytest.mark.parametrize(
    ("code", "element", "changes"),
    [
        (
            "conditions-overlap",
            "is_agreed",
            [add(flow("is_agreed", "end_reviewing", "present(refusal)"))],
        ),
        (
            "fork-without-join",
            "fork_check",
            [
                (
                    'sourceRef="check" targetRef="join_check"',
                    'sourceRef="check" targetRef="end_checked"',
                ),
                (
                    'sourceRef="wait" targetRef="join_check"',
                    'sourceRef="wait" targetRef="become_applicant"',
                ),
                ('<parallelGateway id="join_check"/>', '<endEvent id="end_checked" name="完"/>'),
                (FLOW_FROM_JOIN, ""),
            ],
        ),
        (
            "join-without-fork",
            "join_check",
            [
                (
                    '<parallelGateway id="fork_check"/>',
                    CHOICE.replace("is_agreed", "fork_check", 1).replace(
                        "flow_is_agreed_end_refused", "flow_fork_check_wait"
                    ),
                ),
                (
                    'sourceRef="fork_check" targetRef="check"/>',
                    'sourceRef="fork_check" targetRef="check">' + REFUSE,
                ),
            ],
        ),
    ],
)
def test_a_warning_of_gateways(code: str, element: str, changes: list[tuple[str, str]]) -> None:
    problems = spoil(BPMN, *changes)
    mine = [problem for problem in problems if problem.file == BPMN]
    assert codes(mine) == [code]
    assert mine[0].severity is Severity.WARNING
    assert mine[0].element == element


def interrupted(end: str) -> list[tuple[str, str]]:
    """An event that takes the check away while another branch waits, and where it leads."""
    return [
        add(
            '<boundaryEvent id="too_late" name="逾期" attachedToRef="check">'
            f"{TIMER.format('t')}</boundaryEvent>",
            end,
        )
    ]


LATE_END = '<endEvent id="end_late" name="逾期结束">{}</endEvent>' + flow("too_late", "end_late")


def test_an_event_that_takes_away_a_branch_starves_the_join() -> None:
    problems = spoil(BPMN, *interrupted(LATE_END.format("")))
    (mine,) = (problem for problem in problems if problem.code == "join-starved")
    assert (mine.severity, mine.element) == (Severity.WARNING, "too_late")
    assert "join_check" in mine.message


@pytest.mark.parametrize(
    ("end", "changes"),
    [
        (LATE_END.format('<terminateEventDefinition id="all"/>'), []),
        (
            '<exclusiveGateway id="meet"/>' + flow("too_late", "meet") + flow("meet", "join_check"),
            [('sourceRef="check" targetRef="join_check"', 'sourceRef="check" targetRef="meet"')],
        ),
    ],
    ids=["everything ends", "the branch goes on"],
)
def test_a_join_that_gets_its_token_or_ends_with_the_rest_is_not_starved(
    end: str, changes: list[tuple[str, str]]
) -> None:
    assert "join-starved" not in codes(spoil(BPMN, *changes, *interrupted(end)))


def again(target: str, *more: str) -> list[tuple[str, str]]:
    """A choice after the join that leads back to something before it."""
    return [
        (FLOW_FROM_JOIN, FLOW_FROM_JOIN.replace("become_applicant", "enough")),
        add(
            '<exclusiveGateway id="enough" name="够了吗" default="flow_enough_become_applicant"/>',
            flow("enough", "become_applicant"),
            flow("enough", target, "review_decision == 'refuse'"),
            *more,
        ),
    ]


@pytest.mark.parametrize(
    ("gateway", "changes"),
    [
        (
            "join_check",
            [
                *again("meet", '<exclusiveGateway id="meet"/>', flow("meet", "check")),
                (
                    'sourceRef="fork_check" targetRef="check"',
                    'sourceRef="fork_check" targetRef="meet"',
                ),
            ],
        ),
        ("join_check", again("join_check")),
        ("fork_check", again("fork_check")),
    ],
    ids=["one branch again", "into the join itself", "into a fork that takes two ways in"],
)
def test_a_way_back_that_brings_too_few_tokens(
    gateway: str, changes: list[tuple[str, str]]
) -> None:
    problems = spoil(BPMN, *changes)
    mine = [problem for problem in problems if problem.code == "join-loop-back"]
    assert [(problem.severity, problem.element) for problem in mine] == [
        (Severity.WARNING, gateway)
    ]


def test_a_way_back_to_before_the_fork_is_fine() -> None:
    changes = [
        *again("meet", '<exclusiveGateway id="meet"/>', flow("meet", "fork_check")),
        (
            'sourceRef="is_agreed" targetRef="fork_check"',
            'sourceRef="is_agreed" targetRef="meet"',
        ),
    ]
    assert "join-loop-back" not in codes(spoil(BPMN, *changes))


def test_a_token_of_an_event_that_does_not_interrupt_counts_for_a_join() -> None:
    problems = spoil(
        BPMN,
        instead_of_check(subprocess("check")),
        add(
            '<boundaryEvent id="also" name="另外" attachedToRef="check" cancelActivity="false">'
            f"{TIMER.format('t')}</boundaryEvent>",
            '<parallelGateway id="meet"/>',
            flow("also", "meet"),
            flow("meet", "join_check"),
        ),
        ('sourceRef="check" targetRef="join_check"', 'sourceRef="check" targetRef="meet"'),
    )
    assert "join-without-fork" not in codes(problems)


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ("x == 'a'", "x == 'b'", True),
        ("x == 'a'", "x == 'a'", False),
        ("x == 'a'", "'b' == x", True),
        ("x == 'a'", "x != 'a'", True),
        ("x == 'a'", "x in ['b', 'c']", True),
        ("x == 'a'", "x in ['a', 'c']", False),
        ("x == 'a' and y == 1", "x == 'a' and y == 2", True),
        ("x == 'a' or x == 'b'", "x == 'c'", True),
        ("x == 'a' or x == 'b'", "x == 'b'", False),
        ("x == 'a'", "y == 'b'", False),
        ("present(x)", "not present(x)", True),
        ("not (x == 'a')", "x == 'a'", True),
        ("n < 3", "n >= 3", True),
        ("n < 3", "n > 3", True),
        ("n <= 3", "n >= 3", False),
        ("n == 3", "n > 3", True),
        ("n == 4", "n > 3", False),
        ("v['outcome'] == 'adopted'", "v['outcome'] == 'lost'", True),
        ("v['outcome'] == 'adopted'", "w['outcome'] == 'lost'", False),
    ],
)
def test_whether_conditions_exclude_each_other(one: str, other: str, apart: bool) -> None:
    assert disjoint(one, other) is apart
    assert disjoint(other, one) is apart
