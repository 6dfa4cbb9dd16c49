"""Starting a matter: the choice of procedures, and the form of the first step."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers.response import Response

from engine.errors import InvalidInput
from engine.runtime.operations import start_instance
from engine.runtime.queries import start_view, startable
from engine.runtime.views import StartView
from web.context import actor, clock, login_required, reading
from web.forms.page import Chosen, FormPage, file_box, form_page, posted_page
from web.forms.posted import Posted, posted_day, read_posted
from web.numbers import row_number

blueprint = Blueprint("start", __name__, url_prefix="/start")


@blueprint.get("/")
@login_required
def index() -> str:
    """Show the procedures: first those that one may start."""
    found = startable(reading(), actor(), clock())
    choices = sorted(found, key=lambda choice: choice.why_not is not None)
    return render_template("inbox/start.html", choices=choices)


def _view(key: str) -> StartView:
    given = request.form if request.method == "POST" else request.args
    return start_view(
        reading(),
        actor(),
        clock(),
        key,
        subject_id=given.get("_subject", type=row_number),
        organisation_id=given.get("_organisation", type=row_number),
        occurred_on=posted_day() if request.method == "POST" else None,
    )


def _form(
    view: StartView, posted: Posted | None = None, refusal: InvalidInput | None = None
) -> FormPage:
    chosen = Chosen(view.subject_id, view.organisation_id)
    upload_url = url_for("start.files", key=view.key)
    if posted is None:
        return form_page(
            view.form,
            view.context,
            view.values,
            occurred_on=view.occurred_on,
            prefilled=True,
            upload_url=upload_url,
            chosen=chosen,
        )
    return posted_page(
        view.form, view.context, posted, refusal, upload_url=upload_url, chosen=chosen
    )


def _page(view: StartView, form: FormPage) -> str:
    return render_template(
        "inbox/start_form.html",
        view=view,
        form=form,
        form_action=url_for("start.refresh", key=view.key),
    )


@blueprint.get("/<key>")
@login_required
def form(key: str) -> str:
    """Show the form of the first step."""
    view = _view(key)
    return _page(view, _form(view))


@blueprint.post("/<key>")
@login_required
def begin(key: str) -> Response | tuple[str, int]:
    """Start the matter and complete its first step at once."""
    view = _view(key)
    posted = read_posted(view.form)
    try:
        if posted.errors:
            raise InvalidInput(posted.errors)
        done = start_instance(
            key,
            posted.raw,
            organisation_id=view.organisation_id,
            subject_id=view.subject_id,
            actor=actor(),
            clock=clock(),
            occurred_on=posted.occurred_on,
            command_id=posted.command_id,
        )
    except InvalidInput as refusal:
        return _page(view, _form(view, posted, refusal)), 422
    flash(gettext("已发起：%(what)s。", what=view.title), "done")
    return redirect(url_for("instances.matter", instance_id=done.instance_id), 303)


@blueprint.post("/<key>/refresh")
@login_required
def refresh(key: str) -> str:
    """Draw the form anew with what was typed: rows, hidden fields, sums. Nothing is kept."""
    view = _view(key)
    return _page(view, _form(view, read_posted(view.form)))


@blueprint.post("/<key>/live")
@login_required
def live(key: str) -> str:
    """Say what the numbers mean while one types."""
    view = _view(key)
    posted = read_posted(view.form, with_files=False)
    form = _form(view, Posted(posted.raw, posted.occurred_on, posted.command_id, None))
    return render_template("forms/live.html", form=form, saved_at=None, grounds=view.grounds)


@blueprint.post("/<key>/files")
@login_required
def files(key: str) -> str:
    """Take in a file as soon as it is chosen, and draw its field anew."""
    view = _view(key)
    return file_box(_form(view, read_posted(view.form)))
