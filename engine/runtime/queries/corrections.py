"""The form on which the record of a step is put right."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.compliance.grounds import grounds_on
from engine.directory.actors import Actor
from engine.directory.policy import Action, require
from engine.runtime.correcting import (
    correction_context,
    recorded_view,
    standing_step,
    what_decided,
)
from engine.runtime.queries.access import open_matter
from engine.runtime.queries.matters import rows_of
from engine.runtime.views import CorrectionForm


def correction_view(
    session: Session,
    actor: Actor,
    clock: Clock,
    instance_id: int,
    seq: int,
    *,
    occurred_on: date | None = None,
) -> CorrectionForm:
    """Return the form of a step as it stands, for ``occurred_on`` (its own day unless given).

    Raises NotFound; NotAllowed for those who may not correct, and for steps that do not stand.
    """
    opened = open_matter(session, actor, clock, instance_id)
    require(actor, Action.CORRECT_ENTRY, recorded_view(session, opened.view, seq))
    standing = standing_step(session, instance_id, seq)
    definition = opened.matter.definition
    step = definition.package.steps[standing.element]
    day = min(occurred_on or standing.occurred_on, clock.today())
    context = correction_context(
        session, opened.world, opened.matter, day, actor, instance_id, standing
    )
    form = definition.form_of(standing.element)
    return CorrectionForm(
        row=rows_of(session, [instance_id])[0],
        seq=seq,
        title=step.title,
        number=step.number,
        grounds=grounds_on(session, step.basis, opened.row.path, day),
        form=form,
        context=context,
        values=form.raw_of(standing.data),
        occurred_on=day,
        standing_on=standing.occurred_on,
        fixed=what_decided(definition, standing.element),
    )
