"""Checks of ``[[indicator]]`` tables and of the lists that freeze them.

A wrong name would not fail: the figure would be nothing for ever.
"""

from __future__ import annotations

from engine.compliance.kinds.once import Once
from engine.compliance.parameters import NUMBERS
from engine.compliance.reading import rule_book
from engine.compliance.regulations import Regulations
from engine.definitions.indicators import Indicator
from engine.definitions.package import MANIFEST, Package
from engine.errors import PackageProblem
from engine.lint.counted import unknown_answers
from engine.lint.findings import Findings
from engine.lint.forms import Forms
from engine.lint.names import did_you_mean
from engine.lint.structure import SNAKE_CASE


def check_indicators(package: Package, regulations: Regulations | None, forms: Forms) -> Findings:
    """Check the indicators of a package; steps of other packages are not looked up."""
    found = Findings()
    for indicator in package.indicators.values():
        _check_names(package, indicator, found)
        _check_when(package, indicator, forms, found)
        if regulations is not None:
            _check_parameters(package, indicator, regulations, found)
            _check_basis(package, indicator, regulations, found)
    _check_lists(package, forms, found)
    if regulations is not None:
        _check_roles(package, regulations, found)
    return found


def _complain(
    package: Package, one: Indicator, found: Findings, code: str, message: str, cure: str
) -> None:
    line = package.lines.get(f"indicator:{one.id}")
    found.error(code, MANIFEST, message, cure, element=one.id, line=line)


def _check_names(package: Package, one: Indicator, found: Findings) -> None:
    if not SNAKE_CASE.fullmatch(one.id):
        _complain(
            package,
            one,
            found,
            "id-not-snake-case",
            f"指标的 id“{one.id}”不是小写英文加下划线的写法",
            "请改为例如 members_meetings 的写法",
        )
    for step in one.counts:
        own = step.process == package.key
        if own and step.element and step.element not in package.steps:
            _complain(
                package,
                one,
                found,
                "indicator-step-unknown",
                f"没有环节“{step.element}”{did_you_mean(step.element, package.steps)}",
                "counts 里写本流程的环节，或者“流程.环节”；整改事项只写流程",
            )
    if not one.weight:
        _complain(
            package,
            one,
            found,
            "indicator-without-weight",
            "没有写明分值",
            '请写 weight = 10，或者 weight = "@参数名"',
        )
    if not one.basis:
        _complain(
            package,
            one,
            found,
            "indicator-without-basis",
            "没有写明依据",
            "请补上 [[indicator.basis]]：regulation、edition、article、text",
        )


def _check_when(package: Package, one: Indicator, forms: Forms, found: Findings) -> None:
    """Check that what ``when`` asks for is a field of every step of the package that counts."""
    for words in unknown_answers(package, one.counts, one.when, forms):
        _complain(
            package, one, found, "indicator-field-unknown", words, "when 里只能用该环节表单的字段"
        )


def _check_parameters(
    package: Package, one: Indicator, regulations: Regulations, found: Findings
) -> None:
    try:
        known = rule_book(package, regulations).parameters
    except PackageProblem:
        return  # said where rules are checked
    for name in one.parameters:
        if name not in known:
            _complain(
                package,
                one,
                found,
                "indicator-parameter-unknown",
                f"没有参数“{name}”{did_you_mean(name, known)}",
                "请在 rules.toml 里写 [[parameter]]，或者用全国参数的 key",
            )
        elif known[name].type not in NUMBERS:
            _complain(
                package,
                one,
                found,
                "indicator-parameter-type",
                f"参数“{name}”不是整数",
                "目标和分值用整数的参数（count）",
            )


def _check_basis(
    package: Package, one: Indicator, regulations: Regulations, found: Findings
) -> None:
    for basis in one.basis:
        regulation = regulations.find(basis.regulation)
        edition = regulation.edition(basis.edition) if regulation is not None else None
        if edition is None or basis.article not in edition.articles:
            _complain(
                package,
                one,
                found,
                "article-unknown",
                f"没有“{basis.regulation}”（{basis.edition}）“{basis.article}”",
                "请核对 regulations 文件夹里的法规、版本和条款",
            )


def _check_lists(package: Package, forms: Forms, found: Findings) -> None:
    """Check that what is declared is frozen somewhere, and that a list has something to freeze."""
    freezing = [name for name, schema in forms.schemas.items() if schema.freezing]
    if package.indicators and not freezing:
        found.error(
            "indicator-never-frozen",
            MANIFEST,
            "写了 [[indicator]]，却没有表单冻结指标",
            '在一个环节的表单里放 dynamiclist，properties.domain = "indicators"',
        )
    if not package.indicators:
        for name in freezing:
            found.error(
                "indicator-none",
                package.form_file(name),
                "表单里有指标列表，process.toml 里却没有 [[indicator]]",
                "请写 [[indicator]]，或者删去这个列表",
            )


def _check_roles(package: Package, regulations: Regulations, found: Findings) -> None:
    """Check that rules of kind once ask for a role that the procedure gives."""
    try:
        rules = rule_book(package, regulations).rules
    except PackageProblem:
        return
    for rule in rules:
        if isinstance(rule.check, Once) and rule.check.role not in package.participants:
            role = rule.check.role
            found.error(
                "rule-role-unknown",
                "rules.toml",
                f"没有角色“{role}”{did_you_mean(role, package.participants)}",
                "role 写 [participants.x] 里的 x",
                element=rule.id,
                line=rule.line,
            )
