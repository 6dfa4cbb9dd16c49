"""投票: secret ballots, for who votes, who runs them and who counts the paper ones."""

from flask import Flask


def register(app: Flask) -> None:
    """Add the pages."""
    from web.ballots import running, views

    app.register_blueprint(views.blueprint)
    app.register_blueprint(running.blueprint)
