"""Checks of the forms: there, used, compiling, and naming only codes that exist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.definitions.package import MANIFEST, Package
from engine.directory.codes import MembershipStatus
from engine.errors import PackageProblem
from engine.forms import FormSchema, compile_form
from engine.forms.fields import OPEN_ITEMS, RECTIFICATION, Field, FieldKind, walk
from engine.lint.findings import Findings

TASKS_ONLY = (RECTIFICATION, OPEN_ITEMS)
"""Domains of lists that become, or answer, items of the ledger: with the task of a step."""


@dataclass
class Forms:
    """The forms of a package that compile, by name."""

    schemas: dict[str, FormSchema] = field(default_factory=dict)
    complete: bool = True
    """False when a form is missing or broken: then it is not known which fields there are."""

    def fields(self, form: str) -> Mapping[str, Field] | None:
        """Return the fields of a form by path; None when there is no such sound form."""
        schema = self.schemas.get(form)
        return None if schema is None else {item.path: item for item in walk(schema.fields)}


def check_forms(package: Package) -> tuple[Forms, Findings]:
    """Compile the forms that are used; report those missing, broken or never used."""
    found = Findings()
    forms = Forms()
    used: dict[str, tuple[str, int]] = {}
    for step in package.steps.values():
        used.setdefault(step.form, (step.element, package.lines.get(f"step:{step.element}", 0)))
    for message in package.messages.values():
        if message.form:
            line = package.lines.get(f"message:{message.id}", 0)
            used.setdefault(message.form, (message.id, line))
    for name, (element, line) in used.items():
        path = package.form_file(name)
        if path not in package.files:
            found.error(
                "form-missing",
                MANIFEST,
                f"没有表单文件 {path}",
                "请补上表单文件，或改正 form = …",
                element=element,
                line=line,
            )
            forms.complete = False
            continue
        try:
            forms.schemas[name] = compile_form(package.files[path], file=path)
        except PackageProblem as refused:
            found.problems += refused.problems
            forms.complete = False
    for path in package.files:
        own = package.own_file(path)  # of what a component has, a package may use less
        if own and path.startswith("forms/") and path.endswith(".form"):
            name = path.removeprefix("forms/").removesuffix(".form")
            if name not in used:
                found.error(
                    "form-unused",
                    path,
                    "没有环节使用这个表单",
                    "请在 process.toml 的环节中写 form = …，或删去文件",
                )
    for name in forms.schemas:
        _check_codes(package.form_file(name), forms.fields(name) or {}, found)
    _check_messages(package, forms, found)
    return forms, found


def _check_messages(package: Package, forms: Forms, found: Findings) -> None:
    """Refuse in messages what lives with a task: a message has none that could hold or open it."""
    for message in package.messages.values():
        for path, item in (forms.fields(message.form or "") or {}).items():
            if item.props.get("domain") in TASKS_ONLY or item.kind is FieldKind.BALLOT:
                found.error(
                    "message-field",
                    package.form_file(message.form or ""),
                    f"消息“{message.title}”的表单里不能有“{item.label or path}”",
                    "整改清单、遗留问题和无记名投票只能放在环节的表单里；请把它放到一个环节",
                    element=path,
                )


def _check_codes(file: str, fields: Mapping[str, Field], found: Findings) -> None:
    for path, item in fields.items():
        if item.kind not in {FieldKind.PERSON, FieldKind.PEOPLE}:
            continue
        for code in item.props.get("status", "").split(","):
            if code.strip() and code.strip() not in list(MembershipStatus):
                found.error(
                    "membership-unknown",
                    file,
                    f"字段“{item.label or path}”中的党员身份“{code.strip()}”不认识",
                    "可用的身份：" + "、".join(MembershipStatus),
                    element=path,
                )
