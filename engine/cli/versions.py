"""``guicheng version``: the stored versions of procedures, and on which of them new matters start.

Whoever can run these commands holds the whole installation, so no post is asked for; the choice
is recorded in the ledger all the same, without an actor.
"""

from __future__ import annotations

import click
from sqlalchemy import select

from engine.cli.context import application
from engine.clock import SystemClock
from engine.database import db, unit_of_work
from engine.definitions.differences import compare
from engine.definitions.models import ProcessVersion
from engine.definitions.operations import activate_version
from engine.definitions.versions import active_version, load_definition
from engine.errors import N_, NotFound
from engine.runtime.migrating import look_ahead, move_running
from engine.runtime.queries.versions import running_on


@click.group("version")
def version_group() -> None:
    """流程版本：列出、比较、选定新事项使用的版本。"""


@version_group.command("list")
@click.argument("key", required=False)
def show(key: str | None) -> None:
    """列出各流程（或一个流程）的版本：编号、版本、部署时间、正在办理的事项数。"""
    with application():
        session = db.session()
        query = select(ProcessVersion).order_by(ProcessVersion.key, ProcessVersion.id)
        if key is not None:
            query = query.where(ProcessVersion.key == key)
        running = running_on(session)
        for found in session.scalars(query):
            state = "启用" if found.active else "　　"
            click.echo(
                f"{found.id:>6}  {state}  {found.key}  {found.version}  {found.sha256[:12]}"
                f"  {found.deployed_at:%Y-%m-%d %H:%M}  办理中 {running.get(found.id, 0)} 项"
            )


@version_group.command("diff")
@click.argument("version_id", type=int)
@click.option("--against", type=int, help="与哪个版本比较（默认为启用的版本）")
def diff(version_id: int, against: int | None) -> None:
    """比较两个版本的环节和文件。"""
    with application():
        session = db.session()
        after = load_definition(session, version_id).package
        other = active_version(session, after.key) if against is None else against
        if other is None:
            raise NotFound(N_("没有这个流程版本。"))
        found = compare(load_definition(session, other).package, after)
    for step in found.steps:
        titles = " → ".join(title for title in (step.before, step.after) if title)
        click.echo(f"{step.change.label}环节 {step.element}：{titles}")
    for file in found.files:
        click.secho(f"{file.change.label}文件 {file.path}", bold=True)
        for line in file.lines:
            click.secho(line, fg={"+": "green", "-": "red"}.get(line[:1]))
        if file.more:
            click.echo(f"……另有 {file.more} 行")
    if not found.files:
        click.echo("没有不同。")


@version_group.command("activate")
@click.argument("version_id", type=int)
@click.option("--reason", required=True, help="理由，记入留痕")
def activate(version_id: int, reason: str) -> None:
    """今后发起的事项使用这个版本；正在办理的事项不变。"""
    with application(), unit_of_work() as session:
        package = load_definition(session, version_id).package
        changed = activate_version(session, version_id, SystemClock(), reason=reason)
    said = "已启用" if changed else "没有变化"
    click.echo(f"{package.key} {package.version}（{package.sha256[:12]}）{said}")


@version_group.command("move")
@click.argument("key")
@click.option("--to", "version_id", type=int, required=True, help="换用哪个版本")
@click.option("--from", "source", type=int, help="只换这个版本上的事项（默认为其他各版本）")
@click.option("--reason", default="", help="理由，记入每个事项的留痕")
@click.option("--dry-run", is_flag=True, help="只看哪些事项可以换用、其余为什么不能")
def move(key: str, version_id: int, source: int | None, reason: str, dry_run: bool) -> None:
    """让正在办理的事项换用这个版本：可以稳妥换用的换用，其余留在原版本并说明原因。"""
    clock = SystemClock()
    with application():
        if load_definition(db.session(), version_id).package.key != key:
            raise NotFound(N_("没有这个流程版本。"))
        if dry_run:
            found = look_ahead(db.session(), clock, version_id, source=source)
        else:
            found = move_running(clock, version_id, reason=reason, source=source)
    said = "可以换用" if dry_run else "已换用"
    for matter in found.moving:
        click.echo(f"{matter.number}  {said}")
    for matter in found.staying:
        click.echo(f"{matter.number}  留在 {matter.version_id}：{' '.join(matter.reasons)}")
    click.echo(f"{said} {len(found.moving)} 项，留在原版本 {len(found.staying)} 项。")
