"""我的: where my own matters stand, for the person they are about."""

from flask import Flask


def register(app: Flask) -> None:
    """Add the page."""
    from web.mine.views import blueprint

    app.register_blueprint(blueprint)
