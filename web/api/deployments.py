"""``/deployments``: putting process packages into use, for administrators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, request
from marshmallow import fields
from sqlalchemy import select
from werkzeug.exceptions import UnsupportedMediaType

from engine.compliance.regulation_store import current_regulations
from engine.database import unit_of_work
from engine.definitions.models import ProcessVersion
from engine.definitions.operations import deploy_package
from engine.definitions.package import Package, load_package
from engine.directory import organisations
from engine.directory.policy import Action, require
from engine.errors import PackageProblem, Severity
from engine.lint import lint_package
from web.api.archives import MAX_ARCHIVE, read_archive
from web.api.auth import actor
from web.api.blueprint import Blueprint, answers, query, takes_file
from web.api.fields import Shape
from web.api.openapi import PREFIX
from web.api.paging import PageQuery, after, page, page_of
from web.api.replies import moment, reply
from web.context import clock, reading

blueprint = Blueprint(
    "api-deployments",
    __name__,
    url_prefix=f"{PREFIX}/deployments",
    description="Putting process packages into use (部署). Administrators only.",
)


class VersionSchema(Shape):
    """A version of a procedure: the content of one package."""

    id = fields.Integer(required=True)
    version = fields.String(required=True)
    title = fields.String(required=True)
    sha256 = fields.String(required=True)
    deployed_at = fields.DateTime(required=True)
    active = fields.Boolean(required=True)


class DeploymentSchema(VersionSchema):
    """A deployment; ``deployed_by`` is a person, null for the command line."""

    key = fields.String(required=True)
    deployed_by = fields.Integer(required=True, allow_none=True)


class ProblemFoundSchema(Shape):
    """A warning of the checks."""

    file = fields.String(required=True)
    element = fields.String(required=True, allow_none=True)
    line = fields.Integer(required=True, allow_none=True)
    code = fields.String(required=True)
    message = fields.String(required=True)
    cure = fields.String(required=True)


class DeployedSchema(Shape):
    """What a deployment came to."""

    version_id = fields.Integer(required=True)
    key = fields.String(required=True)
    version = fields.String(required=True)
    created = fields.Boolean(
        required=True, metadata={"description": "False when this content was stored already."}
    )
    activated = fields.Boolean(required=True)
    warnings = fields.List(fields.Nested(ProblemFoundSchema), required=True)


@blueprint.get("", errors=(403,))
@query(PageQuery)
@answers(200, page_of(DeploymentSchema))
def list_deployments(given: dict[str, Any]) -> Response:
    """List the stored versions of all procedures"""
    _may_deploy()
    rows, more = read_versions(given)
    items = [{**version_shape(row), "key": row.key, "deployed_by": row.deployed_by} for row in rows]
    return reply(page(items, more))


@blueprint.post("", errors=(400, 403, 413, 415, 422))
@takes_file("application/zip")
@answers(201, DeployedSchema)
def deploy() -> Response:
    """Deploy a process package sent as a zip archive

    The package is checked first, its scenarios are played; what is wrong stands in ``problems``.
    The same content again stores nothing. New instances start on the deployed version.
    """
    _may_deploy()
    request.max_content_length = MAX_ARCHIVE
    if request.mimetype != "application/zip":
        raise UnsupportedMediaType
    package = load_package(read_archive(request.get_data(cache=False)))
    warnings = _checked(package)
    with unit_of_work() as session:
        deployment = deploy_package(session, package, clock(), actor_id=actor().person_id)
    return reply(
        {
            "version_id": deployment.version_id,
            "key": package.key,
            "version": package.version,
            "created": deployment.created,
            "activated": deployment.activated,
            "warnings": warnings,
        },
        201,
    )


def _may_deploy() -> None:
    top = organisations.view(organisations.root(reading()))
    require(actor(), Action.MANAGE_PROCEDURES, top)


def _checked(package: Package) -> list[Mapping[str, Any]]:
    """Return the warnings about a package. Raises PackageProblem for its errors."""
    known = current_regulations(reading())
    # The checks take seconds: no connection is held meanwhile.
    reading().rollback()
    problems = lint_package(package, known if known.by_id else None)
    if any(found.severity is Severity.ERROR for found in problems):
        raise PackageProblem(problems)
    return [
        {
            "file": found.file,
            "element": found.element,
            "line": found.line,
            "code": found.code,
            "message": found.message,
            "cure": found.cure,
        }
        for found in problems
    ]


def read_versions(given: Mapping[str, Any], *where: Any) -> tuple[Sequence[Any], str | None]:
    """Return a page of stored versions by id, and the cursor of the next."""
    limit = given["limit"]
    rows: Sequence[Any] = (
        reading()
        .execute(
            select(
                ProcessVersion.id,
                ProcessVersion.key,
                ProcessVersion.version,
                ProcessVersion.title,
                ProcessVersion.sha256,
                ProcessVersion.deployed_at,
                ProcessVersion.deployed_by,
                ProcessVersion.active,
            )
            .where(ProcessVersion.id > after(given.get("cursor")), *where)
            .order_by(ProcessVersion.id)
            .limit(limit + 1)
        )
        .all()
    )
    return rows[:limit], str(rows[limit - 1].id) if len(rows) > limit else None


def version_shape(row: Any) -> dict[str, Any]:
    """Return a version of a procedure."""
    return {
        "id": row.id,
        "version": row.version,
        "title": row.title,
        "sha256": row.sha256,
        "deployed_at": moment(row.deployed_at),
        "active": row.active,
    }
