"""The year of one organisation: twelve months by what it owes, each cell with what was done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext

from engine.directory.policy import Action, may
from engine.directory.things import OrganisationView
from engine.duties.codes import DutyState
from engine.duties.queries import Activity, Cell, YearView, year_of
from engine.duties.tally_views import tally_seen
from engine.runtime.queries import startable
from web.context import actor, clock, login_required, reading

blueprint = Blueprint("years", __name__, url_prefix="/board")

OLDEST: Final = 2000


@dataclass(frozen=True)
class Slot:
    """A place in a row: a duty of a period, or nothing, some months wide."""

    month: int
    span: int
    cell: Cell | None
    start_url: str | None = None
    """Where whoever looks can start the matter."""


@dataclass(frozen=True)
class Line:
    """A row of the table."""

    activity: Activity
    slots: tuple[Slot, ...]


@blueprint.get("/<int:organisation_id>/year")
@login_required
def year(organisation_id: int) -> str:
    """Show the year of an organisation."""
    asked = request.args.get("year", "")
    chosen = int(asked) if asked.isdecimal() and len(asked) == 4 else clock().today().year
    seen = year_of(reading(), actor(), organisation_id, max(OLDEST, chosen))
    place = seen.organisation
    start = _startable(seen)
    return render_template(
        "board/year.html",
        seen=seen,
        place=place,
        lines=[Line(a, tuple(_slots(a, seen.year, start))) for a in seen.activities],
        months=range(1, 13),
        month_names=month_names(),
        figures=(
            (DutyState.LATE, seen.count(DutyState.LATE)),
            (DutyState.DUE, seen.count(DutyState.DUE)),
            (DutyState.DONE, seen.count(DutyState.DONE)),
            (DutyState.MADE_UP, seen.count(DutyState.MADE_UP)),
        ),
        below=may(actor(), Action.VIEW_BOARD_BELOW, OrganisationView(place.id, place.path)),
    )


@blueprint.get("/tally/<int:duty_id>")
@login_required
def tally(duty_id: int) -> str:
    """Show what each member has gathered in a period; a member sees the own line only."""
    return render_template("board/tally.html", seen=tally_seen(reading(), actor(), duty_id))


def month_names() -> list[str]:
    """Return the months as the heads of a table."""
    return [
        gettext("1月"),
        gettext("2月"),
        gettext("3月"),
        gettext("4月"),
        gettext("5月"),
        gettext("6月"),
        gettext("7月"),
        gettext("8月"),
        gettext("9月"),
        gettext("10月"),
        gettext("11月"),
        gettext("12月"),
    ]


def _startable(seen: YearView) -> frozenset[str]:
    """Return the procedures that whoever looks may start at the organisation."""
    here = {post.organisation_id for post in actor().posts}
    if seen.organisation.id not in here:
        return frozenset()
    choices = startable(reading(), actor(), clock())
    return frozenset(choice.key for choice in choices if choice.why_not is None)


def _slots(activity: Activity, year: int, start: frozenset[str]) -> Iterator[Slot]:
    """Yield the twelve months of a row without a gap."""
    month = 1
    for cell in activity.cells:
        first = cell.since.month if cell.since.year == year else 1
        last = cell.until.month if cell.until.year == year else 12
        if first > month:
            yield Slot(month, first - month, None)
        if first < month:  # a period that overlaps another is shown where there is room
            continue
        yield Slot(first, last - first + 1, cell, _start_url(activity, cell, start))
        month = last + 1
    if month <= 12:
        yield Slot(month, 13 - month, None)


def _start_url(activity: Activity, cell: Cell, start: frozenset[str]) -> str | None:
    wanted = cell.state in (DutyState.DUE, DutyState.LATE) and cell.draft_id is None
    process = activity.known.duty.process
    return url_for("start.form", key=process) if wanted and process in start else None
