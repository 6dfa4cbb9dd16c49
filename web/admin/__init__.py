"""管理: the rosters of an administrator, kept from a workbook, and the versions of procedures."""

from flask import Flask

from web.admin import accounts, imports, procedures, views

# Here and not in register(): a blueprint that an application has taken over cannot be changed.
views.blueprint.register_blueprint(imports.blueprint)
views.blueprint.register_blueprint(accounts.blueprint)
views.blueprint.register_blueprint(procedures.blueprint)


def register(app: Flask) -> None:
    """Add the pages."""
    app.register_blueprint(views.blueprint)
