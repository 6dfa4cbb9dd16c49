"""``/process-definitions``: the procedures, their versions, diagrams and forms.

Every person with an account may read procedures: they are public rules.
"""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import fields

from engine.definitions.models import ProcessVersion
from engine.definitions.versions import Definition, active_version, load_definition
from engine.errors import N_, NotFound
from engine.runtime.queries.starting import startable
from web.api.auth import actor
from web.api.blueprint import Blueprint, answers, query
from web.api.deployments import VersionSchema, read_versions, version_shape
from web.api.fields import Shape
from web.api.forms import FormSchemaSchema, blank_form
from web.api.openapi import PREFIX
from web.api.paging import PageQuery, page, page_of
from web.api.records import BasisSchema, basis_shapes
from web.api.replies import reply
from web.context import clock, reading

blueprint = Blueprint(
    "api-process-definitions",
    __name__,
    url_prefix=f"{PREFIX}/process-definitions",
    description="Procedures (流程定义), their versions, diagrams and forms.",
)


class DefinitionSchema(Shape):
    """A procedure in use."""

    key = fields.String(required=True)
    title = fields.String(required=True)
    description = fields.String(required=True)
    may_start = fields.Boolean(required=True)
    why_not = fields.String(required=True, allow_none=True)


class StageTitleSchema(Shape):
    """A stage of a procedure."""

    id = fields.String(required=True)
    number = fields.String(required=True)
    title = fields.String(required=True)


class LaneSchema(Shape):
    """Who acts in a lane."""

    id = fields.String(required=True)
    title = fields.String(required=True)
    who = fields.String(required=True)
    posts = fields.List(fields.String(), required=True)
    at = fields.String(required=True)
    roles = fields.List(fields.String(), required=True)


class StepOfDefinitionSchema(Shape):
    """A step of a procedure."""

    element = fields.String(required=True)
    number = fields.String(required=True, allow_none=True)
    title = fields.String(required=True)
    description = fields.String(required=True)
    stage = fields.String(required=True, allow_none=True)
    lane = fields.String(required=True, allow_none=True)
    form = fields.String(required=True)
    decision = fields.Boolean(required=True)
    send_back = fields.List(fields.String(), required=True)
    basis = fields.List(fields.Nested(BasisSchema), required=True)


class DefinitionDetailSchema(Shape):
    """The active version of a procedure."""

    key = fields.String(required=True)
    title = fields.String(required=True)
    title_en = fields.String(required=True)
    description = fields.String(required=True)
    prefix = fields.String(required=True)
    subject = fields.String(required=True)
    version_id = fields.Integer(required=True)
    version = fields.String(required=True)
    sha256 = fields.String(required=True)
    stages = fields.List(fields.Nested(StageTitleSchema), required=True)
    lanes = fields.List(fields.Nested(LaneSchema), required=True)
    steps = fields.List(fields.Nested(StepOfDefinitionSchema), required=True)
    forms = fields.List(fields.String(), required=True)
    messages = fields.List(fields.Dict(), required=True)


class FormListSchema(Shape):
    """The forms of a procedure by their names."""

    items = fields.List(fields.String(), required=True)


class DefinitionListSchema(Shape):
    """All procedures in use."""

    items = fields.List(fields.Nested(DefinitionSchema), required=True)


@blueprint.get("")
@answers(200, DefinitionListSchema)
def list_definitions() -> Response:
    """List the procedures in use, and whether one may start them"""
    found = startable(reading(), actor(), clock())
    items = [
        {
            "key": choice.key,
            "title": choice.title,
            "description": choice.description,
            "may_start": choice.why_not is None,
            "why_not": choice.why_not,
        }
        for choice in found
    ]
    return reply({"items": items})


@blueprint.get("/<key:key>", errors=(404,))
@answers(200, DefinitionDetailSchema)
def show_definition(key: str) -> Response:
    """Show the version on which new instances start"""
    definition = _active(key)
    package = definition.package
    steps = [
        {
            "element": element,
            "number": step.number,
            "title": step.title,
            "description": step.description,
            "stage": definition.stages[element].id if element in definition.stages else None,
            "lane": definition.lanes[element].id if element in definition.lanes else None,
            "form": step.form,
            "decision": step.decision,
            "send_back": list(step.send_back),
            "basis": basis_shapes(step.basis),
        }
        for element, step in package.steps.items()
    ]
    lanes = [
        {
            "id": lane.id,
            "title": lane.title,
            "who": lane.who.value,
            "posts": list(lane.posts),
            "at": lane.at.value,
            "roles": list(lane.roles),
        }
        for lane in package.lanes.values()
    ]
    return reply(
        {
            "key": package.key,
            "title": package.title,
            "title_en": package.title_en,
            "description": package.description,
            "prefix": package.prefix,
            "subject": package.subject.value,
            "version_id": definition.version_id,
            "version": package.version,
            "sha256": package.sha256,
            "stages": [{"id": s.id, "number": s.number, "title": s.title} for s in package.stages],
            "lanes": lanes,
            "steps": steps,
            "forms": sorted(definition.forms),
            "messages": [
                {"message": m.id, "title": m.title, "form": m.form, "lanes": list(m.lanes)}
                for m in package.messages.values()
            ],
        }
    )


@blueprint.get("/<key:key>/versions", errors=(404,))
@query(PageQuery)
@answers(200, page_of(VersionSchema))
def list_versions(given: dict[str, Any], key: str) -> Response:
    """List the versions of a procedure, in the order in which they were first deployed"""
    _active(key)
    rows, more = read_versions(given, ProcessVersion.key == key)
    return reply(page([version_shape(row) for row in rows], more))


@blueprint.get("/<key:key>/bpmn", errors=(404,))
@answers(200, {"type": "string"}, content_type="application/xml")
def show_bpmn(key: str) -> Response:
    """Return the diagram as deployed: BPMN 2.0"""
    package = _active(key).package
    return Response(package.files[package.bpmn], content_type="application/xml")


@blueprint.get("/<key:key>/forms", errors=(404,))
@answers(200, FormListSchema)
def list_forms(key: str) -> Response:
    """List the forms of a procedure"""
    return reply({"items": sorted(_active(key).forms)})


@blueprint.get("/<key:key>/forms/<key:form>", errors=(404,))
@answers(200, FormSchemaSchema)
def show_form(key: str, form: str) -> Response:
    """Show a form of a procedure, blank"""
    found = _active(key).forms.get(form)
    if found is None:
        raise NotFound(N_("此流程没有这个表单。"))
    return reply(blank_form(found))


def _active(key: str) -> Definition:
    version_id = active_version(reading(), key)
    if version_id is None:
        raise NotFound(N_("没有这个流程，或尚未部署。"))
    return load_definition(reading(), version_id)
