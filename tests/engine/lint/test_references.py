"""Checks that the parts fit together, each fed a package that is wrong in just this way."""

from __future__ import annotations

import pytest

from engine.errors import Severity
from tests.package_builder import (
    add,
    codes,
    flow,
    good_files,
    instead_of_check,
    lint,
    spoil,
    swap,
)

TOML = "process.toml"
BPMN = "tiny_review.bpmn"
POSTS = 'posts = ["secretary"]'
BASIS = 'basis = [{regulation = "细则", edition = "2026", article = "第八条", text = "核对"}]'
LANE = '<lane id="reviewing_contacts" name="联系人">'


def flow_of(source: str, target: str) -> str:
    """Return a flow as the good diagram has it."""
    return f'<sequenceFlow id="flow_{source}_{target}" sourceRef="{source}" targetRef="{target}"/>'


ERRORS: dict[str, tuple[str, str | None, list[tuple[str, str]]]] = {
    "prefix-invalid": (TOML, None, [('prefix = "XS"', 'prefix = "小审"')]),
    "lane-undeclared": (BPMN, "nobody", [(LANE, LANE.replace("reviewing_contacts", "nobody")
                                          .replace("联系人", "群众"))]),
    "lane-unused": (
        TOML,
        "spare",
        [("[participants", f'[lanes.spare]\ntitle = "备"\nwho = "posts"\n{POSTS}\n[participants')],
    ),
    "lane-title-twice": (TOML, "contacts", [('title = "联系人"\nwho', 'title = "党支部"\nwho')]),
    "lane-without-posts": (TOML, "branch", [(POSTS, "posts = []")]),
    "post-unknown": (TOML, "branch", [(POSTS, 'posts = ["secretery"]')]),
    "lane-without-roles": (TOML, "contacts", [('roles = ["contacts"]', "roles = []")]),
    "role-unknown": (TOML, "contacts", [('roles = ["contacts"]', 'roles = ["contact"]')]),
    "or-lane-unknown": (TOML, "contacts", [('or_lane = "branch"', 'or_lane = "contacts"')]),
    "also-lane-unknown": (
        TOML,
        "applicant",
        [('who = "subject"', 'who = "subject"\nalso = ["brunch"]')],
    ),
    "start-lane-unknown": (TOML, "start", [('lanes = ["applicant"]\nsubject_status',
                                            'lanes = ["aplicant"]\nsubject_status')]),
    "membership-unknown": (TOML, "start", [('subject_status = ["none"]',
                                            'subject_status = ["nobody"]')]),
    "task-without-step": (
        BPMN,
        "more",
        [
            add('<userTask id="more" name="更多"/>', flow("more", "end_reviewing")),
            ('sourceRef="become_applicant" targetRef="end_reviewing"',
             'sourceRef="become_applicant" targetRef="more"'),
            ("<flowNodeRef>check</flowNodeRef>",
             "<flowNodeRef>check</flowNodeRef><flowNodeRef>more</flowNodeRef>"),
        ],
    ),
    "start-tasks": (
        BPMN,
        "apply",
        [
            ('targetRef="stage_applying"/>', 'targetRef="fork_start"/>'),
            ('<startEvent id="start" name="开始"/>',
             '<startEvent id="start" name="开始"/><parallelGateway id="fork_start"/>'
             '<userTask id="check" name="联系人核对"/>'
             + flow("fork_start", "check") + flow("check", "end", id="flow_check_end")
             + flow("fork_start", "stage_applying")),
            ("      <flowNodeRef>end</flowNodeRef>",
             "      <flowNodeRef>end</flowNodeRef><flowNodeRef>check</flowNodeRef>"),
            ('    <userTask id="check" name="联系人核对"/>\n', ""),
            ("        <flowNodeRef>check</flowNodeRef>\n", ""),
            ('sourceRef="fork_check" targetRef="check"', 'sourceRef="fork_check" targetRef="wait"'),
            (flow_of("check", "join_check"), ""),
        ],
    ),
    "decision-by-timer": (
        BPMN,
        "late",
        [
            add('<boundaryEvent id="late" name="到期" attachedToRef="review">'
                '<timerEventDefinition id="late_timer"><timeDuration>P1M</timeDuration>'
                "</timerEventDefinition></boundaryEvent>", flow("late", "end_reviewing")),
        ],
    ),
    "number-twice": (
        TOML,
        "check",
        [('element = "check"\ntitle', f'element = "check"\nnumber = "02"\n{BASIS}\ntitle')],
    ),
    "send-back-unknown": (TOML, "review", [('send_back = ["apply"]', 'send_back = ["aply"]')]),
    "send-back-not-before": (TOML, "review", [('send_back = ["apply"]', 'send_back = ["check"]')]),
    "effect-unknown-element": (TOML, "become_aplicant", [
        ('after = "become_applicant"\nset_status', 'after = "become_aplicant"\nset_status')]),
    "outcome-without-title": (TOML, "become_applicant", [('outcome_title = "同意"\n', "")]),
    "participant-unknown-step": (TOML, "contacts", [('from = "review.', 'from = "revue.')]),
    "participant-unknown-field": (TOML, "contacts", [('review.review_contacts"',
                                                      'review.refusal"')]),
    "document-unknown-step": (TOML, "letter", [('step = "apply"', 'step = "aply"')]),
    "document-unknown-field": (TOML, "letter", [('field = "letters"', 'field = "reason"')]),
    "message-unknown": (TOML, "withdraw", [('name = "withdraw"', 'name = "withdrew"')]),
    "message-lane-unknown": (TOML, "withdraw", [('lanes = ["applicant"]\nname',
                                                 'lanes = ["aplicant"]\nname')]),
    "form-missing": (TOML, "check", [('form = "check"', 'form = "chek"')]),
}  # fmt: skip


@pytest.mark.parametrize("code", ERRORS)
def test_an_error_between_the_parts(code: str) -> None:
    file, element, changes = ERRORS[code]
    problems = [p for p in spoil(file, *changes) if p.severity is Severity.ERROR]
    assert code in codes(problems)
    assert set(codes(problems)) - {code} <= CONSEQUENCES.get(code, set())
    problem = next(p for p in problems if p.code == code)
    assert (problem.file, problem.element) == (file, element)
    assert problem.line or code == "prefix-invalid"
    assert problem.cure


CONSEQUENCES = {
    # A lane that is not found is no longer drawn, a step that is renamed loses its task …
    "lane-undeclared": {"lane-unused"},
    "lane-title-twice": {"lane-undeclared", "lane-unused"},
    "form-missing": {"form-unused"},
}
"""What else is wrong then, inevitably."""


def test_a_step_of_no_task() -> None:
    problems = spoil(TOML, ('element = "check"', 'element = "chekc"'))
    assert codes(problems) == ["step-unknown", "task-without-step"]
    unknown = next(p for p in problems if p.code == "step-unknown")
    assert "check" in unknown.message, "says what was probably meant"


def test_a_lane_of_each_person_needs_a_list() -> None:
    old = 'who = "participants"\nroles = ["contacts"]\nor_lane = "branch"'
    problems = spoil(TOML, (old, 'who = "item"'))
    assert codes(problems) == ["lane-item-without-list"]
    assert problems[0].element == "check"


def test_a_task_without_lane() -> None:
    problems = spoil(
        BPMN,
        ("        <flowNodeRef>check</flowNodeRef>\n", ""),
        ("      <flowNodeRef>stage_reviewing</flowNodeRef>\n", ""),
    )
    assert codes(problems) == ["task-without-lane"]
    assert problems[0].element == "check"


def test_a_task_of_no_kind_needs_a_step_too() -> None:
    problems = spoil(
        BPMN,
        instead_of_check('<manualTask id="check_paper" name="核对"/>'),
        ("<flowNodeRef>check</flowNodeRef>", "<flowNodeRef>check_paper</flowNodeRef>"),
        (flow_of("fork_check", "check"), flow("fork_check", "check_paper")),
        (flow_of("check", "join_check"), flow("check_paper", "join_check")),
    )
    assert codes(problems) == ["step-unknown", "task-without-step"]


def test_a_stage_that_is_no_subprocess() -> None:
    problems = spoil(TOML, ('element = "stage_applying"', 'element = "stage_aplying"'))
    assert codes(problems) == ["stage-not-subprocess", "step-without-stage"]


def test_a_step_of_an_unknown_stage() -> None:
    problems = spoil(TOML, ('element = "check"', 'element = "check"\nstage = "nowhere"'))
    assert codes(problems) == ["stage-unknown"]


def test_a_package_that_nobody_may_start() -> None:
    start = '[start]\nlanes = ["applicant"]\nsubject_status = ["none"]\n'
    problems = spoil(TOML, (start, ""))
    assert codes(problems) == ["start-missing"]


def test_a_status_for_a_matter_about_nobody() -> None:
    problems = spoil(TOML, ('bpmn = "', 'subject = "organisation"\nbpmn = "'))
    assert codes(problems) == ["effect-without-subject", "lane-without-subject"]


@pytest.mark.parametrize(
    ("code", "file", "element", "change"),
    [
        ("lane-may-be-empty", TOML, "contacts", ('or_lane = "branch"', "")),
        ("step-name-differs", BPMN, "review", ('name="02 支部审核"', 'name="支部审核"')),
        ("message-undeclared", BPMN, "withdrawn", ('message id="message_withdraw" name="withdraw"',
                                                   'message id="message_withdraw" name="other"')),
    ],
)  # fmt: skip
def test_a_warning_between_the_parts(
    code: str, file: str, element: str, change: tuple[str, str]
) -> None:
    problems = spoil(file, change)
    mine = [p for p in problems if p.code == code]
    assert [(p.severity, p.file, p.element) for p in mine] == [(Severity.WARNING, file, element)]


def test_a_key_step_without_basis() -> None:
    files = good_files()
    text = files[TOML].decode()
    start = text.index("basis = [{regulation", text.index('element = "apply"'))
    files[TOML] = (text[:start] + text[text.index("\n", start) :]).encode()
    problems = lint(files)
    assert codes(problems) == ["basis-missing"]
    assert problems[0].severity is Severity.WARNING


def test_one_key_step_in_two_places_of_the_diagram() -> None:
    text = good_files()[TOML].decode()
    start = text.index("[[step]]", text.index('element = "review"'))
    twice = text[start:].replace('title = "联系人核对"', 'title = "支部审核"\nnumber = "02"', 1)
    files = good_files() | {TOML: (text[:start] + twice).encode()}
    assert "number-twice" not in codes(lint(files))


@pytest.mark.parametrize("path", ["helper.py", "forms/Apply.form", "notes.txt"])
def test_a_file_that_does_not_belong(path: str) -> None:
    problems = lint(good_files() | {path: b"{}"})
    assert "file-unexpected" in codes(problems)
    assert problems[0].file == path


def test_a_form_that_nobody_uses() -> None:
    files = good_files()
    files["forms/spare.form"] = files["forms/withdraw.form"]
    problems = lint(files)
    assert codes(problems) == ["form-unused"]
    assert problems[0].file == "forms/spare.form"


def test_a_form_that_does_not_compile() -> None:
    problems = spoil("forms/check.form", ('"type": "textarea"', '"type": "iframe"'))
    assert {p.file for p in problems} == {"forms/check.form"}
    assert all(p.severity is Severity.ERROR for p in problems)


def test_an_unknown_membership_code_in_a_form() -> None:
    problems = spoil("forms/review.form", ('"status": "full"', '"status": "fulll"'))
    assert {p.file for p in problems} == {"forms/review.form"}


def test_a_wrong_key_is_said_by_the_reader() -> None:
    files = good_files()
    files[TOML] = swap(files[TOML].decode(), 'key = "tiny_review"', 'key = "Tiny"').encode()
    assert codes(lint(files)) == ["id-not-snake-case", "process-id"]


RECTIFICATION = """{
 "type": "dynamiclist", "id": "items", "key": "items", "label": "整改清单",
 "properties": {"domain": "rectification"},
 "components": [
  {"type": "textarea", "id": "c1", "key": "problem", "label": "问题",
   "validate": {"required": true}},
  {"type": "textfield", "id": "c2", "key": "owner", "label": "责任人",
   "validate": {"required": true}, "properties": {"domain": "person"}},
  {"type": "textarea", "id": "c3", "key": "measure", "label": "措施",
   "validate": {"required": true}},
  {"type": "datetime", "id": "c4", "key": "due", "dateLabel": "期限", "subtype": "date",
   "validate": {"required": true}}
 ]}"""


def test_a_list_of_rectification_belongs_to_a_step_and_not_to_a_message() -> None:
    def with_list(form: str) -> dict[str, bytes]:
        files = good_files()
        text = files[form].decode()
        assert '"components": [' in text
        head, _, rest = text.partition('"components": [')
        comma = "" if rest.lstrip().startswith("]") else ","
        files[form] = f'{head}"components": [{RECTIFICATION}{comma}{rest}'.encode()
        return files

    assert "message-field" not in codes(lint(with_list("forms/check.form")))
    problems = [p for p in lint(with_list("forms/withdraw.form")) if p.code == "message-field"]
    (problem,) = problems
    assert (problem.file, problem.element) == ("forms/withdraw.form", "items")
    assert problem.severity is Severity.ERROR
