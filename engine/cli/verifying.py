"""``guicheng verify``: has anybody changed what was recorded?"""

from __future__ import annotations

import time

import click
import psycopg

from engine import postgres
from engine.cli.context import plain_errors, require_tables
from engine.ledger.faults import Report
from engine.ledger.keys import PublicKey
from engine.ledger.verify import SHARE, count_entries, verify_all
from engine.ledger.verify_checkpoints import read_keys, unvouched
from engine.settings import Settings

SHOWN = 1000
"""Faults that are printed; the rest is counted."""


@click.command("verify")
@click.option("--processes", type=click.IntRange(1), help="同时核验的进程数，默认与处理器数相同")
def verify_command(processes: int | None) -> None:
    """核验全部留痕：逐条重算摘要，核对每条链的首尾、编号和全部校验点。"""
    where = postgres.addresses(Settings.from_environment())
    require_tables(where)
    report = Report()
    began = time.monotonic()
    with plain_errors():
        with click.progressbar(length=count_entries(where.app), label="核验留痕") as bar:
            faults = list(verify_all(where.app, report, processes=processes, progress=bar.update))
        with psycopg.connect(where.app, options="-c role=guicheng_app") as connection:
            keys = read_keys(connection)
    for fault in sorted(faults, key=lambda f: (f.chain_id, f.seq or 0))[:SHOWN]:
        click.secho(str(fault), fg="red")
    if len(faults) > SHOWN:
        click.secho(f"……另有 {len(faults) - SHOWN} 处。", fg="red")
    for key in unvouched(keys):
        click.secho(_warning(key), fg="yellow")
    speed = report.entries / max(time.monotonic() - began, 0.001)
    erased = f"（其中 {report.erased} 条内容已按规定清除）" if report.erased else ""
    click.echo(
        f"共 {report.chains} 条链、{report.entries} 条留痕{erased}，{len(faults)} 处不符。"
        + (f"每秒 {speed:,.0f} 条。" if report.entries >= SHARE else "")
    )
    click.echo(
        f"校验点 {report.checkpoints} 个，最近一个封存 {report.sealed} 条留痕。"
        if report.checkpoints
        else "还没有校验点：末尾整段重写无法发现，请运行 guicheng checkpoint。"
    )
    if faults:
        raise SystemExit(1)


def _warning(key: PublicKey) -> str:
    return (
        f"注意：第 {key.number} 把校验点密钥 {key.id} 未经前一把密钥签名（原私钥遗失时如此），"
        "请与另行保存的指纹核对。"
    )
