"""管理: the rosters of an administrator, and bringing them up to date from a workbook."""

from flask import Flask


def register(app: Flask) -> None:
    """Add the pages."""
    from web.admin import imports, views

    views.blueprint.register_blueprint(imports.blueprint)
    app.register_blueprint(views.blueprint)
