"""A small, good process package, and ways to spoil it: each test of the linter changes one thing.

The diagram is written by hand below; its drawing (BPMNDI) is added to whatever it has become, so
that a change of the diagram does not also leave something undrawn.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from engine.definitions.package import Package, load_package
from engine.errors import Problem
from engine.lint import lint_package

KEY = "tiny_review"

PROCESS = """
key = "tiny_review"
title = "小小审核"
title_en = "Tiny review"
prefix = "XS"
version = "1"
bpmn = "tiny_review.bpmn"
description = "本人申请，支部审核，联系人核对。"
stages = [
  {id = "applying", number = "一", title = "申请", element = "stage_applying"},
  {id = "reviewing", number = "二", title = "审核", element = "stage_reviewing"},
]

[start]
lanes = ["applicant"]
subject_status = ["none"]

[lanes.applicant]
title = "申请人"
who = "subject"

[lanes.branch]
title = "党支部"
who = "posts"
posts = ["secretary"]
at = "organisation"
not_subject = true

[lanes.contacts]
title = "联系人"
who = "participants"
roles = ["contacts"]
or_lane = "branch"

[participants.contacts]
title = "联系人"
from = "review.review_contacts"

[[step]]
element = "apply"
number = "01"
title = "提出申请"
action = "提交申请"
form = "apply"
basis = [{regulation = "工作细则", edition = "2026", article = "第五条", text = "自愿申请"}]

[[step]]
element = "review"
number = "02"
title = "支部审核"
action = "提交审核意见"
form = "review"
due = "add_months(on['apply'], 1)"
earliest = "next_day(on['apply'])"
send_back = ["apply"]
decision = true
basis = [{regulation = "工作细则", edition = "2026", article = "第七条", text = "一个月内审核"}]

[[step]]
element = "check"
title = "联系人核对"
action = "提交核对情况"
form = "check"

[[effect]]
after = "become_applicant"
set_status = "applicant"
since = "on['review']"

[[effect]]
after = "become_applicant"
when = "review_decision == 'agree'"
outcome = "agreed"
outcome_title = "同意"

[messages.withdraw]
title = "撤回申请"
lanes = ["applicant"]
name = "withdraw"
form = "withdraw"

[[document]]
id = "letter"
title = "申请书"
step = "apply"
field = "letters"
archive = true
"""

DIAGRAM = """
<message id="message_withdraw" name="withdraw"/>
<process id="tiny_review" name="小小审核" isExecutable="true">
  <laneSet id="lanes">
    <lane id="applicant" name="申请人">
      <flowNodeRef>start</flowNodeRef>
      <flowNodeRef>stage_applying</flowNodeRef>
      <flowNodeRef>withdrawn</flowNodeRef>
      <flowNodeRef>end_withdrawn</flowNodeRef>
    </lane>
    <lane id="branch" name="党支部">
      <flowNodeRef>stage_reviewing</flowNodeRef>
      <flowNodeRef>end</flowNodeRef>
    </lane>
  </laneSet>
  <startEvent id="start" name="开始"/>
  <subProcess id="stage_applying" name="申请">
    <startEvent id="start_applying" name="开始"/>
    <userTask id="apply" name="01 提出申请"/>
    <endEvent id="end_applying" name="已申请"/>
    <sequenceFlow id="flow_start_applying_apply" sourceRef="start_applying" targetRef="apply"/>
    <sequenceFlow id="flow_apply_end_applying" sourceRef="apply" targetRef="end_applying"/>
  </subProcess>
  <boundaryEvent id="withdrawn" name="本人撤回" attachedToRef="stage_applying">
    <messageEventDefinition id="withdrawn_message" messageRef="message_withdraw"/>
  </boundaryEvent>
  <endEvent id="end_withdrawn" name="已撤回"/>
  <subProcess id="stage_reviewing" name="审核">
    <laneSet id="lanes_reviewing">
      <lane id="reviewing_branch" name="党支部">
        <flowNodeRef>review</flowNodeRef>
      </lane>
      <lane id="reviewing_contacts" name="联系人">
        <flowNodeRef>check</flowNodeRef>
      </lane>
    </laneSet>
    <startEvent id="start_reviewing" name="开始"/>
    <userTask id="review" name="02 支部审核"/>
    <exclusiveGateway id="is_agreed" name="是否同意" default="flow_is_agreed_end_refused"/>
    <endEvent id="end_refused" name="不同意"/>
    <parallelGateway id="fork_check"/>
    <userTask id="check" name="联系人核对"/>
    <intermediateCatchEvent id="wait" name="等待五天">
      <timerEventDefinition id="wait_timer">
        <timeDate>add_days(on["review"], 5)</timeDate>
      </timerEventDefinition>
    </intermediateCatchEvent>
    <parallelGateway id="join_check"/>
    <intermediateThrowEvent id="become_applicant" name="成为申请人"/>
    <endEvent id="end_reviewing" name="审核完成"/>
    <sequenceFlow id="flow_start_reviewing_review" sourceRef="start_reviewing" targetRef="review"/>
    <sequenceFlow id="flow_review_is_agreed" sourceRef="review" targetRef="is_agreed"/>
    <sequenceFlow id="flow_is_agreed_end_refused" sourceRef="is_agreed" targetRef="end_refused"/>
    <sequenceFlow id="flow_is_agreed_fork_check" sourceRef="is_agreed" targetRef="fork_check">
      <conditionExpression>review_decision == "agree"</conditionExpression>
    </sequenceFlow>
    <sequenceFlow id="flow_fork_check_check" sourceRef="fork_check" targetRef="check"/>
    <sequenceFlow id="flow_fork_check_wait" sourceRef="fork_check" targetRef="wait"/>
    <sequenceFlow id="flow_check_join_check" sourceRef="check" targetRef="join_check"/>
    <sequenceFlow id="flow_wait_join_check" sourceRef="wait" targetRef="join_check"/>
    <sequenceFlow id="flow_join_become" sourceRef="join_check" targetRef="become_applicant"/>
    <sequenceFlow id="flow_become_end" sourceRef="become_applicant" targetRef="end_reviewing"/>
  </subProcess>
  <endEvent id="end" name="结束"/>
  <sequenceFlow id="flow_start_stage_applying" sourceRef="start" targetRef="stage_applying"/>
  <sequenceFlow id="flow_stages" sourceRef="stage_applying" targetRef="stage_reviewing"/>
  <sequenceFlow id="flow_withdrawn_end_withdrawn" sourceRef="withdrawn" targetRef="end_withdrawn"/>
  <sequenceFlow id="flow_stage_reviewing_end" sourceRef="stage_reviewing" targetRef="end"/>
</process>
"""

APPLY = """{"schemaVersion": 16, "type": "default", "id": "apply", "components": [
  {"type": "textarea", "key": "reason", "label": "理由", "validate": {"required": true}},
  {"type": "filepicker", "key": "letters", "label": "申请书",
   "properties": {"document": "申请书"}}
]}"""
REVIEW = """{"schemaVersion": 16, "type": "default", "id": "review", "components": [
  {"type": "radio", "key": "review_decision", "label": "审核意见",
   "values": [{"value": "agree", "label": "同意"}, {"value": "refuse", "label": "不同意"}],
   "validate": {"required": true}},
  {"type": "textfield", "key": "refusal", "label": "不同意的理由",
   "conditional": {"hide": "=review_decision != 'refuse'"}, "validate": {"required": true}},
  {"type": "textfield", "key": "review_contacts", "label": "联系人",
   "conditional": {"hide": "=review_decision != 'agree'"},
   "properties": {"domain": "people", "status": "full", "min": "1", "max": "2"}}
]}"""
CHECK = """{"schemaVersion": 16, "type": "default", "id": "check", "components": [
  {"type": "datetime", "subtype": "date", "key": "checked_from", "dateLabel": "起始日期",
   "properties": {"prefill": "on['review']"}},
  {"type": "textarea", "key": "findings", "label": "情况"}
]}"""
WITHDRAW = """{"schemaVersion": 16, "type": "default", "id": "withdraw", "components": [
  {"type": "textarea", "key": "withdraw_reason", "label": "撤回的原因"}
]}"""

CAST = """
[organisations.branch]
kind = "branch"

[people.applicant]
name = "李一"
organisation = "branch"

[people.secretary]
name = "王二"
status = "full"
since = 2010-07-01
organisation = "branch"
posts = [{kind = "secretary", at = "branch"}]

[people.member]
name = "赵三"
status = "full"
since = 2015-07-01
organisation = "branch"

[data.apply]
reason = "自愿"

[data.review]
review_decision = "agree"
review_contacts = ["@member"]
refusal = "条件还不成熟"
"""
AGREED = """
title = "审核同意，成为申请人"

[given]
clock = 2026-06-20

[[do]]
complete = "apply"
by = "applicant"
on = 2026-06-01

[[do]]
opened = ["review"]
due = {review = 2026-07-01}
earliest = {review = 2026-06-02}

[[do]]
refused = "review"
by = "secretary"
on = 2026-06-01
because = "occurred_on"

[[do]]
complete = "review"
by = "secretary"
on = 2026-06-03

[[do]]
opened = ["check"]

[[do]]
complete = "check"
by = "member"
on = 2026-06-05

[then]
status = "completed"
outcome = "agreed"
steps = ["01", "02"]
membership = [{status = "applicant", since = 2026-06-03}]
"""

_NODES = re.compile(
    r"<((?:start|end|boundary)Event|intermediate\w+Event|\w*[tT]ask|\w+Gateway|callActivity"
    r"|subProcess|adHocSubProcess|transaction) id=\"([^\"]+)\""
)
_FLOWS = re.compile(r"<sequenceFlow id=\"([^\"]+)\"")


def diagram(body: str, *, undrawn: str | None = None) -> bytes:
    """Return a BPMN file around ``body``, with a drawing of all but ``undrawn``."""
    shapes = [
        f'<di:BPMNShape id="{id}_di" bpmnElement="{id}">'
        f'<dc:Bounds x="{100 * n}" y="100" width="80" height="60"/></di:BPMNShape>'
        for n, (_, id) in enumerate(_NODES.findall(body))
        if id != undrawn
    ]
    edges = [
        f'<di:BPMNEdge id="{id}_di" bpmnElement="{id}">'
        '<dd:waypoint x="0" y="0"/><dd:waypoint x="9" y="0"/></di:BPMNEdge>'
        for id in _FLOWS.findall(body)
        if id != undrawn
    ]
    process = re.search(r"<process id=\"([^\"]+)\"", body)
    name = process[1] if process else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"'
        ' xmlns:di="http://www.omg.org/spec/BPMN/20100524/DI"'
        ' xmlns:dc="http://www.omg.org/spec/DD/20100524/DC"'
        ' xmlns:dd="http://www.omg.org/spec/DD/20100524/DI"'
        ' id="definitions" targetNamespace="urn:test">'
        f"{body}"
        f'<di:BPMNDiagram id="drawing"><di:BPMNPlane id="plane" bpmnElement="{name}">'
        f"{''.join(shapes)}{''.join(edges)}</di:BPMNPlane></di:BPMNDiagram></definitions>"
    ).encode()


def good_files() -> dict[str, bytes]:
    """Return the files of a package without a fault."""
    texts = {
        "process.toml": PROCESS,
        "forms/apply.form": APPLY,
        "forms/review.form": REVIEW,
        "forms/check.form": CHECK,
        "forms/withdraw.form": WITHDRAW,
        "scenarios/cast.toml": CAST,
        "scenarios/agreed.toml": AGREED,
        "README.md": "# 小小审核\n",
    }
    files = {path: text.encode() for path, text in texts.items()}
    return files | {"tiny_review.bpmn": diagram(DIAGRAM)}


def good_package() -> Package:
    """Return the package without a fault, read."""
    return load_package(good_files())


def swap(text: str, old: str, new: str) -> str:
    """Replace what occurs exactly once: a test that spoils nothing would prove nothing."""
    assert text.count(old) == 1, f"{text.count(old)} times: {old}"
    return text.replace(old, new)


_PLACE = '    <endEvent id="end_refused" name="不同意"/>'


def add(*elements: str) -> tuple[str, str]:
    """Return the change that adds elements to the second stage."""
    return _PLACE, _PLACE + "".join(elements)


def instead_of_check(*elements: str) -> tuple[str, str]:
    """Return the change that puts something in the place of the task ``check``."""
    return '<userTask id="check" name="联系人核对"/>', "".join(elements)


def check_with(*inside: str) -> tuple[str, str]:
    """Return the change that puts something inside the task ``check``."""
    return instead_of_check('<userTask id="check" name="联系人核对">', *inside, "</userTask>")


def flow(source: str, target: str, condition: str = "", id: str = "") -> str:
    """Return a sequence flow."""
    inside = f"<conditionExpression>{condition}</conditionExpression>" if condition else ""
    id = id or f"flow_{source}_{target}"
    ends = f'sourceRef="{source}" targetRef="{target}"'
    return f'<sequenceFlow id="{id}" {ends}>{inside}</sequenceFlow>'


def subprocess(id: str, *inside: str, attributes: str = "", tag: str = "subProcess") -> str:
    """Return a subprocess that begins and ends at once."""
    return (
        f'<{tag} id="{id}" name="子流程" {attributes}><startEvent id="{id}_start" name="开始"/>'
        f'<endEvent id="{id}_end" name="完"/>{flow(f"{id}_start", f"{id}_end")}{"".join(inside)}'
        f"</{tag}>"
    )


def spoil(path: str, *changes: tuple[str, str]) -> list[Problem]:
    """Change one file of the good package and lint it; the diagram is drawn anew."""
    files = good_files()
    text = DIAGRAM if path.endswith(".bpmn") else files[path].decode()
    for old, new in changes:
        text = swap(text, old, new)
    files[path] = diagram(text) if path.endswith(".bpmn") else text.encode()
    return lint(files)


def lint(files: Mapping[str, bytes]) -> list[Problem]:
    """Lint a package given by its files."""
    return lint_package(load_package(files))


def codes(problems: list[Problem]) -> list[str]:
    """Return the codes of problems, each once."""
    return sorted({problem.code for problem in problems})
