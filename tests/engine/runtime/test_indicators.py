"""Figures counted from records and frozen at a date; what comes later never changes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest

from engine.compliance.broken import RuleBroken
from engine.compliance.from_ledger import read_facts
from engine.database import db
from engine.definitions.package import Package, load_package
from engine.errors import InvalidInput
from engine.runtime import operations
from engine.runtime.correcting import correct_entry
from engine.runtime.indicators.freezing import counted_again
from engine.runtime.steering import cancel_instance
from tests.engine.conftest import Live
from tests.factories import Desk, Matter, UserTask, is_consistent, procedure
from tests.freezing import gathering, judging
from tests.races import at_once, one_winner
from tests.rectifying import found, item


def hold(desk: Desk, on: date, decision: str = "held") -> Matter:
    matter = desk.start(gathering(), on=on)
    matter.complete("hold", {"decision": decision}, on=on)
    return matter


def freeze(desk: Desk, year: int, *rows: Mapping[str, Any]) -> Matter:
    matter = desk.start(judging())
    matter.complete("choose", {"year": year})
    matter.complete("freeze", {"indicators": [dict(row) for row in rows]})
    return matter


def kept(matter: Matter) -> dict[str, Any]:
    facts = read_facts(db.session(), matter.id)
    assert facts is not None
    done = facts.latest("freeze")
    assert done is not None
    return {row["indicator"]: row for row in done.data["indicators"]}


def again(desk: Desk, matter: Matter) -> dict[str, bool]:
    return counted_again(
        db.session(),
        judging().indicators,
        desk.town.organisations["branch"],
        list(kept(matter).values()),
    )


def tomorrow(desk: Desk) -> date:
    """Let a day pass: what was recorded before it can be frozen."""
    desk.clock.set(desk.clock.today() + timedelta(days=1))
    return desk.clock.today()


def test_figures_are_counted_with_the_records_behind_them(desk: Desk) -> None:
    year = desk.clock.today().year
    one = hold(desk, date(year, 2, 10))
    two = hold(desk, date(year, 3, 1))
    hold(desk, date(year, 5, 1), decision="cancelled")
    hold(desk, date(year - 1, 12, 31))
    found(desk, item(desk))
    day = tomorrow(desk)
    rows = kept(freeze(desk, year))
    gatherings = rows["gatherings"]
    assert (gatherings["value"], gatherings["of"], gatherings["calculated"]) == (2, 3, 6.7)
    assert gatherings["sources"] == [
        [one.id, one.entries[1].seq, f"{year}-02-10"],
        [two.id, two.entries[1].seq, f"{year}-03-01"],
    ]
    assert gatherings["as_of"] == (day - timedelta(days=1)).isoformat()
    assert (rows["quarters"]["value"], rows["quarters"]["score"]) == (2, 10)
    assert (rows["items_open"]["value"], rows["items_open"]["score"]) == (1, 6)
    assert kept(freeze(desk, year - 1))["gatherings"]["value"] == 1


def test_what_is_recorded_on_the_day_itself_does_not_count_yet(desk: Desk) -> None:
    year = desk.clock.today().year
    hold(desk, desk.clock.today())
    assert kept(freeze(desk, year))["gatherings"]["value"] == 0
    tomorrow(desk)
    assert kept(freeze(desk, year))["gatherings"]["value"] == 1


def test_what_comes_after_the_freeze_does_not_change_it(desk: Desk) -> None:
    """Corrections, late records and cancellations: the old figures stand, a new freeze differs."""
    year = desk.clock.today().year
    moved, cancelled = hold(desk, date(year, 2, 10)), hold(desk, date(year, 3, 1))
    tomorrow(desk)
    first = freeze(desk, year)
    before = kept(first)
    assert before["gatherings"]["value"] == 2
    tomorrow(desk)
    correct_entry(
        moved.id,
        moved.entries[1].seq,
        {"decision": "held"},
        "日期登错",
        actor=desk.actor("secretary"),
        clock=desk.clock,
        occurred_on=date(year - 1, 12, 1),
    )
    cancel_instance(cancelled.id, "重复登记", actor=desk.actor("secretary"), clock=desk.clock)
    hold(desk, date(year, 1, 5))
    hold(desk, date(year, 8, 5))
    hold(desk, date(year, 9, 5))
    tomorrow(desk)
    assert kept(first) == before
    assert again(desk, first) == dict.fromkeys(before, True)
    later = freeze(desk, year)
    assert kept(later)["gatherings"]["value"] == 3
    assert again(desk, later) == dict.fromkeys(before, True)


def test_a_correction_before_the_freeze_counts(desk: Desk) -> None:
    year = desk.clock.today().year
    moved = hold(desk, date(year, 2, 10))
    correct_entry(
        moved.id,
        moved.entries[1].seq,
        {"decision": "cancelled"},
        "会没有开成",
        actor=desk.actor("secretary"),
        clock=desk.clock,
    )
    tomorrow(desk)
    assert kept(freeze(desk, year))["gatherings"]["value"] == 0


def test_a_figure_that_is_not_the_recorded_one_is_seen(desk: Desk) -> None:
    year = desk.clock.today().year
    hold(desk, date(year, 2, 10))
    tomorrow(desk)
    row = {**kept(freeze(desk, year))["gatherings"], "value": 2}
    branch = desk.town.organisations["branch"]
    said = counted_again(db.session(), judging().indicators, branch, [row])
    assert said == {"gatherings": False}


def test_a_changed_score_keeps_what_was_reckoned_and_who_changed_it(desk: Desk) -> None:
    year = desk.clock.today().year
    with pytest.raises(InvalidInput) as refusal:
        freeze(desk, year, {"indicator": "gatherings", "score": 5})
    assert list(refusal.value.fields) == ["indicators-0.reason"]
    matter = freeze(desk, year, {"indicator": "gatherings", "score": 5, "reason": "有纸质记录"})
    row = kept(matter)["gatherings"]
    who = desk.town.people["secretary"]
    assert (row["calculated"], row["score"], row["author"]) == (0, 5, who)
    acting: dict[str, Any] = {"actor": desk.actor("secretary"), "clock": desk.clock}
    changed = [{"indicator": "quarters", "score": 2.5, "reason": "核对属实"}]
    seq = matter.entries[-1].seq
    correct_entry(matter.id, seq, {"indicators": changed}, "漏了一项", **acting)
    rows = kept(matter)
    assert (rows["gatherings"]["score"], rows["gatherings"]["reason"]) == (5, "有纸质记录")
    assert (rows["quarters"]["calculated"], rows["quarters"]["score"]) == (0, 2.5)
    assert json.loads(matter.entries[2].payload or "")["data"]["indicators"][1]["score"] == 0


# --- once --------------------------------------------------------------------------------------

ONCE = """
[[rule]]
id = "R-T-11"
title = "一年一次"
title_en = "Once a year"
kind = "once"
blocks = true
step = "report"
role = "speaker"
same = ["choose.year"]
"""


def reporting() -> Package:
    body = [UserTask("choose"), UserTask("report"), UserTask("after")]
    made = procedure("reporting", body, prefix="RE")
    files = dict(made.files)
    parts = [
        {"type": "number", "key": "year", "label": "年度"},
        {
            "type": "textfield",
            "key": "speaker",
            "label": "人员",
            "properties": {"domain": "person"},
        },
    ]
    form = {"schemaVersion": 16, "type": "default", "id": "choose", "components": parts}
    files["forms/choose.form"] = json.dumps(form, ensure_ascii=False).encode()
    text = files["process.toml"].decode()
    mine = 'element = "choose"\ntitle = "choose"\naction = "提交"\nform = "entry"'
    text = text.replace(mine, mine.replace('"entry"', '"choose"'))
    text += '\n[participants.speaker]\ntitle = "述职的人"\nfrom = "choose.speaker"\n'
    return load_package({**files, "process.toml": text.encode(), "rules.toml": ONCE.encode()})


def chosen(desk: Desk, who: str, year: int) -> Matter:
    matter = desk.start(reporting())
    matter.complete("choose", {"year": year, "speaker": desk.town.people[who]})
    return matter


def report(desk: Desk, who: str, year: int) -> Matter:
    matter = chosen(desk, who, year)
    matter.complete("report", {"decision": "x"})
    return matter


def test_a_second_one_of_the_same_person_and_year_is_refused(desk: Desk) -> None:
    first = report(desk, "secretary", 2026)
    assert first.payload()["witness"]["others"] == {"R-T-11": []}
    report(desk, "member", 2026)
    report(desk, "secretary", 2027)
    with pytest.raises(RuleBroken):
        report(desk, "secretary", 2026)
    cancel_instance(first.id, "作废重来", actor=desk.actor("secretary"), clock=desk.clock)
    report(desk, "secretary", 2026)


@pytest.mark.parametrize("attempt", range(3))
def test_two_reports_of_one_person_at_the_same_moment_get_one_winner(
    live: Live, attempt: int
) -> None:
    matters = [chosen(live.desk, "secretary", 2026) for _ in range(2)]
    actor = live.desk.actor("secretary")
    tasks = [matter.task("report") for matter in matters]
    results = at_once(
        live,
        *(
            lambda task=task: operations.complete_task(
                task, {"decision": "x"}, actor=actor, clock=live.clock
            )
            for task in tasks
        ),
    )
    one_winner(results, RuleBroken)
    lost = next(n for n, result in enumerate(results) if isinstance(result, RuleBroken))
    winner, loser = matters[1 - lost], matters[lost]
    assert [winner.row.number] == results[lost].results[0].sentence.params["matters"].split("、")
    assert (winner.open, loser.open) == (["after"], ["report"])
    assert loser.kinds == ["started", "completed"]
    for matter in matters:
        is_consistent(matter.id, live.clock)
