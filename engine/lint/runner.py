"""Run all checks on a package: what has to pass before it may be deployed."""

from __future__ import annotations

from pathlib import Path

from engine.compliance.reading import rule_book
from engine.compliance.regulations import Regulations
from engine.definitions.package import MANIFEST, RULES, Package, load_package, read_folder
from engine.definitions.parsing import parse_bpmn
from engine.definitions.versions import build_definition
from engine.definitions.xml import check_schema, read_xml
from engine.errors import PackageProblem, Problem, Severity
from engine.lint.composition import check_constants, own_place
from engine.lint.diagram import Diagram, read_diagram
from engine.lint.duties import check_duties
from engine.lint.events import check_events
from engine.lint.expressions import check_expressions
from engine.lint.findings import Findings
from engine.lint.forecast import check_forecast
from engine.lint.forms import check_forms
from engine.lint.gateways import check_gateways
from engine.lint.indicators import check_indicators
from engine.lint.lanes import check_lanes
from engine.lint.papers import check_papers
from engine.lint.paths import paths_of
from engine.lint.references import check_references
from engine.lint.regulations import (
    check_basis,
    is_regulations,
    lint_regulations,
    regulations_beside,
)
from engine.lint.rules import check_rules
from engine.lint.scenarios import run_scenarios
from engine.lint.structure import SNAKE_CASE, check_structure


def lint_folder(folder: Path, home: Path | None = None, *, play: bool = True) -> list[Problem]:
    """Check the package in a folder, whose name has to be its key, or a folder of regulations.

    What the steps cite, and the components that are used, are looked up beside the package, else
    in ``home``: the installation's. Never raises: whatever is wrong is in the list, errors first.
    The file of a problem is relative to the folder. Scenarios are played unless ``play`` is false.
    """
    if is_regulations(folder):
        return lint_regulations(folder)
    try:
        package = load_package(read_folder(folder, home))
    except PackageProblem as refused:
        return list(refused.problems)
    regulations = regulations_beside(folder, home)
    problems = lint_package(package, regulations, play=play)
    if regulations is None and package.rule_files():
        missing = Findings()
        missing.warn(
            "regulations-missing",
            RULES,
            "没有找到法规（regulations 文件夹），规则没有检查，情形里也没有判定",
            "请把 regulations 放在流程包旁边，或者用 PROCESSES_DIR 指明本系统的流程目录",
        )
        problems += missing.problems
    name = folder.resolve().name
    if name != package.key:
        problem = Problem(
            MANIFEST,
            None,
            None,
            "key-differs",
            f"key“{package.key}”与文件夹名“{name}”不同",
            "请使两者一致",
        )
        problems.insert(0, problem)
    return problems


def lint_package(
    package: Package, regulations: Regulations | None = None, *, play: bool = True
) -> list[Problem]:
    """Check a package that has been read; its scenarios are played only if all else is sound.

    Without regulations nobody asks whether the articles that its steps cite are there.
    """
    found = Findings()
    if not SNAKE_CASE.fullmatch(package.key):
        found.error(
            "id-not-snake-case",
            MANIFEST,
            f"key“{package.key}”不是小写英文加下划线的写法",
            "请改为例如 member_admission 的写法",
        )
    if regulations is not None:
        found.problems += check_basis(package, regulations).problems
    forms, form_findings = check_forms(package)
    found.problems += form_findings.problems
    found.problems += check_constants(package, forms).problems
    found.problems += check_papers(package, forms).problems
    if regulations is not None and not package.component:
        found.problems += check_rules(package, regulations, forms).problems
    if not package.component:
        found.problems += check_duties(package, regulations, forms).problems
        found.problems += check_indicators(package, regulations, forms).problems
    diagram = _diagram(package, found)
    if diagram is not None and package.component:
        _parse(package, found)  # whether it fits is told with each package that uses it
    elif diagram is not None:
        sound = all(
            p.file != package.bpmn or p.severity is not Severity.ERROR for p in found.problems
        )
        paths = paths_of(diagram, package.key) if sound else None
        found.problems += check_lanes(package, diagram, paths).problems
        found.problems += check_references(package, diagram, forms, paths).problems
        found.problems += check_expressions(package, diagram, forms, paths).problems
        _parse(package, found)
    if play and diagram is not None and not package.component and not found.failed:
        _play(package, regulations, found)
    problems = own_place(package, found.problems)
    order = {Severity.ERROR: 0, Severity.WARNING: 1}
    return sorted(dict.fromkeys(problems), key=lambda problem: order[problem.severity])


def _diagram(package: Package, found: Findings) -> Diagram | None:
    """Read and check the BPMN files; return the main one if it can be read."""
    main: Diagram | None = None
    for file, data in package.bpmn_files.items():
        try:
            root = read_xml(data, file)
        except PackageProblem as refused:
            found.problems += refused.problems
            continue
        if problems := check_schema(root, file):
            found.problems += problems
            continue
        diagram = read_diagram(root, file)
        key = package.key if file == package.bpmn else None
        for findings in (
            check_structure(diagram, key),
            check_events(diagram),
            check_gateways(diagram),
        ):
            found.problems += findings.problems
        if file == package.bpmn:
            main = diagram
    if package.bpmn not in package.files:
        found.error(
            "bpmn-missing",
            MANIFEST,
            f"没有流程图文件 {package.bpmn}",
            "请放入文件，或改正 bpmn = …",
        )
    if main is not None and package.key not in main.scopes:
        return None  # said by the structure: nothing can be looked up in another process
    return main


def _parse(package: Package, found: Findings) -> None:
    """Let the parser of the engine have the last word on diagrams in which no check found fault.

    It words many of the same mistakes in its own way, and each is to be said only once.
    """
    faulty = {p.file for p in found.problems if p.severity is Severity.ERROR}
    if faulty.isdisjoint(package.bpmn_files):
        try:
            parse_bpmn(package.bpmn_files, package.key)
        except PackageProblem as refused:
            found.problems += refused.problems


def _play(package: Package, regulations: Regulations | None, found: Findings) -> None:
    try:
        definition = build_definition(package)
        book = None if regulations is None else rule_book(package, regulations)
    except PackageProblem as refused:
        found.problems += refused.problems
        return
    found.problems += check_forecast(definition, book).problems
    found.problems += run_scenarios(definition, book)
