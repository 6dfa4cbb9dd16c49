"""``guicheng directory``: organisations, people, posts and accounts from an Excel workbook.

Whoever can run this holds the whole installation, so no post is asked for; what it changes is
recorded in the ledger all the same, without an actor.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import click

from engine.cli.context import application
from engine.clock import SystemClock
from engine.database import db
from engine.directory.importing import NewLogin, import_directory, plan_import
from engine.directory.imports.columns import ACCOUNTS, SHEETS, Mistake
from engine.directory.imports.plan import Plan
from engine.directory.imports.reading import LARGEST_FILE, read_workbook
from engine.directory.imports.template import template as empty_workbook

SHOWN: Final = 200
"""So many mistakes are listed; nobody mends more at a time."""


@click.group("directory")
def directory_group() -> None:
    """党组织和人员：下载 Excel 模板、检查和导入。"""


@directory_group.command("template")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def template(file: Path) -> None:
    """写出空白的 Excel 模板：党组织、人员、职务、账号四个表，附填写说明。"""
    try:
        with file.open("xb") as stream:
            stream.write(empty_workbook())
    except FileExistsError:
        raise click.ClickException(f"文件已存在，没有覆盖：{file}") from None
    except OSError as error:
        raise click.ClickException(f"无法写入 {file}：{error.strerror}") from error
    click.echo(f"模板已写入 {file}。填好后先检查：guicheng directory import {file} --check")


@directory_group.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--check", is_flag=True, help="只检查，不写入")
@click.option(
    "--passwords",
    "password_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="新账号的初始密码写入这个文件（仅本人可读），不在屏幕显示",
)
def import_file(file: Path, check: bool, password_file: Path | None) -> None:
    """导入填好的 Excel 文件。先检查全部内容，有一处错误就什么都不写入。"""
    clock = SystemClock()
    with application():
        click.echo("正在读取和检查……", err=True)
        with file.open("rb") as stream:
            book = read_workbook(stream.read(LARGEST_FILE + 1))
        plan = plan_import(db.session(), clock, None, book)
        if plan.mistakes:
            _list(plan.mistakes)
            raise click.ClickException(
                f"共 {len(plan.mistakes)} 处错误，没有写入任何内容。请改正后重新导入。"
            )
        if check:
            _sum_up(plan, "检查通过，尚未写入。导入后将会：")
            return
        accounts = len(plan.of(ACCOUNTS))
        with (
            _keeping(password_file if accounts else None) as kept,
            click.progressbar(length=len(plan.items) + accounts, label="正在导入") as bar,
        ):
            done = import_directory(clock, None, book, plan, progress=bar.update)
            if kept is not None:
                kept.writelines(_line(login) for login in done.logins)
    _sum_up(done.plan, "导入完成：")
    if done.logins and password_file is not None:
        click.echo(f"{len(done.logins)} 个账号的初始密码已写入 {password_file}。分发后请删除。")
    elif done.logins:
        _show(done.logins)


def _list(mistakes: Sequence[Mistake]) -> None:
    for mistake in mistakes[:SHOWN]:
        click.echo(str(mistake), err=True)
    if len(mistakes) > SHOWN:
        click.echo(f"……另有 {len(mistakes) - SHOWN} 处，改正以上内容后再检查。", err=True)


def _sum_up(plan: Plan, heading: str) -> None:
    click.echo(heading)
    for sheet in SHEETS:
        tally = plan.tally(sheet)
        click.echo(f"{sheet.name}\t新增 {tally.new}\t变更 {tally.changed}\t不变 {tally.unchanged}")


def _show(logins: Sequence[NewLogin]) -> None:
    click.echo("新账号的初始密码，只显示这一次（姓名、用户名、密码）：")
    for login in logins:
        click.echo(_line(login), nl=False)


def _line(login: NewLogin) -> str:
    return f"{login.name}\t{login.login}\t{login.password}\n"


@contextmanager
def _keeping(file: Path | None) -> Iterator[IO[str] | None]:
    """Open a new file that only its owner may read; it goes again if the import fails."""
    if file is None:
        yield None
        return
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise click.ClickException(f"文件已存在，没有覆盖：{file}") from None
    except OSError as error:
        raise click.ClickException(f"无法写入 {file}：{error.strerror}") from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            yield stream
    except BaseException:
        file.unlink(missing_ok=True)
        raise
