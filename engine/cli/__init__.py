"""The ``guicheng`` command. Every subcommand is a thin door to a function of the engine."""

from __future__ import annotations

import click

from engine.cli import accounts, database, demo, packages, serving, verifying
from engine.logging import configure_logging


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """规程 Guicheng：党务规程办理系统。"""
    configure_logging()


main.add_command(demo.demo)
main.add_command(serving.serve)
main.add_command(serving.worker)
main.add_command(database.db_group)
main.add_command(packages.deploy)
main.add_command(packages.lint)
main.add_command(verifying.verify_command)
main.add_command(accounts.account)
main.add_command(accounts.token)
