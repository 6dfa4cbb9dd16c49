"""Regulations and parameters over the API."""

from __future__ import annotations

from datetime import date

from engine.compliance.parameter_operations import set_parameter
from engine.directory.actors import load_actor
from tests.web.api.conftest import Town


def test_everybody_reads_the_regulations(town: Town) -> None:
    items = town.program("applicant").get("regulations").get_json()["items"]
    admission = next(item for item in items if item["id"] == "admission_rules")
    assert admission["edition_today"] == "2026"
    assert [e["in_force"] for e in admission["editions"]] == ["2014-05-28", "2026-05-18"]


def test_an_article_says_what_it_takes_up_and_what_rests_on_it(town: Town) -> None:
    found = town.program("member").get("regulations/admission_rules").get_json()
    articles = {a["number"]: a for a in found["editions"][1]["articles"]}
    vote = articles["第二十条"]
    assert vote["takes_up"] == ["第二十一条", "第二十二条"]
    assert vote["parameters"] == ["written_opinions_count"]
    assert vote["unsure"]
    names = {(use["kind"], use["name"]) for use in articles["第七条"]["uses"]}
    assert {("step", "02"), ("rule", "R-ADM-02")} <= names


def test_an_unknown_regulation_is_not_found(town: Town) -> None:
    assert town.program("member").get("regulations/other").status_code == 404


def test_what_counts_and_who_decided_it(town: Town) -> None:
    actor = load_actor(town.session, town.clock.today(), person_id=town.people["administrator"])
    set_parameter(
        town.clock,
        actor,
        organisation_id=town.places["committee"],
        key="backfill_gap_days",
        value=3,
        since=date(2026, 11, 1),
        reason="镇党委文件",
    )
    member = town.program("member")

    def gap(query: str = "") -> dict[str, object]:
        items = member.get(f"parameters{query}").get_json()["items"]
        found: dict[str, object] = next(i for i in items if i["key"] == "backfill_gap_days")
        return found

    now = gap()
    assert (now["value"], now["default"], now["origin"]) == (3, 7, "organisation")
    assert (now["organisation_id"], now["reason"]) == (town.places["committee"], "镇党委文件")
    assert gap("?day=2026-10-31")["value"] == 7
    past = member.get("parameters/history?key=backfill_gap_days").get_json()["items"]
    assert [(p["value"], p["since"], p["until"]) for p in past] == [(3, "2026-11-01", None)]


def test_other_organisations_are_out_of_reach(town: Town) -> None:
    member = town.program("member")
    other = town.places["other"]
    assert member.get(f"parameters?organisation_id={other}").status_code == 404
    assert member.get("parameters?day=yesterday").status_code == 422
    assert member.get("parameters/history").status_code == 422
