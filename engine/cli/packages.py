"""``guicheng lint`` and ``guicheng deploy``: check process packages and put them into use."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.context import application, plain_errors
from engine.clock import SystemClock
from engine.database import unit_of_work
from engine.definitions.operations import deploy_package
from engine.definitions.package import load_folder
from engine.errors import Problem, Severity
from engine.lint import lint_folder
from engine.settings import Settings

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow"}


def package_folders(paths: tuple[Path, ...]) -> list[Path]:
    """Return the given folders, or every package of the installation when none is given."""
    if paths:
        return list(paths)
    home = Settings.from_environment().processes_dir
    return sorted(path.parent for path in home.glob("*/process.toml"))


def show(problems: list[Problem]) -> int:
    """Print problems and return how many are errors."""
    for problem in problems:
        click.secho(str(problem), fg=_COLOURS[problem.severity])
    return sum(problem.severity is Severity.ERROR for problem in problems)


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
def lint(paths: tuple[Path, ...]) -> None:
    """检查流程包：结构、表达式、表单、办理角色和场景。"""
    failed = 0
    for folder in package_folders(paths):
        errors = show(lint_folder(folder))
        failed += bool(errors)
        click.echo(f"{folder.name}: " + (f"{errors} 个错误" if errors else "通过"))
    if failed:
        raise SystemExit(1)


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
def deploy(paths: tuple[Path, ...]) -> None:
    """检查并部署流程包；内容未变时不产生新版本。"""
    with application():
        for folder in package_folders(paths):
            deploy_folder(folder)


def deploy_folder(folder: Path) -> int:
    """Lint and deploy one package; return the id of its version."""
    if show(lint_folder(folder)):
        raise click.ClickException(f"{folder.name} 未通过检查，没有部署。")
    with plain_errors(), unit_of_work() as session:
        package = load_folder(folder)
        deployment = deploy_package(session, package, SystemClock())
    said = "已部署" if deployment.activated else "没有变化"
    click.echo(f"{folder.name}: 版本 {package.version}（{package.sha256[:12]}）{said}")
    return deployment.version_id
