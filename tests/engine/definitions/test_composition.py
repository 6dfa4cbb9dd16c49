"""Packages made of parts: what is taken over, what wins, and which compositions are refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from engine.clock import FixedClock
from engine.definitions.operations import deploy_package
from engine.definitions.package import (
    Package,
    is_component,
    load_folder,
    load_package,
    read_folder,
)
from engine.definitions.versions import build_definition
from engine.documents.svg import CLOSED, read_layouts
from engine.errors import PackageProblem, Problem
from engine.lint import lint_folder, lint_package
from tests.package_builder import diagram, swap

MAIN = """
key = "tiny_meeting"
title = "小会"
title_en = "Tiny meeting"
prefix = "XH"
version = "1"
bpmn = "tiny_meeting.bpmn"
subject = "organisation"
uses = ["sitting"]

[start]
lanes = ["branch"]

[constants]
body = "committee"

[[step]]
element = "sign"
title = "审签"

[[effect]]
after = "end"
outcome = "held"
outcome_title = "已召开"
"""
COMPONENT = """
key = "sitting"
title = "开会"
component = true
bpmn = "sitting.bpmn"

[constants]
body = "members"
least = 2

[lanes.branch]
title = "党支部"
who = "posts"
posts = ["secretary"]
at = "organisation"

[[step]]
element = "sit"
title = "开会"
action = "登记会议"
form = "sit"

[[step]]
element = "sign"
title = "签名"
action = "签名"
form = "sign"
"""
CALL = """
<process id="tiny_meeting" name="小会" isExecutable="true">
  <startEvent id="start" name="开始"/>
  <callActivity id="hold" name="开会" calledElement="sitting"/>
  <endEvent id="end" name="完"/>
  <sequenceFlow id="flow_start_hold" sourceRef="start" targetRef="hold"/>
  <sequenceFlow id="flow_hold_end" sourceRef="hold" targetRef="end"/>
</process>"""
CALLED = """
<process id="sitting" name="开会" isExecutable="false">
  <laneSet id="sitting_lanes"><lane id="sitting_branch" name="党支部">
    <flowNodeRef>sit</flowNodeRef><flowNodeRef>sign</flowNodeRef></lane></laneSet>
  <startEvent id="sitting_start" name="开始"/>
  <userTask id="sit" name="开会"/>
  <exclusiveGateway id="enough" name="人数够吗" default="flow_enough_sitting_end"/>
  <userTask id="sign" name="签名"/>
  <endEvent id="sitting_end" name="散会"/>
  <sequenceFlow id="flow_sitting_start_sit" sourceRef="sitting_start" targetRef="sit"/>
  <sequenceFlow id="flow_sit_enough" sourceRef="sit" targetRef="enough"/>
  <sequenceFlow id="flow_enough_sign" sourceRef="enough" targetRef="sign">
    <conditionExpression>people != None and people >= least</conditionExpression></sequenceFlow>
  <sequenceFlow id="flow_enough_sitting_end" sourceRef="enough" targetRef="sitting_end"/>
  <sequenceFlow id="flow_sign_sitting_end" sourceRef="sign" targetRef="sitting_end"/>
</process>"""


def form(key: str, *components: Mapping[str, object]) -> bytes:
    """Return a form of the components."""
    return json.dumps(
        {"schemaVersion": 18, "type": "default", "id": key, "components": components}
    ).encode()


PEOPLE = {
    "type": "number", "id": "f1", "key": "people", "label": "人数", "validate": {"required": True},
}  # fmt: skip
NAME = {"type": "textfield", "id": "f2", "key": "signed_by", "label": "签名"}
OTHER = {
    "type": "textfield", "id": "f3", "key": "signed_for", "label": "代签",
    "conditional": {"hide": "=body == 'members'"},
}  # fmt: skip


def parts() -> dict[str, bytes]:
    """Return a package that uses a component, without a fault."""
    return {
        "process.toml": MAIN.encode(),
        "tiny_meeting.bpmn": diagram(CALL),
        "uses/sitting/process.toml": COMPONENT.encode(),
        "uses/sitting/sitting.bpmn": diagram(CALLED),
        "uses/sitting/forms/sit.form": form("sit", PEOPLE),
        "uses/sitting/forms/sign.form": form("sign", NAME),
    }


def refused(files: dict[str, bytes]) -> list[Problem]:
    """Return why the files make no package."""
    with pytest.raises(PackageProblem) as caught:
        load_package(files)
    return list(caught.value.problems)


def changed(path: str, old: str, new: str) -> dict[str, bytes]:
    """Return the files with one change."""
    files = parts()
    return files | {path: swap(files[path].decode(), old, new).encode()}


def test_a_package_has_what_its_component_has() -> None:
    package = load_package(parts())
    assert list(package.steps) == ["sit", "sign"]
    assert package.lanes["branch"].posts == ("secretary",)
    assert package.files["forms/sit.form"] == parts()["uses/sitting/forms/sit.form"]
    definition = build_definition(package)
    assert definition.lanes["sit"].id == "branch"
    assert definition.spec.elements["sit"].parent == "hold"


def test_own_words_win_and_the_rest_is_kept() -> None:
    package = load_package(parts())
    assert package.steps["sign"].title == "审签"
    assert (package.steps["sign"].action, package.steps["sign"].form) == ("签名", "sign")
    assert dict(package.constants) == {"body": "committee", "least": 2}
    own = load_package({**parts(), "forms/sign.form": form("sign", NAME, OTHER)})
    assert own.files["forms/sign.form"] != package.files["forms/sign.form"]
    assert own.own_file("forms/sign.form") and not own.own_file("forms/sit.form")


def test_a_version_holds_the_files_of_its_components_and_reads_the_same_again() -> None:
    package = load_package(parts())
    assert dict(package.stored) == parts()
    again = load_package(package.stored)
    assert again.sha256 == package.sha256 and again.steps == package.steps
    other = changed("uses/sitting/process.toml", "least = 2", "least = 3")
    assert load_package(other).sha256 != package.sha256


def test_the_component_is_drawn_as_a_plane_of_its_own() -> None:
    package = load_package(parts())
    planes = read_layouts(package.files[package.bpmn])
    assert [shape.id for shape in planes["tiny_meeting"].shapes if shape.kind == CLOSED] == ["hold"]
    assert {"sit", "sign", "enough"} <= {shape.id for shape in planes["hold"].shapes}
    # What was written is untouched: the call is still a call there.
    assert b"callActivity" in package.stored["tiny_meeting.bpmn"]


def test_the_composed_package_passes_the_linter() -> None:
    files = {**parts(), "forms/sign.form": form("sign", NAME, OTHER)}
    assert [p for p in lint_package(load_package(files)) if p.code != "scenarios-missing"] == []


def test_a_problem_names_the_file_in_which_it_is_to_be_mended() -> None:
    def said(files: dict[str, bytes], code: str) -> Problem:
        return next(p for p in lint_package(load_package(files)) if p.code == code)

    files = changed("uses/sitting/sitting.bpmn", "people >= least", "people >= more")
    problem = said(files, "name-unknown")
    assert problem.file == "uses/sitting/sitting.bpmn" and problem.element == "flow_enough_sign"
    where = files["uses/sitting/sitting.bpmn"].decode().splitlines()[(problem.line or 1) - 1]
    assert 'id="flow_enough_sign"' in where

    files = changed("uses/sitting/process.toml", 'form = "sit"', 'form = "none"')
    problem = said(files, "form-missing")
    assert problem.file == "uses/sitting/process.toml"
    lines = files["uses/sitting/process.toml"].decode().splitlines()
    assert lines[(problem.line or 1) - 1] == "[[step]]"

    files = changed("tiny_meeting.bpmn", 'id="hold" name="开会"', 'id="hold" name=""')
    assert said(files, "name-missing").file == "tiny_meeting.bpmn"

    files = parts() | {"uses/sitting/forms/sign.form": b"{"}
    assert any(p.file == "uses/sitting/forms/sign.form" for p in lint_package(load_package(files)))


def test_a_constant_may_not_hide_a_field() -> None:
    files = changed("process.toml", 'body = "committee"', 'signed_by = "x"')
    assert "constant-clash" in {p.code for p in lint_package(load_package(files))}


def test_a_component_that_is_not_there_is_named() -> None:
    files = {path: data for path, data in parts().items() if not path.startswith("uses/")}
    (problem,) = refused(files)
    assert (problem.code, problem.file) == ("component-missing", "process.toml")
    assert problem.line == MAIN.splitlines().index('uses = ["sitting"]') + 1
    (problem,) = refused(changed("process.toml", '["sitting"]', '["../sitting"]'))
    assert problem.code == "component-missing"


def test_a_procedure_of_its_own_is_no_component() -> None:
    (problem,) = refused(changed("uses/sitting/process.toml", "component = true", ""))
    assert problem.code == "not-a-component"


def test_components_may_build_on_one_another_but_not_in_a_circle() -> None:
    files = changed(
        "uses/sitting/process.toml", "component = true", 'component = true\nuses = ["sitting"]'
    )
    assert [p.code for p in refused(files)] == ["component-cycle"]
    files = changed(
        "uses/sitting/process.toml", "component = true", 'component = true\nuses = ["tiny_meeting"]'
    )
    assert [p.code for p in refused(files)] == ["component-cycle"]


def test_ids_that_clash_are_refused_and_both_files_named() -> None:
    files = parts()
    files["uses/sitting/sitting.bpmn"] = diagram(CALLED.replace("sitting_end", "end"))
    problem = refused(files)[0]
    assert (problem.code, problem.element) == ("component-clash", "end")
    assert problem.file == "uses/sitting/sitting.bpmn" and "tiny_meeting.bpmn" in problem.message


def test_two_components_may_not_both_define_a_step() -> None:
    files = changed("process.toml", '["sitting"]', '["sitting", "other"]')
    files["uses/other/process.toml"] = COMPONENT.replace('"sitting', '"other').encode()
    files["uses/other/other.bpmn"] = diagram(CALLED.replace('"sitting"', '"other"'))
    assert {p.code for p in refused(files)} >= {"component-clash"}


def test_a_component_is_called_exactly_once() -> None:
    twice = CALL.replace(
        '<endEvent id="end"', '<callActivity id="more" name="再开" calledElement="sitting"/>'
        '<endEvent id="end"',
    )  # fmt: skip
    codes = [p.code for p in refused(parts() | {"tiny_meeting.bpmn": diagram(twice)})]
    assert codes == ["component-called-twice"]
    never = CALL.replace(' calledElement="sitting"', "").replace("callActivity", "userTask")
    codes = [p.code for p in refused(parts() | {"tiny_meeting.bpmn": diagram(never)})]
    assert codes == ["component-not-called"]


def alone() -> Package:
    """Return the component by itself."""
    own = {p.removeprefix("uses/sitting/"): d for p, d in parts().items() if p.startswith("uses/")}
    return load_package(own)


def test_a_component_can_be_checked_alone_but_not_deployed(
    session: Session, clock: FixedClock
) -> None:
    package = alone()
    assert lint_package(package) == []
    with pytest.raises(PackageProblem) as caught:
        deploy_package(session, package, clock)
    assert [p.code for p in caught.value.problems] == ["component-alone"]


def test_a_folder_is_read_with_the_components_beside_it(tmp_path: Path) -> None:
    for path, data in parts().items():
        place = tmp_path / (
            path.removeprefix("uses/") if path.startswith("uses/") else "tiny_meeting/" + path
        )
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    assert read_folder(tmp_path / "tiny_meeting") == parts()
    assert load_folder(tmp_path / "tiny_meeting").constants["least"] == 2
    assert is_component(tmp_path / "sitting") and not is_component(tmp_path / "tiny_meeting")
    assert not is_component(tmp_path)
    assert lint_folder(tmp_path / "sitting") == []


ADAPTED = """
[lanes.staff]
title = "工作人员"
who = "posts"
posts = ["secretary"]
at = "organisation"

[adapts.sitting]
leaves_out = ["sign"]
rename = { sit = "gather", enough = "is_enough" }
lanes = { branch = "staff" }
"""
OWN_STEP = """
[[step]]
element = "gather"
number = "01"
title = "集合"
"""
MAIN_ADAPTED = MAIN.replace("""
[[step]]
element = "sign"
title = "审签"
""", ADAPTED + OWN_STEP).replace('lanes = ["branch"]', 'lanes = ["staff"]')  # fmt: skip


def adapted(old: str = "", new: str = "") -> dict[str, bytes]:
    """Return a package that takes its component in its own way, with one change."""
    text = swap(MAIN_ADAPTED, old, new) if old else MAIN_ADAPTED
    return parts() | {"process.toml": text.encode()}


def test_a_component_is_taken_under_other_names_without_a_step_and_with_own_lanes() -> None:
    package = load_package(adapted())
    (step,) = package.steps.values()
    assert (step.element, step.number, step.title) == ("gather", "01", "集合")
    assert (step.action, step.form) == ("登记会议", "gather")
    assert set(package.lanes) == {"staff"}
    definition = build_definition(package)
    assert definition.lanes["gather"].id == "staff"
    spec = definition.spec.elements
    assert "sit" not in spec and "sign" not in spec and spec["is_enough"].parent == "hold"
    assert b'name="01 \xe9\x9b\x86\xe5\x90\x88"' in package.files[package.bpmn]
    assert "forms/sign.form" not in package.files
    # Both ways behind the gateway now lead to the end.
    assert package.files[package.bpmn].count(b'targetRef="sitting_end"') == 2


def test_what_is_stored_of_an_adapted_component_is_as_it_was_written() -> None:
    package = load_package(adapted())
    assert dict(package.stored) == adapted()
    assert load_package(package.stored).steps == package.steps


def test_the_adapted_package_passes_the_linter_and_its_mistakes_are_found_in_the_files() -> None:
    problems = lint_package(load_package(adapted()))
    assert {p.code for p in problems} == {"basis-missing"}  # a key step names its article
    files = adapted() | {"uses/sitting/forms/sit.form": b"{"}
    found = [p for p in lint_package(load_package(files)) if p.file.startswith("uses/")]
    assert {p.file for p in found} == {"uses/sitting/forms/sit.form"}
    bad = swap(CALLED, "people >= least", "people >= more")
    files = adapted() | {"uses/sitting/sitting.bpmn": diagram(bad)}
    problem = next(p for p in lint_package(load_package(files)) if p.code == "name-unknown")
    lines = files["uses/sitting/sitting.bpmn"].decode().splitlines()
    assert 'id="flow_enough_sign"' in lines[(problem.line or 1) - 1]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('leaves_out = ["sign"]', 'leaves_out = ["sigh"]', "adapts-unknown"),
        ('leaves_out = ["sign"]', 'leaves_out = ["enough"]', "adapts-unknown"),
        ('sit = "gather"', 'sat = "gather"', "adapts-unknown"),
        ('sit = "gather"', 'sit = "sitting_end"', "adapts-name"),
        ('sit = "gather"', 'sit = "is_enough"', "adapts-name"),
        ('sit = "gather"', 'sit = "Gather"', "adapts-name"),
        ('branch = "staff"', 'branch = "nobody"', "adapts-unknown"),
        ('branch = "staff"', 'brunch = "staff"', "adapts-unknown"),
        ("lanes = { branch", "timers = { enough = 'on[1]' }\nlanes = { branch", "adapts-unknown"),
        ("[adapts.sitting]", "[adapts.standing]", "component-missing"),
        ("leaves_out =", "leave_out =", "unknown-key"),
    ],
)
def test_an_adaptation_that_does_not_fit_is_refused(old: str, new: str, code: str) -> None:
    found = refused(adapted(old, new))
    assert code in {p.code for p in found}
    assert all(p.line for p in found if p.code.startswith("adapts-"))


def test_a_step_that_is_also_a_field_keeps_its_name() -> None:
    field = {"type": "number", "id": "f9", "key": "sit", "label": "坐下几人"}
    files = adapted() | {"uses/sitting/forms/sit.form": form("sit", PEOPLE, field)}
    assert [p.code for p in refused(files)] == ["adapts-name"]


def test_rules_and_parameters_of_a_component_can_be_left_out_one_by_one() -> None:
    rules = """
[[parameter]]
key = "minutes"
title = "几分钟"
type = "count"
default = 3
level = "county"
source = "[A]"

[[parameter]]
key = "hours"
title = "几小时"
type = "count"
default = 3
level = "county"
source = "[A]"

[[rule]]
id = "R-XX-01"
step = ["sit", "sign"]

[[rule.check]]
at = "sit"

[[rule]]
id = "R-XX-02"
step = "sit"
that = "data['sit']['people'] > 1 and 'sit' in on"
"""
    files = adapted('["sign"]', '["sign", "R-XX-01", "minutes"]')
    files["uses/sitting/rules.toml"] = rules.encode()
    ((_, read, _),) = load_package(files).rule_files()
    text = read.decode()
    assert "R-XX-01" not in text and "rule.check" not in text and "minutes" not in text
    assert "data['gather']['people'] > 1 and 'gather' in on" in text and "hours" in text
    assert len(text.splitlines()) == len(rules.splitlines())  # lines stay where they were
