"""Random samples: drawn with a seed that stands in the ledger, so that anybody can check them."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from uuid import uuid4

from flask import Blueprint, Response, redirect, render_template, request, send_file, url_for
from flask_babel import gettext
from sqlalchemy import select
from werkzeug.wrappers.response import Response as Reply

from engine.audit.listing import choices
from engine.audit.sampling import (
    MOST_TAKEN,
    Sample,
    SampleWish,
    Strata,
    draw_sample,
    list_samples,
    population_of,
    show_sample,
)
from engine.audit.scope import around, matters_seen, place_of, require_audience
from engine.errors import InvalidInput
from engine.runtime.models import Instance, format_number
from engine.runtime.views import MatterStatus
from web.audit.filters import code, number, understood_matters
from web.context import actor, clock, login_required, reading
from web.forms.page import ErrorLine
from web.forms.posted import posted_command
from web.language import in_words

blueprint = Blueprint("samples", __name__, url_prefix="/audit/samples")


@blueprint.get("")
@login_required
def index() -> str:
    """Show the form, and the samples drawn before."""
    return _page({})


def _page(given: dict[str, str], errors: tuple[ErrorLine, ...] = ()) -> str:
    me = actor()
    require_audience(me)
    place = place_of(reading(), me, number(given.get("organisation", "")))
    return render_template(
        "audit/samples.html",
        tab="samples",
        place=place,
        around=around(reading(), me, place),
        samples=list_samples(reading(), me),
        processes=choices(reading()).processes,
        statuses=[(s.value, in_words(s.label)) for s in MatterStatus],
        strata=[(s.value, in_words(s.label)) for s in Strata],
        given=given,
        errors=errors,
        command_id=uuid4(),
        most=MOST_TAKEN,
    )


@blueprint.post("")
@login_required
def draw() -> Reply | tuple[str, int]:
    """Draw a sample. Sent twice, it is drawn once."""
    given = request.form.to_dict()
    try:
        seq = draw_sample(
            SampleWish(
                matters=understood_matters(given),
                strata=code(Strata, given.get("strata", "")) or Strata.NONE,
                size=number(given.get("size", "")) or 0,
            ),
            actor=actor(),
            clock=clock(),
            seed=given.get("seed", "").strip() or None,
            command_id=posted_command(),
        )
    except InvalidInput as refusal:
        labels = {
            "size": gettext("每层件数"),
            "seed": gettext("种子"),
            "since": gettext("从"),
            "until": gettext("至"),
        }
        errors = tuple(
            ErrorLine(field if field in labels else "", labels.get(field, ""), in_words(words))
            for field, group in refusal.fields.items()
            for words in group
        )
        return _page(given, errors), 422
    return redirect(url_for("samples.sample", seq=seq), 303)


@blueprint.get("/<int:seq>")
@login_required
def sample(seq: int) -> str:
    """Show a sample with the matters that it took."""
    found = show_sample(reading(), actor(), seq)
    return render_template(
        "audit/sample.html",
        tab="samples",
        sample=found,
        matters=_matters(found),
        process=dict(choices(reading()).processes).get(found.process or "", found.process),
    )


def _matters(sample: Sample) -> dict[str, Any]:
    """Return the matters of a sample by number, as far as they are still for the reader."""
    taken = {number for stratum in sample.strata for number in stratum.taken}
    series = {tuple(n.rsplit("-", 2)) for n in taken}
    rows = reading().execute(
        select(
            Instance.id,
            Instance.prefix,
            Instance.year,
            Instance.serial,
            Instance.title,
            Instance.status,
            Instance.outcome,
        ).where(
            matters_seen(actor()),
            Instance.serial.in_([int(serial) for *_, serial in series]),
            Instance.year.in_({int(year) for _, year, _ in series}),
        )
    )
    found = {format_number(row.prefix, row.year, row.serial): row for row in rows}
    return {
        number: (row.id, row.title, MatterStatus(row.status))
        for number, row in found.items()
        if number in taken
    }


@blueprint.get("/<int:seq>/population.tsv")
@login_required
def population(seq: int) -> Response:
    """Hand out the population, exactly the lines whose digest stands in the ledger."""
    strata = population_of(reading(), actor(), seq)
    lines = sorted(f"{name}\t{number}\n" for name, numbers in strata.items() for number in numbers)
    response = send_file(
        BytesIO("".join(lines).encode()),
        mimetype="text/tab-separated-values",
        as_attachment=True,
        download_name=f"population-{seq}.tsv",
    )
    response.headers["Cache-Control"] = "no-store"
    return response
