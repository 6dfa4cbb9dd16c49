"""``/findings``: what the rules found, and what people say of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response
from marshmallow import fields

from engine.audit import commands as said
from engine.audit.listing import list_findings
from engine.audit.matter import matter_findings, show_finding
from engine.audit.scope import FindingFilter
from engine.audit.views import FindingRow, Found
from engine.compliance.findings import FindingState
from engine.compliance.results import Outcome, Severity
from engine.errors import InvalidInput, NotFound
from engine.runtime.commands import Done
from web.api.auth import actor
from web.api.blueprint import IDEMPOTENCY_KEY, Blueprint, answers, body, query, takes
from web.api.conditions import done_shape, idempotency_key
from web.api.fields import Choice, Day, Shape, Text, Whole
from web.api.openapi import PREFIX
from web.api.paging import PageQuery, page, page_of
from web.api.records import DoneSchema
from web.api.replies import day, moment, reply
from web.audit.words import finding_sentence, rule_title
from web.context import clock, reading

blueprint = Blueprint(
    "api-findings",
    __name__,
    url_prefix=f"{PREFIX}/findings",
    description="Findings (问题): rules that a matter does not meet, as far as one may see them.",
)
of_instance = Blueprint(
    "api-instance-findings",
    __name__,
    url_prefix=f"{PREFIX}/process-instances",
    description="Findings of one matter.",
)


class FindingQuery(PageQuery):
    """Which findings to list. ``outcome`` is ``not_met`` unless said."""

    process = Text(longest=100)
    rule = Text(longest=100)
    regulation = Text(longest=100)
    edition = Text(longest=40)
    article = Text(longest=100)
    organisation_id = Whole(from_text=True)
    severity = Choice(Severity)
    since = Day()
    until = Day()
    state = Choice(FindingState)
    outcome = Choice(Outcome)


class WordsBody(Shape):
    """What is said of a finding."""

    text = Text(longest=4000, shortest=1, required=True)


class FindingArticleSchema(Shape):
    """An article in the edition that was in force."""

    regulation = fields.String(required=True)
    title = fields.String(required=True)
    edition = fields.String(required=True)
    article = fields.String(required=True)
    text = fields.String(required=True, allow_none=True)


class FindingSchema(Shape):
    """A finding as one line of a list."""

    id = fields.Integer(required=True)
    instance_id = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Null for what an organisation owed in a period."},
    )
    duty_id = fields.Integer(required=True, allow_none=True)
    instance_number = fields.String(required=True)
    process = fields.String(required=True)
    subject_name = fields.String(required=True)
    organisation_id = fields.Integer(required=True)
    organisation_name = fields.String(required=True)
    rule = fields.String(required=True)
    rule_title = fields.String(required=True)
    element = fields.String(required=True)
    step_number = fields.String(required=True, allow_none=True)
    round = fields.Integer(required=True)
    entry = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "The entry judged; null while the step is not done."},
    )
    outcome = fields.String(required=True)
    severity = fields.String(required=True)
    state = fields.String(required=True)
    sentence = fields.String(required=True, metadata={"description": "With the arithmetic."})
    articles = fields.List(fields.Nested(FindingArticleSchema), required=True)
    day = fields.Date(required=True)
    until = fields.Date(required=True, allow_none=True)
    provisional = fields.Boolean(required=True)
    overridden = fields.Boolean(required=True)
    found_at = fields.DateTime(required=True)
    resolved_at = fields.DateTime(required=True, allow_none=True)


class NoteSchema(Shape):
    """What somebody said of a finding."""

    kind = fields.String(required=True)
    text = fields.String(required=True)
    person_name = fields.String(required=True)
    post = fields.String(required=True, allow_none=True)
    at = fields.DateTime(required=True)
    entry = fields.Integer(required=True)


class FindingDetailSchema(FindingSchema):
    """A finding with what was said of it, and what one may do."""

    notes = fields.List(fields.Nested(NoteSchema), required=True)
    may = fields.List(fields.String(), required=True)


class FindingsSchema(Shape):
    """All findings of a matter: problems, what has to be met by a day, what was a problem once."""

    items = fields.List(fields.Nested(FindingDetailSchema), required=True)


@blueprint.get("", errors=(403, 404))
@query(FindingQuery)
@answers(200, page_of(FindingSchema))
def list_all_findings(given: dict[str, Any]) -> Response:
    """List the findings one may see, the latest first"""
    cursor, limit = given.pop("cursor", None), given.pop("limit")
    for name, codes in (("severity", Severity), ("state", FindingState), ("outcome", Outcome)):
        if name in given:
            given[name] = codes(given[name])
    rows, more = list_findings(
        reading(), actor(), FindingFilter(**given), cursor=cursor, limit=limit
    )
    return reply(page([finding_shape(row) for row in rows], more))


@blueprint.get("/<id:finding_id>", errors=(404,))
@answers(200, FindingDetailSchema)
def get_finding(finding_id: int) -> Response:
    """Show a finding with what was said of it"""
    return reply(found_shape(show_finding(reading(), actor(), clock(), finding_id)))


@of_instance.get("/<id:instance_id>/findings", errors=(404,))
@answers(200, FindingsSchema)
def list_instance_findings(instance_id: int) -> Response:
    """List all findings of a process instance, in the order of its steps"""
    found = matter_findings(reading(), actor(), clock(), instance_id)
    if found is None:
        raise NotFound
    pending = [Found(row, (), frozenset()) for row in found.pending]
    items = [*found.found, *pending, *found.settled]
    return reply({"items": [found_shape(item) for item in items]})


@blueprint.post("/<id:finding_id>/ask", errors=(403, 404, 409))
@takes(IDEMPOTENCY_KEY)
@body(WordsBody)
@answers(200, DoneSchema)
def ask_explanation(given: dict[str, Any], finding_id: int) -> Response:
    """Ask the organisation of the matter to explain a finding"""
    return _say(said.ask_explanation, finding_id, given["text"])


@blueprint.post("/<id:finding_id>/explain", errors=(403, 404, 409))
@takes(IDEMPOTENCY_KEY)
@body(WordsBody)
@answers(200, DoneSchema)
def explain_finding(given: dict[str, Any], finding_id: int) -> Response:
    """Explain a finding, asked or not"""
    return _say(said.explain, finding_id, given["text"])


@blueprint.post("/<id:finding_id>/conclude", errors=(403, 404, 409))
@takes(IDEMPOTENCY_KEY)
@body(WordsBody)
@answers(200, DoneSchema)
def conclude_finding(given: dict[str, Any], finding_id: int) -> Response:
    """Record a conclusion on a finding; it stays what it is"""
    return _say(said.conclude, finding_id, given["text"])


@blueprint.post("/<id:finding_id>/waive", errors=(403, 404, 409))
@takes(IDEMPOTENCY_KEY)
@body(WordsBody)
@answers(200, DoneSchema)
def waive_finding(given: dict[str, Any], finding_id: int) -> Response:
    """Waive a finding with a reason, at the level that may; it is shown as waived from then on"""
    return _say(said.waive, finding_id, given["text"])


def _say(command: Callable[..., Done], finding_id: int, words: str) -> Response:
    # Whoever may not see the finding must not learn from the refusal that it exists.
    show_finding(reading(), actor(), clock(), finding_id)
    key = idempotency_key()
    try:
        done = command(finding_id, words, actor=actor(), clock=clock(), command_id=key)
    except InvalidInput as error:
        if "reason" in error.fields:
            raise InvalidInput({"text": error.fields["reason"]}) from None
        raise
    return reply(done_shape(done))


def finding_shape(row: FindingRow) -> dict[str, Any]:
    """Return a finding as one line of a list."""
    return {
        "id": row.id,
        "instance_id": row.instance_id,
        "duty_id": row.duty_id,
        "instance_number": row.matter_number,
        "process": row.process_key,
        "subject_name": row.subject_name,
        "organisation_id": row.organisation_id,
        "organisation_name": row.organisation_name,
        "rule": row.rule,
        "rule_title": rule_title(row),
        "element": row.element,
        "step_number": row.step_number,
        "round": row.round,
        "entry": row.seq,
        "outcome": row.outcome.value,
        "severity": row.severity.value,
        "state": row.state.value,
        "sentence": finding_sentence(row),
        "articles": [
            {
                "regulation": a.regulation,
                "title": a.title,
                "edition": a.edition,
                "article": a.number,
                "text": a.article.text if a.article else None,
            }
            for a in row.articles
        ],
        "day": day(row.day),
        "until": day(row.until),
        "provisional": row.provisional,
        "overridden": row.overridden,
        "found_at": moment(row.found_at),
        "resolved_at": moment(row.resolved_at),
    }


def found_shape(found: Found) -> dict[str, Any]:
    """Return a finding with what was said of it."""
    return {
        **finding_shape(found.row),
        "notes": [
            {
                "kind": note.kind.value,
                "text": note.text,
                "person_name": note.person_name,
                "post": note.post,
                "at": moment(note.at),
                "entry": note.seq,
            }
            for note in found.notes
        ],
        "may": sorted(found.may),
    }
