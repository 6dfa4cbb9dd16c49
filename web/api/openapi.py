"""The description of the interface: OpenAPI 3.1, written by flask-smorest from the schemas."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, Final

import flask_smorest
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Blueprint, Flask, Response, current_app
from marshmallow import Schema, fields
from werkzeug.routing import BaseConverter

from web.api import errors
from web.api.fields import Shape

PREFIX: Final = "/api/v1"

DESCRIPTION: Final = """\
The REST interface of Guicheng. Every request carries a bearer token (`guicheng token create`);
it acts for the person whose account the token belongs to, with that person's posts of today.

- Errors are problem details (RFC 9457); programs look at `code`, which is stable.
- Tasks and process instances have a revision, sent as `ETag`; commands take it as `If-Match`.
- Commands take an `Idempotency-Key`, a UUID: the same command sent again is carried out once and
  answered as the first time.
- Lists give `next_cursor`; send it as `cursor` for the next page. It is opaque.
- Days are `2026-06-10` in Chinese time, moments carry their offset.
"""


class IdConverter(BaseConverter):
    """An id in an address: a whole number that fits the database, without leading zeros."""

    regex = r"[1-9][0-9]{0,17}"

    def to_python(self, value: str) -> int:
        return int(value)


class KeyConverter(BaseConverter):
    """A name in a process package, such as ``member_admission``."""

    regex = r"[a-z][a-z0-9_]{0,99}"


class ProblemSchema(Shape):
    """What went wrong (RFC 9457)."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    code = fields.String(required=True, metadata={"description": "Stable; for programs."})
    fields_ = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        data_key="fields",
        metadata={"description": "Sentences by field path, such as `data.vote.for`."},
    )
    problems = fields.List(
        fields.Dict(), metadata={"description": "What is wrong with a process package."}
    )


class Api(flask_smorest.Api):  # type: ignore[misc]  # the library has no types
    """flask-smorest with our problems in the place of its errors, and no page of its own."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        """Leave errors to ``web.api.errors``."""

    def _register_pagination_header(self) -> None:
        """Leave out flask-smorest's own way to page."""

    def _register_responses(self) -> None:
        for status in HTTPStatus:
            if status >= 400:
                content = {errors.MEDIA_TYPE: {"schema": ProblemSchema}}
                response: dict[str, Any] = {"description": status.phrase, "content": content}
                if status == HTTPStatus.UNAUTHORIZED:
                    response["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
                self.spec.components.response(status.name, response, lazy=True)


def _name_of(schema: type[Schema] | Schema) -> str:
    """Return what a schema is called in the description."""
    cls = schema if isinstance(schema, type) else type(schema)
    return cls.__name__.removesuffix("Schema")


def make_api(app: Flask) -> Api:
    """Return the flask-smorest extension of the application."""
    app.url_map.converters.update(id=IdConverter, key=KeyConverter)
    app.config.update(API_TITLE="Guicheng 规程", API_VERSION="v1", OPENAPI_VERSION="3.1.0")
    api = Api(
        app,
        spec_kwargs={
            "info": {"description": DESCRIPTION},
            "security": [{"token": []}],
            "marshmallow_plugin": MarshmallowPlugin(schema_name_resolver=_name_of),
        },
    )
    api.register_converter(IdConverter, _id_schema)
    api.register_converter(KeyConverter, _key_schema)
    api.spec.components.security_scheme("token", {"type": "http", "scheme": "bearer"})
    app.extensions["guicheng.api"] = api
    return api


def _id_schema(converter: IdConverter) -> dict[str, Any]:
    return {"type": "integer", "format": "int64", "minimum": 1, "maximum": 10**18 - 1}


def _key_schema(converter: KeyConverter) -> dict[str, Any]:
    return {"type": "string", "pattern": f"^{KeyConverter.regex}$"}


description = Blueprint("api", __name__, url_prefix=PREFIX)


@description.get("/openapi.json")
def openapi() -> Response:
    """Return the description. It names no one and needs no token."""
    text: str | None = current_app.extensions.get("guicheng.api.description")
    if text is None:
        text = json.dumps(_document(), ensure_ascii=False)
        current_app.extensions["guicheng.api.description"] = text
    answer = Response(text, content_type="application/json")
    answer.headers["Cache-Control"] = "public, max-age=300"
    return answer


def _document() -> dict[str, Any]:
    api: Api = current_app.extensions["guicheng.api"]
    document: dict[str, Any] = api.spec.to_dict()
    # Names of blueprints are shared with the pages; a reader of the description knows no pages.
    for tag in document["tags"]:
        tag["name"] = tag["name"].removeprefix("api-")
    for path in document["paths"].values():
        for method in path.values():
            if "tags" in method:
                method["tags"] = [tag.removeprefix("api-") for tag in method["tags"]]
    return document
