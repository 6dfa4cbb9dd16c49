"""What an organisation owes, for programs."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select
from werkzeug.test import TestResponse

from engine.database import db
from engine.directory.models import Account
from engine.directory.tokens import create_token
from tests.web.board.conftest import County


def ask(county: County, login: str, path: str) -> TestResponse:
    account = db.session().scalars(select(Account.id).where(Account.login == login)).one()
    token = create_token(county.clock, account, name="测试")
    headers = {"Authorization": f"Bearer {token}"}
    return county.app.test_client().get(f"/api/v1{path}", headers=headers)


def test_a_program_reads_the_year(county: County) -> None:
    branch = county.places["branch"]
    answer = ask(county, "secretary", f"/organisations/{branch}/duties?year=2027")
    assert answer.status_code == 200
    items: list[dict[str, Any]] = answer.get_json()["items"]
    states = {i["since"]: i["state"] for i in items if i["key"] == "monthly.meet"}
    assert states == {
        "2027-01-01": "made_up",
        "2027-02-01": "late",
        "2027-03-01": "done",
        "2027-04-01": "planned",
    }
    (january,) = [i for i in items if (i["since"], i["key"]) == ("2027-01-01", "monthly.meet")]
    assert january["done_on"] == date(2027, 3, 4).isoformat()
    assert january["held"][0]["day"] == "2027-03-04"
    assert january["finding_id"] is not None


def test_only_those_who_may_see_it(county: County) -> None:
    branch = county.places["branch"]
    assert ask(county, "other_secretary", f"/organisations/{branch}/duties").status_code == 403
    assert ask(county, "head", "/organisations/999999/duties").status_code == 404
    assert ask(county, "head", f"/organisations/{branch}/duties?year=99").status_code == 422
    assert ask(county, "head", f"/organisations/{branch}/duties").status_code == 200
