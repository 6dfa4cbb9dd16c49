"""法规 and 参数: what everything rests on, and what is decided where it leaves room."""

from flask import Flask


def register(app: Flask) -> None:
    """Add the pages, and what other pages need to link to an article."""
    from web.regulations import parameters, views, words

    words.register(app)
    app.register_blueprint(views.blueprint)
    app.register_blueprint(parameters.blueprint)
