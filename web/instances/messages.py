"""Requests to a running matter that a procedure knows of, such as a withdrawal."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext
from werkzeug.wrappers.response import Response

from engine.errors import InvalidInput
from engine.forms.schema import FormSchema, compile_form
from engine.runtime.operations import send_message
from engine.runtime.queries import message_view
from engine.runtime.views import MessageForm
from web.context import actor, clock, login_required, reading
from web.forms.page import FormPage, file_box, form_page, posted_page
from web.forms.posted import Posted, posted_day, read_posted

blueprint = Blueprint("messages", __name__, url_prefix="/matters/<int:instance_id>/messages")

_NO_FIELDS = {"schemaVersion": 19, "type": "default", "id": "empty", "components": []}


def _view(instance_id: int, key: str) -> tuple[MessageForm, FormSchema]:
    view = message_view(reading(), actor(), clock(), instance_id, key, occurred_on=posted_day())
    return view, view.form or compile_form(_NO_FIELDS, file="empty.form")


def _form(
    view: MessageForm,
    schema: FormSchema,
    posted: Posted | None = None,
    refusal: InvalidInput | None = None,
) -> FormPage:
    upload_url = url_for("messages.files", instance_id=view.row.id, key=view.key)
    if posted is None:
        return form_page(
            schema,
            view.context,
            view.values,
            occurred_on=view.occurred_on,
            upload_url=upload_url,
            prefilled=True,
        )
    return posted_page(schema, view.context, posted, refusal, upload_url=upload_url)


def _page(view: MessageForm, form: FormPage) -> str:
    return render_template(
        "instances/message.html",
        view=view,
        row=view.row,
        form=form,
        form_action=url_for("messages.refresh", instance_id=view.row.id, key=view.key),
    )


@blueprint.get("/<key>")
@login_required
def form(instance_id: int, key: str) -> str:
    """Show the form of the request."""
    view, schema = _view(instance_id, key)
    return _page(view, _form(view, schema))


@blueprint.post("/<key>")
@login_required
def send(instance_id: int, key: str) -> Response | tuple[str, int]:
    """Hand the request to the matter."""
    view, schema = _view(instance_id, key)
    posted = read_posted(schema)
    try:
        if posted.errors:
            raise InvalidInput(posted.errors)
        send_message(
            instance_id,
            key,
            posted.raw,
            actor=actor(),
            clock=clock(),
            occurred_on=posted.occurred_on,
            command_id=posted.command_id,
        )
    except InvalidInput as refusal:
        return _page(view, _form(view, schema, posted, refusal)), 422
    flash(gettext("已提交：%(what)s。", what=view.title), "done")
    return redirect(url_for("instances.matter", instance_id=instance_id), 303)


@blueprint.post("/<key>/refresh")
@login_required
def refresh(instance_id: int, key: str) -> str:
    """Draw the form anew with what was typed. Nothing is kept."""
    view, schema = _view(instance_id, key)
    return _page(view, _form(view, schema, read_posted(schema)))


@blueprint.post("/<key>/live")
@login_required
def live(instance_id: int, key: str) -> str:
    """Say what the numbers mean while one types."""
    view, schema = _view(instance_id, key)
    posted = read_posted(schema, with_files=False)
    form = _form(view, schema, Posted(posted.raw, posted.occurred_on, posted.command_id, None))
    return render_template("forms/live.html", form=form, saved_at=None)


@blueprint.post("/<key>/files")
@login_required
def files(instance_id: int, key: str) -> str:
    """Take in a file as soon as it is chosen, and draw its field anew."""
    view, schema = _view(instance_id, key)
    return file_box(_form(view, schema, read_posted(schema)))
