"""``guicheng demo``: an invented town with matters in every stage, set up and served."""

from __future__ import annotations

import os

import click
from flask import Flask
from sqlalchemy import select

from engine import migrations, postgres
from engine.application import create_core_app
from engine.attachments.store import Store
from engine.cli import serving
from engine.cli.context import plain_errors
from engine.cli.packages import deploy_folder, package_folders
from engine.clock import Clock, SystemClock
from engine.database import db, unit_of_work
from engine.definitions.package import is_component
from engine.demo import filling
from engine.demo.people import PASSWORD, create_demo_directory, demo_accounts
from engine.directory.models import Organisation
from engine.settings import Settings


@click.command()
@click.option("--setup-only", is_flag=True, help="只准备演示数据，不启动服务")
def demo(setup_only: bool) -> None:
    """准备演示数据并启动服务：一个虚构的镇党委，各阶段的发展党员事项。"""
    os.environ["GUICHENG_DEMO"] = "1"
    settings = Settings.from_environment()
    where = postgres.addresses(settings)
    migrations.upgrade(where)
    app = create_core_app(settings, where=where, pool_size=2)
    with app.app_context(), plain_errors():
        for folder in package_folders(()):
            if not is_component(folder):
                deploy_folder(folder, play=False)
        if db.session.scalar(select(Organisation.id).limit(1)) is None:
            fill(app, settings)
        _print_accounts(settings)
        db.engine.dispose()
    if not setup_only:
        serving.run()


def fill(app: Flask, settings: Settings) -> None:
    """Create the invented town, its matters and its year."""
    fill_at(app, settings, SystemClock())


def fill_at(app: Flask, settings: Settings, clock: Clock) -> None:
    """Create the town as it is at a moment."""
    with unit_of_work() as session:
        town = create_demo_directory(session, clock)
    store = Store(settings.data_dir / "attachments", settings.attachment_max_bytes)
    stage = filling.set_stage(town, clock, store)
    with click.progressbar(length=filling.count(stage), label="准备演示事项") as bar:
        filling.fill_town(stage, clock, store, settings, progress=bar.update)


def _print_accounts(settings: Settings) -> None:
    click.echo("\n演示账号（口令均为 " + click.style(PASSWORD, bold=True) + "）：")
    for account in demo_accounts(db.session(), SystemClock().today()):
        click.echo(f"  {account.login:<20} {account.name}　{account.description}")
    click.echo(f"\n请打开 http://{settings.host}:{settings.port}/ ，按 Ctrl+C 停止。\n")
