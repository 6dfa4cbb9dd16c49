"""``/regulations``: what steps and rules rest on.

Every person with an account may read regulations: they are public rules. Articles are told in our
own words.
"""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import fields

from engine.compliance.regulation_store import current_regulations
from engine.compliance.regulations import Article, Edition, Regulation
from engine.compliance.uses import Place, Use, uses_in_force
from engine.errors import NotFound
from web.api.blueprint import Blueprint, answers
from web.api.fields import Shape
from web.api.openapi import PREFIX
from web.api.replies import day, reply
from web.context import clock, reading

blueprint = Blueprint(
    "api-regulations",
    __name__,
    url_prefix=f"{PREFIX}/regulations",
    description="Regulations (法规) with their editions and articles, in our own words.",
)


class EditionSchema(Shape):
    """An edition of a regulation."""

    id = fields.String(required=True)
    title = fields.String(required=True)
    issued = fields.Date(required=True, allow_none=True)
    in_force = fields.Date(required=True)
    repealed = fields.Date(required=True, allow_none=True)
    in_force_by = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The parameter that decides from which day it holds."},
    )
    status = fields.String(required=True)
    approximate = fields.Boolean(
        required=True, metadata={"description": "Its days are not known for certain."}
    )


class RegulationSchema(Shape):
    """A regulation."""

    id = fields.String(required=True)
    title = fields.String(required=True)
    title_en = fields.String(required=True)
    issuer = fields.String(required=True)
    kind = fields.String(required=True)
    edition_today = fields.String(required=True, allow_none=True)
    editions = fields.List(fields.Nested(EditionSchema), required=True)


class RegulationListSchema(Shape):
    """All regulations in use."""

    items = fields.List(fields.Nested(RegulationSchema), required=True)


class UseSchema(Shape):
    """A step or a rule that rests on an article."""

    process = fields.String(required=True)
    kind = fields.String(required=True, metadata={"description": "`step` or `rule`"})
    name = fields.String(required=True)
    title = fields.String(required=True)
    parameters = fields.List(fields.String(), required=True)


class ArticleSchema(Shape):
    """An article, in our own words; the official text counts."""

    number = fields.String(required=True)
    text = fields.String(required=True)
    takes_up = fields.List(fields.String(), required=True)
    difference = fields.String(required=True)
    confidence = fields.List(fields.String(), required=True)
    verified = fields.Boolean(required=True)
    unsure = fields.String(required=True)
    parameters = fields.List(fields.String(), required=True)
    uses = fields.List(fields.Nested(UseSchema), required=True)


class EditionDetailSchema(EditionSchema):
    """An edition with its articles."""

    note = fields.String(required=True)
    articles = fields.List(fields.Nested(ArticleSchema), required=True)


class RegulationDetailSchema(RegulationSchema):
    """A regulation with all its editions."""

    note = fields.String(required=True)
    editions = fields.List(fields.Nested(EditionDetailSchema), required=True)


@blueprint.get("")
@answers(200, RegulationListSchema)
def list_regulations() -> Response:
    """List the regulations in use, with their editions"""
    found = current_regulations(reading())
    return reply({"items": [_regulation(regulation) for regulation in found]})


@blueprint.get("/<key:regulation_id>", errors=(404,))
@answers(200, RegulationDetailSchema)
def show_regulation(regulation_id: str) -> Response:
    """Show a regulation with its articles and what rests on each"""
    found = current_regulations(reading()).by_id.get(regulation_id)
    if found is None:
        raise NotFound
    uses = uses_in_force(reading())
    shape = {
        **_regulation(found),
        "note": found.note,
        "editions": [
            {
                **_edition(edition),
                "note": edition.note,
                "articles": [
                    _article(found, edition, article, uses) for article in edition.articles.values()
                ],
            }
            for edition in found.editions
        ],
    }
    return reply(shape)


def _regulation(regulation: Regulation) -> dict[str, Any]:
    today = regulation.edition_on(clock().today())
    return {
        "id": regulation.id,
        "title": regulation.title,
        "title_en": regulation.title_en,
        "issuer": regulation.issuer,
        "kind": regulation.kind.value,
        "edition_today": None if today is None else today.id,
        "editions": [_edition(edition) for edition in regulation.editions],
    }


def _edition(edition: Edition) -> dict[str, Any]:
    return {
        "id": edition.id,
        "title": edition.title,
        "issued": day(edition.issued),
        "in_force": day(edition.in_force),
        "repealed": day(edition.repealed),
        "in_force_by": edition.in_force_by,
        "status": edition.status.value,
        "approximate": edition.approximate,
    }


def _article(
    regulation: Regulation, edition: Edition, article: Article, uses: dict[Place, tuple[Use, ...]]
) -> dict[str, Any]:
    return {
        "number": article.number,
        "text": article.text,
        "takes_up": list(article.taken_from),
        "difference": article.difference,
        "confidence": list(article.confidence),
        "verified": article.verified,
        "unsure": article.unsure,
        "parameters": list(article.parameters),
        "uses": [
            {
                "process": use.process,
                "kind": "rule" if use.rule else "step",
                "name": use.name,
                "title": use.title,
                "parameters": list(use.parameters),
            }
            for use in uses.get((regulation.id, edition.id, article.number), ())
        ],
    }
