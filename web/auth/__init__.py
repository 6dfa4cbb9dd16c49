"""Signing in and out, one's sessions, preferences and substitutions."""

from flask import Flask


def register(app: Flask) -> None:
    """Add the pages."""
    from web.auth import first_password, substitutions, views

    for module in (views, substitutions, first_password):
        app.register_blueprint(module.blueprint)
    app.before_request(first_password.insist)
