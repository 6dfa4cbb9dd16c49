"""The tab 预计 of a matter, its what-if form without scripts, and the sentence on 我的."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from flask import Flask
from flask import session as cookie
from flask_babel import force_locale
from sqlalchemy.orm import Session

from engine.clock import FixedClock
from engine.database import unit_of_work
from engine.directory.accounts import create_account
from engine.directory.actors import load_actor
from engine.runtime.queries.forecast import matter_forecast
from tests.played import Played, play_admission
from tests.web.conftest import PASSWORD, Browser, World
from web.instances import views
from web.instances.forecast import ForecastPage, depends_on, promise


@pytest.fixture
def played(app: Flask, session: Session, clock: FixedClock, quick_passwords: None) -> Played:
    """An activist since 5 March 2025, looked at on 1 April."""
    app.extensions["guicheng.clock"] = clock
    played = play_admission(session, clock, until="assign_contacts")
    clock.set(date(2025, 4, 1))
    with unit_of_work() as unit:
        for name in ("applicant", "superior_secretary"):
            create_account(
                unit, person_id=played.ids[name], login=name, password=PASSWORD, clock=clock
            )
    return played


def sign_in(app: Flask, name: str) -> Browser:
    browser = Browser(app.test_client())
    assert browser.sign_in(name).status_code == 303
    return browser


def test_the_tab_names_the_end_the_steps_and_what_would_be_late(app: Flask, played: Played) -> None:
    browser = sign_in(app, "superior_secretary")
    page = browser.get(f"/matters/{played.instance_id}?tab=forecast").get_data(as_text=True)
    assert re.search(r"最早 2027年3月\d+日 可以转为正式党员。", page)
    assert "不晚于 2025年9月5日" in page
    assert "不办理就会超期" in page
    assert "这是照现行规定的推算，不是承诺" in page


def test_the_form_is_sent_without_scripts_and_days_add_up(app: Flask, played: Played) -> None:
    browser = sign_in(app, "superior_secretary")
    address = f"/matters/{played.instance_id}?tab=forecast"
    day = "&step=hold_admission_meeting&day=2027-12-12"
    page = browser.get(f"{address}{day}").get_data(as_text=True)
    assert "会出现的问题" in page
    assert "须召开支部大会" in page and "2027-12-12" in page
    assert 'name="on.hold_admission_meeting" value="2027-12-12"' in page
    both = "&on.hold_admission_meeting=2027-12-12&step=take_oath&day=2028-01-20"
    page = browser.get(f"{address}{both}").get_data(as_text=True)
    assert page.count("假定的日期") == 2
    assert "回到最早的安排" in page


@pytest.mark.parametrize(
    "given", ["on.first=2027-01-01", "on.take_oath=morgen", "step=x&day=2027-01-01"]
)
def test_wrong_days_are_said_and_left_out(app: Flask, played: Played, given: str) -> None:
    browser = sign_in(app, "superior_secretary")
    response = browser.get(f"/matters/{played.instance_id}?tab=forecast&{given}")
    page = response.get_data(as_text=True)
    assert response.status_code == 200
    assert 'role="alert"' in page and "可以转为正式党员" in page


def test_the_applicant_is_told_in_a_sentence_what_it_depends_on(app: Flask, played: Played) -> None:
    browser = sign_in(app, "applicant")
    page = browser.get("/mine/").get_data(as_text=True)
    assert re.search(r"最早 2027年3月\d+日 可以转为正式党员。", page)
    assert re.search(r"从“07 确定发展对象人选”到“24 上级党委审批”的 \d+ 个决定都是同意", page)
    assert "这是推算，不是承诺。" in page
    tab = browser.get(f"/matters/{played.instance_id}?tab=forecast").get_data(as_text=True)
    assert "不办理就会超期" not in tab and "以后的环节" in tab


def test_stages_and_steps_to_come_name_their_days(app: Flask, played: Played) -> None:
    page = sign_in(app, "superior_secretary").get(f"/matters/{played.instance_id}")
    text = re.sub(r"\s+", " ", page.get_data(as_text=True))
    rail = text.split('<ol class="rail"')[1].split("</ol>")[0]
    words = re.findall(r"</b><span>([^<]*)</span>", rail)
    assert words[0] == "已完成"
    assert re.fullmatch(r"进行中，最早 2026年3月5日 完成", words[1])
    assert words[2] == "最早 2026年3月5日 开始"
    assert words[3] == "最早 2026年3月13日 开始"
    # Probation is put off to its limits, and its first step falls due by then.
    assert words[4].startswith("最早 2026年") or words[4].startswith("最早 2027年")
    assert "日期是照现行规定的推算" in text
    approval = text.split('id="step-approve_admission"')[1]
    assert "最早 2026年3月14日，最迟 2026年6月13日" in approval[:600]
    mine = sign_in(app, "applicant").get("/mine/").get_data(as_text=True)
    assert "最早 2026年3月13日 开始" in mine


def test_without_a_forecast_stages_say_what_they_know(world: World) -> None:
    matter, _ = world.start()
    page = world.sign_in("leader").get(f"/matters/{matter}").get_data(as_text=True)
    assert "日期是照现行规定的推算" not in page


def test_a_procedure_without_favourable_answers_says_so(world: World) -> None:
    matter, _ = world.start()
    page = world.sign_in("leader").get(f"/matters/{matter}?tab=forecast").get_data(as_text=True)
    assert "没有写明怎样推算" in page
    assert "可以办结" not in world.sign_in("worker").get("/mine/").get_data(as_text=True)


def test_what_many_do_on_one_day_is_said_once_and_no_aim_is_made_up(
    app: Flask, played: Played, session: Session, clock: FixedClock
) -> None:
    actor = load_actor(session, clock.today(), person_id=played.ids["superior_secretary"])
    told = matter_forecast(session, actor, clock, played.instance_id)
    first, second = (replace(step, statuses=()) for step in told.steps[:2])
    later = replace(first, day=first.day + timedelta(days=1))
    many = replace(told, steps=(first, first, first, later, second))
    assert ForecastPage(many, (), (), ()).ahead == [first, later, second]
    with app.test_request_context():
        assert promise(many).endswith("可以办结。")
        assert promise(told).endswith("可以转为正式党员。")


def test_what_is_supposed_besides_decisions_is_said_in_plain_words(
    app: Flask, played: Played, session: Session, clock: FixedClock
) -> None:
    actor = load_actor(session, clock.today(), person_id=played.ids["superior_secretary"])
    told = matter_forecast(session, actor, clock, played.instance_id)
    assert told is not None
    with app.test_request_context():
        assert depends_on(told).endswith("个决定都是同意。还假定：公示期间没有异议。")
        silent = replace(told, steps=tuple(s for s in told.steps if not s.supposes))
        assert "还假定" not in depends_on(silent)
    with app.test_request_context(), force_locale("en"):
        cookie["language"] = "en"
        assert depends_on(told).endswith("nobody objects during the notice.")


def test_the_way_to_come_is_reckoned_only_where_steps_are_shown(
    app: Flask, played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(views, "told_of", lambda view: asked.append(view.row.id))
    browser = sign_in(app, "superior_secretary")
    for tab in ("documents", "history", "readers", "steps"):
        assert browser.get(f"/matters/{played.instance_id}?tab={tab}").status_code == 200
        assert len(asked) == (tab == "steps")
