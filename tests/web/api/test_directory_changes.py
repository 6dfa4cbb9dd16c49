"""What administrators change of the directory, and what is decided locally, over the API."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select

from engine.directory.models import Organisation, Person
from tests.web.api.conftest import Program, Town
from tests.workbooks import workbook
from web.api.directory import WORKBOOK


def bring_in(program: Program, content: bytes, **query: str) -> tuple[int, dict[str, object]]:
    answer = program.post(
        "directory-imports",
        data=content,
        query_string=query,
        headers={"Content-Type": WORKBOOK},
    )
    return answer.status_code, answer.get_json()


def test_a_workbook_is_checked_and_brought_in(town: Town) -> None:
    program = town.program("administrator")
    content = workbook(
        党组织=[("b3", "第三党支部", "党支部", "committee", "否")],
        人员=[("R1", "孔明", "b3", None, "2015-07-01", None)],
        账号=[("R1", "kongming")],
    )
    status, seen = bring_in(program, content, mode="check")
    assert (status, seen["written"], seen["logins"]) == (200, False, [])
    assert not town.session.scalars(select(Person).where(Person.code == "R1")).all()
    status, done = bring_in(program, content)
    assert (status, done["written"]) == (200, True)
    assert done["sheets"] == [
        {"sheet": "党组织", "new": 1, "changed": 0, "unchanged": 0},
        {"sheet": "人员", "new": 1, "changed": 0, "unchanged": 0},
        {"sheet": "职务", "new": 0, "changed": 0, "unchanged": 0},
        {"sheet": "账号", "new": 1, "changed": 0, "unchanged": 0},
    ]
    [login] = done["logins"]  # type: ignore[misc]
    assert (login["name"], login["login"]) == ("孔明", "kongming")
    status, again = bring_in(program, content)
    assert {line["new"] for line in again["sheets"]} == {0}  # type: ignore[attr-defined]


def test_with_a_mistake_nothing_is_written_and_its_place_is_named(town: Town) -> None:
    program = town.program("administrator")
    wrong = workbook(
        党组织=[("b3", "第三党支部", "党支部", "committee", "否")],
        人员=[("R1", "孔明", "nowhere", None, None, None)],
    )
    status, told = bring_in(program, wrong)
    assert (status, told["code"]) == (422, "invalid_input")
    (place,) = told["fields"]  # type: ignore[misc]
    assert place.startswith("人员 第 2 行")
    assert not town.session.scalars(select(Organisation).where(Organisation.code == "b3")).all()
    assert bring_in(program, b"no workbook")[0] == 422
    assert program.post("directory-imports", {}).status_code == 415


def test_only_administrators_change_the_directory(town: Town) -> None:
    content = workbook(党组织=[("b3", "第三党支部", "党支部", "committee", "否")])
    for name in ("secretary", "superior", "auditor"):
        program = town.program(name)
        assert bring_in(program, content)[0] == 403
        body = {"day": "2026-11-01", "reason": "并入第一党支部"}
        path = f"organisations/{town.places['other']}/dissolve"
        assert program.post(path, body).status_code == 403


def test_an_organisation_ends(town: Town) -> None:
    program = town.program("administrator")
    body = {"day": "2026-11-01", "reason": "并入第一党支部"}
    assert program.post(f"organisations/{town.places['other']}/dissolve", body).status_code == 204
    found = town.session.get(Organisation, town.places["other"], populate_existing=True)
    assert found is not None and found.dissolved_on == date(2026, 11, 1)
    above = program.post(f"organisations/{town.places['county']}/dissolve", body)
    assert (above.status_code, list(above.get_json()["fields"])) == (422, ["dissolved_on"])
    assert program.post("organisations/999999/dissolve", body).status_code == 404


def test_a_parameter_is_set_once(town: Town) -> None:
    program = town.program("administrator")
    body = {
        "key": "half_or_more",
        "organisation_id": town.places["county"],
        "value": "exclusive",
        "since": "2026-11-01",
        "reason": "县委组织部通知",
    }
    lines = program.get("parameters", query_string={"organisation_id": body["organisation_id"]})
    declared = {line["key"]: line for line in lines.get_json()["items"]}
    body["value"] = next(v for v in declared["half_or_more"]["choices"] if v != "inclusive")
    assert program.command("parameters", body).status_code == 204
    lines = program.get("parameters", query_string={"organisation_id": body["organisation_id"]})
    now = {line["key"]: line for line in lines.get_json()["items"]}
    assert now["half_or_more"]["value"] == body["value"]
    assert program.command("parameters", {**body, "value": 7}).status_code == 422
    assert program.command("parameters", {**body, "key": "no_such"}).status_code == 404
    assert town.program("secretary").command("parameters", body).status_code == 403


def test_the_board_of_those_above(town: Town) -> None:
    town.start()
    path = f"organisations/{town.places['committee']}/board"
    board = town.program("superior").get(path, query_string={"year": "2026"}).get_json()
    assert (board["since"], board["until"]) == ("2026-01-01", "2026-12-31")
    assert (board["running"], board["late"], board["duties"]) == (1, 0, [])
    [branch] = board["organisations"]
    assert (branch["organisation_id"], branch["running"]) == (town.places["branch"], 1)
    [stage] = board["stages"]
    assert (stage["process"], stage["running"]) == ("member_admission", 1)
    assert town.program("secretary").get(path).status_code == 403
    wrong = town.program("superior").get(path, query_string={"part": "q7"})
    assert wrong.status_code == 422
