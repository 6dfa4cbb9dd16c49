"""组织: what organisations owe in a year and how far it is, for themselves and those above them."""

from flask import Flask


def register(app: Flask) -> None:
    """Add the pages, and count each step for the plan right after it is recorded."""
    from engine.duties.listening import listen
    from web.board import views, words, years

    app.register_blueprint(years.blueprint)
    app.register_blueprint(views.blueprint)
    words.register(app)
    listen(app)
