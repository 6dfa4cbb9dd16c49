"""The overview, the list of findings, and what the trail lists."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, render_template, request
from flask_babel import gettext

from engine.audit.counting import count_findings
from engine.audit.listing import choices, list_findings
from engine.audit.scope import around, place_of, require_audience
from engine.audit.trail import TrailList, gap_allowed, list_trail
from engine.compliance.findings import FindingState
from engine.compliance.results import Outcome, Severity
from engine.errors import N_
from web.audit.filters import ANY, code, day, number, wanted_findings
from web.audit.trend import draw_trend
from web.context import actor, clock, login_required, reading
from web.language import in_words

blueprint = Blueprint("audit", __name__, url_prefix="/audit")

_OUTCOMES: Final = (
    (Outcome.NOT_MET.value, N_("不符合（尚未消除）")),
    (Outcome.WAIVED.value, N_("已豁免")),
    (Outcome.MET.value, N_("后来符合")),
    (Outcome.NOT_APPLICABLE.value, N_("不再适用")),
    (ANY, N_("全部问题")),
    (Outcome.PENDING.value, N_("待定（还没有到期）")),
)
_EXPLAINED: Final = {
    TrailList.LATE: N_("发生与记录相差的天数超过所设天数的环节。补录是允许的，但会一直标明。"),
    TrailList.OVERRIDDEN: N_("规则本来阻断、由上级准予越过的环节，及其理由。"),
    TrailList.WAIVED: N_("由有权的一级豁免的问题，及其理由。豁免不消除记录。"),
    TrailList.CORRECTED: N_("办结以后更正过的记录，及其理由。原来的内容仍在留痕中。"),
}


@blueprint.get("/")
@login_required
def index() -> str:
    """Show how many findings there are, of whom, of what, and since when."""
    me = actor()
    require_audience(me)
    wanted = wanted_findings()
    place = place_of(reading(), me, wanted.organisation_id)
    seen = count_findings(reading(), me, wanted, place, clock().today())
    return render_template(
        "audit/index.html",
        tab="overview",
        place=place,
        around=around(reading(), me, place),
        seen=seen,
        trend=draw_trend(seen.months),
        top=15,
        options=_options(),
        given=request.args,
        **_trail_counts(place),
    )


def _trail_counts(place: Any) -> dict[str, Any]:
    """Return how many entries each list of the trail has; counting stops soon."""
    most = 50
    gap = gap_allowed(reading(), place, clock())
    counts = []
    for each in TrailList:
        rows, more = list_trail(
            reading(), actor(), each, place, gap=gap if each is TrailList.LATE else 0, limit=most
        )
        words = gettext("%(count)s 以上", count=most) if more else str(len(rows))
        counts.append((each.value, in_words(each.label), words, in_words(_EXPLAINED[each])))
    return {"trail_counts": counts, "gap": gap}


@blueprint.get("/findings")
@login_required
def findings() -> str:
    """List the findings that the address asks for."""
    me = actor()
    require_audience(me)
    wanted = wanted_findings()
    place = place_of(reading(), me, wanted.organisation_id)
    rows, next_cursor = list_findings(
        reading(), me, wanted, cursor=request.args.get("cursor") or None
    )
    return render_template(
        "audit/findings.html",
        tab="findings",
        place=place,
        around=around(reading(), me, place),
        rows=rows,
        next_cursor=next_cursor,
        options=_options(),
        given=request.args,
        active=bool(set(request.args) - {"cursor"}),
    )


def _options() -> dict[str, Any]:
    found = choices(reading())
    return {
        "processes": found.processes,
        "rules": found.rules,
        "articles": [
            (f"{a.regulation}~{a.edition}~{a.number}", f"{a.title}（{a.edition}）{a.number}")
            for a in found.articles
        ],
        "severities": [(s.value, in_words(s.label)) for s in Severity],
        "states": [(s.value, in_words(s.label)) for s in FindingState],
        "outcomes": [(value, in_words(words)) for value, words in _OUTCOMES],
    }


@blueprint.get("/trail")
@login_required
def trail() -> str:
    """List late entries, overrides, waivers or corrections, from the ledger."""
    me = actor()
    require_audience(me)
    wanted = code(TrailList, request.args.get("list", "")) or TrailList.LATE
    place = place_of(reading(), me, number(request.args.get("organisation", "")))
    allowed = gap_allowed(reading(), place, clock())
    asked = number(request.args.get("gap", "")[:5])
    gap = allowed if asked is None else asked
    rows, next_cursor = list_trail(
        reading(),
        me,
        wanted,
        place,
        gap=gap if wanted is TrailList.LATE else 0,
        since=day(request.args.get("since", "")),
        until=day(request.args.get("until", "")),
        cursor=request.args.get("cursor") or None,
    )
    return render_template(
        "audit/trail.html",
        tab="trail",
        place=place,
        around=around(reading(), me, place),
        wanted=wanted,
        lists=[(each.value, in_words(each.label)) for each in TrailList],
        explained=in_words(_EXPLAINED[wanted]),
        rows=rows,
        next_cursor=next_cursor,
        gap=gap,
        allowed=allowed,
        given=request.args,
    )
