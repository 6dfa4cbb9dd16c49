"""Mail through a real server: when it goes, what it says, and what happens when it does not."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text, update

from engine.clock import ZONE
from engine.database import unit_of_work
from engine.definitions.operations import deploy_package
from engine.definitions.package import load_folder
from engine.directory.models import Person
from engine.errors import NotFound
from engine.notifications import mail as mailing
from engine.notifications.delivering import (
    LEASE,
    PAUSES,
    deliver,
    failed_deliveries,
    give_up,
    send_again,
)
from engine.notifications.envelopes import titles
from engine.notifications.kinds import DeliveryState
from engine.notifications.models import Delivery, Notice
from engine.notifications.quiet import PAUSE
from engine.settings import ROOT
from tests.engine.notifications.conftest import NIGHT, Told
from tests.engine.notifications.receivers import certificate, mail_server
from tests.engine.notifications.test_sweeping import begin, steps, tick
from tests.factories import make_administrator, two_steps

SENT, WAITING, DEAD = DeliveryState.SENT, DeliveryState.WAITING, DeliveryState.DEAD


def shanghai(words: str) -> datetime:
    return datetime.fromisoformat(words).replace(tzinfo=ZONE)


def body(mail: Any) -> str:
    return str(mail.get_content())


def test_a_task_of_one_s_own_goes_out_at_once_and_names_nobody(told: Told) -> None:
    told.mail_to("applicant")
    matter = begin(told)
    told.sweep()
    assert told.desk.jobs("deliver_notice") == [{"delivery_id": told.deliveries()[0].id}]
    assert told.send_all() == [SENT]
    (mail,) = told.boxes.mails
    assert told.boxes.to == ["applicant@example.org"]
    assert mail["From"] == "guicheng@example.org"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Subject"] == "规程：您有 1 项待办"
    said = body(mail)
    assert "您有 1 项待办，请登录规程查看。" in said
    assert "told_of apply（有新的待办）" in said
    assert "https://guicheng.example/notices" in said
    everything = mail.as_string() + said
    for secret in ("secretary", "branch", matter.row.number, str(matter.row.title or "-secret-")):
        assert secret == "" or secret not in everything.replace("applicant@example.org", "")


def test_it_is_sent_once_whoever_asks_and_however_often(told: Told) -> None:
    told.mail_to("applicant")
    begin(told)
    told.sweep()
    (row,) = told.deliveries()
    number = row.id
    for _ in range(3):
        deliver(number, settings=told.settings, clock=told.clock)
    told.sweep()
    assert told.send_all() == []
    assert len(told.boxes.mails) == 1


@pytest.mark.parametrize(
    ("now", "at"),
    [
        ("2026-11-22 21:58:00", "2026-11-22 21:58:40"),
        ("2026-11-22 21:59:30", "2026-11-23 07:00:00"),
        ("2026-11-23 06:59:00", "2026-11-23 07:00:00"),
        ("2026-11-23 06:59:20", "2026-11-23 07:00:00"),
        ("2026-11-23 06:59:21", "2026-11-23 07:00:01"),
    ],
)
def test_quiet_hours_hold_it_back(told: Told, now: str, at: str) -> None:
    told.mail_to("applicant", quiet_from=NIGHT[0], quiet_until=NIGHT[1])
    told.clock.set(shanghai(now))
    told.sweep()  # the limits of the day, if it is late enough
    begin(told)  # forty seconds later
    told.sweep()
    (row,) = told.deliveries()
    assert row.next_at == shanghai(at)
    if row.next_at > told.clock.now():
        assert told.send_all() == [None]
        assert told.boxes.mails == []
        told.clock.set(row.next_at)
    assert told.send_all() == [SENT]


def test_a_job_that_runs_late_into_the_quiet_hours_waits_for_the_morning(told: Told) -> None:
    told.mail_to("applicant", quiet_from=NIGHT[0], quiet_until=NIGHT[1])
    begin(told)
    told.sweep()
    told.clock.set(shanghai("2026-11-22 22:00:00"))
    assert told.send_all() == [None]
    (row,) = told.deliveries()
    assert (row.state, row.next_at) == (WAITING, shanghai("2026-11-23 07:00:00"))


def test_what_was_done_meanwhile_is_not_sent(told: Told) -> None:
    told.mail_to("applicant", quiet_from=NIGHT[0], quiet_until=NIGHT[1])
    told.clock.set(shanghai("2026-11-22 23:00:00"))
    matter = begin(told)
    told.sweep()
    tick(told)
    matter.complete("apply", by="applicant")
    told.clock.set(shanghai("2026-11-23 07:00:00"))
    assert told.send_all() == [None]
    assert [row.state for row in told.deliveries()] == ["dropped"]
    assert told.boxes.mails == []


def test_what_comes_soon_after_a_mail_goes_together_in_the_next(told: Told) -> None:
    told.mail_to("applicant")
    begin(told)
    told.sweep()
    told.send_all()
    sent = told.clock.now()
    for key in ("then", "and_then"):
        begin(told, steps(key))
        told.sweep()
    *_, row = told.deliveries()
    assert (len(told.deliveries()), row.next_at) == (2, sent + PAUSE)
    told.clock.set(row.next_at)
    assert told.send_all() == [SENT]
    assert "您有 2 项待办" in body(told.boxes.mails[1])


def test_holders_of_posts_get_one_digest_in_the_morning(told: Told) -> None:
    told.mail_to("deputy")
    for key in ("one", "two"):
        tick(told)
        told.desk.start(two_steps(key))
    told.sweep()
    tick(told, minutes=30)
    told.sweep()
    # At noon, the first digest that the person ever gets goes out at once: the day has none yet.
    assert told.send_all() == [SENT]
    assert "您有 2 项待办" in body(told.boxes.mails[0])
    tick(told)
    told.desk.start(two_steps("three"))
    told.sweep()
    told.clock.set(shanghai("2026-11-23 07:59:59"))
    told.sweep()
    assert told.send_all() == []
    told.clock.set(shanghai("2026-11-23 08:00:00"))
    told.sweep()
    told.sweep()
    assert told.send_all() == [SENT]
    assert len(told.boxes.mails) == 2
    told.clock.set(shanghai("2026-11-24 08:00:00"))
    told.sweep()
    assert told.send_all() == []  # nothing new, no digest


def test_without_address_or_with_the_kind_switched_off_there_is_no_mail(told: Told) -> None:
    told.mail_to("applicant", mail_off=["opened"])
    begin(told)
    told.sweep()
    assert told.deliveries() == []
    assert told.to("applicant") == ["opened"]


def test_a_kind_wanted_only_by_mail_has_no_line_on_the_page(told: Told) -> None:
    told.mail_to("applicant", page_off=["opened"])
    begin(told)
    told.sweep()
    assert told.send_all() == [SENT]
    assert [line.shown for line in told.lines("applicant")] == [False]


def test_english_for_those_who_chose_it(told: Told) -> None:
    from engine.directory.models import Account

    told.mail_to("applicant")
    with unit_of_work() as session:
        session.execute(update(Account).values(language="en"))
    begin(told)
    told.sweep()
    told.send_all()
    (mail,) = told.boxes.mails
    assert mail["Subject"] == "Guicheng: 1 to do"
    assert "told_of apply (new to do)" in body(mail)


def test_titles_are_english_for_who_reads_english_where_there_are_any(told: Told) -> None:
    package = load_folder(ROOT / "tests" / "packages" / "leave_request")
    step = package.steps["approve_leave"]
    with unit_of_work() as session:
        version = deploy_package(session, package, told.clock).version_id
        english = titles(session, version, "approve_leave", "en")
        chinese = titles(session, version, "approve_leave")
    assert english[0] == "Leave request"
    assert chinese[0] == "请假审批"
    assert english[1] == chinese[1] and step.title in chinese[1], "steps have Chinese titles only"


# -- when it goes wrong ---------------------------------------------------------------------------


def failing(told: Told) -> Delivery:
    told.mail_to("applicant")
    begin(told)
    told.sweep()
    return told.deliveries()[0]


def test_a_server_that_says_later_is_asked_again_after_growing_pauses(told: Told) -> None:
    number = failing(told).id
    told.boxes.refuse["RCPT"] = "451 not now"
    for attempt, pause in enumerate(PAUSES, 1):
        assert told.send_all() == [WAITING]
        (row,) = told.deliveries()
        assert (row.attempts, row.error) == (attempt, "smtp_451")
        assert row.next_at == told.clock.now() + pause
        told.clock.set(row.next_at - timedelta(seconds=1))
        assert told.send_all() == [None]
        told.clock.set(row.next_at)
    assert told.send_all() == [DEAD]
    assert told.send_all() == []
    assert told.boxes.mails == []
    send_again(number, actor=told.desk.actor("administrator"), clock=told.clock)
    told.boxes.refuse.clear()
    assert told.send_all() == [SENT]
    assert "您有 1 项待办" in body(told.boxes.mails[0])


def test_it_comes_under_the_same_id_when_it_is_sent_again(told: Told) -> None:
    row = failing(told)
    number, key = row.id, row.key
    told.send_all()
    with unit_of_work() as session:  # the worker died between the server's answer and its note
        session.execute(update(Delivery).values(state="sending", next_at=told.clock.now() + LEASE))
    told.clock.set(told.clock.now() + LEASE - timedelta(seconds=1))
    assert told.send_all() == [None]  # perhaps it is still at it
    told.clock.set(told.clock.now() + timedelta(minutes=3))
    with unit_of_work() as session:  # and its job is gone
        session.execute(text("DELETE FROM procrastinate_jobs"))
    told.sweep()
    assert {"delivery_id": number} in told.desk.jobs("deliver_notice")
    assert told.send_all() == [SENT]
    assert [mail["Message-ID"] for mail in told.boxes.mails] == [f"<{key}@example.org>"] * 2


def test_a_refused_address_is_not_asked_again(told: Told) -> None:
    failing(told)
    told.boxes.refuse["RCPT"] = "550 no such user"
    assert told.send_all() == [DEAD]
    assert told.deliveries()[0].error == "smtp_550"


def test_a_server_that_is_not_there_or_does_not_answer(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = failing(told).id
    nobody = replace(told.settings, smtp_port=1)
    assert deliver(number, settings=nobody, clock=told.clock) is WAITING
    assert told.deliveries()[0].error == "smtp_unreachable"
    monkeypatch.setattr(mailing, "SECONDS", 0.2)
    told.boxes.silent = "DATA"
    told.clock.set(told.deliveries()[0].next_at)
    assert told.send_all() == [WAITING]
    assert told.deliveries()[0].error == "smtp_timeout"


def test_a_server_that_is_rude_after_taking_it_has_taken_it(told: Told) -> None:
    failing(told)
    told.boxes.refuse["QUIT"] = "421 go away"
    assert told.send_all() == [SENT]


def test_encrypted_mail_and_a_certificate_that_nobody_vouches_for(
    told: Told, tmp_path: Path
) -> None:
    number = failing(told).id
    context, public = certificate(tmp_path, ["localhost"])
    with mail_server(tls=context) as boxes:
        secure = replace(
            told.settings, smtp_host="localhost", smtp_port=boxes.port, smtp_tls="starttls"
        )
        assert deliver(number, settings=secure, clock=told.clock) is WAITING
        assert told.deliveries()[0].error == "smtp_certificate"
        assert boxes.mails == []
        told.clock.set(told.deliveries()[0].next_at)
        trusting = replace(secure, smtp_ca_file=public)
        assert deliver(number, settings=trusting, clock=told.clock) is SENT
        assert boxes.secure == [True]


def test_a_server_without_encryption_gets_nothing_when_it_is_demanded(told: Told) -> None:
    number = failing(told).id
    demanding = replace(told.settings, smtp_tls="starttls")
    assert deliver(number, settings=demanding, clock=told.clock) is WAITING
    assert told.deliveries()[0].error == "smtp_no_tls"
    assert told.boxes.mails == []


def test_only_an_administrator_of_that_part_sees_and_sends_again(told: Told) -> None:
    number = failing(told).id
    told.boxes.refuse["RCPT"] = "550 no such user"
    told.send_all()
    for name in ("secretary", "superior", "applicant", "stranger"):
        actor = told.desk.actor(name)
        with unit_of_work() as session:
            assert failed_deliveries(session, actor) == []
        with pytest.raises(NotFound):
            send_again(number, actor=actor, clock=told.clock)
        with pytest.raises(NotFound):
            give_up(number, actor=actor)
    chief = told.desk.actor("administrator")
    with unit_of_work() as session:
        (letter,) = failed_deliveries(session, chief)
    assert (letter.who, letter.error, letter.attempts) == ("applicant", "smtp_550", 1)
    give_up(number, actor=chief)
    with unit_of_work() as session:
        assert failed_deliveries(session, chief) == []
    with pytest.raises(NotFound):
        send_again(number, actor=chief, clock=told.clock)


def test_mail_to_who_belongs_nowhere_is_left_to_who_administers_everything(told: Told) -> None:
    number = failing(told).id
    told.boxes.refuse["RCPT"] = "550 no such user"
    told.send_all()
    people = told.desk.town.people
    with unit_of_work() as session:
        session.execute(
            update(Person).where(Person.id == people["applicant"]).values(organisation_id=None)
        )
    make_administrator(people["member"], told.desk.town.branch)
    part, chief = told.desk.actor("member"), told.desk.actor("administrator")
    with unit_of_work() as session:
        assert failed_deliveries(session, part) == []
        (letter,) = failed_deliveries(session, chief)
    assert (letter.id, letter.who, letter.organisation_name) == (number, "applicant", "")
    with pytest.raises(NotFound):
        send_again(number, actor=part, clock=told.clock)
    told.boxes.refuse.clear()
    send_again(number, actor=chief, clock=told.clock)
    assert told.send_all() == [SENT]


def test_the_log_names_nobody(told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    failing(told)
    told.boxes.refuse["RCPT"] = "550 no such user applicant@example.org"
    told.send_all()
    said = capsys.readouterr()
    assert "notice_delivery" in said.out + said.err
    assert not re.search(r"@|applicant", said.out + said.err)


def test_nothing_of_a_matter_is_kept_in_a_delivery(told: Told) -> None:
    row = failing(told)
    assert json.dumps(row.lines) == "[]"
    assert row.created_at.tzinfo is UTC
    assert date(2026, 11, 22) == row.created_at.astimezone(ZONE).date()
    assert all(line.delivery_id is None for line in told.lines("applicant"))
    told.send_all()
    assert [line.delivery_id for line in told.lines("applicant")] == [row.id]
    assert [line.mail for line in told.lines("applicant")] == [None]
    assert Notice.__table__.columns.keys().count("email") == 0
