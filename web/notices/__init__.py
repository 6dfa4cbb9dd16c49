"""通知: what I am told, how I want to be told, and what administrators let out of the house."""

import psycopg
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from engine.notifications.reading import unread_count
from web.context import actor, reading


def register(app: Flask) -> None:
    """Add the pages, and the number of unread lines to every page's frame."""
    from web.notices import channels, settings, views

    for module in (views, settings, channels):
        app.register_blueprint(module.blueprint)
    app.jinja_env.globals.update(unread_notices=unread_notices)


def unread_notices() -> int:
    """Return how many lines are unread."""
    try:
        return unread_count(reading(), actor().person_id)
    except (psycopg.Error, SQLAlchemyError):
        return 0  # a page that tells of a fault is shown all the same
