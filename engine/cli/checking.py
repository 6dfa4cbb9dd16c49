"""``guicheng check``: judge a matter that is given as a file, without a database."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path

import click

from engine.checking.judging import as_json, check_file
from engine.checking.printing import harmless, report
from engine.checking.problems import FileWrong
from engine.checking.procedures import load_procedure
from engine.checking.schema import matter_schema
from engine.cli.context import application
from engine.cli.language import LANGUAGES, translator
from engine.clock import SystemClock
from engine.database import db
from engine.errors import N_, Sentence, say
from engine.settings import ROOT


@click.command()
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--json", "machine", is_flag=True, help="以 JSON 输出，供程序读取")
@click.option(
    "--lang",
    type=click.Choice(LANGUAGES),
    default=LANGUAGES[0],
    show_default=True,
    help="报告的语言（en：English）",
)
@click.option("--today", type=click.DateTime(["%Y-%m-%d"]), help="按这一天检查（默认为今天）")
@click.option(
    "--procedure", default="member_admission", show_default=True, help="--template 的流程"
)
@click.option(
    "--template",
    type=click.Path(dir_okay=False, path_type=Path),
    help="写出空白的 Excel 模板（.xlsx），不检查文件",
)
@click.option("--export", "instance", type=int, help="把数据库中的一件事项写成 FILE（.json）")
@click.option("--schema", is_flag=True, help="显示文件格式的 JSON Schema")
@click.option(
    "--processes",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="流程目录（默认按系统设置）",
)
def check(
    file: Path | None,
    machine: bool,
    lang: str,
    today: datetime | None,
    procedure: str,
    template: Path | None,
    instance: int | None,
    schema: bool,
    processes: Path | None,
) -> None:
    """检查写成文件的一件事项（.json、.toml、.xlsx）：规则和办理顺序。不需要数据库。

    有“必须”的规则不符合时返回 1；文件不能读取时返回 2。
    """
    if schema:
        click.echo(json.dumps(matter_schema(), ensure_ascii=False, indent=2))
        return
    # Not Settings.from_environment(): that makes a data directory, and here nothing is kept.
    home = processes or Path(os.environ.get("PROCESSES_DIR") or ROOT / "processes")
    if template is not None:
        _write_template(template, home, procedure)
        return
    if file is None:
        raise click.UsageError("请给出要检查的文件。")
    if instance is not None:
        _export(file, instance)
        return
    day = today.date() if today else SystemClock().today()
    translate = translator(lang)
    try:
        checked = check_file(file, home, today=day)
    except FileWrong as wrong:
        for problem in wrong.problems:
            words = say(
                Sentence(N_("%(where)s：%(what)s"), where=file.name, what=problem.sentence),
                translate,
            )
            click.secho(harmless(words), fg="red", err=True)
        raise SystemExit(2) from None
    if machine:
        click.echo(json.dumps(as_json(checked, translate), ensure_ascii=False, indent=2))
    else:
        for line in report(checked, translate):
            click.echo(line)
    if checked.hard:
        raise SystemExit(1)


def _write_template(path: Path, processes: Path, procedure: str) -> None:
    from engine.checking.template import write_template

    try:
        loaded = load_procedure(processes, procedure)
    except FileWrong as wrong:
        raise click.ClickException(str(wrong)) from None
    write_template(path, loaded)
    click.echo(f"已写入 {path}")


def _export(path: Path, instance: int) -> None:
    from engine.checking.exporting import export_matter

    with application():
        found = export_matter(db.session(), instance)
    path.write_text(json.dumps(found, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    click.echo(f"已写入 {path}")
