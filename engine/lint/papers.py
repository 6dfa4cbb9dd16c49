"""Checks of the official papers: the template opens, and every value it asks for exists."""

from __future__ import annotations

from collections.abc import Mapping

from engine.definitions.package import MANIFEST, Package, Paper
from engine.definitions.templates import VALUES, read_template
from engine.errors import ExpressionFault, PackageProblem
from engine.expressions import compile_expression
from engine.forms.fields import Field
from engine.lint.findings import Findings
from engine.lint.forms import Forms
from engine.lint.names import did_you_mean


def check_papers(package: Package, forms: Forms) -> Findings:
    """Check every [[paper]] of process.toml and its template."""
    found = Findings()
    for paper in package.papers:
        line = package.lines.get(f"paper:{paper.id}", 0)
        if paper.step is not None and paper.step not in package.steps:
            found.error(
                "paper-unknown-step",
                MANIFEST,
                f"文书“{paper.title}”的环节“{paper.step}”不存在"
                + did_you_mean(paper.step, package.steps),
                "请改为环节的 element，或删去 step",
                element=paper.id,
                line=line,
            )
            continue
        fields = _fields(package, forms, paper.step)
        _check_when(paper, fields, found, line)
        if paper.template not in package.files:
            found.error(
                "template-missing",
                MANIFEST,
                f"没有模板文件 {paper.template}",
                "请放入文件，或改正 template = …",
                element=paper.id,
                line=line,
            )
            continue
        _check_template(package, forms, paper, found)
    wanted = {paper.template for paper in package.papers}
    for path in package.files:
        own = package.own_file(path)  # of what a component has, a package may use less
        template = path.startswith("documents/") and path.endswith(".docx")
        if own and template and path not in wanted:
            found.warn(
                "template-unused",
                path,
                "没有文书使用这个模板",
                "请在 process.toml 里写 [[paper]]，或删去文件",
            )
    return found


def _check_when(
    paper: Paper, fields: Mapping[str, Field] | None, found: Findings, line: int
) -> None:
    if paper.when is None:
        return
    try:
        names = compile_expression(paper.when).names
    except ExpressionFault as fault:
        found.error(
            "expression-invalid",
            MANIFEST,
            f"文书“{paper.title}”的 when 不能使用：{fault}",
            "请按表达式的写法改正",
            element=paper.id,
            line=line,
        )
        return
    for name in sorted(names - set(fields or names)):
        found.error(
            "paper-unknown-value",
            MANIFEST,
            f"文书“{paper.title}”的 when 用到该环节没有的字段“{name}”"
            + did_you_mean(name, fields or {}),
            "请改为该环节表单的字段",
            element=paper.id,
            line=line,
        )


def _check_template(package: Package, forms: Forms, paper: Paper, found: Findings) -> None:
    try:
        use = read_template(package.files[paper.template], paper.template)
    except PackageProblem as refused:
        found.problems += refused.problems
        return
    unknown = {name: did_you_mean(name, VALUES) for name in use.names - set(VALUES)}
    if paper.step is None and "step" in use.names:
        unknown["step"] = ""
    for path in use.paths:
        if path[0] in use.names and path[0] in VALUES:
            bad = _unknown_part(package, forms, paper, path)
            if bad is not None:
                unknown[".".join(path)] = bad
    for name, hint in sorted(unknown.items()):
        found.error(
            "paper-unknown-value",
            paper.template,
            f"模板“{paper.title}”用到没有的值“{name}”{hint}",
            "请改为说明文档所列的名称",
            element=paper.id,
        )


def _unknown_part(
    package: Package, forms: Forms, paper: Paper, path: tuple[str, ...]
) -> str | None:
    """Return a hint when the path leads nowhere, else None."""
    root, parts = path[0], path[1:]
    if root == "participants":
        known: Mapping[str, object] = package.participants
        return None if not parts or parts[0] in known else did_you_mean(parts[0], known)
    element = paper.step
    if root == "steps" and parts:
        element, parts = parts[0], parts[1:]
        if element not in package.steps:
            return did_you_mean(element, package.steps)
        root = "step"
    if not parts or root not in VALUES or not VALUES[root]:
        return None
    if parts[0] not in VALUES[root]:
        return did_you_mean(parts[0], VALUES[root])
    fields = _fields(package, forms, element)
    if parts[0] in ("words", "data") and len(parts) > 1 and fields is not None:
        return None if parts[1] in fields else did_you_mean(parts[1], fields)
    return None


def _fields(package: Package, forms: Forms, element: str | None) -> Mapping[str, Field] | None:
    step = package.steps.get(element) if element is not None else None
    return forms.fields(step.form) if step is not None else None
