"""事项: the list of matters, one matter with its whole course, and its files."""

from flask import Flask


def register(app: Flask) -> None:
    """Add the pages."""
    from web.instances import case_file, corrections, figures, files, messages, rolls, views

    app.register_blueprint(views.blueprint)
    app.register_blueprint(messages.blueprint)
    app.register_blueprint(rolls.blueprint)
    app.register_blueprint(files.blueprint)
    app.register_blueprint(case_file.blueprint)
    app.register_blueprint(corrections.blueprint)
    app.register_blueprint(figures.blueprint)
