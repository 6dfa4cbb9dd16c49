"""监督: findings, the trail, samples and exports, for those who supervise."""

from flask import Flask


def register(app: Flask) -> None:
    """Add the pages."""
    from web.audit import exports, findings, samples, views, words

    app.register_blueprint(views.blueprint)
    app.register_blueprint(findings.blueprint)
    app.register_blueprint(samples.blueprint)
    app.register_blueprint(exports.blueprint)
    words.register(app)
