"""flask-smorest's blueprints with typed decorators that document and check, and cost little.

flask-smorest wraps a view once for every decorator and reads bodies through webargs. Here the
decorators only leave the notes from which flask-smorest writes the OpenAPI description; reading
is one small function, and views return finished responses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from http import HTTPStatus
from typing import Any, Final, TypeVar

import flask_smorest
from flask import Response, request
from marshmallow import Schema, ValidationError

from engine.errors import N_, InvalidInput
from web.api.bodies import read_json
from web.api.fields import Shape, flatten

View = TypeVar("View", bound=Callable[..., Response])
Wrapped = Callable[[Callable[..., Response]], Callable[..., Response]]

IF_MATCH: Final = {
    "in": "header",
    "name": "If-Match",
    "description": "The ETag last seen; the command is refused (412) when it is no longer current.",
    "schema": {"type": "string", "examples": ['"3"']},
}
IDEMPOTENCY_KEY: Final = {
    "in": "header",
    "name": "Idempotency-Key",
    "description": "A UUID of the client's; sent again, the command is not carried out twice.",
    "schema": {"type": "string", "format": "uuid"},
}
ETAG: Final = {
    "ETag": {
        "description": "The revision, for If-Match. It is no validator of the whole body.",
        "schema": {"type": "string"},
    }
}


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]  # the library has no types
    """A group of operations of the API."""

    def get(self, rule: str, *, errors: Iterable[int] = ()) -> Callable[[View], View]:
        """Bind a view to GET; ``errors`` are the problems to document."""
        return self._bind("GET", rule, errors)

    def post(self, rule: str, *, errors: Iterable[int] = ()) -> Callable[[View], View]:
        """Bind a view to POST."""
        return self._bind("POST", rule, errors)

    def put(self, rule: str, *, errors: Iterable[int] = ()) -> Callable[[View], View]:
        """Bind a view to PUT."""
        return self._bind("PUT", rule, errors)

    def delete(self, rule: str, *, errors: Iterable[int] = ()) -> Callable[[View], View]:
        """Bind a view to DELETE."""
        return self._bind("DELETE", rule, errors)

    def _bind(self, method: str, rule: str, errors: Iterable[int]) -> Callable[[View], View]:
        def decorator(view: View) -> View:
            document_errors(view, (*errors, 401))
            _notes(view, "manual_doc")["operationId"] = view.__name__
            self.add_url_rule(rule, view_func=view, methods=[method])
            return view

        return decorator


def body(schema: type[Shape]) -> Wrapped:
    """Give the view the JSON body, checked by ``schema``, as its first argument."""
    return _reading(schema, "json", read_json, (400, 413, 415, 422))


def query(schema: type[Shape]) -> Wrapped:
    """Give the view the query string, checked by ``schema``, as its first argument."""
    return _reading(schema, "query", _read_query, (422,))


def answers(
    status: int,
    schema: type[Schema] | Mapping[str, Any] | None = None,
    *,
    content_type: str | None = None,
    headers: Mapping[str, Any] | None = None,
) -> Callable[[View], View]:
    """Document what a view returns. It makes the response itself, see ``web.api.replies``."""
    notes: dict[str, Any] = {
        "description": HTTPStatus(status).phrase,
        "content_type": content_type,
    }
    if schema is not None:
        notes["schema"] = schema
    if headers:
        notes["headers"] = dict(headers)

    def decorator(view: View) -> View:
        _notes(view, "response").setdefault("responses", {})[status] = [notes]
        return view

    return decorator


def takes(parameter: Mapping[str, Any]) -> Callable[[View], View]:
    """Document a header that the view reads."""

    def decorator(view: View) -> View:
        _notes(view, "arguments").setdefault("parameters", []).append(dict(parameter))
        return view

    return decorator


def takes_file(content_type: str) -> Callable[[View], View]:
    """Document that the body is a file, which the view reads itself."""
    parameter = {
        "in": "files",
        "required": True,
        "content_type": content_type,
        "schema": {"type": "string", "format": "binary"},
    }
    return takes(parameter)


def commands(view: View) -> View:
    """Document a command on something with a revision: both headers, and what they lead to."""
    document_errors(view, (409, 412, 422))
    return takes(IF_MATCH)(takes(IDEMPOTENCY_KEY)(view))


def document_errors(view: Callable[..., Response], statuses: Iterable[int]) -> None:
    """Note the problems that a view may answer with."""
    responses = _notes(view, "response").setdefault("responses", {})
    for status in statuses:
        responses.setdefault(status, [HTTPStatus(status).name])


def _reading(
    schema: type[Shape], location: str, read: Callable[[], Any], errors: tuple[int, ...]
) -> Wrapped:
    loader = schema()

    def decorator(view: Callable[..., Response]) -> Callable[..., Response]:
        @wraps(view)
        def reading(**path: Any) -> Response:
            try:
                given = loader.read(read())
            except ValidationError as error:
                raise InvalidInput(flatten(error.messages)) from None
            return view(given, **path)

        parameter = {"in": location, "required": True, "schema": schema}
        _notes(reading, "arguments").setdefault("parameters", []).append(parameter)
        document_errors(reading, errors)
        return reading

    return decorator


def _read_query() -> dict[str, Any]:
    given = request.args
    if not given:
        return {}
    twice = [name for name, values in given.lists() if len(values) > 1]
    if twice:
        raise InvalidInput({name: [N_("只能给出一次。")] for name in twice})
    return given.to_dict()


def _notes(view: Callable[..., Response], part: str) -> dict[str, Any]:
    """Return the notes that flask-smorest collects on a view when it is bound."""
    everything: dict[str, Any] = view.__dict__.setdefault("_apidoc", {})
    found: dict[str, Any] = everything.setdefault(part, {})
    return found
