"""Read ``rules.toml``: a package and the regulations in, a :class:`RuleBook` out.

Every mistake in the text becomes a problem with file, line and cure; whether the steps, fields,
articles and parameters exist is for :mod:`engine.lint.rules` to judge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from engine.compliance.check_table import CheckTable
from engine.compliance.facts import NOTHING
from engine.compliance.kinds.every import Every, Part
from engine.compliance.parameter_reading import declared
from engine.compliance.parameters import Level, Parameter
from engine.compliance.reading_checks import READERS, chain_of
from engine.compliance.reads import OWN, reads_of
from engine.compliance.regulations import Regulations
from engine.compliance.results import ArticleRef, Severity
from engine.compliance.rules import Check, Judge, Rule, RuleBook, Setting, Uncovered
from engine.definitions.package import Package
from engine.definitions.reading import Lines, Report, Table, did_you_mean, parse_toml
from engine.errors import PackageProblem, Problem

ALL: Final = "all"
"""The kind that is made of several checks, each in a ``[[rule.check]]``."""
EVERY_STEP, DECISIONS = "@all", "@decisions"
"""Stand for all steps of a procedure, and for those that are decisions."""


def rule_book(package: Package, regulations: Regulations) -> RuleBook:
    """Return the rules of a package; the same content is read once.

    A package without ``rules.toml`` has none. Raises PackageProblem.
    """
    return _cached(package.key, package.sha256, regulations.sha256, _Source(package, regulations))


class _Source:
    """Equal to any other, so that only the digests decide what is read again."""

    def __init__(self, package: Package, regulations: Regulations) -> None:
        self.package, self.regulations = package, regulations

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Source)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=64)
def _cached(key: str, package_sha: str, regulations_sha: str, source: _Source) -> RuleBook:
    return read_rules(source.package, source.regulations)


def read_rules(package: Package, regulations: Regulations) -> RuleBook:
    """Read the rules of a package. Raises PackageProblem with every mistake found."""
    titles = {element: step.title for element, step in package.steps.items()}
    parts = [_read(package, *source) for source in package.rule_files()]
    if problems := [problem for part in parts for problem in part.problems]:
        raise PackageProblem(problems)
    book = RuleBook(package.key, (), regulations.parameters, regulations, titles)
    for part in parts:  # the package's own first: its rules and parameters win
        known = {rule.id for rule in book.rules}
        book = replace(
            book,
            rules=(*book.rules, *(rule for rule in part.rules if rule.id not in known)),
            parameters={**part.parameters, **book.parameters},
            english={**part.english, **book.english},
            uncovered=(*book.uncovered, *part.uncovered),
            foreign=book.foreign | part.foreign,
        )
    return book


@dataclass(frozen=True)
class _Part:
    """What one file of rules says: the package's own, or that of a component."""

    rules: tuple[Rule, ...]
    parameters: Mapping[str, Parameter]
    english: Mapping[str, str]
    uncovered: tuple[Uncovered, ...]
    foreign: frozenset[str]
    problems: list[Problem]


def _read(package: Package, file: str, data: bytes, shift: int) -> _Part:
    report = Report(file)
    values, lines = parse_toml(data, report)
    top = Table(values, report, lines)
    own = declared(top, package.key)
    reader = _Reader(package, report, lines)
    rules = tuple(rule for table in top.tables("rule") if (rule := reader.rule(table)))
    if (shared := top.table("english")) is not None:
        reader.english |= {word: shared.text(word) for word in shared.keys}
    uncovered = tuple(_uncovered(table) for table in top.tables("uncovered"))
    foreign = frozenset(top.texts("foreign"))
    top.done()
    _check_editions(rules, report)
    return _Part(
        tuple(replace(rule, line=shift + (rule.line or 0)) for rule in rules),
        own,
        reader.english,
        tuple(replace(one, line=shift + (one.line or 0)) for one in uncovered),
        foreign,
        report.problems,
    )


def _uncovered(table: Table) -> Uncovered:
    found = Uncovered(
        table.text("regulation"), table.text("article"), table.text("reason"), table.line
    )
    table.done()
    return found


class _Reader:
    """Reads the rules of one file."""

    def __init__(self, package: Package, report: Report, lines: Lines) -> None:
        self.package = package
        self.report = report
        self.lines = lines
        self.elements = frozenset(package.steps)
        self.english: dict[str, str] = {}
        self._checks = 0

    def rule(self, table: Table) -> Rule | None:
        """Return one rule, or None when it is too faulty to be made."""
        id = table.element = table.text("id")
        title, title_en = table.text("title"), table.text("title_en")
        given = CheckTable(table, self.elements)
        kind = table.text("kind")
        check = self._check(kind, given)
        which = table.code("judge", Judge, Judge.EACH) or Judge.EACH
        override = table.code("override", Level) if "override" in table else None
        regulation = table.optional("regulation")
        articles = _articles(given)
        if bool(articles) != (regulation is not None):
            table.error(
                "rule-value",
                "regulation 和 articles 要么都写，要么都不写",
                "请补上另一项；没有法规依据的都删去",
            )
        rule = Rule(
            id=id,
            title=title,
            title_en=title_en,
            kind=kind,
            check=check or Every(()),
            steps=self._steps(given),
            severity=_severity(given),
            blocks=_blocks(given),
            override=override,
            regulation=regulation,
            articles=articles,
            only_at=_articles(given, "articles_only_at"),
            when=given.expression("when"),
            where=given.expression("where"),
            pending=given.expression("pending"),
            which=which,
            needed_by=given.elements_of("needed_by"),
            needed_for=table.texts("needed_for"),
            note=table.text("note", ""),
            refs={
                edition: tuple(ArticleRef(regulation or "", edition, a) for a in numbers)
                for edition, numbers in articles.items()
            },
            line=table.line,
        )
        self.english |= {title: title_en, **given.named("english"), **given.english}
        table.done()
        return None if check is None else replace(rule, reads=_reads(rule))

    def _steps(self, given: CheckTable) -> tuple[str, ...]:
        steps = tuple(str(element) for element in given.elements_of("step"))
        if steps == (EVERY_STEP,):
            return tuple(self.package.steps)
        if steps == (DECISIONS,):
            return tuple(e for e, step in self.package.steps.items() if step.decision)
        if not steps:
            steps = tuple(dict.fromkeys(s for _, group in chain_of(given.table) for s in group))
        if not steps:
            given.table.error("missing-key", "缺少“step”", "请写明在哪个环节检查 step = …")
        return steps

    def _check(self, kind: str, given: CheckTable) -> Check | None:
        if kind == ALL:
            return self._every(given.table)
        if kind not in READERS:
            if kind:
                given.table.error(
                    "unknown-value",
                    f"“kind”的值“{kind}”不认识",
                    did_you_mean(kind, [*READERS, ALL]),
                    key="kind",
                )
            return None
        return READERS[kind](given)

    def _every(self, table: Table) -> Check | None:
        value = table.raw("check")
        if not isinstance(value, list) or not value:
            table.error("missing-key", "kind 为 all 的规则缺少检查", "请在下面写 [[rule.check]]")
            return None
        parts = []
        for item in value:
            inner = Table(item, self.report, self.lines, path="rule.check", index=self._checks)
            inner.element = table.element
            self._checks += 1
            given = CheckTable(inner, self.elements)
            check = self._check(inner.text("kind"), given)
            at = tuple(str(element) for element in given.elements_of("at"))
            when = given.expression("when")
            self.english |= {**given.named("english"), **given.english}
            inner.done()
            if check is not None:
                parts.append(Part(check, at, when))
        return Every(tuple(parts))


def _articles(given: CheckTable, key: str = "articles") -> Mapping[str, tuple[str, ...]]:
    value: Any = given.table.raw(key)
    if value is None:
        return NOTHING
    if not isinstance(value, Mapping) or not all(
        isinstance(row, list) and all(isinstance(number, str) for number in row)
        for row in value.values()
    ):
        given.fault(key, f"“{key}”应当是名称和列表的表", f'例如 {key} = {{ "2026" = ["第七条"] }}')
        return NOTHING
    return {edition: tuple(numbers) for edition, numbers in value.items()}


def _blocks(given: CheckTable) -> bool | frozenset[str]:
    value = given.table.raw("blocks")
    if value is None or isinstance(value, bool):
        return bool(value)
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return frozenset(value)
    given.fault("blocks", "“blocks”应当是 true、false 或者环节的列表", "请改写")
    return False


def _severity(given: CheckTable) -> Severity | Setting:
    text = given.table.text("severity", Severity.HARD)
    if text.startswith("@"):
        return Setting(text[1:])
    return given.table.code("severity", Severity, Severity.HARD) or Severity.HARD


def _reads(rule: Rule) -> Mapping[str, frozenset[str]]:
    """Return what a rule looks at, its own steps by name."""
    found: dict[str, set[str]] = {}
    for part in (rule.check, rule.when, rule.where, rule.pending):
        for element, names in reads_of(part).items():
            for at in rule.steps if element == OWN else (element,):
                found.setdefault(at, set()).update(names)
    return {element: frozenset(names) for element, names in found.items()}


def _check_editions(rules: tuple[Rule, ...], report: Report) -> None:
    """Refuse two rules of one id that hold in the same edition."""
    seen: set[tuple[str, str]] = set()
    for rule in rules:
        for edition in rule.articles or ("",):
            if (rule.id, edition) in seen:
                report.error(
                    "duplicate-rule",
                    f"规则“{rule.id}”在同一版本里写了两次",
                    "同一编号的几条规则，版本不能重叠",
                    line=rule.line,
                    at=rule.id,
                )
            seen.add((rule.id, edition))
