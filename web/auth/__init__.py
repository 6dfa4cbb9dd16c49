"""Signing in and out, one's sessions and preferences."""

from flask import Flask


def register(app: Flask) -> None:
    """Add the pages."""
    from web.auth.views import blueprint

    app.register_blueprint(blueprint)
