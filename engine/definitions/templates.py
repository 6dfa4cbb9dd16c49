"""Templates of official papers: .docx files with places to fill, read without trusting them.

A template is an upload like a diagram. Its places are a small language of names, conditions and
loops (docxtpl's, which is Jinja's), run in a sandbox: it sees the values it is given and nothing
else. What is not known yet leaves a blank to be written in by hand.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Final

from docxtpl import DocxTemplate
from jinja2 import ChainableUndefined, TemplateError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from engine.errors import N_, PackageProblem, Problem

MAX_UNPACKED: Final = 50_000_000
"""Most bytes that a template may unpack to."""
BLANK: Final = "＿＿＿＿"

VALUES: Final = {
    "matter": frozenset(
        {
            "number", "title", "subject", "organisation", "organisation_full", "approving",
            "above", "started_on", "ended_on", "status", "outcome",
        }
    ),
    "person": frozenset(
        {
            "name", "gender", "ethnicity", "birth_date", "age", "education", "workplace",
            "status",
        }
    ),
    "participants": frozenset[str](),
    "step": frozenset({"done", "day", "by", "post", "words", "data", "rounds"}),
    "steps": frozenset[str](),
    "rows": frozenset[str](),
    "today": frozenset[str](),
    "draft": frozenset[str](),
}  # fmt: skip
"""The names that a template may use, with their parts. ``steps.<element>`` has those of ``step``;
``participants.<role>`` is the names; ``words.<field>`` and ``data.<field>`` are answers."""


class Blank(ChainableUndefined):
    """What nobody has recorded yet: a line to write on, and false in conditions."""

    def __str__(self) -> str:
        return BLANK

    def __html__(self) -> str:
        return BLANK


@dataclass(frozen=True)
class TemplateUse:
    """What a template asks for."""

    names: frozenset[str]
    """Names that it does not define itself."""
    paths: frozenset[tuple[str, ...]]
    """Names with the parts that follow: ``("steps", "first_talk", "day")``."""

    def elements(self, own: str | None) -> frozenset[str]:
        """Return the steps whose answers the template shows; ``own`` is the paper's own step."""
        found = {path[1] for path in self.paths if path[0] == "steps" and len(path) > 1}
        if own is not None and "step" in self.names:
            found.add(own)
        return frozenset(found)


def environment() -> ImmutableSandboxedEnvironment:
    """Return the sandbox in which templates are read and filled."""
    return ImmutableSandboxedEnvironment(autoescape=True, undefined=Blank)


def read_template(data: bytes, file: str) -> TemplateUse:
    """Return what a template asks for. Raises PackageProblem when it cannot be used at all."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            if sum(info.file_size for info in archive.infolist()) > MAX_UNPACKED:
                raise _refusal(file, N_("模板过大"), N_("请删去图片后另存"))
        xml = _text_of(data)
    except (zipfile.BadZipFile, ValueError, KeyError, OSError, SyntaxError):
        raise _refusal(
            file, N_("不是可用的 .docx 文件"), N_("请用文字处理软件另存为 .docx")
        ) from None
    try:
        tree = environment().parse(xml)
    except TemplateError as error:
        message = f"{N_('模板的占位写法有误')}：{error}"
        raise _refusal(file, message, N_("请检查 {{ }} 和 {% %} 是否成对")) from None
    return TemplateUse(frozenset(meta.find_undeclared_variables(tree)), frozenset(_paths(tree)))


def _text_of(data: bytes) -> str:
    """Return the XML of body, headers and footers with the places joined together."""
    template = DocxTemplate(BytesIO(data))
    template.init_docx()
    xml = template.patch_xml(template.get_xml())
    for uri in (template.HEADER_URI, template.FOOTER_URI):
        for _, part in template.get_headers_footers(uri):
            xml += template.patch_xml(template.get_part_xml(part))
    return str(xml)


def _paths(tree: nodes.Template) -> Iterator[tuple[str, ...]]:
    for node in tree.find_all((nodes.Getattr, nodes.Getitem)):
        path: list[str] = []
        at: nodes.Node = node
        while True:
            if isinstance(at, nodes.Getattr):
                path.insert(0, at.attr)
                at = at.node
            elif isinstance(at, nodes.Getitem) and isinstance(at.arg, nodes.Const):
                path.insert(0, str(at.arg.value))
                at = at.node
            else:
                break
        if isinstance(at, nodes.Name):
            yield (at.name, *path)


def _refusal(file: str, message: str, cure: str) -> PackageProblem:
    return PackageProblem([Problem(file, None, None, "template-unusable", message, cure)])
