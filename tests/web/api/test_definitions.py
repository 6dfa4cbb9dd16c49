"""Procedures and deployments over the API."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

import pytest

from engine.database import unit_of_work
from engine.definitions.operations import deploy_package
from engine.definitions.package import load_folder, load_package
from engine.settings import ROOT
from tests.web.api.conftest import KEY, Program, Town, admission


def pack(files: Mapping[str, bytes], folder: str = "") -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(f"{folder}{name}", data)
    return content.getvalue()


def leave() -> dict[str, bytes]:
    return dict(load_folder(ROOT / "tests" / "packages" / "leave_request").files)


def deploy(program: Program, content: bytes):
    return program.post("deployments", data=content, content_type="application/zip")


def test_procedures_are_listed_with_who_may_start_them(town: Town) -> None:
    (found,) = town.program("applicant").get("process-definitions").get_json()["items"]
    assert (found["key"], found["may_start"], found["why_not"]) == (KEY, True, None)
    (found,) = town.program("auditor").get("process-definitions").get_json()["items"]
    assert not found["may_start"]
    assert found["why_not"]


def test_a_procedure_is_described(town: Town) -> None:
    body = town.program("member").get(f"process-definitions/{KEY}").get_json()
    assert body["sha256"] == admission().sha256
    assert [stage["number"] for stage in body["stages"]] == list("一二三四五")
    step = next(step for step in body["steps"] if step["element"] == "first_talk")
    assert (step["number"], step["lane"], step["stage"]) == ("02", "branch", "application")


def test_versions_diagram_and_forms_are_read(town: Town) -> None:
    member = town.program("member")
    (version,) = member.get(f"process-definitions/{KEY}/versions").get_json()["items"]
    assert version["active"]
    diagram = member.get(f"process-definitions/{KEY}/bpmn")
    assert diagram.content_type == "application/xml"
    assert diagram.data == admission().files[admission().bpmn]
    names = member.get(f"process-definitions/{KEY}/forms").get_json()["items"]
    assert "first_talk" in names
    form = member.get(f"process-definitions/{KEY}/forms/first_talk").get_json()
    assert form["id"] == "first_talk"
    assert form["fields"]


@pytest.mark.parametrize("path", ["", "/versions", "/bpmn", "/forms", "/forms/first_talk"])
def test_unknown_procedures_are_not_found(town: Town, path: str) -> None:
    member = town.program("member")
    assert member.get(f"process-definitions/no_such_thing{path}").status_code == 404
    assert member.get(f"process-definitions/{KEY}/forms/none").status_code == 404


def test_an_administrator_deploys_a_package(town: Town) -> None:
    administrator = town.program("administrator")
    response = deploy(administrator, pack(leave(), folder="leave_request/"))
    assert response.status_code == 201, response.text
    body = response.get_json()
    assert (body["key"], body["created"], body["activated"]) == ("leave_request", True, True)
    again = deploy(administrator, pack(leave())).get_json()
    assert (again["created"], again["activated"]) == (False, False)
    listed = administrator.get("deployments").get_json()["items"]
    assert [item["key"] for item in listed] == [KEY, "leave_request"]
    assert listed[1]["deployed_by"] == town.people["administrator"]
    page = administrator.get("deployments?limit=1").get_json()
    rest = administrator.get(f"deployments?cursor={page['next_cursor']}").get_json()
    assert [item["key"] for item in rest["items"]] == ["leave_request"]


def test_nobody_else_deploys(town: Town) -> None:
    for name in ("secretary", "auditor", "superior", "applicant"):
        program = town.program(name)
        assert program.get("deployments").status_code == 403
        assert deploy(program, pack(leave())).status_code == 403


def test_an_older_version_is_compared_and_made_active_again(town: Town) -> None:
    administrator = town.program("administrator")
    first = deploy(administrator, pack(leave())).get_json()["version_id"]
    second = deploy(administrator, pack({**leave(), "README.md": b"x\n"})).get_json()["version_id"]
    seen = administrator.get(f"deployments/{first}").get_json()
    assert (seen["active"], seen["against"], seen["running"]) == (False, second, 0)
    assert [(file["path"], file["change"]) for file in seen["files"]] == [("README.md", "changed")]
    chosen = f"deployments/{first}/activate"
    assert administrator.post(chosen, {"reason": ""}).status_code == 422
    stale = administrator.post(chosen, {"reason": "回退", "instead_of": first})
    assert (stale.status_code, stale.get_json()["code"]) == (409, "conflict")
    for changed in (True, False):
        answer = administrator.post(chosen, {"reason": "回退", "instead_of": second})
        assert answer.get_json() == {"version_id": first, "activated": changed}
    assert administrator.get(f"deployments/{first}").get_json()["active"]
    for name in ("secretary", "auditor", "superior", "applicant"):
        program = town.program(name)
        assert program.get(f"deployments/{first}").status_code == 403
        assert program.post(chosen, {"reason": "回退"}).status_code == 403
    assert administrator.post("deployments/999999/activate", {"reason": "试"}).status_code == 404
    assert administrator.get(f"deployments/{first}?against={first}").status_code == 404


def test_running_instances_are_moved_to_a_version(town: Town) -> None:
    administrator = town.program("administrator")
    town.start()
    first = administrator.get("deployments").get_json()["items"][0]["id"]
    files = {**admission().stored, "NOTES.md": b"x\n"}
    with unit_of_work() as unit:
        second = deploy_package(unit, load_package(files), town.clock).version_id
    address = f"deployments/{second}/migrate"
    for body in ({"dry_run": "yes"}, {"source": "1"}, {"reason": ""}, {"more": 1}):
        assert administrator.post(address, body).status_code == 422, body
    seen = administrator.post(address, {"dry_run": True}).get_json()
    (matter,) = seen["moving"]
    assert matter["number"] == "FZ-2026-0001" and matter["version_id"] == first
    expected = {"version_id": second, "staying": [], "left": 0}
    assert seen == {**expected, "dry_run": True, "moving": [matter]}
    for moving in ([matter], []):
        body = {"reason": "更正", "source": first}
        moved = administrator.post(address, body).get_json()
        assert moved == {**expected, "dry_run": False, "moving": moving}
    assert administrator.get(f"deployments/{second}").get_json()["running"] == 1
    assert administrator.post(address, {"reason": "更正", "source": second}).status_code == 404
    assert administrator.post("deployments/999999/migrate", {"reason": "试"}).status_code == 404
    for name in ("secretary", "auditor", "superior", "applicant"):
        program = town.program(name)
        for body in ({"dry_run": True}, {"reason": "试"}):
            assert program.post(address, body).status_code == 403


def test_a_package_that_would_misbehave_is_refused_with_the_reasons(town: Town) -> None:
    files = leave()
    files["process.toml"] = files["process.toml"].replace(b'form = "approve_leave"', b'form = "x"')
    response = deploy(town.program("administrator"), pack(files))
    assert (response.status_code, response.get_json()["code"]) == (422, "package_problem")
    problem = response.get_json()["problems"][0]
    assert problem["cure"]
    assert town.program("member").get("process-definitions/leave_request").status_code == 404


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no archive",
        pack({}),
        pack({"README.md": b"x"}),
        pack({"../process.toml": b"x"}),
        pack({"/process.toml": b"x"}),
        pack({"a\\process.toml": b"x"}),
        pack({"C:process.toml": b"x"}),
        pack({"process.toml": b"\xff\xfe"}),
        pack({"process.toml": b"x" * 5_000_001}),
        pack({f"{number}.txt": b"" for number in range(500)}),
        pack({"process.toml": b"x"})[:-30],
    ],
    ids=lambda content: f"{len(content)} bytes",
)
def test_bad_archives_are_refused(town: Town, content: bytes) -> None:
    response = deploy(town.program("administrator"), content)
    assert response.status_code == 422, response.text
    assert response.content_type == "application/problem+json"


def test_an_archive_is_a_zip_and_not_too_large(town: Town) -> None:
    administrator = town.program("administrator")
    wrong = administrator.post("deployments", data=pack(leave()), content_type="text/plain")
    assert wrong.status_code == 415
    assert deploy(administrator, b"x" * (20 * 1024 * 1024 + 1)).status_code == 413
