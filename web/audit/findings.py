"""One finding: what is wrong, by which article, and what people said and may say of it."""

from __future__ import annotations

from typing import Final
from uuid import uuid4

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers.response import Response

from engine.audit import commands
from engine.audit.matter import show_finding
from engine.audit.views import Found
from engine.compliance.findings import FindingState
from engine.directory.policy import Audience, audiences
from engine.errors import N_, Conflict, InvalidInput, NotFound
from web.context import actor, clock, login_required, reading
from web.forms.posted import posted_command
from web.language import in_words, why_refused

blueprint = Blueprint("findings", __name__, url_prefix="/findings/<int:finding_id>")

_COMMANDS: Final = {
    "ask": (commands.ask_explanation, N_("已要求说明，该党组织的待办中会出现此问题。")),
    "explain": (commands.explain, N_("说明已提交，并记入留痕。")),
    "conclude": (commands.conclude, N_("结论已记录。")),
    "waive": (commands.waive, N_("已豁免。问题和理由仍然显示，并记入留痕。")),
}
FORMS: Final = (
    (
        "ask",
        N_("要求说明"),
        N_("请该党组织说明情况。问题会出现在其委员的待办页上。"),
        N_("需要说明什么"),
        N_("要求说明"),
    ),
    (
        "explain",
        N_("说明情况"),
        N_("说明发生了什么、为什么、怎样改正。提交后不能修改，可以再次补充。"),
        N_("情况说明"),
        N_("提交说明"),
    ),
    (
        "conclude",
        N_("作出结论"),
        N_("记录督查结论。问题本身不会因此消除。"),
        N_("结论"),
        N_("记录结论"),
    ),
    (
        "waive",
        N_("豁免"),
        N_("由有权的一级写明理由后豁免。问题继续显示为“已豁免”，并写明由谁豁免、为什么。"),
        N_("豁免的理由和依据"),
        N_("确认豁免"),
    ),
)


@blueprint.get("")
@login_required
def finding(finding_id: int) -> str:
    """Show a finding."""
    return _page(show_finding(reading(), actor(), clock(), finding_id))


def _page(found: Found, failed: str = "", text: str = "") -> str:
    order = ("explain", "ask", "conclude", "waive")
    if found.row.state is FindingState.EXPLAINED:
        order = ("conclude", "waive", "ask", "explain")
    main = next((code for code in order if code in found.may), "")
    return render_template(
        "audit/finding.html",
        found=found,
        row=found.row,
        forms=[
            (code, *(in_words(words) for words in rest))
            for code, *rest in FORMS
            if code in found.may
        ],
        main=failed or main,
        failed=failed,
        text=text,
        command_id=uuid4(),
        supervises=Audience.AUDIT in audiences(actor()),
    )


@blueprint.post("/<command>")
@login_required
def say(finding_id: int, command: str) -> Response | tuple[str, int]:
    """Ask, explain, conclude or waive. Sent twice, it counts once."""
    if command not in _COMMANDS:
        raise NotFound
    found = show_finding(reading(), actor(), clock(), finding_id)
    carry, done = _COMMANDS[command]
    text = request.form.get("text", "")
    try:
        carry(finding_id, text, actor=actor(), clock=clock(), command_id=posted_command())
    except InvalidInput as refusal:
        flash(why_refused(refusal), "overdue")
        return _page(found, command, text), 422
    except Conflict as refusal:
        flash(in_words(refusal), "overdue")
        return _page(show_finding(reading(), actor(), clock(), finding_id), "", text), 409
    flash(in_words(done), "done")
    return redirect(url_for("findings.finding", finding_id=finding_id), 303)
