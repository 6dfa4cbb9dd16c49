"""``guicheng verify``: has anybody changed what was recorded?"""

from __future__ import annotations

import click
import psycopg

from engine import postgres
from engine.cli.context import require_tables
from engine.ledger.verify import Report, verify
from engine.settings import Settings


@click.command("verify")
def verify_command() -> None:
    """核验全部留痕：逐条重算摘要，核对每条链的首尾和编号。"""
    where = postgres.addresses(Settings.from_environment())
    require_tables(where)
    report = Report()
    with psycopg.connect(where.app, options="-c role=guicheng_app") as connection:
        total = connection.execute("SELECT count(*) FROM ledger_entry").fetchone()
        connection.commit()
        with click.progressbar(length=total[0] if total else 0, label="核验留痕") as bar:
            faults = list(verify(connection, report, progress=bar.update))
    for fault in faults:
        click.secho(str(fault), fg="red")
    click.echo(f"共 {report.chains} 条链、{report.entries} 条留痕，{len(faults)} 处不符。")
    if faults:
        raise SystemExit(1)
