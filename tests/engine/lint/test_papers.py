"""Lint of official papers: templates that open, and values that exist."""

from __future__ import annotations

import io
from dataclasses import replace

import docx
import pytest

from engine.definitions.package import Package, load_folder, load_package
from engine.definitions.templates import BLANK, environment, read_template
from engine.errors import PackageProblem
from engine.lint.forms import check_forms
from engine.lint.papers import check_papers
from engine.settings import ROOT

LEAVE = ROOT / "tests" / "packages" / "leave_request"


def template(*paragraphs: str) -> bytes:
    """Return a .docx with these paragraphs."""
    document = docx.Document()
    for text in paragraphs:
        document.add_paragraph(text)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def package(text: str, more: str = "") -> Package:
    """Return the leave procedure with a paper on its first step."""
    files = dict(load_folder(LEAVE).files)
    entry = (
        '\n[[paper]]\nid = "slip"\ntitle = "假条"\ntemplate = "documents/slip.docx"\n'
        f'step = "request_leave"\n{more}\n'
    )
    files["process.toml"] += entry.encode()
    files["documents/slip.docx"] = template(text)
    return load_package(files)


def problems(found: Package) -> list[tuple[str, str]]:
    forms, _ = check_forms(found)
    return [(p.code, p.message) for p in check_papers(found, forms).problems]


@pytest.mark.parametrize(
    "text",
    [
        "{{ matter.number }} {{ person.name }} {{ today }}",
        "{{ step.day }} {{ step.words.leave_from }} {{ steps.approve_leave.by }}",
        "{% for row in rows %}{{ row.who }}{% endfor %}",
        "{% for r in step.rounds %}{{ r.words.anything }}{% endfor %}",
        "{% if draft %}草稿{% endif %}",
    ],
)
def test_known_values_pass(text: str) -> None:
    assert problems(package(text)) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("{{ mater.number }}", "mater"),
        ("{{ matter.numbr }}", "matter.numbr"),
        ("{{ step.words.leave_form }}", "step.words.leave_form"),
        ("{{ steps.aprove_leave.day }}", "steps.aprove_leave"),
        ("{{ steps.approve_leave.dat }}", "steps.approve_leave.dat"),
        ("{{ participants.nobody }}", "participants.nobody"),
    ],
)
def test_unknown_values_are_named(text: str, name: str) -> None:
    found = problems(package(text))
    assert found
    assert all(code == "paper-unknown-value" for code, _ in found)
    assert any(f"“{name}”" in message for _, message in found)


@pytest.mark.parametrize("text", ["{{ matter.number", "{% if draft %}", "{{ 1 + }}"])
def test_a_template_with_unfinished_places_is_refused(text: str) -> None:
    assert [code for code, _ in problems(package(text))] == ["template-unusable"]


def test_what_is_no_docx_is_refused() -> None:
    with pytest.raises(PackageProblem):
        read_template(b"PK\x03\x04 nothing", "documents/slip.docx")


def test_steps_files_and_conditions_are_checked() -> None:
    sound = package("{{ today }}")
    assert (
        "paper-unknown-step",
        "文书“假条”的环节“request_leav”不存在（是不是“request_leave”？）",
    ) in (problems(_with(sound, step="request_leav")))
    assert [c for c, _ in problems(_with(sound, template="documents/none.docx"))] == [
        "template-missing",
        "template-unused",
    ]
    assert problems(package("{{ today }}", "when = \"leave_kind == 'annual'\"")) == []
    unknown = problems(package("{{ today }}", "when = \"leave_knd == 'annual'\""))
    assert [code for code, _ in unknown] == ["paper-unknown-value"]
    broken = problems(package("{{ today }}", 'when = "import os"'))
    assert [code for code, _ in broken] == ["expression-invalid"]


def _with(found: Package, **changes: str) -> Package:
    return replace(found, papers=tuple(replace(paper, **changes) for paper in found.papers))


def test_a_paper_written_twice_is_refused() -> None:
    files = dict(package("{{ today }}").files)
    files["process.toml"] += (
        b'\n[[paper]]\nid = "slip"\ntitle = "x"\ntemplate = "documents/x.docx"\n'
    )
    with pytest.raises(PackageProblem) as refused:
        load_package(files)
    assert "duplicate-paper" in {p.code for p in refused.value.problems}


def test_templates_run_in_a_sandbox_and_leave_blanks() -> None:
    sandbox = environment()
    assert sandbox.from_string("{{ a.b.c }}").render() == BLANK
    assert sandbox.from_string("{% if a.b %}x{% endif %}").render() == ""
    assert sandbox.from_string("{{ x }}").render(x="<w:b/>") == "&lt;w:b/&gt;"
    for attack in (
        "{{ x.__class__.__mro__ }}",
        "{{ ''.__class__ }}",
        "{{ x.append(1) }}",
        "{{ cycler.__init__.__globals__ }}",
    ):
        try:
            assert "class" not in sandbox.from_string(attack).render(x=[])
        except Exception as refused:
            assert "unsafe" in str(refused).lower() or "callable" in str(refused)
