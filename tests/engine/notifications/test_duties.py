"""What an organisation owes: its office is told when it is due, and when it is late."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from engine.database import db, unit_of_work
from engine.directory.actors import load_actor
from engine.duties.catalogue import forget_catalogue
from engine.duties.operations import run_duties
from engine.notifications.kinds import NoticeKind
from engine.notifications.reading import my_notices
from engine.notifications.sweeping import tell_duties
from engine.notifications.telling import settle_all
from tests.engine.duties.conftest import Year, duty, meeting
from tests.engine.notifications.conftest import Told


@pytest.fixture
def owing(told: Told) -> Iterator[Told]:
    """A branch that owes a meeting in January."""
    told.clock.set(date(2027, 1, 1))
    told.desk.deploy(meeting("told_monthly", duty("meet", "month")))
    forget_catalogue()
    run_duties(told.clock)
    yield told
    forget_catalogue()


def tell(told: Told, day: date, late: bool) -> list[int]:
    told.clock.set(day)
    run_duties(told.clock)
    ids = [row.id for row in Year(told.desk).rows()]
    kind = NoticeKind.DUTY_LATE if late else NoticeKind.DUTY_DUE
    tell_duties(told.settings, told.clock, kind, ids)
    tell_duties(told.settings, told.clock, kind, ids)  # the signal may come twice
    return ids


def test_the_office_is_told_once_that_it_is_due_and_once_that_it_is_late(owing: Told) -> None:
    tell(owing, date(2027, 1, 25), late=False)
    assert owing.to("secretary") == ["duty_due"]
    assert owing.to("member") == owing.to("stranger") == owing.to("superior") == []
    tell(owing, date(2027, 2, 1), late=True)
    assert owing.to("deputy") == ["duty_late"]  # in the same line
    actor = load_actor(
        db.session(), owing.clock.today(), person_id=owing.desk.town.people["secretary"]
    )
    lines, _ = my_notices(db.session(), actor)
    assert {line.process_title for line in lines} == {"meet会"}
    assert {line.organisation_id for line in lines} == {owing.desk.town.branch}


def test_what_was_done_in_time_is_not_told_and_comes_to_rest(owing: Told) -> None:
    tell(owing, date(2027, 1, 25), late=False)
    year = Year(owing.desk)
    year.hold("told_monthly", date(2027, 1, 25))
    run_duties(owing.clock)
    with unit_of_work() as session:
        settle_all(session, owing.clock.now())
    about = [line.about for line in owing.lines("secretary") if line.settled_at is not None]
    assert about == [f"duty:{year.rows()[0].id}"]


def test_a_mail_names_the_activity_and_its_last_day(owing: Told) -> None:
    owing.mail_to("secretary", mode="digest")
    tell(owing, date(2027, 1, 25), late=False)
    owing.send_all()
    (mail,) = owing.boxes.mails
    assert "meet会（应办的工作快到期限，1月31日前）" in mail.get_content()
