"""Checks of a package that uses components, and of a component by itself."""

from __future__ import annotations

from engine.definitions.composition import SPAN
from engine.definitions.package import MANIFEST, Package
from engine.definitions.versions import PROVIDED_NAMES
from engine.errors import Problem, Severity
from engine.lint.findings import Findings
from engine.lint.forms import Forms


def check_constants(package: Package, forms: Forms) -> Findings:
    """Check that no constant hides a field, a role or a name that the engine gives."""
    found = Findings()
    fields = {path for name in forms.schemas for path in forms.fields(name) or {}}
    for name in package.constants:
        if name in PROVIDED_NAMES or name in package.participants or name in fields:
            found.error(
                "constant-clash",
                MANIFEST,
                f"常量“{name}”与表单字段、角色或引擎提供的名称相同",
                "请给常量换一个名称",
                element=name,
            )
    return found


def own_place(package: Package, problems: list[Problem]) -> list[Problem]:
    """Say each problem where it is to be mended: in the package, or in a component.

    A component may be richer than a package needs, so its idle parts are no problem of the package.
    """
    return [
        package.locate(problem)
        for problem in problems
        if not (
            problem.severity is Severity.WARNING
            and problem.code in {"rule-uncovered-idle", "parameter-unused"}
            and (problem.line or 0) >= SPAN
        )
    ]
