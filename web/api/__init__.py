"""The REST interface (design §10): the same commands and queries as the pages, for programs."""

from __future__ import annotations

from flask import Flask

from web.api import (
    attachments,
    auth,
    ballots,
    board,
    case_file,
    definitions,
    deployments,
    directory,
    duties,
    errors,
    findings,
    forecast,
    incidents,
    instances,
    notices,
    openapi,
    organisations,
    parameters,
    people,
    rectification,
    regulations,
    rolls,
    tasks,
)


def register(app: Flask) -> None:
    """Add the interface to the application. Comes after ``web.errors``, whose table it extends."""
    errors.register(app)
    auth.register(app)
    api = openapi.make_api(app)
    app.register_blueprint(openapi.description)
    for room in (
        definitions,
        deployments,
        instances,
        rolls,
        ballots,
        tasks,
        attachments,
        organisations,
        duties,
        board,
        directory,
        people,
        incidents,
        regulations,
        parameters,
        case_file,
        forecast,
        findings,
        rectification,
        notices,
    ):
        api.register_blueprint(room.blueprint)
    api.register_blueprint(findings.of_instance)
