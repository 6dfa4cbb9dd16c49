"""Checks of what rules rest on: parameters, articles, and articles that no rule checks."""

from __future__ import annotations

from engine.compliance.reads import settings_of
from engine.compliance.regulations import Regulations
from engine.compliance.results import Severity
from engine.compliance.rules import Rule, RuleBook, Setting
from engine.definitions.package import RULES, Package
from engine.lint.findings import Findings
from engine.lint.names import did_you_mean


def complain(
    found: Findings, rule: Rule, code: str, message: str, cure: str, *, warning: bool = False
) -> None:
    """Report something wrong with a rule."""
    say = found.warn if warning else found.error
    say(code, RULES, f"规则 {rule.id}：{message}", cure, element=rule.id, line=rule.line)


def _settings(rule: Rule) -> frozenset[str]:
    return settings_of((rule.check, rule.when, rule.where, rule.pending, rule.severity))


def check_parameters(rule: Rule, book: RuleBook, found: Findings) -> None:
    """Check that the parameters that a rule asks for are declared."""
    for name in sorted(_settings(rule) - set(book.parameters)):
        complain(
            found,
            rule,
            "rule-parameter-unknown",
            f"没有参数“{name}”{did_you_mean(name, book.parameters)}",
            "请在 rules.toml 里写 [[parameter]]，或者用全国参数的 key",
        )

    if isinstance(rule.severity, Setting):
        parameter = book.parameters.get(rule.severity.parameter)
        if parameter is not None and set(parameter.choices) != {s.value for s in Severity}:
            complain(
                found,
                rule,
                "rule-severity",
                f"轻重由参数“{parameter.name}”决定，而它的取值不是 hard 和 warning",
                'type = "choice"，choices = { hard = "…", warning = "…" }',
            )


def check_articles(rule: Rule, regulations: Regulations, found: Findings) -> None:
    """Check that the articles that a rule rests on are there."""
    if rule.regulation is None:
        return
    regulation = regulations.find(rule.regulation)
    if regulation is None or regulation.id != rule.regulation:
        complain(
            found,
            rule,
            "rule-regulation-unknown",
            f"没有法规“{rule.regulation}”{did_you_mean(rule.regulation, regulations.by_id)}",
            "请写法规的 id：regulations 里的文件夹名，例如 "
            + "、".join(sorted(regulations.by_id)[:5]),
        )
        return
    for edition, numbers in rule.articles.items():
        known = regulation.edition(edition)
        if known is None:
            complain(
                found,
                rule,
                "rule-edition-unknown",
                f"“{regulation.short}”没有版本“{edition}”",
                "已有的版本：" + "、".join(e.id for e in regulation.editions),
            )
            continue
        for number in numbers:
            if number not in known.articles:
                complain(
                    found,
                    rule,
                    "rule-article-unknown",
                    f"“{regulation.short}”（{edition}）没有“{number}”"
                    + did_you_mean(number, known.articles),
                    "请写该版本已有的条号",
                )


def check_block(rule: Rule, found: Findings) -> None:
    """Check that an override has something to override."""
    if rule.override is not None and not rule.blocks:
        complain(
            found,
            rule,
            "rule-override-idle",
            "写了可以准许越过的级别，但规则并不阻断",
            "请删去 override，或写明 blocks",
            warning=True,
        )


def check_idle(package: Package, book: RuleBook, found: Findings) -> None:
    """Check that each parameter of the package is used."""
    owed = (duty.parameters for duty in package.duties.values())
    counted = (indicator.parameters for indicator in package.indicators.values())
    used = frozenset[str]().union(*map(_settings, book.rules), *owed, *counted)
    for name, parameter in book.parameters.items():
        if parameter.process == package.key and name not in used:
            found.warn(
                "parameter-unused",
                RULES,
                f"参数“{name}”没有规则使用",
                f'请在规则里写 "@{name}"，或者删去',
                element=name,
            )


def check_coverage(
    package: Package, book: RuleBook, regulations: Regulations, found: Findings
) -> None:
    """Check that each article a step rests on is checked by a rule, or waived with a reason."""
    covered = {
        (rule.regulation, edition, number)
        for rule in book.rules
        for edition, numbers in rule.articles.items()
        for number in numbers
    }
    waived = set()
    for one in book.uncovered:
        regulation = regulations.find(one.regulation)
        if regulation is None or not any(one.article in e.articles for e in regulation.editions):
            found.error(
                "rule-article-unknown",
                RULES,
                f"[[uncovered]] 中的“{one.regulation}”“{one.article}”不存在",
                "请写法规的 id 和已有的条号，或者删去",
                line=one.line,
            )
            continue
        waived.add((regulation.id, one.article))
    cited = set()
    for step in package.steps.values():
        for basis in step.basis:
            regulation = regulations.find(basis.regulation)
            if regulation is None:
                continue  # said where the basis is checked
            if (regulation.id, basis.edition, basis.article) in covered:
                continue
            cited.add((regulation.id, basis.article))
            if (regulation.id, basis.article) not in waived:
                found.error(
                    "rule-article-uncovered",
                    RULES,
                    f"环节“{step.element}”依据“{regulation.short}”（{basis.edition}）"
                    f"{basis.article}，没有规则检查它",
                    f'请写规则，或者写 [[uncovered]] regulation = "{regulation.id}"、'
                    f'article = "{basis.article}" 和 reason = …',
                    element=step.element,
                )
    for one in book.uncovered:
        regulation = regulations.find(one.regulation)
        if regulation is not None and (regulation.id, one.article) in waived - cited:
            found.warn(
                "rule-uncovered-idle",
                RULES,
                f"[[uncovered]] 中的{one.article}已有规则检查，或者没有环节依据它",
                "请删去",
                line=one.line,
            )
