"""REST: take the case file of a process instance away, and its papers."""

from __future__ import annotations

import io
import json
import zipfile

import docx
import pytest

from tests.web.api.conftest import Town


def test_a_program_takes_the_case_file_away_and_it_is_recorded(town: Town) -> None:
    instance, _ = town.start()
    secretary = town.program("secretary")
    response = secretary.get(f"process-instances/{instance}/case-file")
    assert response.status_code == 200
    assert response.mimetype == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(response.get_data()))
    assert "verify.py" in archive.namelist()
    listed = json.loads(archive.read("attachments.json"))
    assert [item["name"] for item in listed] == ["申请书.pdf"]
    entries = secretary.get(f"process-instances/{instance}/ledger").get_json()["items"]
    assert "exported" in {entry["kind"] for entry in entries}


@pytest.mark.parametrize(("who", "status"), [("applicant", 403), (None, 401)])
def test_others_get_a_problem(town: Town, who: str | None, status: int) -> None:
    instance, _ = town.start()
    response = town.program(who).get(f"process-instances/{instance}/case-file")
    assert response.status_code == status
    assert response.mimetype == "application/problem+json"


def test_papers_are_listed_and_filled(town: Town) -> None:
    instance, _ = town.start()
    secretary = town.program("secretary")
    items = secretary.get(f"process-instances/{instance}/papers").get_json()["items"]
    assert [(item["id"], item["draft"]) for item in items] == [("full_record", False)]
    response = secretary.get(f"process-instances/{instance}/papers/full_record")
    assert response.status_code == 200
    assert docx.Document(io.BytesIO(response.get_data())).tables
    missing = secretary.get(f"process-instances/{instance}/papers/notice")
    assert missing.status_code == 404
