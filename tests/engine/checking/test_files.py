"""Files that people write: other forms of the same matter, slips, and what a stranger may send."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from openpyxl import Workbook, load_workbook

from engine.cli import main
from tests.matter_files import FOLDER, load

Fill = Callable[..., Path]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["check", *map(str, arguments)])


def write(path: Path, matter: dict[str, Any]) -> Path:
    path.write_text(json.dumps(matter, ensure_ascii=False, default=date.isoformat), "utf-8")
    return path


@pytest.fixture
def matter() -> Any:
    return json.loads(json.dumps(load(FOLDER / "lawful_2026.toml")[0], default=date.isoformat))


# --- the same matter in every form --------------------------------------------------------------


def test_a_toml_file_is_read_as_it_is() -> None:
    ran = run(FOLDER / "lawful_2014.toml")
    assert ran.exit_code == 0, ran.output
    assert "没有发现不符合的规则。" in ran.stdout
    assert "办理顺序与流程一致。" in ran.stdout


def test_what_is_broken_stands_in_a_table(tmp_path: Path) -> None:
    path = write(tmp_path / "m.json", load(FOLDER / "r02_late_talk_2026.toml")[0])
    ran = run(path)
    assert ran.exit_code == 1
    line = next(line for line in ran.stdout.splitlines() if "R-ADM-02" in line)
    assert "02 党组织派人谈话" in line
    assert "2026 第七条" in line


def fill(book: Workbook, matter: dict[str, Any]) -> None:
    """Enter a matter into the sheets as a person would."""
    page = book["事项"]
    for row in page.iter_rows(min_row=2, max_col=2):
        words = {"流程": "procedure", "名称": "title", "党组织": "organisation", "本人": "subject"}
        row[1].value = matter.get(words.get(row[0].value, ""))
    for one in matter["organisations"]:
        approves = "是" if one["approves"] else "否"
        book["党组织"].append([one["name"], one["kind"], approves, one.get("parent")])
    for one in matter["people"]:
        status = one["status"]
        rows = status if isinstance(status, list) else [{"status": status, "since": None}]
        for row in rows:
            since = date.fromisoformat(row["since"]) if row["since"] else None
            book["人员"].append([one["name"], row["status"], since])
        for post in one.get("posts", ()):
            book["职务"].append([one["name"], post["post"], post["at"]])
    for number, step in enumerate(matter["steps"], 1):
        book["环节"].append([number, step["step"], step["on"], None, step.get("by")])
        for status, since in step.get("status", {}).items():
            book["内容"].append([number, f"身份.{status}", since])
        for key, names in step.get("roll", {}).items():
            book["内容"].append([number, f"名册.{key}", "、".join(names)])
        for key, value in step.get("data", {}).items():
            for inner, entered in value.items() if isinstance(value, dict) else [(None, value)]:
                item = f"{key}.{inner}" if inner else key
                text = "、".join(entered) if isinstance(entered, list) else entered
                text = ("是" if text else "否") if isinstance(text, bool) else text
                book["内容"].append([number, item, text])
    for year in matter["holidays"]:
        for one in year["holiday"]:
            days = [date.fromisoformat(one[key]) for key in ("from", "to")]
            book["放假"].append([year["year"], one["name"], *days])


@pytest.fixture
def filled(tmp_path: Path) -> Fill:
    def make(matter: dict[str, Any], change: Callable[[Workbook], object] = lambda b: None) -> Path:
        path = tmp_path / "matter.xlsx"
        made = run("--template", path)
        assert made.exit_code == 0, made.output
        book = load_workbook(path)
        fill(book, matter)
        change(book)
        book.save(path)
        return path

    return make


def test_a_workbook_says_the_same_as_the_text(filled: Fill, matter: dict[str, Any]) -> None:
    ran = run(filled(matter), "--json")
    assert ran.exit_code == 0, ran.output
    said = json.loads(ran.stdout)
    assert (said["findings"], said["deviations"], said["outcome"]) == ([], [], "admitted")
    assert said["met"] > 90


def test_a_workbook_with_a_breach(filled: Fill, matter: dict[str, Any]) -> None:
    matter["steps"][1]["on"] = "2026年7月2日"
    ran = run(filled(matter), "--json")
    assert ran.exit_code == 1, ran.output
    assert [f["rule"] for f in json.loads(ran.stdout)["findings"]] == ["R-ADM-02"]


def test_the_template_names_every_step_and_field(tmp_path: Path) -> None:
    run("--template", tmp_path / "t.xlsx")
    page = load_workbook(tmp_path / "t.xlsx")["字段"]
    rows = [[cell.value for cell in row] for row in page.iter_rows(min_row=2)]
    assert {"submit_application", "hold_final_meeting"} <= {row[2] for row in rows}
    assert ["03", "推荐和确定入党积极分子"] in [row[:2] for row in rows]


# --- slips --------------------------------------------------------------------------------------


def slip(path: Path) -> str:
    ran = run(path)
    assert ran.exit_code == 2, ran.output
    return ran.stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: m.update(procedure="member_admision"), "这个流程，是否想写“member_admission”"),
        (lambda m: m.update(subjct="x"), "没有“subjct”这一项，是否想写“subject”"),
        (lambda m: m.update(organisation="第三党支部"), "organisation"),
        (lambda m: m["steps"][0].update(on="2026-02-30"), "“2026-02-30”不是日期"),
        (lambda m: m["steps"][0].update(step="99"), "流程没有“99”这个环节"),
        (lambda m: m["steps"][0].update(step="23"), "hold_conversion_meeting、hold_final_meeting"),
        (lambda m: m["steps"][0].update(by="没有的人"), "人员中没有“没有的人”"),
        (lambda m: m["steps"][1].update(recorded_on="2026-01-01"), "登记日期早于发生日期"),
        (lambda m: m["steps"][2]["data"].update(activist_decision="maybe"), "可填：agree"),
        (lambda m: m["steps"][2]["data"].update(activist_decison="x"), "想写“activist_decision”"),
        (lambda m: m["steps"][2]["data"].update(committee_attendance={}), "应到会"),
        (lambda m: m.update(parameters={"notice_days": 3}), "超出了允许的范围"),
        (lambda m: m.update(steps=[]), "一个环节也没有"),
        (lambda m: m["people"].append({"name": "李书记"}), "出现了两次"),
        (lambda m: m.update(holidays=[{"year": 2027}]), "没有任何节日"),
    ],
)  # fmt: skip
def test_slips_are_named_with_their_place(
    change: Callable[[dict[str, Any]], object], said: str, matter: dict[str, Any], tmp_path: Path
) -> None:
    change(matter)
    assert said in slip(write(tmp_path / "m.json", matter))


def test_the_line_of_a_step_is_told(matter: dict[str, Any], tmp_path: Path) -> None:
    matter["steps"][2]["step"] = "nothing"
    path = tmp_path / "m.json"
    path.write_text(json.dumps(matter, ensure_ascii=False, indent=1), "utf-8")
    lines = path.read_text("utf-8").splitlines()
    before = next(n for n, line in enumerate(lines, 1) if '"nothing"' in line)
    assert f"第 {before - 1} 行，steps[2].step" in slip(path)


def test_the_line_of_a_toml_value_is_told(tmp_path: Path) -> None:
    path = tmp_path / "m.toml"
    text = (FOLDER / "lawful_2026.toml").read_text("utf-8")
    path.write_text(text.replace('step = "first_talk"', 'step = "first_talks"'), "utf-8")
    line = next(
        n for n, row in enumerate(path.read_text("utf-8").splitlines(), 1) if "talks" in row
    )
    assert f"第 {line} 行，steps[1].step" in slip(path)


def test_the_cell_is_told(filled: Fill, matter: dict[str, Any]) -> None:
    matter["steps"][1]["by"] = "没有的人"
    assert "表“环节”E3：人员中没有“没有的人”" in slip(filled(matter))


def test_an_unknown_sheet_and_column_are_told(filled: Fill, matter: dict[str, Any]) -> None:
    def change(book: Workbook) -> None:
        book.create_sheet("环结")
        book["人员"]["D1"] = "生日"

    said = slip(filled(matter, change))
    assert "没有这个表，是否想写“环节”" in said
    assert "没有“生日”这一列" in said


# --- what a stranger may send -------------------------------------------------------------------


def test_a_formula_is_refused(filled: Fill, matter: dict[str, Any]) -> None:
    def change(book: Workbook) -> None:
        book["环节"]["C2"] = '=HYPERLINK("http://example.org")'

    assert "表“环节”C2：单元格是公式" in slip(filled(matter, change))


def test_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.xlsx"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part,
    ):
        for _ in range(200):
            part.write(b"0" * 1024 * 1024)
    assert path.stat().st_size < 1024 * 1024
    assert "解压后过大" in slip(path)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("m.json", b"{", "第 1 行第 2 列"),
        ("m.json", b"[1]", "最外层"),
        ("m.json", b"\xff\xfe", "UTF-8"),
        ("m.json", b'{"steps": NaN}', "不能读取的数字"),
        ("m.json", b"[" * 100_000, "嵌套过深"),
        ("m.json", b'{"a":' * 20 + b"1" + b"}" * 20, "嵌套超过"),
        ("m.json", b" " * (2 * 1024 * 1024 + 1), "超过 2 MB"),
        ("m.json", b'{"steps": [{"on": 1, "on": 2}]}', "“on”出现了两次"),
        ("m.json", b'{"title": "\\ud800"}', "不成字的字符"),
        ("m.toml", b"a = [", "TOML"),
        ("m.xlsx", b"PK nothing", "不是可以读取的 Excel"),
        ("m.docx", b"", "只能检查"),
    ],
)
def test_broken_files_are_refused(name: str, content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert said in slip(path)


@pytest.mark.parametrize("wrong", [[], ["x"], {"a": 1}, True, 10**30, "没有"])
@pytest.mark.parametrize(
    "put",
    [
        lambda m, x: m["organisations"][0].update(parent=x),
        lambda m, x: m["steps"][0].update(at=x),
        lambda m, x: m["steps"][0].update(by=x),
        lambda m, x: m.update(outcome=x),
        lambda m, x: step_of(m, "hold_admission_meeting")["admission_vote"].update(outcome=x),
    ],
)
def test_a_value_of_another_kind_is_named(
    put: Callable[[dict[str, Any], object], None],
    wrong: object,
    matter: dict[str, Any],
    tmp_path: Path,
) -> None:
    put(matter, wrong)
    ran = run(write(tmp_path / "m.json", matter))
    assert isinstance(ran.exception, SystemExit | None), ran.exception
    assert ran.exit_code == 2 or matter["outcome"] in (wrong, str(wrong))


@pytest.mark.parametrize(("late", "code"), [(0, 0), (1, 1), ("one", 2), (-1, 2)])
def test_opinions_that_came_late_are_a_number(
    late: object, code: int, matter: dict[str, Any], tmp_path: Path
) -> None:
    step_of(matter, "hold_admission_meeting")["admission_vote"]["written"] = {"late": late}
    ran = run(write(tmp_path / "m.json", matter))
    assert ran.exit_code == code, ran.output


def step_of(matter: dict[str, Any], element: str) -> dict[str, Any]:
    return next(one["data"] for one in matter["steps"] if one["step"] == element)


def test_a_component_is_no_procedure(matter: dict[str, Any], tmp_path: Path) -> None:
    matter["procedure"] = "meeting"
    said = slip(write(tmp_path / "m.json", matter))
    assert "没有“meeting”这个流程" in said
    assert "、meeting" not in said


def test_a_file_does_not_command_the_terminal(matter: dict[str, Any], tmp_path: Path) -> None:
    matter["title"] = "周某\x1b[2J\u202e"
    ran = run(write(tmp_path / "m.json", matter))
    assert ran.exit_code == 0, ran.output
    assert "周某\\x1b[2J\\u202e" in ran.stdout
    assert not {"\x1b", "\u202e"} & set(ran.stdout)
    matter["steps"][0]["step"] = "\x1b[2J"
    assert "\x1b" not in slip(write(tmp_path / "m.json", matter))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "无法打开" in slip(tmp_path / "nothing.json")


def test_the_schema_accepts_our_own_files(matter: dict[str, Any]) -> None:
    schema = json.loads(run("--schema").stdout)
    assert set(matter) <= set(schema["properties"])
    steps = schema["properties"]["steps"]["items"]["properties"]
    assert all(set(step) <= set(steps) for step in matter["steps"])
