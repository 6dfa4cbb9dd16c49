"""办理: the inbox, one task, like tasks together, and starting a matter."""

from flask import Flask


def register(app: Flask) -> None:
    """Add the pages."""
    from web.inbox import bulk, start, tasks, views

    for module in (views, tasks, start, bulk):
        app.register_blueprint(module.blueprint)
