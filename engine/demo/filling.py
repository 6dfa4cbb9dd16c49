"""Fill an empty installation: the town's people, matters in every stage, and a year of meetings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta

from engine.attachments.operations import record_blob
from engine.attachments.store import Store
from engine.clock import Clock
from engine.database import unit_of_work
from engine.demo import life, matters, notices, review, year
from engine.demo.paper import sample_paper
from engine.demo.people import DemoDirectory
from engine.demo.stage import Place, Stage
from engine.demo.supervision import talk_about_duties
from engine.duties.operations import run_duties
from engine.notifications.sweeping import sweep_notices
from engine.settings import Settings

OPEN_FOR = ("shiqiao.laodangyuan", "shiqiao.dangyuan1", "shiqiao.zuzhi")
"""Who still has to write something for the organisational life meeting of their branch."""
VOTERS = ("zhongxue.dangyuan1", "zhongxue.dangyuan2", "zhongxue.shuji")
"""Who has not voted yet at the open ballot of their branch."""


def set_stage(town: DemoDirectory, clock: Clock, store: Store) -> Stage:
    """Return the town with its clock, and with the one file that is handed in everywhere."""
    paper = store.put(sample_paper(), "材料.pdf")
    with unit_of_work() as session:
        record_blob(session, clock, paper)
    return Stage(town, clock.now(), paper.sha256)


def fill_town(
    stage: Stage,
    clock: Clock,
    store: Store,
    settings: Settings,
    *,
    progress: Callable[[int], object],
) -> None:
    """Let the town live: everything by the commands that people give."""
    matters.create_demo_matters(stage.town, clock, store, progress=progress)
    year.count_from(stage)
    year.hold_meetings(stage, progress=progress)
    # Drafts of what is still owed; whoever begins with it now begins with the draft.
    run_duties(clock)
    # What happens from here on is news to people: the first look only says where it begins.
    sweep_notices(settings, clock)
    for act in _acts(stage):
        act()
        progress(1)
    run_duties(clock)
    talk_about_duties(clock)
    sweep_notices(settings, clock)


def count(stage: Stage) -> int:
    """Return how often ``progress`` is called."""
    acts = sum(1 for _ in _acts(stage))
    return matters.count(stage.town) + year.count_meetings(stage) + acts


def _acts(stage: Stage) -> Iterator[Callable[[], object]]:
    """Yield what is going on in the town beside its meetings, one branch at a time."""
    yield lambda: year.call_meetings(stage)
    at: dict[str, Place] = {place.key: place for place in year.places(stage)}
    people, today = stage.town.people, stage.today

    def ago(days: int) -> date:
        return today - timedelta(days=days)

    def held(key: str, days: int, due: tuple[int, int, int]) -> None:
        matter = life.hold_life_meeting(stage, at[key], ago(days), [ago(d) for d in due])
        life.rectify(stage, matter, ago(due[0] + 3), ago(4))

    yield lambda: held("qingxi", 70, (20, 9, -25))
    yield lambda: held("yuntai", 48, (12, -12, -45))
    yield lambda: life.prepare_life_meeting(
        stage, at["shiqiao"], ago(-6), [people[login] for login in OPEN_FOR]
    )
    yield lambda: review.hold_review(stage, at["nongye"], ago(44))
    yield lambda: review.open_ballot(
        stage, at["zhongxue"], ago(13), [people[login] for login in VOTERS]
    )
    yield lambda: notices.post_notice(stage, at["jiguan"], ago(45), ago(24))
    yield lambda: notices.post_notice(stage, at["liuwan"], ago(2), ago(-16))
    yield lambda: notices.post_notice(stage, at["dongjie"], ago(30), ago(9), objected=True)
    yield lambda: notices.publish_dues(stage, at["weisheng"], ago(40))
    yield lambda: notices.publish_dues(stage, at["laoganbu"], ago(30))
    yield lambda: notices.publish_dues(stage, at["jiguan"], ago(6), until="approve")
