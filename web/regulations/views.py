"""The regulations, and one of them with its editions side by side."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from flask import Blueprint, render_template, request

from engine.compliance.declarations import declared_parameters
from engine.compliance.parameters import Level, Parameter
from engine.compliance.regulations import (
    Aligned,
    Article,
    Edition,
    Regulation,
    RegulationKind,
    Source,
    align,
)
from engine.compliance.uses import Use, uses_in_force
from engine.errors import N_, NotFound
from web.context import actor, clock, login_required, reading
from web.language import in_words
from web.regulations.words import keeps_rules, regulations

blueprint = Blueprint("regulations", __name__, url_prefix="/regulations")

_CHANGES: Final = {
    "new": ("info", N_("新增")),
    "dropped": ("skipped", N_("不再保留")),
    "changed": ("info", N_("有变化")),
    "renumbered": ("skipped", N_("条次变动")),
    "same": ("skipped", N_("内容相同")),
}
_FILTERS: Final = {
    "": N_("全部条文"),
    "changed": N_("只看有变化的"),
    "doubtful": N_("只看未核对的"),
}


@dataclass(frozen=True)
class Line:
    """A regulation in the list."""

    regulation: Regulation
    edition: Edition | None
    """The one in force today, or the last one."""
    articles: int
    uses: int
    doubtful: int


@dataclass(frozen=True)
class Cell:
    """An article as it is shown: with what rests on it and how it is known."""

    edition: Edition
    article: Article
    uses: tuple[Use, ...]
    sources: tuple[Source, ...]
    parameters: tuple[Parameter, ...]
    """Those that decide what it leaves open: named for it, or asked for by its rules."""


@dataclass(frozen=True)
class Row:
    """Articles that belong together, and what became of them."""

    before: tuple[Cell, ...]
    after: Cell | None
    change: str
    tone: str = ""
    words: str = ""

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Return all articles of the row."""
        return (*self.before, self.after) if self.after else self.before

    @property
    def same_text(self) -> bool:
        """Tell whether reading one of them is enough."""
        texts = {cell.article.text for cell in self.cells}
        return bool(self.before) and self.after is not None and len(texts) == 1


@blueprint.get("/")
@login_required
def index() -> str:
    """List the regulations, by kind."""
    found, today = regulations(), clock().today()
    used = Counter(regulation for regulation, _, _ in uses_in_force(reading()))
    doubtful = Counter(regulation.id for regulation, _, _ in found.doubtful())
    groups: dict[RegulationKind, list[Line]] = {kind: [] for kind in RegulationKind}
    for regulation in found:
        line = Line(
            regulation,
            regulation.edition_on(today) or regulation.editions[-1],
            sum(len(edition.articles) for edition in regulation.editions),
            used[regulation.id],
            doubtful[regulation.id],
        )
        groups[regulation.kind].append(line)
    for lines in groups.values():
        # Those that something rests on come first.
        lines.sort(key=lambda line: (-line.uses, line.regulation.id))
    return render_template(
        "regulations/index.html",
        groups=[(in_words(kind.label), lines) for kind, lines in groups.items() if lines],
        keeper=keeps_rules(actor()),
    )


@blueprint.get("/<regulation_id>")
@login_required
def one(regulation_id: str) -> str:
    """Show a regulation: an edition, beside the one it replaced."""
    found = regulations().by_id.get(regulation_id)
    if found is None:
        raise NotFound
    wanted = request.args.get("edition", "")
    edition = found.edition(wanted) or found.editions[-1]
    if found.before(edition) is None and len(found.editions) > 1:
        edition = found.editions[1]  # the first one is read beside its successor
    before = found.before(edition)
    keeper = keeps_rules(actor())
    only = request.args.get("only", "")
    only = only if only in _FILTERS and (keeper or only != "doubtful") else ""
    rows = [row for row in _rows(found, before, edition) if _wanted(row, only)]
    filters = [
        (code, in_words(words))
        for code, words in _FILTERS.items()
        if (code != "doubtful" or keeper) and (code != "changed" or before is not None)
    ]
    return render_template(
        "regulations/one.html",
        regulation=found,
        edition=edition,
        before=before,
        shown=(before, edition) if before else (edition,),
        rows=rows,
        only=only,
        filters=filters,
        keeper=keeper,
        in_force=found.edition_on(clock().today()),
        convention=found.kind is RegulationKind.CONVENTION,
    )


def _wanted(row: Row, only: str) -> bool:
    if only == "changed":
        return row.change in ("new", "dropped", "changed")
    if only == "doubtful":
        return any(cell.article.doubtful for cell in row.cells)
    return True


def _rows(regulation: Regulation, before: Edition | None, edition: Edition) -> list[Row]:
    uses = uses_in_force(reading())
    known = regulations()
    declared = declared_parameters(reading())

    def cell(held: Edition, article: Article) -> Cell:
        resting = uses.get((regulation.id, held.id, article.number), ())
        asked = (declared[key] for use in resting for key in use.parameters)
        open_ones = (p for p in asked if p.level is not Level.NONE)
        named = (known.parameters[name] for name in article.parameters)
        return Cell(
            held,
            article,
            resting,
            tuple(known.sources[key] for key in article.sources),
            tuple({p.key: p for p in (*named, *open_ones)}.values()),
        )

    if before is None:
        return [Row((), cell(edition, article), "") for article in edition.articles.values()]

    def row(aligned: Aligned) -> Row:
        tone, words = _CHANGES[aligned.change]
        return Row(
            tuple(cell(before, article) for article in aligned.before),
            None if aligned.after is None else cell(edition, aligned.after),
            aligned.change,
            tone,
            in_words(words),
        )

    return [row(aligned) for aligned in align(before, edition)]
