"""The superior's board: what is done and late below, what runs and where; each with its list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers.response import Response as Redirect

from engine.audit.exporting import ExportKind, record_list
from engine.calendars.arithmetic import Period
from engine.directory.policy import Action, Audience, audiences, may
from engine.directory.things import OrganisationView
from engine.duties.board import LEAVES, home, place_of, show_board, show_ranking
from engine.duties.board_lists import list_duties, list_matters
from engine.duties.board_views import DutyFilter, span_of
from engine.duties.catalogue import catalogue
from engine.duties.codes import DutyState
from engine.errors import InvalidInput
from web.audit.filters import code, number
from web.board.drawing import draw_bars
from web.board.workbook import board_workbook
from web.board.years import month_names
from web.context import actor, clock, login_required, reading
from web.downloads import download
from web.inbox.excel import MEDIA_TYPE

blueprint = Blueprint("board", __name__, url_prefix="/board")

KINDS: Final = (DutyState.DONE, DutyState.MADE_UP, DutyState.LATE, DutyState.DUE, DutyState.PLANNED)


@dataclass(frozen=True)
class Chosen:
    """Where and when one looks."""

    organisation_id: int
    year: int
    part: str
    span: Period

    @property
    def arguments(self) -> dict[str, Any]:
        """Return what the addresses of the board's pages carry on."""
        return {"organisation": self.organisation_id, "year": self.year, "part": self.part or None}


@blueprint.get("/")
@login_required
def index() -> str | Redirect:
    """Show the board of an organisation; of a branch, its year."""
    chosen = _chosen()
    place = place_of(reading(), chosen.organisation_id)
    below = may(actor(), Action.VIEW_BOARD_BELOW, OrganisationView(place.id, place.path))
    if place.kind in LEAVES or not below:
        return redirect(url_for("years.year", organisation_id=place.id, year=chosen.year))
    board = show_board(reading(), actor(), place.id, chosen.span)
    return render_template(
        "board/index.html",
        board=board,
        bars=draw_bars(board.duties),
        leaves=LEAVES,
        kinds=KINDS,
        audits=Audience.AUDIT in audiences(actor()),
        **_around(chosen),
    )


@blueprint.get("/ranking")
@login_required
def ranking() -> str:
    """Show the organisations below by the share that they did in time."""
    chosen = _chosen()
    found = show_ranking(
        reading(),
        actor(),
        chosen.organisation_id,
        chosen.span,
        worst=request.args.get("order") == "worst",
        page=min(number(request.args.get("page", "")) or 0, 10_000),
    )
    return render_template("board/ranking.html", ranking=found, **_around(chosen))


@blueprint.get("/duties")
@login_required
def duties() -> str:
    """List the duties behind a count."""
    chosen = _chosen()
    key = request.args.get("duty") or None
    state = code(DutyState, request.args.get("state", ""))
    own = request.args.get("own") == "yes"
    rows, following = list_duties(
        reading(),
        actor(),
        chosen.organisation_id,
        DutyFilter(chosen.span, key, state, own),
        after=number(request.args.get("after", "")) or 0,
    )
    return render_template(
        "board/duties.html",
        rows=rows,
        following=following,
        place=place_of(reading(), chosen.organisation_id),
        known=catalogue(reading()).duties,
        key=key,
        state=state,
        own=own,
        kinds=KINDS,
        **_around(chosen),
    )


@blueprint.get("/matters")
@login_required
def matters() -> str:
    """List the running matters behind a count."""
    chosen = _chosen()
    process, stage = request.args.get("process") or None, request.args.get("stage")
    rows, following = list_matters(
        reading(),
        actor(),
        chosen.organisation_id,
        process=process,
        stage=stage,
        after=number(request.args.get("after", "")) or 0,
    )
    return render_template(
        "board/matters.html",
        rows=rows,
        following=following,
        place=place_of(reading(), chosen.organisation_id),
        **_around(chosen),
    )


@blueprint.get("/board.xlsx")
@login_required
def excel() -> Response:
    """Hand out the board as a workbook: organisations, duties, what is late; on record."""
    chosen = _chosen()
    board = show_board(reading(), actor(), chosen.organisation_id, chosen.span)
    late, _ = list_duties(
        reading(),
        actor(),
        chosen.organisation_id,
        DutyFilter(chosen.span, state=DutyState.LATE),
        limit=20_000,
    )
    record_list(ExportKind.BOARD, chosen.arguments, names=False, actor=actor(), clock=clock())
    name = gettext("%(name)s工作情况", name=board.place.name)
    filled = board_workbook(board, late, part_name(chosen.year, chosen.part))
    return download(filled, f"{name}-{chosen.year}{chosen.part}.xlsx", MEDIA_TYPE)


def part_name(year: int, part: str) -> str:
    """Return the name of a span, such as 2026年第三季度."""
    return str(gettext("%(year)s年 %(part)s", year=year, part=dict(_parts())[part]))


def _chosen() -> Chosen:
    asked = number(request.args.get("organisation", ""))
    organisation_id = home(reading(), actor()).id if asked is None else asked
    today = clock().today()
    given = request.args.get("year", "")
    year = int(given) if given.isascii() and given.isdecimal() and len(given) == 4 else today.year
    part = request.args.get("part", "")
    try:
        return Chosen(organisation_id, year, part, span_of(year, part))
    except InvalidInput:
        return Chosen(organisation_id, today.year, "", span_of(today.year, ""))


def _around(chosen: Chosen) -> dict[str, Any]:
    today = clock().today()
    years = range(today.year + 1, today.year - 6, -1)
    return {
        "chosen": chosen,
        "years": sorted({*years, chosen.year}, reverse=True),
        "parts": _parts(),
        "span_name": part_name(chosen.year, chosen.part),
    }


def _parts() -> list[tuple[str, str]]:
    quarters = [
        ("q1", gettext("第一季度")),
        ("q2", gettext("第二季度")),
        ("q3", gettext("第三季度")),
        ("q4", gettext("第四季度")),
    ]
    halves = [("h1", gettext("上半年")), ("h2", gettext("下半年"))]
    months = [(f"m{n}", name) for n, name in enumerate(month_names(), start=1)]
    return [("", gettext("全年")), *halves, *quarters, *months]
