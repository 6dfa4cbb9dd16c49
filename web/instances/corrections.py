"""Put right the record of a step (更正), on the form on which it was entered."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers.response import Response

from engine.errors import InvalidInput
from engine.runtime.correcting import correct_entry
from engine.runtime.queries import correction_view
from engine.runtime.views import CorrectionForm
from web.context import actor, clock, login_required, reading
from web.forms.page import FormPage, file_box, form_page, posted_page
from web.forms.posted import Posted, posted_day, read_posted

blueprint = Blueprint(
    "corrections", __name__, url_prefix="/matters/<int:instance_id>/entries/<int:seq>/correct"
)


def _view(instance_id: int, seq: int) -> CorrectionForm:
    return correction_view(reading(), actor(), clock(), instance_id, seq, occurred_on=posted_day())


def _form(
    view: CorrectionForm, posted: Posted | None = None, refusal: InvalidInput | None = None
) -> FormPage:
    upload_url = url_for("corrections.files", instance_id=view.row.id, seq=view.seq)
    if posted is None:
        return form_page(
            view.form,
            view.context,
            view.values,
            occurred_on=view.occurred_on,
            upload_url=upload_url,
        )
    return posted_page(view.form, view.context, posted, refusal, upload_url=upload_url)


def _page(view: CorrectionForm, form: FormPage, reason_errors: tuple[str, ...] = ()) -> str:
    return render_template(
        "instances/correct.html",
        view=view,
        row=view.row,
        form=form,
        reason=request.form.get("reason", ""),
        reason_errors=reason_errors,
        form_action=url_for("corrections.refresh", instance_id=view.row.id, seq=view.seq),
    )


@blueprint.get("")
@login_required
def form(instance_id: int, seq: int) -> str:
    """Show the step as it stands."""
    view = _view(instance_id, seq)
    return _page(view, _form(view))


@blueprint.post("")
@login_required
def correct(instance_id: int, seq: int) -> Response | tuple[str, int]:
    """Correct it, or show the form again with what is wrong."""
    view = _view(instance_id, seq)
    posted = read_posted(view.form)
    try:
        if posted.errors:
            raise InvalidInput(posted.errors)
        correct_entry(
            instance_id,
            seq,
            posted.raw,
            request.form.get("reason", ""),
            actor=actor(),
            clock=clock(),
            occurred_on=posted.occurred_on,
            command_id=posted.command_id,
            revision=posted.revision,
        )
    except InvalidInput as refusal:
        errors = tuple(refusal.fields.get("reason", ()))
        return _page(view, _form(view, posted, refusal), errors), 422
    flash(gettext("已更正。原来的记录保留在留痕中。"), "done")
    return redirect(
        url_for("instances.matter", instance_id=instance_id, _anchor=f"record-{seq}"), 303
    )


@blueprint.post("/refresh")
@login_required
def refresh(instance_id: int, seq: int) -> str:
    """Draw the form anew with what was typed. Nothing is kept."""
    view = _view(instance_id, seq)
    return _page(view, _form(view, read_posted(view.form)))


@blueprint.post("/live")
@login_required
def live(instance_id: int, seq: int) -> str:
    """Say what the numbers mean while one types."""
    view = _view(instance_id, seq)
    posted = read_posted(view.form, with_files=False)
    form = _form(view, Posted(posted.raw, posted.occurred_on, posted.command_id, None))
    return render_template("forms/live.html", form=form, saved_at=None, grounds=view.grounds)


@blueprint.post("/files")
@login_required
def files(instance_id: int, seq: int) -> str:
    """Take in a file as soon as it is chosen, and draw its field anew."""
    view = _view(instance_id, seq)
    return file_box(_form(view, read_posted(view.form)))
