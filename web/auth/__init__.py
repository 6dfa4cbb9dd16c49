"""Signing in and out, one's sessions, preferences and substitutions."""

from flask import Flask


def register(app: Flask) -> None:
    """Add the pages."""
    from web.auth import substitutions, views

    for module in (views, substitutions):
        app.register_blueprint(module.blueprint)
