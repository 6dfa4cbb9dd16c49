"""Checks of ``[[duty]]`` tables: whoever owes it exists, what counts is a step, what it asks for is
declared. A wrong name would not fail: nothing would ever count.
"""

from __future__ import annotations

from engine.compliance.parameters import NUMBERS, ParameterType
from engine.compliance.reading import rule_book
from engine.compliance.regulations import Regulations
from engine.definitions.duties import Duty
from engine.definitions.package import MANIFEST, Package, Subject
from engine.directory.codes import OrganisationKind, PostKind
from engine.errors import PackageProblem
from engine.forms.fields import FieldKind
from engine.lint.counted import unknown_answers
from engine.lint.findings import Findings
from engine.lint.forms import Forms
from engine.lint.names import did_you_mean
from engine.lint.structure import SNAKE_CASE

PART_PERIOD = {"not_judged", "pro_rata", "whole"}
"""What may be decided about those who came or left within the period of a tally."""


def check_duties(package: Package, regulations: Regulations | None, forms: Forms) -> Findings:
    """Check what organisations owe by a package; steps of other packages are not looked up."""
    found = Findings()
    for duty in package.duties.values():
        _check_names(package, duty, found)
        _check_when(package, duty, forms, found)
        _check_fields(package, duty, forms, found)
        if regulations is not None:
            _check_parameters(package, duty, regulations, found)
            _check_basis(package, duty, regulations, found)
    return found


def _complain(
    package: Package, duty: Duty, found: Findings, code: str, message: str, cure: str
) -> None:
    line = package.lines.get(f"duty:{duty.id}")
    found.error(code, MANIFEST, message, cure, element=duty.id, line=line)


def _check_names(package: Package, duty: Duty, found: Findings) -> None:
    if not SNAKE_CASE.fullmatch(duty.id):
        _complain(
            package,
            duty,
            found,
            "id-not-snake-case",
            f"活动的 id“{duty.id}”不是小写英文加下划线的写法",
            "请改为例如 members_meeting 的写法",
        )
    for kind in duty.kinds:
        if kind not in set(OrganisationKind):
            _complain(
                package,
                duty,
                found,
                "duty-kind-unknown",
                f"没有党组织类型“{kind}”{did_you_mean(kind, list(OrganisationKind))}",
                "请改正 kinds",
            )
    made_up = duty.tally.made_up if duty.tally is not None else ()
    for step in (*duty.counts, *duty.also_counts, *made_up):
        if step.process == package.key and step.element not in package.steps:
            _complain(
                package,
                duty,
                found,
                "duty-step-unknown",
                f"没有环节“{step.element}”{did_you_mean(step.element, package.steps)}",
                "counts 里写本流程的环节，或者“流程.环节”",
            )
    if duty.drafts and package.subject is not Subject.ORGANISATION:
        _complain(
            package,
            duty,
            found,
            "duty-about-person",
            "涉及某个人员的流程不能由计划发起草稿",
            "请写 drafts = false",
        )
    if not duty.basis:
        _complain(
            package,
            duty,
            found,
            "duty-without-basis",
            "没有写明依据",
            "请补上 [[duty.basis]]：regulation、edition、article、text",
        )


def _check_when(package: Package, duty: Duty, forms: Forms, found: Findings) -> None:
    """Check that what ``when`` asks for is a field of every step of the package that counts."""
    for words in unknown_answers(package, duty.counts, duty.when, forms):
        _complain(
            package, duty, found, "duty-field-unknown", words, "when 里只能用该环节表单的字段"
        )


def _check_fields(package: Package, duty: Duty, forms: Forms, found: Findings) -> None:
    """Check that what is added up is a number, who was there an attendance, who did it a person."""
    wanted: list[tuple[str, FieldKind]] = []
    if duty.tally is not None:
        wanted += [
            (duty.tally.figure, FieldKind.NUMBER),
            (duty.tally.people, FieldKind.ATTENDANCE),
        ]
    if duty.done_by is not None:
        wanted.append((duty.done_by.person, FieldKind.PERSON))
        for post in duty.done_by.posts:
            if post not in set(PostKind):
                _complain(
                    package,
                    duty,
                    found,
                    "post-unknown",
                    f"没有职务“{post}”{did_you_mean(post, list(PostKind))}",
                    "请改正 posts",
                )
    for step in duty.counts:
        if step.process != package.key or step.element not in package.steps:
            continue
        fields = forms.fields(package.steps[step.element].form)
        for name, kind in wanted if fields is not None else ():
            field = (fields or {}).get(name)
            if field is None or field.kind is not kind:
                _complain(
                    package,
                    duty,
                    found,
                    "duty-field-unknown",
                    f"环节“{step.element}”的表单没有合用的字段“{name}”"
                    f"{did_you_mean(name, sorted(fields or {}))}",
                    "figure 写数字字段，people 写到会情况字段，person 写人员字段",
                )


def _check_parameters(
    package: Package, duty: Duty, regulations: Regulations, found: Findings
) -> None:
    try:
        known = rule_book(package, regulations).parameters
    except PackageProblem:
        return  # said where rules are checked
    for name in duty.parameters:
        parameter = known.get(name)
        if parameter is None:
            _complain(
                package,
                duty,
                found,
                "duty-parameter-unknown",
                f"没有参数“{name}”{did_you_mean(name, known)}",
                "请在 rules.toml 里写 [[parameter]]，或者用全国参数的 key",
            )
        elif duty.tally is not None and name == duty.tally.part_period:
            if parameter.type is not ParameterType.CHOICE or set(parameter.choices) != PART_PERIOD:
                _complain(
                    package,
                    duty,
                    found,
                    "duty-parameter-type",
                    f"参数“{name}”的类型不合用",
                    "part_period 用 choice，可选 not_judged、pro_rata、whole",
                )
        elif (
            parameter.type is not ParameterType.BOOL
            if name == duty.also_if
            else parameter.type not in NUMBERS
        ):
            _complain(
                package,
                duty,
                found,
                "duty-parameter-type",
                f"参数“{name}”的类型不合用",
                "also_if 用 bool，其余用整数（count、days、months）",
            )


def _check_basis(package: Package, duty: Duty, regulations: Regulations, found: Findings) -> None:
    for basis in duty.basis:
        regulation = regulations.find(basis.regulation)
        edition = regulation.edition(basis.edition) if regulation is not None else None
        if edition is None or basis.article not in edition.articles:
            _complain(
                package,
                duty,
                found,
                "article-unknown",
                f"没有“{basis.regulation}”（{basis.edition}）“{basis.article}”",
                "请核对 regulations 文件夹里的法规、版本和条款",
            )
