"""``guicheng erase``: remove the content of a matter's entries when its time is over."""

from __future__ import annotations

import re
import sys

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.attachments.operations import destroy_erased
from engine.attachments.store import Store
from engine.cli.context import application
from engine.clock import SystemClock
from engine.database import db
from engine.directory.accounts import authenticate
from engine.directory.actors import load_actor
from engine.errors import N_, NotFound
from engine.retention.operations import erase_payloads
from engine.runtime.models import Instance


@click.command("erase")
@click.argument("number")
@click.option(
    "--entry", "seqs", type=click.IntRange(1), multiple=True, required=True, help="条号，可多次给出"
)
@click.option("--reason", required=True, help="依据和理由，记入留痕")
@click.option("--account", "login", required=True, help="办理人的账号；须有权清除")
@click.option("--password-stdin", is_flag=True, help="从标准输入读取密码（供脚本使用）")
@click.confirmation_option(prompt="内容清除后不能恢复，确定继续吗？")
def erase(
    number: str, seqs: tuple[int, ...], reason: str, login: str, password_stdin: bool
) -> None:
    """永久清除已办结事项 NUMBER（如 FZ-2026-0031）若干条留痕的内容，摘要和清除记录保留。"""
    clock = SystemClock()
    with application() as app:
        # It is recorded who erases: so it has to be that person, whoever holds the terminal.
        password = (
            sys.stdin.readline().rstrip("\r\n")
            if password_stdin
            else click.prompt("密码", hide_input=True)
        )
        account_id = authenticate(clock, login, password)
        actor = load_actor(db.session(), clock.today(), account_id=account_id)
        found = find_matter(db.session(), number)
        erased = erase_payloads(found, seqs, reason, actor=actor, clock=clock)
        settings = app.extensions["guicheng"]
        files = Store(settings.data_dir / "attachments", settings.attachment_max_bytes)
        destroyed = destroy_erased(clock, files)
    if not erased:
        click.echo(f"{number} 的这些条以前已经清除，没有再写入记录。")
        return
    click.echo(
        f"已清除 {number} 的 {erased} 条留痕的内容，并记入留痕；销毁文件 {destroyed} 份。"
        "备份中的内容须另行处理。"
    )


def find_matter(session: Session, number: str) -> int:
    """Return the id of the matter with this number. Raises NotFound."""
    found: int | None = None
    if parts := re.fullmatch(r"(.+)-([0-9]{4})-([0-9]{1,9})", number.strip()):
        found = session.scalar(
            select(Instance.id).where(
                Instance.prefix == parts[1],
                Instance.year == int(parts[2]),
                Instance.serial == int(parts[3]),
            )
        )
    if found is None:
        raise NotFound(N_("没有编号为 %(number)s 的事项。"), number=number)
    return found
