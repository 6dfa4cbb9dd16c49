"""The ``guicheng`` command. Every subcommand is a thin door to a function of the engine."""

from __future__ import annotations

import click

from engine.cli.accounts import account, token
from engine.cli.case_files import verify_case_file
from engine.cli.checking import check
from engine.cli.checkpoints import checkpoint
from engine.cli.database import db_group
from engine.cli.demo import demo
from engine.cli.directory import directory_group
from engine.cli.erasing import erase
from engine.cli.holidays import holidays
from engine.cli.packages import deploy, lint
from engine.cli.serving import serve, worker
from engine.cli.verifying import verify_command
from engine.cli.versions import version_group
from engine.logging import configure_logging


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """规程 Guicheng：党务规程办理系统。"""
    configure_logging()


for command in (
    demo,
    serve,
    worker,
    db_group,
    deploy,
    version_group,
    lint,
    check,
    verify_command,
    verify_case_file,
    checkpoint,
    erase,
    directory_group,
    account,
    token,
    holidays,
):
    main.add_command(command)
