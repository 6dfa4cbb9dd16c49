"""``guicheng checkpoint``: seal all records, hand the seal on, compare, and change the key."""

from __future__ import annotations

import json
from pathlib import Path

import click
import psycopg

from engine.cli.context import application
from engine.clock import ZONE, SystemClock
from engine.database import db, unit_of_work
from engine.ledger.checkpoints import Sealed, list_checkpoints, seal_checkpoint
from engine.ledger.handing_on import (
    checkpoint_to_print,
    compare_checkpoint,
    export_checkpoint,
    read_export,
)
from engine.ledger.keys import key_file, known_keys, rotate_key
from engine.ledger.printing import as_html, as_text, grouped

_number = click.option("--number", type=click.IntRange(1), help="校验点编号，默认为最近一个")
_out = click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))


@click.group("checkpoint", invoke_without_command=True)
@click.pass_context
def checkpoint(context: click.Context) -> None:
    """校验点：封存全部留痕并签名（不带子命令时），导出、打印、比对、更换密钥。"""
    if context.invoked_subcommand is not None:
        return
    with application() as app, unit_of_work() as session:
        sealed = seal_checkpoint(session, app.extensions["guicheng"], SystemClock())
    click.echo(f"已封存：{_described(sealed)}")
    click.echo(f"指纹 {grouped(sealed.digest().hex())}")


@checkpoint.command("list")
@click.option("--count", default=10, show_default=True, help="显示最近几个")
def show(count: int) -> None:
    """列出最近的校验点和全部密钥。"""
    with application() as app:
        session = db.session()
        for sealed in list_checkpoints(session, count):
            click.echo(f"{_described(sealed)}　指纹 {sealed.digest().hex()}")
        for key in known_keys(session):
            since = key.since.astimezone(ZONE)
            click.echo(f"密钥 {key.number}　{grouped(key.id)}　自 {since:%Y-%m-%d %H:%M} 起")
        click.echo(f"私钥文件 {key_file(app.extensions['guicheng'])}")


@checkpoint.command("export")
@_out
@_number
@click.option(
    "--without-chains", is_flag=True, help="不含各链的末条摘要：文件小，比对时不能指明哪条链"
)
def export(file: Path, number: int | None, without_chains: bool) -> None:
    """把校验点连同公钥导出为 JSON 文件，交系统以外的单位保存。"""
    with application():
        found = export_checkpoint(db.session(), number, chains=not without_chains)
    _write(file, json.dumps(found, ensure_ascii=False, indent=1) + "\n")


@checkpoint.command("print")
@_out
@_number
def to_print(file: Path, number: int | None) -> None:
    """写出一页可打印的校验点：.html 为网页，其他为纯文本，- 为直接显示。"""
    with application():
        sealed, key = checkpoint_to_print(db.session(), number)
    html = file.suffix.lower() in (".html", ".htm")
    _write(file, as_html(sealed, key) if html else as_text(sealed, key))


@checkpoint.command("compare")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def compare(file: Path) -> None:
    """用在系统以外保存的校验点比对数据库。"""
    with application() as app:
        kept = read_export(file)
        where = app.extensions["guicheng.addresses"]
        with psycopg.connect(where.app, options="-c role=guicheng_app") as connection:
            faults = list(compare_checkpoint(connection, kept))
    click.echo(f"所保存的：{_described(kept.sealed)}")
    click.echo(f"签名密钥 {grouped(kept.sealed.key_id)}，请与另行保存的密钥指纹核对。")
    for fault in faults:
        click.secho(str(fault), fg="red")
    if faults:
        raise click.ClickException(f"数据库与所保存的校验点有 {len(faults)} 处不同。")
    click.echo("数据库与所保存的校验点一致。请再运行 guicheng verify 核验各条留痕。")


@checkpoint.command("rotate-key")
@click.option("--lost", is_flag=True, help="原私钥已遗失：新密钥不经原密钥签名")
@click.confirmation_option(prompt="将启用新的签名密钥，确定继续吗？")
def rotate(lost: bool) -> None:
    """更换签名密钥：新密钥由原密钥签名。"""
    with application() as app:
        key = rotate_key(app.extensions["guicheng"], SystemClock(), lost=lost)
    click.echo(f"第 {key.number} 把密钥已启用，指纹 {grouped(key.id)}")
    if lost:
        click.secho("请把新指纹通知保存校验点的各方：没有原密钥的签名可以证明它。", fg="yellow")


def _described(sealed: Sealed) -> str:
    at = sealed.at.astimezone(ZONE)
    return (
        f"校验点 {sealed.number}　{at:%Y-%m-%d %H:%M:%S}　"
        f"{sealed.size} 条链、{sealed.entries} 条留痕"
    )


def _write(file: Path, text: str) -> None:
    if str(file) == "-":
        click.echo(text, nl=False)
        return
    file.write_text(text, encoding="utf-8")
    click.echo(f"已写入 {file}")
