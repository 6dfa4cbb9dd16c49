"""Reading sensitive material is recorded, and the person concerned can see who did."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from engine.attachments.models import Attachment
from engine.attachments.operations import add_attachment
from engine.attachments.store import Store
from engine.database import db, unit_of_work
from engine.directory.models import Post
from engine.errors import InvalidInput, NotAllowed, NotFound
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind
from engine.runtime import queries, store
from engine.runtime.queries.readings import Reading
from tests.factories import LONG_AGO, Desk, Matter, UserTask, procedure

DOCUMENT = """
[[document]]
id = "review"
title = "材料"
step = "a"
field = "files"
sensitive = true
"""


@pytest.fixture
def matter(desk: Desk, tmp_path: Path) -> Matter:
    """A matter about the applicant, in which the deputy has handed in a review."""
    package = procedure(
        "reviews",
        [UserTask("a"), UserTask("b"), UserTask("c")],
        subject="person",
        steps={"b": "decision = true", "c": "decision = true"},
        lanes={"c": "superior"},
        more=DOCUMENT,
    )
    matter = desk.start(package, subject="applicant")
    upload = add_attachment(
        desk.clock,
        Store(tmp_path, max_bytes=1000),
        io.BytesIO(b"%PDF-1.7\n%%EOF\n"),
        name="审查.pdf",
        document="材料",
        person_id=desk.town.people["deputy"],
    )
    matter.complete("a", {"files": [upload.id]}, by="deputy")
    return matter


def read(desk: Desk, matter: Matter, by: str) -> None:
    number = db.session().scalar(select(Attachment.id).where(Attachment.instance_id == matter.id))
    assert number is not None
    queries.attachment(desk.actor(by), desk.clock, number)


def appoint(desk: Desk, name: str, post: str, *, at: str) -> None:
    with unit_of_work() as session:
        session.add(
            Post(
                person_id=desk.town.people[name],
                organisation_id=desk.town.organisations[at],
                kind=post,
                since=LONG_AGO,
            )
        )


def mine(desk: Desk, name: str) -> tuple[Reading, ...]:
    return queries.my_readings(db.session(), desk.actor(name))[0]


def test_the_person_concerned_sees_who_read_which_document_when_and_in_which_post(
    desk: Desk, matter: Matter
) -> None:
    assert mine(desk, "applicant") == ()
    read(desk, matter, "secretary")
    (reading,) = mine(desk, "applicant")
    assert (reading.person_name, reading.post) == ("secretary", "branch书记")
    assert reading.documents == ("材料",)
    assert (reading.kind, reading.at, reading.instance_id) == (
        EntryKind.READ,
        desk.clock.now(),
        matter.id,
    )
    assert reading.process_title == "reviews"
    own, _ = queries.matter_readings(db.session(), desk.actor("applicant"), desk.clock, matter.id)
    assert own == (reading,)


def test_who_handed_a_document_in_is_no_reader_of_it(desk: Desk, matter: Matter) -> None:
    read(desk, matter, "deputy")
    assert mine(desk, "applicant") == ()


def test_nobody_sees_the_readers_of_another_person_s_file(desk: Desk, matter: Matter) -> None:
    read(desk, matter, "secretary")
    assert mine(desk, "second_applicant") == mine(desk, "secretary") == ()
    appoint(desk, "member", "committee_member", at="branch")  # sees the matter, not its readers
    for name, error in (("second_applicant", NotFound), ("member", NotAllowed)):
        with pytest.raises(error):
            queries.matter_readings(db.session(), desk.actor(name), desk.clock, matter.id)


def test_an_auditor_sees_the_readers_and_is_one(desk: Desk, matter: Matter) -> None:
    appoint(desk, "member", "auditor", at="committee")
    read(desk, matter, "member")
    seen, _ = queries.matter_readings(db.session(), desk.actor("member"), desk.clock, matter.id)
    assert [(r.person_name, r.post) for r in seen] == [("member", "committee督查员")]


def test_a_case_file_taken_away_is_a_reading_of_what_it_holds(desk: Desk, matter: Matter) -> None:
    with unit_of_work() as session:
        number = session.scalar(select(Attachment.id).where(Attachment.instance_id == matter.id))
        locked = store.lock_instance(session, matter.id)
        assert locked is not None
        event = Event(
            EntryKind.EXPORTED,
            actor_id=desk.town.people["superior"],
            occurred_on=desk.clock.today(),
            payload={"manifest": "0" * 64, "files": 1, "sensitive": [number], "withheld": []},
        )
        store.write_entry(session, locked, event, desk.clock.now())
    (reading,) = mine(desk, "applicant")
    assert (reading.kind, reading.documents) == (EntryKind.EXPORTED, ("材料",))


def test_pages_of_readings_follow_one_another(desk: Desk, matter: Matter) -> None:
    for _ in range(5):
        read(desk, matter, "secretary")
        desk.clock.set(desk.clock.now() + timedelta(minutes=1))
    read(desk, matter, "superior")
    actor, cursor = desk.actor("applicant"), None
    seen: list[Reading] = []
    for _ in range(3):
        page, cursor = queries.my_readings(db.session(), actor, cursor=cursor, limit=2)
        seen += page
    assert cursor is None
    assert [r.person_name for r in seen] == ["superior"] + ["secretary"] * 5
    assert [r.at for r in seen] == sorted((r.at for r in seen), reverse=True)


@pytest.mark.parametrize("cursor", ["x", "1~2", "2026-01-01~1~1", "2026-01-01T00:00:00Z~1~x"])
def test_a_cursor_that_we_did_not_give_is_refused(desk: Desk, cursor: str) -> None:
    with pytest.raises(InvalidInput):
        queries.my_readings(db.session(), desk.actor("applicant"), cursor=cursor)
