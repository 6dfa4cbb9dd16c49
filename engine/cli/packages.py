"""``guicheng lint`` and ``guicheng deploy``: check process packages and put them into use."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.context import application, plain_errors
from engine.clock import SystemClock
from engine.compliance.regulation_reading import FOLDER as REGULATIONS
from engine.compliance.regulation_reading import load_regulation_folder
from engine.compliance.regulation_store import deploy_regulations
from engine.database import unit_of_work
from engine.definitions.operations import deploy_package
from engine.definitions.package import is_component, load_folder
from engine.errors import Problem, Severity
from engine.lint import is_regulations, lint_folder
from engine.settings import Settings

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow"}


def home_of_packages() -> Path:
    """Return the installation's own folder: there lie its regulations and components."""
    return Settings.from_environment().processes_dir


def package_folders(paths: tuple[Path, ...]) -> list[Path]:
    """Return the given folders, or all of the installation: its regulations, then each package."""
    if paths:
        return sorted(paths, key=lambda path: not is_regulations(path))
    home = home_of_packages()
    regulations = [home / REGULATIONS] if is_regulations(home / REGULATIONS) else []
    return [*regulations, *sorted(path.parent for path in home.glob("*/process.toml"))]


def show(problems: list[Problem]) -> int:
    """Print problems and return how many are errors."""
    for problem in problems:
        click.secho(str(problem), fg=_COLOURS[problem.severity])
    return sum(problem.severity is Severity.ERROR for problem in problems)


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
def lint(paths: tuple[Path, ...]) -> None:
    """检查法规和流程包：结构、表达式、表单、办理角色、依据和场景。"""
    failed = 0
    for folder in package_folders(paths):
        errors = show(lint_folder(folder, home_of_packages()))
        failed += bool(errors)
        click.echo(f"{folder.name}: " + (f"{errors} 个错误" if errors else "通过"))
    if failed:
        raise SystemExit(1)


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
def deploy(paths: tuple[Path, ...]) -> None:
    """检查并部署法规和流程包；内容未变时不产生新版本。"""
    with application():
        for folder in package_folders(paths):
            if paths or not is_component(folder):
                deploy_folder(folder)


def deploy_folder(folder: Path, *, play: bool = True) -> None:
    """Lint and deploy one package, or the regulations.

    Without ``play`` its scenarios are not played: they were when it was made.
    """
    if show(lint_folder(folder, home_of_packages(), play=play)):
        raise click.ClickException(f"{folder.name} 未通过检查，没有部署。")
    with plain_errors(), unit_of_work() as session:
        if is_regulations(folder):
            regulations = load_regulation_folder(folder)
            changed = deploy_regulations(session, regulations, SystemClock()).created
            version, sha256 = f"{len(regulations.by_id)} 部法规", regulations.sha256
        else:
            package = load_folder(folder, home_of_packages())
            changed = deploy_package(session, package, SystemClock()).activated
            version, sha256 = f"版本 {package.version}", package.sha256
    said = "已部署" if changed else "没有变化"
    click.echo(f"{folder.name}: {version}（{sha256[:12]}）{said}")
