"""``index.html``: the case file to be read by people, with no system, no network, no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from engine.clock import ZONE
from engine.documents.contents import CaseForm, Contents
from engine.documents.findings import CaseFinding
from engine.documents.record import record_rows
from engine.documents.svg import CLOSED, Layout, draw, read_layouts
from engine.ledger.kinds import EntryKind
from engine.runtime.queries.records import chinese_day, history
from engine.runtime.views import HistoryEntry

HERE = "正在这里"


@dataclass(frozen=True)
class Export:
    """When and by whom the case file is taken away."""

    at: datetime
    person_id: int
    name: str
    post: str | None


@cache
def environment() -> Environment:
    """Return the template environment of this room."""
    made = Environment(
        loader=PackageLoader("engine.documents"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=False,
    )
    made.filters["day"] = chinese_day
    made.filters["moment"] = moment
    made.filters["short"] = lambda day: f"{day:%Y.%m.%d}"
    made.filters["shortly"] = lambda at: f"{at.astimezone(ZONE):%Y.%m.%d %H:%M}"
    made.filters["address"] = quote
    return made


def moment(at: datetime | str) -> str:
    """Return a moment as people write it, in the zone of our days."""
    when = datetime.fromisoformat(at) if isinstance(at, str) else at
    local = when.astimezone(ZONE)
    return f"{chinese_day(local.date())} {local:%H:%M}"


def diagrams(contents: Contents) -> tuple[str, list[tuple[str, str]]]:
    """Return the whole diagram as SVG, and a picture of each stage with its name."""
    package = contents.definition.package
    planes = read_layouts(package.files[package.bpmn], package.bpmn)
    layout = next(iter(planes.values()), Layout((), ()))
    states = contents.view.diagram
    whole = draw(layout, states, title=package.title, here=HERE)
    parts = []
    for stage in package.stages:
        part = planes.get(stage.element) or layout.within(stage.element)
        if part is not None:
            name = f"第{stage.number}阶段 {stage.title}"
            parts.append((name, draw(part, states, title=name, here=HERE)))
    staged = {stage.element for stage in package.stages}
    for shape in (shape for plane in planes.values() for shape in plane.shapes):
        if shape.kind == CLOSED and shape.id in planes and shape.id not in staged:
            parts.append((shape.name, draw(planes[shape.id], states, title=shape.name, here=HERE)))
    if not package.stages:
        parts.insert(0, (package.title, whole))
    return whole, parts


def render_page(
    contents: Contents,
    export: Export,
    *,
    papers: Sequence[tuple[str, str]],
    keys: Sequence[Mapping[str, Any]],
    pictures: Sequence[tuple[str, str]],
    organisation: str,
) -> str:
    """Return the page. ``papers``: path and title of the papers made from the record."""
    view = contents.view
    sections = [
        ("course", "办理经过"),
        ("record", "全程纪实表"),
        *([("rules", "规则核对")] if contents.findings else []),
        ("articles", "依据条款"),
        ("files", "材料目录"),
        ("diagram", "流程图"),
        ("ledger", "留痕：谁看过、做过什么"),
        ("verify", "核验"),
    ]
    entries = contents.trail.entries
    in_stages = {r.seq for stage in view.stages for s in stage.steps for r in s.records}
    return (
        environment()
        .get_template("index.html")
        .render(
            style=Markup(_style()),  # noqa: S704 - our own file
            row=view.row,
            view=view,
            package=contents.definition.package,
            versions_before=_versions_before(contents),
            organisation=organisation,
            export=export,
            sections=sections,
            forms=contents.forms,
            requests=[
                form
                for seq, form in contents.forms.items()
                if seq not in in_stages and form.corrects is None
            ],
            corrections=_corrections(contents),
            closed=contents.closed,
            erased={e.seq for e in entries if e.payload is None and e.kind == EntryKind.COMPLETED},
            withheld=contents.withheld,
            attachments={file.id: file for file in contents.attachments},
            record_rows=record_rows(contents),
            findings=contents.findings,
            at_step=_by_step(contents),
            step_names={
                step.element: f"{step.number or ''} {step.title}".strip()
                for step in contents.definition.package.steps.values()
            },
            articles=contents.articles(),
            papers=papers,
            pictures=[(name, Markup(drawn)) for name, drawn in pictures],  # noqa: S704 - escaped there
            history=tuple(reversed(history(contents.trail, with_reasons=True))),
            keys=keys,
        )
    )


def _versions_before(contents: Contents) -> list[Mapping[str, Any]]:
    """Return the versions of the procedure that the matter was on before, the first first."""
    trail = contents.trail
    moves = [entry.seq for entry in trail.entries if entry.kind == EntryKind.MIGRATED]
    return [trail.payloads[seq]["from"] for seq in moves if trail.payloads[seq]]


def _corrections(contents: Contents) -> dict[int, list[tuple[CaseForm, HistoryEntry]]]:
    """Return the corrections of each entry, with their lines of the history."""
    lines = {line.seq: line for line in contents.view.history}
    told: dict[int, list[tuple[CaseForm, HistoryEntry]]] = {}
    for form in contents.forms.values():
        if form.corrects is not None and form.seq in lines:
            told.setdefault(form.corrects, []).append((form, lines[form.seq]))
    return told


def _by_step(contents: Contents) -> dict[tuple[str, int | None], list[CaseFinding]]:
    told: dict[tuple[str, int | None], list[CaseFinding]] = {}
    shown = {r.seq for stage in contents.view.stages for s in stage.steps for r in s.records}
    for finding in contents.findings:
        if finding.notable:
            seq = finding.seq if finding.seq in shown else None
            told.setdefault((finding.element, seq), []).append(finding)
    return told


@cache
def _style() -> str:
    return (files("engine.documents") / "templates" / "case.css").read_text("utf-8")
