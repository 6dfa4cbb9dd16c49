"""``guicheng db``: bring the database up to date, or take it away."""

from __future__ import annotations

import click

from engine import migrations, postgres
from engine.cli.context import plain_errors
from engine.settings import Settings


@click.group("db")
def db_group() -> None:
    """数据库：升级、降级、查看、删除。"""


@db_group.command("upgrade")
@click.argument("revision", default="head")
def upgrade(revision: str) -> None:
    """建立或升级数据库结构。"""
    where = postgres.addresses(Settings.from_environment())
    with plain_errors():
        migrations.upgrade(where, revision)
    click.echo("数据库结构已是最新。")


@db_group.command("downgrade")
@click.argument("revision")
@click.confirmation_option(prompt="降级会丢失数据，确定继续吗？")
def downgrade(revision: str) -> None:
    """退回到较早的数据库结构。"""
    where = postgres.addresses(Settings.from_environment())
    with plain_errors():
        migrations.downgrade(where, revision)


@db_group.command("status")
def status() -> None:
    """查看数据库结构是否最新。"""
    where = postgres.addresses(Settings.from_environment())
    with plain_errors():
        pending = migrations.pending(where)
    click.echo("有待执行的升级：" + "、".join(pending) if pending else "数据库结构已是最新。")


@db_group.command("remove")
@click.confirmation_option(prompt="将停止内嵌数据库并删除其全部数据，确定继续吗？")
def remove() -> None:
    """停止内嵌数据库并删除其数据（不影响 DATABASE_URL 指定的数据库）。"""
    settings = Settings.from_environment()
    if settings.database_url:
        raise click.ClickException("设置了 DATABASE_URL，请自行管理该数据库。")
    postgres.remove(settings.data_dir)
    click.echo("内嵌数据库已删除。")
