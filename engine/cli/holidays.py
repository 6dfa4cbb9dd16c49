"""``guicheng holidays``: bring in the State Council's notice of a year, and see what is known."""

from __future__ import annotations

from pathlib import Path

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.calendars.models import HolidayNotice
from engine.calendars.notices import MAX_LENGTH, holiday_year, parse_holiday_year, shipped_years
from engine.calendars.operations import import_holiday_year
from engine.calendars.working_days import HolidayYear
from engine.cli.context import application
from engine.clock import Clock, SystemClock
from engine.compliance.again import judge_again
from engine.database import db, unit_of_work
from engine.errors import N_, InvalidInput
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind
from engine.ledger.operations import append

CHAIN = "calendar"


@click.group()
def holidays() -> None:
    """节假日：导入某年的放假通知，查看已有的年份。"""


@holidays.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_file(file: Path) -> None:
    """导入一年的节假日安排（TOML 文件，格式同软件所附的 2026.toml），替换该年原有的安排。"""
    with application():
        notice = parse_holiday_year(_read(file))
        with unit_of_work() as session:
            bring_in(session, SystemClock(), notice)
    click.echo(
        f"{notice.year} 年的节假日安排已导入：放假 {len(notice.days_off)} 天，"
        f"调休上班 {len(notice.make_up_days)} 天。"
    )


@holidays.command("list")
def show() -> None:
    """列出已有安排的年份：来源、放假和调休天数、依据。没有列出的年份按周末推算。"""
    with application():
        imported = {
            notice.year: notice
            for notice in map(holiday_year, db.session.scalars(select(HolidayNotice.notice)))
        }
        known = {notice.year: notice for notice in shipped_years()} | imported
        for year in sorted(known):
            notice = known[year]
            origin = "已导入" if year in imported else "随软件提供"
            click.echo(
                f"{year}\t{origin}\t放假 {len(notice.days_off)} 天\t"
                f"调休上班 {len(notice.make_up_days)} 天\t{notice.source}"
            )


def bring_in(session: Session, clock: Clock, notice: HolidayYear) -> None:
    """Store a notice and record that the terminal did it."""
    import_holiday_year(session, clock, notice)
    event = Event(
        kind=EntryKind.DIRECTORY,
        payload={
            "change": "import_holiday_year",
            "year": notice.year,
            "source": notice.source,
            "days_off": sorted(day.isoformat() for day in notice.days_off),
            "make_up_days": sorted(day.isoformat() for day in notice.make_up_days),
        },
    )
    append(session, CHAIN, event, clock)
    judge_again(session)


def _read(file: Path) -> str:
    """Return the text of a file that may be a notice; longer ones are not read to the end."""
    with file.open("rb") as stream:
        data = stream.read(4 * MAX_LENGTH + 1)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput({"file": [N_("文件须是 UTF-8 编码的文本。")]}) from None
