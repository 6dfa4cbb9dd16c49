"""Official papers (文书) filled from the record, as .docx from the templates of the package.

A paper reports on a step. Before that step is recorded the same paper can be had as a draft, which
says so on every page and leaves blanks for what nobody has recorded yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any, Final

from docx.document import Document as WordDocument
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.shared import Pt, RGBColor
from docxtpl import DocxTemplate
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.definitions.package import Package, Paper
from engine.definitions.templates import TemplateUse, environment, read_template
from engine.directory.actors import Actor
from engine.directory.policy import Action, require
from engine.documents.archive import repacked
from engine.documents.contents import Contents, gather, safe_name
from engine.documents.record import record_rows
from engine.documents.values import step_values, template_values
from engine.errors import N_, EngineFault, NotFound
from engine.expressions import compile_expression
from engine.forms import FormSchema
from engine.forms.ballot_fields import unpublished
from engine.runtime.queries.records import step_records

DRAFT: Final = "草　稿　（该环节尚未记录，不作正式文书使用）"
DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@dataclass(frozen=True)
class PaperState:
    """A paper of a matter that can be had now."""

    id: str
    title: str
    description: str
    draft: bool


@dataclass(frozen=True)
class MadePaper:
    """A paper that was filled."""

    title: str
    name: str
    """What to call the file."""
    content: bytes
    draft: bool


def list_papers(
    session: Session, actor: Actor, clock: Clock, instance_id: int
) -> tuple[PaperState, ...]:
    """Return the papers that can be had of a matter, in the order of the procedure.

    Those of steps that the matter has not come to are left out, and so are those that rest on what
    the actor may not read. Raises NotFound, NotAllowed.
    """
    contents = _readable(session, actor, clock, instance_id)
    return tuple(
        PaperState(paper.id, paper.title, paper.description, not _done(contents, paper))
        for paper in contents.definition.package.papers
        if _offered(contents, paper)
    )


def make_paper(
    session: Session, actor: Actor, clock: Clock, instance_id: int, paper_id: str
) -> MadePaper:
    """Fill one paper. Raises NotFound, NotAllowed; EngineFault when its template misbehaves."""
    contents = _readable(session, actor, clock, instance_id)
    for paper in contents.definition.package.papers:
        if paper.id == paper_id and _offered(contents, paper):
            return _make(contents, paper, _values(session, contents, clock))
    raise NotFound(N_("没有这份文书，或事项还没有办到这一环节。"))


def ready_papers(session: Session, contents: Contents, clock: Clock) -> list[MadePaper]:
    """Return the papers whose step is recorded: those that go into the case file."""
    wanted = [
        paper
        for paper in contents.definition.package.papers
        if _offered(contents, paper) and _done(contents, paper)
    ]
    values = _values(session, contents, clock) if wanted else {}
    return [_make(contents, paper, values) for paper in wanted]


def _readable(session: Session, actor: Actor, clock: Clock, instance_id: int) -> Contents:
    contents = gather(session, actor, clock, instance_id, with_rules=False)
    require(actor, Action.VIEW_OPINIONS, contents.opened.view)
    return contents


def _offered(contents: Contents, paper: Paper) -> bool:
    """Tell whether the matter has come to the paper's step, and the paper may be shown."""
    use = template_use(contents.definition.package, paper.template)
    hidden = {e.element for e in contents.trail.entries if e.seq in contents.closed}
    if hidden & use.elements(paper.step):
        return False
    if contents.opened.own_only is not None and any(
        unpublished(form.ballots)
        for element in use.elements(paper.step)
        if (form := _form(contents, element)) is not None
    ):
        return False
    if paper.step is None:
        return True
    answers = _answers(contents, paper.step)
    if answers is None:
        return any(task.element == paper.step for task in contents.opened.tasks)
    return paper.when is None or bool(compile_expression(paper.when).evaluate(answers))


def _form(contents: Contents, element: str) -> FormSchema | None:
    known = element in contents.definition.package.steps
    return contents.definition.form_of(element) if known else None


def _done(contents: Contents, paper: Paper) -> bool:
    return paper.step is None or _answers(contents, paper.step) is not None


def _answers(contents: Contents, element: str) -> Mapping[str, Any] | None:
    """Return what was last recorded in a step and still counts."""
    undone = contents.trail.undone
    found = [
        form.data
        for seq, form in contents.standing.items()
        if form.element == element and seq not in undone
    ]
    return found[-1] if found else None


def _values(session: Session, contents: Contents, clock: Clock) -> dict[str, Any]:
    return template_values(
        session,
        contents.opened,
        contents.view.row,
        contents.standing,
        record_rows(contents),
        step_records(contents.trail, with_data=False),
        clock,
    )


def _make(contents: Contents, paper: Paper, values: Mapping[str, Any]) -> MadePaper:
    draft = not _done(contents, paper)
    steps = values["steps"]
    context = {**values, "draft": draft, "step": steps.get(paper.step, step_values([]))}
    template = DocxTemplate(BytesIO(contents.definition.package.files[paper.template]))
    try:
        template.render(context, environment(), autoescape=True)
    except Exception as failure:  # a template is a program of its author's
        raise EngineFault(
            N_("文书“%(title)s”的模板不能填写：%(reason)s"),
            title=paper.title,
            reason=type(failure).__name__,
        ) from failure
    if draft:
        _mark_draft(template.docx)  # get_docx() would read the template anew
    filled, packed = BytesIO(), BytesIO()
    template.save(filled)
    filled.seek(0)
    repacked(filled, packed)
    row = contents.view.row
    name = f"{'草稿-' if draft else ''}{paper.title}-{row.number}-{row.subject_name}.docx"
    return MadePaper(paper.title, safe_name(name), packed.getvalue(), draft)


def _mark_draft(document: WordDocument) -> None:
    """Say on every page that it is a draft, whatever the template does."""
    for section in document.sections:
        headers = [section.header]
        if section.different_first_page_header_footer:
            headers.append(section.first_page_header)
        if document.settings.odd_and_even_pages_header_footer:
            headers.append(section.even_page_header)
        for header in headers:
            header.is_linked_to_previous = False
            paragraph = header.paragraphs[0].insert_paragraph_before()
            paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
            run = paragraph.add_run(DRAFT)
            run.bold = True
            run.font.size = Pt(14)
            run.font.color.rgb = RGBColor(0xA6, 0x19, 0x2E)


def template_use(package: Package, path: str) -> TemplateUse:
    """Return what a template of a package asks for."""
    return _use(package.sha256, path, package.files[path])


@lru_cache(maxsize=256)
def _use(sha256: str, path: str, data: bytes) -> TemplateUse:
    return read_template(data, path)
