"""Pages of parameters: what counts and why, and deciding otherwise with a reason."""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import func, select

from engine.compliance.parameter_models import ParameterSetting
from tests.web.conftest import Browser
from tests.web.regulations.conftest import Ruled

GAP = "/parameters/backfill_gap_days"


def fill(browser: Browser, place: int, **changes: str) -> dict[str, str]:
    """Return the form of the page last read, filled in."""
    return {
        "organisation": str(place),
        "_command": browser.hidden("_command"),
        "_revision": browser.hidden("_revision"),
        "value": "3",
        "since": "2026-11-22",
        "until": "",
        "reason": "镇委〔2026〕3号",
        **changes,
    }


def count(ruled: Ruled) -> int:
    return int(ruled.world.session.scalar(select(func.count(ParameterSetting.id))) or 0)


def test_the_list_shows_what_counts_and_where_it_comes_from(ruled: Ruled) -> None:
    browser = ruled.world.sign_in("secretary")
    assert browser.get("/parameters/").status_code == 200
    for words in ("一支部", "公示张贴当天是否计入公示天数", "7 天", "默认值", "发展党员"):
        assert words in browser.page
    assert "依据未核对" not in browser.page
    keeper = ruled.open("keeper", "/parameters/?only=unverified")
    assert "依据未核对" in keeper.page
    assert "7 天" not in keeper.page


def test_a_value_is_set_seen_below_and_remembered(ruled: Ruled) -> None:
    browser = ruled.open("keeper", f"{GAP}?organisation={ruled.town}")
    answer = browser.post(f"{GAP}/set", fill(browser, ruled.town))
    assert answer.status_code == 303
    browser.get(answer.location)
    assert "已设置" in browser.page
    assert "镇委〔2026〕3号" in browser.page
    assert "人员keeper" in browser.page
    below = ruled.open("secretary", GAP)
    assert "镇党委 设置，自 2026年11月22日 起" in below.page
    assert "设置新的值" not in below.page
    below.get("/parameters/?only=own")
    assert "3 天" in below.page
    assert "公示张贴当天" not in below.page


def test_the_same_form_twice_sets_it_once(ruled: Ruled) -> None:
    browser = ruled.open("keeper", GAP)
    form = fill(browser, ruled.town)
    assert browser.post(f"{GAP}/set", form).status_code == 303
    assert browser.post(f"{GAP}/set", form).status_code == 303
    assert count(ruled) == 1


def test_an_old_page_is_told_that_somebody_was_faster(ruled: Ruled) -> None:
    browser = ruled.open("keeper", GAP)
    form = fill(browser, ruled.town)
    browser.post(f"{GAP}/set", form)
    answer = browser.post(f"{GAP}/set", {**form, "_command": str(uuid4()), "value": "9"})
    assert answer.status_code == 409
    assert "刚刚被他人变更" in browser.page
    assert count(ruled) == 1


def test_what_is_wrong_is_said_at_the_fields_and_nothing_is_lost(ruled: Ruled) -> None:
    browser = ruled.open("keeper", GAP)
    wrong = fill(
        browser, ruled.town, value="400", since="", until="2026-13-01", reason="保留的文字"
    )
    answer = browser.post(f"{GAP}/set", wrong)
    assert answer.status_code == 422
    for words in ("超出了允许的范围", "请填写生效日期", "请填写日期", "保留的文字", 'value="400"'):
        assert words in browser.page
    for anchor in ('href="#value"', 'href="#since"', 'href="#until"'):
        assert anchor in browser.page
    assert count(ruled) == 0


def test_a_value_is_ended_with_a_reason(ruled: Ruled) -> None:
    browser = ruled.open("keeper", GAP)
    browser.post(f"{GAP}/set", fill(browser, ruled.town))
    setting = ruled.world.session.scalar(select(ParameterSetting.id))
    browser.get(GAP)
    form = fill(browser, ruled.town, until="2026-11-30", reason="")
    form["_command"] = str(uuid4())
    answer = browser.post(f"{GAP}/end/{setting}", form)
    assert answer.status_code == 422
    assert f'href="#reason-{setting}"' in browser.page
    answer = browser.post(f"{GAP}/end/{setting}", {**form, "reason": "按县委新规定"})
    assert answer.status_code == 303
    browser.get(answer.location)
    assert "按县委新规定" in browser.page
    assert "2026年11月22日 至 2026年11月30日" in browser.page


def test_a_choice_a_day_and_a_truth_have_fields_of_their_kind(ruled: Ruled) -> None:
    browser = ruled.open("department", "/parameters/activist_clock")
    assert 'type="radio" name="value" value="filing"' in browser.page
    assert "上级党委备案之日" in browser.page
    browser.get("/parameters/rule_version_switch")
    assert 'type="date" min="2026-05-11" max="2026-05-18"' in browser.page
    browser.get("/parameters/written_opinions_count")
    assert 'value="false"' in browser.page
    answer = browser.post(
        "/parameters/written_opinions_count/set", fill(browser, ruled.county, value="false")
    )
    assert answer.status_code == 303
    browser.get("/parameters/written_opinions_count")
    assert '<p class="sentence">否</p>' in browser.page


def test_the_level_that_decides_is_named_to_those_below(ruled: Ruled) -> None:
    browser = ruled.open("keeper", "/parameters/rule_version_switch")
    assert "县级党委及以上" in browser.page
    assert "设置新的值" not in browser.page
    answer = browser.post(
        "/parameters/rule_version_switch/set",
        {"organisation": str(ruled.town), "value": "2026-05-11", "since": "2026-01-01",
         "reason": "x"},
    )  # fmt: skip
    assert answer.status_code == 403


def test_what_is_uniform_has_no_form(ruled: Ruled) -> None:
    browser = ruled.open("department", "/parameters/month_arith")
    assert "设置新的值" not in browser.page
    assert "全国统一，不得另行设置" in browser.page


def test_a_keeper_sees_what_rests_on_a_parameter(ruled: Ruled) -> None:
    browser = ruled.open("keeper", "/parameters/written_opinions_count")
    for words in (
        "2026 年修订版已读到的引文中没有这一句",
        "发展党员工作细则（2026）第二十条",
        "R-ADM-",
    ):
        assert words in browser.page


def test_rules_that_count_working_days_rest_on_how_the_first_day_counts(ruled: Ruled) -> None:
    browser = ruled.open("keeper", "/parameters/notice_start_day_counts")
    assert "R-ADM-11" in browser.page
    assert "R-ADM-02" not in browser.page


def test_where_a_default_comes_from_is_said_in_words(ruled: Ruled) -> None:
    browser = ruled.open("keeper", "/parameters/written_opinions_count")
    assert "第二十二条（2014 年版细则的转载和译本）；2026 年修订版未核对" in browser.page
    browser.get(GAP)
    assert "（本系统的推定或者约定）本系统约定三" in browser.page


def test_a_procedure_s_own_parameters_have_their_page(ruled: Ruled) -> None:
    browser = ruled.world.sign_in("keeper")
    assert browser.get("/parameters/member_admission.talk_months").status_code == 200
    assert "R-ADM-02" in browser.page
    assert "发展党员工作细则（2026）第七条" in browser.page


def test_other_people_s_organisations_are_not_there(ruled: Ruled) -> None:
    browser = ruled.world.sign_in("keeper")
    assert browser.get(f"/parameters/?organisation={ruled.county}").status_code == 404
    assert browser.get(f"{GAP}?organisation={ruled.world.office}").status_code == 404
    assert browser.get("/parameters/other").status_code == 404


def test_administrators_find_it_under_their_section(ruled: Ruled) -> None:
    browser = ruled.open("keeper", "/admin/")
    assert "/parameters/" in browser.page


def test_the_organisation_department_finds_it_in_the_navigation(ruled: Ruled) -> None:
    browser = ruled.open("department", "/inbox")
    navigation = browser.page.split('class="sections"')[1].split("</nav>")[0]
    assert "/parameters/" in navigation
    secretary = ruled.open("secretary", "/inbox")
    navigation = secretary.page.split('class="sections"')[1].split("</nav>")[0]
    assert "/parameters/" not in navigation
