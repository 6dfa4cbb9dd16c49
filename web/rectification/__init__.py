"""整改: items that matters raised, who puts them right, by when, and how it goes."""

from flask import Flask


def register(app: Flask) -> None:
    """Add the pages."""
    from web.rectification import views, words

    app.register_blueprint(views.blueprint)
    words.register(app)
