"""Findings over REST: lists with filters and cursor, and what people say of one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from engine.clock import FixedClock
from engine.database import unit_of_work
from engine.directory.models import Account
from engine.directory.tokens import create_token
from tests.played import Played, play_admission
from tests.web.api.conftest import Program

NAMES = ("auditor", "commissioner", "superior_secretary", "applicant")


@dataclass
class Late:
    """A matter whose first talk came a day too late, and people's programs."""

    played: Played
    programs: dict[str, Program]

    @property
    def finding(self) -> int:
        return self.played.findings()["R-ADM-02"].id


@pytest.fixture
def late(app: Flask, session: Session, clock: FixedClock) -> Late:
    app.extensions["guicheng.clock"] = clock
    played = play_admission(
        session, clock, until="file_activist", days={"first_talk": date(2025, 2, 11)}
    )
    programs = {}
    for name in NAMES:
        with unit_of_work() as unit:
            account = Account(
                person_id=played.ids[name], login=name, password_hash="-", created_at=clock.now()
            )
            unit.add(account)
            unit.flush()
        token = create_token(clock, account.id, name="测试")
        programs[name] = Program(app.test_client(), token)
    return Late(played, programs)


def test_findings_are_listed_filtered_and_paged(late: Late) -> None:
    program = late.programs["auditor"]
    body = program.get("findings").get_json()
    found = next(item for item in body["items"] if item["rule"] == "R-ADM-02")
    assert found["articles"][0]["edition"] == "2014"
    assert (found["day"], found["outcome"], found["state"]) == ("2025-02-11", "not_met", "open")
    assert "超期 1 天" in found["sentence"]
    ids, cursor = [], None
    while True:
        query = {"limit": 1, **({"cursor": cursor} if cursor else {})}
        answer = program.get("findings", query_string=query).get_json()
        ids += [item["id"] for item in answer["items"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert ids == [item["id"] for item in body["items"]]
    for query, there in (
        ("rule=R-ADM-02", True),
        ("rule=R-ADM-03", False),
        ("regulation=admission_rules&edition=2014&article=第七条", True),
        ("severity=warning&rule=R-ADM-02", False),
        ("since=2025-02-12&rule=R-ADM-02", False),
        ("outcome=waived", False),
        (f"organisation_id={late.played.ids['branch']}", True),
    ):
        items = program.get(f"findings?{query}").get_json()["items"]
        assert (found["id"] in [item["id"] for item in items]) is there, query
    assert program.get("findings?severity=grave").status_code == 422
    assert program.get("findings?cursor=x").status_code == 422
    assert program.get("findings?organisation_id=999999").status_code == 404
    of_branch = late.programs["commissioner"]
    county = late.played.ids["county"]
    assert of_branch.get(f"findings?organisation_id={county}").status_code == 403


def test_findings_of_a_matter(late: Late) -> None:
    path = f"process-instances/{late.played.instance_id}/findings"
    items = late.programs["commissioner"].get(path).get_json()["items"]
    assert {"R-ADM-02"} <= {item["rule"] for item in items}
    assert {"not_met"} <= {item["outcome"] for item in items}
    assert late.programs["applicant"].get(path).status_code == 404
    assert late.programs["applicant"].get("findings").get_json()["items"] == []
    assert late.programs["applicant"].get(f"findings/{late.finding}").status_code == 404


def test_asked_explained_concluded_and_waived(late: Late) -> None:
    path = f"findings/{late.finding}"
    auditor, branch = late.programs["auditor"], late.programs["commissioner"]
    above, applicant = late.programs["superior_secretary"], late.programs["applicant"]
    assert auditor.get(path).get_json()["may"] == ["ask", "conclude"]
    key = uuid4()
    for _ in range(2):
        assert auditor.command(f"{path}/ask", {"text": "为什么？"}, key=key).status_code == 200
    assert branch.command(f"{path}/ask", {"text": "？"}).status_code == 403
    assert applicant.command(f"{path}/explain", {"text": "。"}).status_code == 404
    assert branch.command(f"{path}/explain", {"text": "出差。"}).status_code == 200
    assert branch.command(f"{path}/waive", {"text": "自行豁免"}).status_code == 403
    assert auditor.command(f"{path}/conclude", {"text": "属实。"}).status_code == 200
    refused = above.command(f"{path}/waive", {"text": "  "})
    assert refused.status_code == 422 and "text" in refused.get_json()["fields"]
    assert above.command(f"{path}/waive", {"text": "同意。"}).status_code == 200
    shown = above.get(path).get_json()
    assert shown["outcome"] == shown["state"] == "waived" and shown["may"] == []
    assert [note["kind"] for note in shown["notes"]] == [
        "asked",
        "explained",
        "concluded",
        "waived",
    ]
    assert above.command(f"{path}/waive", {"text": "再次"}).status_code == 409
