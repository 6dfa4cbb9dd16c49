"""Pages of regulations: editions side by side, what rests on each article, what is unchecked."""

from __future__ import annotations

import re

from tests.web.conftest import World
from tests.web.regulations.conftest import Ruled


def cell(page: str, edition: str, number: str) -> str:
    """Return the part of a page that shows one article."""
    found = re.search(
        rf'id="{edition}-{number}">(.*?)(?=<div class="cell"|</li>\n  <li class="card">|</ol>)',
        page,
        re.S,
    )
    assert found, (edition, number)
    return found[1]


def test_the_list_names_every_regulation_with_its_edition(ruled: Ruled) -> None:
    browser = ruled.world.sign_in("secretary")
    assert browser.get("/regulations/").status_code == 200
    for words in (
        "中国共产党发展党员工作细则",
        "2026年5月18日起施行",
        "中国共产党章程",
        "本系统约定",
    ):
        assert words in browser.page
    assert "待对照原文" not in browser.page


def test_keepers_see_how_much_is_unchecked(ruled: Ruled) -> None:
    browser = ruled.open("keeper", "/regulations/")
    assert "条待对照原文" in browser.page


def test_two_editions_stand_side_by_side(ruled: Ruled) -> None:
    browser = ruled.open("secretary", "/regulations/admission_rules")
    assert "2014 年版" in browser.page
    assert "2026 年修订版" in browser.page
    assert "上级党委由备案改为同意，并增加不少于五个工作日的公示。" in browser.page
    assert "公示不少于五个工作日" in cell(browser.page, "2026", "第十三条")
    assert "公示" not in cell(browser.page, "2014", "第十三条")


def test_an_article_names_the_steps_and_rules_that_rest_on_it(ruled: Ruled) -> None:
    browser = ruled.open("secretary", "/regulations/admission_rules")
    text = cell(browser.page, "2026", "第七条")
    assert "党组织派人谈话" in text
    assert "R-ADM-02" in text


def test_only_what_changed(ruled: Ruled) -> None:
    browser = ruled.open("secretary", "/regulations/admission_rules?only=changed")
    assert 'id="2026-第十三条"' in browser.page
    assert 'id="2026-第五条"' not in browser.page


def test_what_nobody_checked_is_shown_to_keepers_with_its_parameter(ruled: Ruled) -> None:
    keeper = ruled.open("keeper", "/regulations/admission_rules?only=doubtful")
    text = cell(keeper.page, "2026", "第二十条")
    assert "已读到的引文中没有这一句" in text
    assert "/parameters/written_opinions_count" in text
    assert 'id="2026-第五条"' in keeper.page  # beside its unchecked predecessor
    secretary = ruled.open("secretary", "/regulations/admission_rules?only=doubtful")
    assert "已读到的引文中没有这一句" not in secretary.page
    assert "只看未核对的" not in secretary.page
    assert 'id="2026-第六条"' in secretary.page  # the filter is not for them


def test_what_a_rule_leaves_to_be_decided_is_named_at_its_article(ruled: Ruled) -> None:
    browser = ruled.open("keeper", "/regulations/admission_rules")
    text = cell(browser.page, "2026", "第二十九条")
    assert "一个月的期限只见于一处来源" in text
    assert "/parameters/member_admission.oath_months" in text


def test_own_conventions_say_that_they_are_no_party_rules(ruled: Ruled) -> None:
    browser = ruled.open("secretary", "/regulations/system_conventions")
    assert "不是党内法规" in browser.page
    assert "约定三 补录" in browser.page


def test_an_unknown_regulation_is_not_found(ruled: Ruled) -> None:
    assert ruled.world.sign_in("secretary").get("/regulations/other").status_code == 404


def test_an_unknown_edition_shows_the_newest(ruled: Ruled) -> None:
    browser = ruled.world.sign_in("secretary")
    assert browser.get("/regulations/admission_rules?edition=1999").status_code == 200
    assert "2026 年修订版" in browser.page


def test_before_anything_is_deployed_the_page_says_what_to_do(world: World) -> None:
    browser = world.sign_in("worker")
    browser.get("/regulations/")
    assert "还没有部署法规" in browser.page


def test_nobody_reads_them_without_signing_in(ruled: Ruled) -> None:
    response = ruled.world.browser().get("/regulations/")
    assert response.status_code in (302, 303, 401)


def test_pages_link_to_the_articles(ruled: Ruled) -> None:
    browser = ruled.open("secretary", "/start/")
    assert "/regulations/" in browser.page  # the foot of every page
