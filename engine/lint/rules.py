"""Checks of ``rules.toml``: everything that a rule names is there, and no article is forgotten.

A rule with a wrong name would not fail: what is missing counts as not recorded, and the rule would
say "not met" or nothing at all. So steps, fields, option values, parameters and articles are all
looked up here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from engine.compliance.kinds.attendance import Attendance
from engine.compliance.kinds.count import Count
from engine.compliance.kinds.every import Every
from engine.compliance.kinds.majority import Majority
from engine.compliance.kinds.roll import Roll
from engine.compliance.names import SPECIAL
from engine.compliance.reading import rule_book
from engine.compliance.reads import expressions_of
from engine.compliance.regulations import Regulations
from engine.compliance.rules import Field as RuleField
from engine.compliance.rules import Rule, RuleBook
from engine.definitions.package import Package
from engine.directory.codes import MembershipStatus, PostKind
from engine.errors import PackageProblem
from engine.forms.codes import Outcome as VoteOutcome
from engine.forms.fields import Field, FieldKind
from engine.lint.findings import Findings
from engine.lint.forms import Forms
from engine.lint.names import did_you_mean
from engine.lint.rule_basis import (
    check_articles,
    check_block,
    check_coverage,
    check_idle,
    check_parameters,
    complain,
)

_CLOSED = {FieldKind.RADIO, FieldKind.SELECT, FieldKind.CHECKLIST, FieldKind.TAGLIST}


def check_rules(package: Package, regulations: Regulations, forms: Forms) -> Findings:
    """Check the rules of a package; one without ``rules.toml`` has nothing to check."""
    found = Findings()
    if not package.rule_files():
        return found
    try:
        book = rule_book(package, regulations)
    except PackageProblem as refused:
        found.problems += refused.problems
        return found
    names = _Names.of(package, book, forms)
    for rule in book.rules:
        _check_steps(rule, names, found)
        _check_fields(rule, names, found)
        _check_kinds(rule, names, found)
        _check_values(rule, names, found)
        check_parameters(rule, book, found)
        check_articles(rule, regulations, found)
        check_block(rule, found)
    check_idle(package, book, found)
    check_coverage(package, book, regulations, found)
    return found


@dataclass(frozen=True)
class _Names:
    """What can be named."""

    steps: frozenset[str]
    fields: Mapping[str, Mapping[str, Field]]
    """By step and top-level key; a step whose form is broken is left out."""
    foreign: frozenset[str]
    outcomes: frozenset[str]

    @classmethod
    def of(cls, package: Package, book: RuleBook, forms: Forms) -> _Names:
        fields = {}
        for element, step in package.steps.items():
            known = forms.fields(step.form)
            if known is not None:
                fields[element] = {p: item for p, item in known.items() if p and "." not in p}
        outcomes = {effect.outcome for effect in package.all_effects() if effect.outcome}
        return cls(frozenset(package.steps), fields, book.foreign, frozenset(outcomes))


# --- steps and fields ---------------------------------------------------------------------------


def _check_steps(rule: Rule, names: _Names, found: Findings) -> None:
    blocking = rule.blocks if isinstance(rule.blocks, frozenset) else frozenset()
    for element in dict.fromkeys((*rule.steps, *rule.reads, *rule.needed_by, *sorted(blocking))):
        if element not in names.steps:
            complain(
                found,
                rule,
                "rule-step-unknown",
                f"没有环节“{element}”{did_you_mean(element, names.steps)}",
                "请写 process.toml 中 [[step]] 的 element",
            )
    for element in sorted(blocking - set(rule.steps)):
        if element in names.steps:
            complain(
                found,
                rule,
                "rule-block-elsewhere",
                f"要在“{element}”阻断，而规则不在那里检查",
                "blocks 只写 step 中有的环节",
            )
    cited = {number for numbers in rule.articles.values() for number in numbers}
    for article, steps in rule.only_at.items():
        if article not in cited or not set(steps) <= set(rule.steps):
            complain(
                found,
                rule,
                "rule-article-elsewhere",
                f"articles_only_at 中的“{article}”不是它的条文，或者写了它不检查的环节",
                "只写 articles 中有的条文和 step 中有的环节",
            )
    for outcome in rule.needed_for:
        if outcome not in names.outcomes:
            complain(
                found,
                rule,
                "rule-outcome-unknown",
                f"没有办理结果“{outcome}”{did_you_mean(outcome, names.outcomes)}",
                "请写 process.toml 中 [[effect]] 的 outcome",
            )


def _check_fields(rule: Rule, names: _Names, found: Findings) -> None:
    own = set().union(*(rule.reads.get(step, frozenset()) for step in rule.steps))
    sound = [step for step in rule.steps if step in names.fields]
    # A rule may stand at several steps: a field of its own belongs to at least one of them.
    if len(sound) == len(rule.steps):
        known = set().union(*(names.fields[step] for step in sound))
        _unknown(rule, sorted(own - known - names.foreign), known, "本环节", found)
    for element, fields in rule.reads.items():
        if element not in rule.steps and element in names.fields:
            there = set(names.fields[element])
            _unknown(rule, sorted(fields - there - names.foreign), there, f"“{element}”", found)
    for step in sound:
        for name in sorted(SPECIAL & set(names.fields[step]) & own):
            complain(
                found,
                rule,
                "rule-field-hidden",
                f"“{step}”的字段“{name}”与规则里有固定含义的名称相同",
                "请给字段换一个名称",
            )


def _unknown(
    rule: Rule, missing: Iterable[str], known: set[str], where: str, found: Findings
) -> None:
    for name in missing:
        complain(
            found,
            rule,
            "rule-field-unknown",
            f"{where}的表单没有字段“{name}”{did_you_mean(name, known)}",
            "请改正名称；只在从别处录入的记录里出现的，写进 foreign",
        )


def _checks_of(rule: Rule) -> Iterator[object]:
    if isinstance(rule.check, Every):
        yield from (part.check for part in rule.check.parts)
    else:
        yield rule.check


def _check_kinds(rule: Rule, names: _Names, found: Findings) -> None:
    """Check that attendances and votes are that, and that codes of people exist."""
    for check in _checks_of(rule):
        wanted: list[tuple[tuple[RuleField, ...], FieldKind]] = []
        match check:
            case Attendance():
                wanted = [(check.fields, FieldKind.ATTENDANCE), (check.votes, FieldKind.VOTE)]
            case Majority():
                wanted = [(check.fields, FieldKind.VOTE), (check.attendance, FieldKind.ATTENDANCE)]
            case Roll():
                wanted = [(check.fields, FieldKind.ATTENDANCE)]
            case Count():
                _check_codes(rule, check.statuses, [s.value for s in MembershipStatus], found)
                _check_codes(rule, check.posts, [p.value for p in PostKind], found)
        for fields, kind in wanted:
            for one in fields:
                for item in _found(one, rule, names):
                    if item.kind is not kind:
                        complain(
                            found,
                            rule,
                            "rule-field-kind",
                            f"字段“{one.name}”不是{_KINDS[kind]}",
                            "请写类型相符的字段",
                        )


_KINDS = {FieldKind.ATTENDANCE: "到会情况", FieldKind.VOTE: "表决结果"}


def _found(one: RuleField, rule: Rule, names: _Names) -> Iterator[Field]:
    for element in rule.steps if one.element is None else (str(one.element),):
        if (item := names.fields.get(element, {}).get(one.name)) is not None:
            yield item


def _check_codes(rule: Rule, codes: Iterable[str], known: list[str], found: Findings) -> None:
    for code in codes:
        if code not in known:
            complain(
                found,
                rule,
                "rule-code-unknown",
                f"身份或者职务“{code}”不认识{did_you_mean(code, known)}",
                "可用的有：" + "、".join(known),
            )


# --- values of options --------------------------------------------------------------------------


def _check_values(rule: Rule, names: _Names, found: Findings) -> None:
    """Look up the option values that expressions compare a field with."""
    for expression in expressions_of((rule.check, rule.when, rule.where, rule.pending)):
        tree = ast.parse(" ".join(expression.source.split()), mode="eval")
        for node in ast.walk(tree):
            if not isinstance(node, ast.Compare):
                continue
            sides = [node.left, *node.comparators]
            for side in sides:
                options = _options(side, rule, names)
                if options is None:
                    continue
                others = _constants(other for other in sides if other is not side)
                for value in sorted(others - options - {""}):
                    complain(
                        found,
                        rule,
                        "rule-value-unknown",
                        f"与“{ast.unparse(side)}”比较的“{value}”不是它的选项"
                        + did_you_mean(value, options),
                        "可用的选项：" + "、".join(sorted(options)),
                    )


def _options(node: ast.expr, rule: Rule, names: _Names) -> frozenset[str] | None:
    """Return the values that something can have; None when they are open."""
    if isinstance(node, ast.Name):
        if node.id == "element":
            return names.steps
        if node.id == "edition" and rule.articles:
            return frozenset(rule.articles)
        # Plain names in a condition on other steps are their fields, so all steps are asked.
        found = [f[node.id] for f in names.fields.values() if node.id in f]
        return _closed(found)
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        key, inner = node.slice.value, node.value
        if key == "outcome" and isinstance(inner, ast.Name):
            votes = [f[inner.id] for f in names.fields.values() if inner.id in f]
            if votes and all(item.kind is FieldKind.VOTE for item in votes):
                return frozenset(VoteOutcome)
        if (
            isinstance(inner, ast.Subscript)
            and isinstance(inner.value, ast.Name)
            and inner.value.id == "data"
            and isinstance(inner.slice, ast.Constant)
        ):
            item = names.fields.get(str(inner.slice.value), {}).get(str(key))
            return None if item is None else _closed([item])
    return None


def _closed(fields: list[Field]) -> frozenset[str] | None:
    if fields and all(item.kind in _CLOSED and item.options for item in fields):
        return frozenset(option.value for item in fields for option in item.options)
    return None


def _constants(nodes: Iterable[ast.expr]) -> set[str]:
    found = set()
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
        elif isinstance(node, (ast.List, ast.Tuple)):
            found |= _constants(node.elts)
    return found
