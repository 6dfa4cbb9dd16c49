"""办理: the inbox, one task, and starting a matter."""

from flask import Flask


def register(app: Flask) -> None:
    """Add the pages."""
    from web.inbox import start, tasks, views

    for module in (views, tasks, start):
        app.register_blueprint(module.blueprint)
