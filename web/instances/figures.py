"""The figures that a step froze: what they rest on, and whether counting again gives the same."""

from __future__ import annotations

from flask import Blueprint, render_template

from engine.indicators.queries import frozen_figures
from web.context import actor, clock, login_required, reading

blueprint = Blueprint(
    "figures", __name__, url_prefix="/matters/<int:instance_id>/entries/<int:seq>/figures"
)


@blueprint.get("")
@login_required
def show(instance_id: int, seq: int) -> str:
    """Show the figures of a step, counted again now."""
    return render_template(
        "instances/figures.html",
        page=frozen_figures(reading(), actor(), clock(), instance_id, seq),
    )
