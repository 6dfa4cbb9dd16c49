"""Uploads as rows: who handed in what, given to a matter once, forgotten when never used."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from engine.attachments.models import Attachment, Blob
from engine.attachments.operations import (
    UNUSED_AFTER,
    add_attachment,
    bind_attachments,
    forget_unused,
)
from engine.attachments.store import FileRefused, Store
from engine.clock import FixedClock
from engine.directory.models import Person
from engine.errors import InvalidInput

PDF = b"%PDF-1.7\n%%EOF\n"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "attachments", max_bytes=100_000)


@pytest.fixture
def person(session: Session, clock: FixedClock) -> int:
    made = Person(name="李一", created_at=clock.now())
    session.add(made)
    session.commit()
    return made.id


def upload(clock: FixedClock, store: Store, person: int, data: bytes = PDF) -> Attachment:
    return add_attachment(
        clock,
        store,
        io.BytesIO(data),
        name="C:\\papers\\申请书.pdf",
        document="入党申请书",
        person_id=person,
    )


def test_an_upload_is_recorded_with_its_document_and_clean_name(
    session: Session, clock: FixedClock, store: Store, person: int
) -> None:
    made = upload(clock, store, person)
    assert (made.name, made.document) == ("申请书.pdf", "入党申请书")
    assert made.instance_id is None
    assert store.path(made.sha256).read_bytes() == PDF


def test_the_same_file_twice_is_two_rows_and_one_blob(
    session: Session, clock: FixedClock, store: Store, person: int
) -> None:
    first, second = upload(clock, store, person), upload(clock, store, person)
    assert first.id != second.id
    assert session.scalar(select(func.count()).select_from(Blob)) == 1


def test_a_refused_file_leaves_no_row(
    session: Session, clock: FixedClock, store: Store, person: int
) -> None:
    with pytest.raises(FileRefused):
        upload(clock, store, person, b"<html>")
    assert session.scalar(select(func.count()).select_from(Attachment)) == 0


def test_nobody_binds_the_file_of_another_person(
    session: Session, clock: FixedClock, store: Store, person: int
) -> None:
    made = upload(clock, store, person)
    with pytest.raises(InvalidInput):
        bind_attachments(session, {made.id: "入党申请书"}, instance_id=1, person_id=person + 1)


def test_files_of_matters_never_started_are_forgotten_in_time(
    session: Session, clock: FixedClock, store: Store, person: int
) -> None:
    old = upload(clock, store, person)
    clock.at += UNUSED_AFTER + timedelta(days=1)
    young = upload(clock, store, person, PDF + b"again")
    assert forget_unused(clock, store) == 1
    assert not store.path(old.sha256).exists()
    assert store.path(young.sha256).exists()
