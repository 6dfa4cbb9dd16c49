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
from engine.definitions.operations import choose_version, deploy_package, require_keeper
from engine.definitions.package import Package, load_package
from engine.errors import PackageProblem, Severity
from engine.lint import lint_package
from engine.runtime.migrating import MOST_AT_ONCE, Looked, move_matters, preview_move
from engine.runtime.queries.versions import version_view
from web.api.archives import MAX_ARCHIVE, read_archive
from web.api.auth import actor
from web.api.blueprint import Blueprint, answers, body, query, takes_file
from web.api.fields import Flag, Shape, Text, Whole
from web.api.openapi import PREFIX
from web.api.paging import PageQuery, after, page, page_of
from web.api.replies import moment, reply
from web.context import clock, reading
from web.language import in_words

blueprint = Blueprint(
    "api-deployments",
    __name__,
    url_prefix=f"{PREFIX}/deployments",
    description="Putting process packages into use (部署). Administrators only.",
)


class AgainstQuery(Shape):
    """With which version to compare; by default the active one."""

    against = Whole(from_text=True)


class ActivateBody(Shape):
    """Why, and which version was active when one looked: with another by now nothing is done."""

    reason = Text(longest=2000, shortest=1, required=True)
    instead_of = Whole(load_default=None, allow_none=True)


class MigrateBody(Shape):
    """Why, and from which version (by default all others); ``dry_run`` only says what would be."""

    reason = Text(longest=2000, load_default="")
    source = Whole(load_default=None, allow_none=True)
    dry_run = Flag(load_default=False)


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


class StepChangeSchema(Shape):
    """A step that only one of two versions has, or that is called something else."""

    element = fields.String(required=True)
    change = fields.String(required=True, metadata={"description": "`added removed changed`"})
    before = fields.String(required=True)
    after = fields.String(required=True)


class FileChangeSchema(Shape):
    """A file that differs; ``more`` lines of the difference were left out."""

    path = fields.String(required=True)
    change = fields.String(required=True, metadata={"description": "`added removed changed`"})
    lines = fields.List(fields.String(), required=True)
    more = fields.Integer(required=True)


class ComparedSchema(DeploymentSchema):
    """A version, how many matters run on it, and what differs, from the older to the newer."""

    running = fields.Integer(required=True)
    against = fields.Integer(required=True, allow_none=True)
    steps = fields.List(fields.Nested(StepChangeSchema), required=True)
    files = fields.List(fields.Nested(FileChangeSchema), required=True)


class ActivatedSchema(Shape):
    """Whether the choice changed anything."""

    version_id = fields.Integer(required=True)
    activated = fields.Boolean(required=True)


class LookedSchema(Shape):
    """An instance that was looked at, with the version it was on, and why it stays, in words."""

    instance_id = fields.Integer(required=True)
    number = fields.String(required=True)
    version_id = fields.Integer(required=True)
    reasons = fields.List(fields.String(), required=True)


class MigratedSchema(Shape):
    """Which instances moved, or would; which stay; how many were not looked at."""

    version_id = fields.Integer(required=True)
    dry_run = fields.Boolean(required=True)
    moving = fields.List(fields.Nested(LookedSchema), required=True)
    staying = fields.List(fields.Nested(LookedSchema), required=True)
    left = fields.Integer(required=True)


@blueprint.get("", errors=(403,))
@query(PageQuery)
@answers(200, page_of(DeploymentSchema))
def list_deployments(given: dict[str, Any]) -> Response:
    """List the stored versions of all procedures"""
    require_keeper(reading(), actor())
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
    require_keeper(reading(), actor())
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


@blueprint.get("/<id:version_id>", errors=(403, 404))
@query(AgainstQuery)
@answers(200, ComparedSchema)
def show_deployment(given: dict[str, Any], version_id: int) -> Response:
    """Show a version and what differs from another one of the procedure"""
    seen = version_view(reading(), actor(), version_id, given.get("against"))
    found = seen.differences
    return reply(
        {
            **version_shape(seen.line),
            "key": seen.line.key,
            "deployed_by": seen.line.deployed_by,
            "running": seen.line.running,
            "against": seen.other.id if seen.other else None,
            "steps": [vars(step) for step in found.steps] if found else [],
            "files": [vars(file) for file in found.files] if found else [],
        }
    )


@blueprint.post("/<id:version_id>/activate", errors=(403, 404, 409, 422))
@body(ActivateBody)
@answers(200, ActivatedSchema)
def activate(given: dict[str, Any], version_id: int) -> Response:
    """Let new instances start on a stored version

    Running instances stay on theirs. Choosing the active version again changes nothing.
    """
    changed = choose_version(clock(), actor(), version_id, **given)
    return reply({"version_id": version_id, "activated": changed})


@blueprint.post("/<id:version_id>/migrate", errors=(403, 404, 422))
@body(MigrateBody)
@answers(200, MigratedSchema)
def migrate(given: dict[str, Any], version_id: int) -> Response:
    """Move running instances to a stored version where that is safe

    Each moves by itself; the others stay, with the reasons. At most 200 are looked at for a
    `dry_run`, and at most 200 move at once: `left` says how many remain.
    """
    source = given["source"]
    if given["dry_run"]:
        found = preview_move(reading(), clock(), actor(), version_id, source=source)
    else:
        found = move_matters(
            clock(), actor(), version_id, reason=given["reason"], source=source, most=MOST_AT_ONCE
        )
    return reply(
        {
            "version_id": version_id,
            "dry_run": given["dry_run"],
            "moving": [_looked(matter) for matter in found.moving],
            "staying": [_looked(matter) for matter in found.staying],
            "left": found.left,
        }
    )


def _looked(matter: Looked) -> dict[str, Any]:
    return {
        "instance_id": matter.instance_id,
        "number": matter.number,
        "version_id": matter.version_id,
        "reasons": [in_words(reason) for reason in matter.reasons],
    }


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
