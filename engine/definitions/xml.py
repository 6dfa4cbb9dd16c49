"""XML from outside, read without trusting it.

A diagram is an upload. Before any other code sees it: its size is bounded, it is plain UTF-8, it
has no document type (hence no entities, no external files), and it obeys the BPMN 2.0 schema.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from threading import Lock

from lxml import etree
from SpiffWorkflow.bpmn.parser.BpmnParser import XSD_PATH

from engine.errors import N_, PackageProblem, Problem

MAX_BYTES = 2_000_000
"""Largest BPMN file. The largest diagram of our own has some 100 kB."""
MAX_SCHEMA_PROBLEMS = 20
"""How many breaches of the schema are reported for a file; one mistake often causes many."""

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
NAMESPACES = {"bpmn": BPMN}

_FORBIDDEN = re.compile(rb"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)
_ENCODING = re.compile(rb"^\s*<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']*)[\"']", re.IGNORECASE)
_schema_lock = Lock()


def read_xml(data: bytes, file: str) -> etree._Element:
    """Parse ``data`` and return its root; ``sourceline`` of each element is its line.

    Raises PackageProblem when it is too large, not UTF-8, has a DOCTYPE, or is not well-formed.
    """
    if len(data) > MAX_BYTES:
        raise _refusal(
            file, None, "xml-too-large", N_("文件过大"), N_("单个流程图不超过 2 MB，请精简")
        )
    # Other encodings could hide a DOCTYPE from the search below.
    encoding = _ENCODING.match(data.removeprefix(b"\xef\xbb\xbf"))
    if b"\x00" in data or (
        encoding and encoding[1].lower() not in (b"utf-8", b"utf8", b"us-ascii")
    ):
        raise _refusal(
            file, 1, "xml-encoding", N_("文件不是 UTF-8 编码"), N_("请另存为 UTF-8 编码的 XML")
        )
    if found := _FORBIDDEN.search(data):
        raise _refusal(
            file,
            data.count(b"\n", 0, found.start()) + 1,
            "xml-doctype",
            N_("文件含有 DOCTYPE 或 ENTITY 声明"),
            N_("请删去这些声明；BPMN 文件不需要它们"),
        )
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise _refusal(
            file,
            line,
            "xml-malformed",
            f"{N_('文件不是完整的 XML')}：{_one_line(error)}",
            N_("请用 BPMN 建模工具重新导出"),
        ) from None
    if root is None:
        raise _refusal(file, 1, "xml-malformed", N_("文件是空的"), N_("请用 BPMN 建模工具重新导出"))
    return root


def check_schema(root: etree._Element, file: str) -> list[Problem]:
    """Return the breaches of the BPMN 2.0 schema, first ones first.

    Attributes of foreign namespaces pass; unknown names of BPMN itself do not.
    """
    # bpmn-js writes this element under another name than the schema has.
    for expression in root.iterfind(
        ".//bpmn:correlationPropertyRetrievalExpression/bpmn:formalExpression", NAMESPACES
    ):
        expression.tag = f"{{{BPMN}}}messagePath"
    with _schema_lock:  # a schema object keeps the errors of its last run
        schema = _schema()
        if schema.validate(root):
            return []
        errors = [(e.line, e.message) for e in schema.error_log]  # type: ignore[attr-defined]  # the stubs lack __iter__
    return [
        Problem(
            file=file,
            element=None,
            line=line,
            code="bpmn-schema",
            message=f"{N_('不符合 BPMN 2.0 规范')}：{message.replace(f'{{{BPMN}}}', 'bpmn:')}",
            cure=N_("请用 BPMN 建模工具改正后重新导出"),
        )
        for line, message in errors[:MAX_SCHEMA_PROBLEMS]
    ]


def local_name(element: etree._Element) -> str:
    """Return the tag of a BPMN element without namespace, or ``""`` for a foreign element."""
    tag = element.tag
    prefix = f"{{{BPMN}}}"
    return tag[len(prefix) :] if isinstance(tag, str) and tag.startswith(prefix) else ""


def children(element: etree._Element, *names: str) -> Iterator[etree._Element]:
    """Yield the direct BPMN children with one of these names."""
    for child in element:
        if local_name(child) in names:
            yield child


@cache
def _schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(XSD_PATH))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _refusal(file: str, line: int | None, code: str, message: str, cure: str) -> PackageProblem:
    return PackageProblem([Problem(file, None, line, code, message, cure)])
