"""Setting and ending parameters: who may, what then counts, and what the ledger keeps."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.clock import FixedClock
from engine.compliance import parameter_operations as op
from engine.compliance.declarations import declared_parameters
from engine.compliance.parameter_queries import Past, history
from engine.compliance.parameter_store import parameter_view
from engine.compliance.parameters import ParameterValue, Value
from engine.compliance.regulation_reading import load_regulations
from engine.compliance.regulation_store import deploy_regulations
from engine.database import unit_of_work
from engine.definitions.operations import deploy_package
from engine.definitions.package import load_package
from engine.directory.actors import Actor, load_actor
from engine.directory.models import Membership, Organisation, Person, Post
from engine.errors import Conflict, InvalidInput, NotAllowed, NotFound
from engine.ledger.models import LedgerChain, LedgerEntry
from tests.factories import two_steps

TODAY = date(2026, 11, 22)
LONG_AGO = date(2010, 1, 1)
PARAMETERS = """
[[parameter]]
key = "gap_days"
title = "补录天数"
type = "days"
default = 7
min = 0
max = 30
level = "approving"
[[parameter]]
key = "base"
title = "基数"
type = "choice"
choices = { due = "应到", present = "实到" }
default = "due"
level = "county"
[[parameter]]
key = "zone"
title = "时区"
type = "choice"
choices = { here = "北京" }
default = "here"
"""
OWN = """
[[parameter]]
key = "talk_days"
title = "谈话"
type = "days"
default = 3
level = "approving"
"""


@dataclass
class County:
    """A county with one town committee and a branch; each has an administrator."""

    session: Session
    clock: FixedClock
    county: Organisation
    town: Organisation
    branch: Organisation
    people: dict[str, Person]

    def actor(self, name: str) -> Actor:
        return load_actor(self.session, self.clock.today(), person_id=self.people[name].id)

    def set(
        self,
        key: str = "gap_days",
        value: Value = 3,
        *,
        by: str = "town_admin",
        at: Organisation | None = None,
        since: date = TODAY,
        reason: str = "镇委〔2026〕3号",
        **more: object,
    ) -> None:
        op.set_parameter(
            self.clock,
            self.actor(by),
            organisation_id=(at or self.town).id,
            key=key,
            value=value,
            since=since,
            reason=reason,
            **more,  # type: ignore[arg-type]
        )

    def end(
        self, until: date, *, by: str = "town_admin", reason: str = "停止执行", **more: object
    ) -> None:
        newest = self.past()[0]
        op.end_parameter(
            self.clock,
            self.actor(by),
            setting_id=newest.id,
            until=until,
            reason=reason,
            **more,  # type: ignore[arg-type]
        )

    def counts(self, day: date = TODAY, key: str = "gap_days") -> ParameterValue:
        """Return what counts for the branch."""
        declared = declared_parameters(self.session)
        return parameter_view(self.session, self.branch.path, declared).value(key, day)

    def past(self, key: str = "gap_days") -> list[Past]:
        return history(self.session, key, (self.town.id, self.county.id))

    def entries(self) -> list[dict[str, Any]]:
        """Return the payloads of the chain of parameters."""
        rows = self.session.scalars(
            select(LedgerEntry.payload)
            .join(LedgerChain, LedgerChain.id == LedgerEntry.chain_id)
            .where(LedgerChain.name == "parameters")
            .order_by(LedgerEntry.seq)
        )
        return [json.loads(row) for row in rows if row is not None]


@pytest.fixture
def county(session: Session, clock: FixedClock) -> County:
    """A county, a town that may approve members, a branch; regulations are deployed."""

    def organisation(name: str, parent: Organisation | None, **more: object) -> Organisation:
        made = Organisation(
            parent_id=parent.id if parent else None, path="/", kind="committee", name=name,
            short_name=name, code=f"P-{name}", **more,
        )  # fmt: skip
        session.add(made)
        session.flush()
        made.path = f"{parent.path if parent else '/'}{made.id}/"
        return made

    top = organisation("县委", None, can_approve_members=True)
    town = organisation("镇党委", top, can_approve_members=True)
    branch = organisation("一支部", town)
    posts = {
        "county_department": (top, "organisation_department"),
        "county_admin": (top, "administrator"),
        "town_admin": (town, "administrator"),
        "town_secretary": (town, "secretary"),
        "branch_admin": (branch, "administrator"),
    }
    people = {}
    for name, (place, kind) in posts.items():
        person = Person(name=name, organisation_id=place.id, created_at=clock.now())
        session.add(person)
        session.flush()
        session.add(Membership(person_id=person.id, status="full", since=LONG_AGO,
                               organisation_id=place.id, recorded_at=clock.now()))  # fmt: skip
        session.add(Post(person_id=person.id, organisation_id=place.id, kind=kind, since=LONG_AGO))
        people[name] = person
    session.commit()
    regulations = load_regulations({"parameters.toml": PARAMETERS.encode()})
    with unit_of_work() as work:
        deploy_regulations(work, regulations, clock)
    return County(session, clock, top, town, branch, people)


# --- what counts -----------------------------------------------------------------------------


def test_a_value_set_above_counts_below_at_once(county: County) -> None:
    assert county.counts().value == 7
    county.set(value=3)
    found = county.counts()
    assert (found.value, found.organisation_name, found.since) == (3, "镇党委", TODAY)
    assert county.counts(TODAY - timedelta(days=1)).value == 7


def test_the_nearer_organisation_decides(county: County) -> None:
    county.set(value=10, by="county_admin", at=county.county)
    assert county.counts().value == 10
    county.set(value=3)
    assert county.counts().value == 3


def test_a_lasting_value_takes_the_place_of_the_one_before(county: County) -> None:
    county.set(value=3, since=date(2026, 1, 1))
    county.set(value=5, since=date(2026, 6, 1))
    newer, older = county.past()
    assert (older.until, newer.until) == (date(2026, 5, 31), None)
    assert county.counts(date(2026, 5, 31)).value == 3
    assert county.counts(date(2026, 6, 1)).value == 5


def test_after_a_value_for_a_while_the_lasting_one_counts_again(county: County) -> None:
    county.set(value=3, since=date(2026, 1, 1))
    county.set(value=5, since=date(2026, 6, 1), until=date(2026, 6, 30))
    days = [date(2026, 5, 31), date(2026, 6, 1), date(2026, 6, 30), date(2026, 7, 1)]
    assert [county.counts(day).value for day in days] == [3, 5, 5, 3]


def test_a_value_replaced_before_it_held_stays_in_the_history(county: County) -> None:
    county.set(value=3, since=TODAY)
    county.set(value=5, since=TODAY)
    newer, older = county.past()
    assert older.never_held
    assert not newer.never_held
    assert county.counts().value == 5


def test_a_value_may_not_run_into_one_that_begins_later(county: County) -> None:
    county.set(value=5, since=date(2027, 1, 1))
    for until in (None, date(2027, 1, 1)):
        with pytest.raises(InvalidInput):
            county.set(value=3, since=TODAY, until=until)
    county.set(value=3, since=TODAY, until=date(2026, 12, 31))
    assert county.counts().value == 3
    assert county.counts(date(2027, 1, 1)).value == 5


def test_an_ended_value_gives_way_to_what_is_set_above(county: County) -> None:
    county.set(value=10, by="county_admin", at=county.county, since=date(2026, 1, 1))
    county.set(value=3, since=date(2026, 2, 1))
    county.end(TODAY)
    assert county.counts(TODAY).value == 3
    assert county.counts(TODAY + timedelta(days=1)).value == 10
    ended = county.past()[0]
    assert (ended.ended_by, ended.end_reason) == ("town_admin", "停止执行")


def test_withdrawing_a_value_that_has_not_begun(county: County) -> None:
    county.set(value=3, since=date(2027, 1, 1))
    county.end(date(2026, 12, 31))
    assert county.past()[0].never_held
    assert county.counts(date(2027, 1, 1)).value == 7


def test_what_has_ended_is_not_ended_again(county: County) -> None:
    county.set(value=3)
    county.end(TODAY)
    with pytest.raises(Conflict):
        county.end(TODAY)


# --- who may ---------------------------------------------------------------------------------


def test_the_organisation_department_and_administrators_may(county: County) -> None:
    county.set(by="county_department")
    county.set(by="county_admin", value=4)
    county.set(by="town_admin", value=5)
    assert county.counts().value == 5


@pytest.mark.parametrize("by", ["town_secretary", "branch_admin"])
def test_others_may_not(county: County, by: str) -> None:
    with pytest.raises(NotAllowed):
        county.set(by=by)
    assert county.past() == []


def test_a_level_too_low_may_not_whoever_asks(county: County) -> None:
    with pytest.raises(NotAllowed, match="有审批权限"):
        county.set(by="branch_admin", at=county.branch)
    with pytest.raises(NotAllowed, match="县级"):
        county.set("base", "present")
    county.set("base", "present", by="county_admin", at=county.county)
    assert county.counts(key="base").value == "present"


def test_what_is_uniform_is_never_set(county: County) -> None:
    with pytest.raises(NotAllowed, match="全国统一"):
        county.set("zone", "here", by="county_admin", at=county.county)


# --- what is refused -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"value": 31}, "value"),
        ({"value": "3"}, "value"),
        ({"reason": "  "}, "reason"),
        ({"reason": "长" * 2001}, "reason"),
        ({"until": TODAY - timedelta(days=1)}, "until"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    county: County, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        county.set(**changes)  # type: ignore[arg-type]
    assert list(refused.value.fields) == [field]
    assert county.entries() == []


def test_unknown_parameters_and_settings_are_not_found(county: County) -> None:
    with pytest.raises(NotFound):
        county.set("other", 1)
    with pytest.raises(NotFound):
        op.end_parameter(
            county.clock, county.actor("town_admin"), setting_id=1, until=TODAY, reason="x"
        )


# --- twice, and at the same time -------------------------------------------------------------


def test_the_same_command_twice_is_carried_out_once(county: County) -> None:
    command = uuid4()
    county.set(value=3, command_id=command)
    county.set(value=3, command_id=command)
    assert len(county.past()) == len(county.entries()) == 1
    ending = uuid4()
    county.end(TODAY, command_id=ending)
    county.end(TODAY, command_id=ending)
    assert len(county.entries()) == 2


def test_whoever_looked_at_an_older_state_is_told(county: County) -> None:
    seen = op.version_of(county.session, "gap_days", county.town.id)
    county.set(value=3, version=seen)
    with pytest.raises(op.StaleParameter):
        county.set(value=5, version=seen)
    seen = op.version_of(county.session, "gap_days", county.town.id)
    county.end(TODAY, version=seen)
    with pytest.raises(op.StaleParameter):
        county.set(value=5, version=seen)
    assert county.counts().value == 3


def test_another_organisation_s_change_is_no_conflict(county: County) -> None:
    seen = op.version_of(county.session, "gap_days", county.town.id)
    county.set(value=9, by="county_admin", at=county.county)
    county.set(value=3, version=seen)
    assert county.counts().value == 3


# --- the ledger ------------------------------------------------------------------------------


def test_every_change_is_in_a_chain_of_its_own(county: County) -> None:
    county.set(value=3, since=date(2026, 1, 1))
    county.set(value=5, since=date(2026, 6, 1), reason="镇委〔2026〕9号")
    county.end(TODAY)
    first, second, third = county.entries()
    assert (first["parameter"], first["value"], first["organisation"]) == (
        "gap_days", 3, county.town.id,
    )  # fmt: skip
    assert second["replaces"] == [first["set"]]
    assert second["reason"] == "镇委〔2026〕9号"
    assert (third["end"], third["until"]) == (second["set"], TODAY.isoformat())
    assert str(first["post"]).endswith(":administrator")


# --- a procedure's own parameters ------------------------------------------------------------


def test_a_procedure_s_parameter_is_set_under_its_own_key(county: County) -> None:
    package = two_steps("talks")
    files = {**package.files, "rules.toml": OWN.encode()}
    with unit_of_work() as session:
        deploy_package(session, load_package(files), county.clock)
    declared = declared_parameters(county.session)
    assert declared["talks.talk_days"].process == "talks"
    county.set("talks.talk_days", 5)
    own = {p.name: p for p in declared.values() if p.process == "talks"}
    seen = parameter_view(county.session, county.branch.path, own)
    assert seen.value("talk_days", TODAY).value == 5


Row = tuple[int, Value, date, date | None]


def replayed(entries: list[dict[str, Any]]) -> dict[int, Row]:
    """Return what the ledger alone says: value and span of every setting, by its id."""
    rows: dict[int, Row] = {}

    def end(id: int, until: date) -> None:
        organisation, value, since, _ = rows[id]
        rows[id] = (organisation, value, since, until)

    for entry in entries:
        if "set" in entry:
            since = date.fromisoformat(entry["since"])
            until = entry["until"] and date.fromisoformat(entry["until"])
            for id in entry["replaces"]:
                end(id, since - timedelta(days=1))
            rows[entry["set"]] = (entry["organisation"], entry["value"], since, until)
        else:
            end(entry["end"], date.fromisoformat(entry["until"]))
    return rows


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_done_the_ledger_alone_gives_the_same_values(county: County, seed: int) -> None:
    chance = Random(seed)
    places = [("county_admin", county.county), ("town_admin", county.town)]
    for _ in range(40):
        by, place = chance.choice(places)
        since = TODAY + timedelta(days=chance.randint(-30, 30))
        try:
            if chance.random() < 0.7:
                until = chance.choice([None, since + timedelta(days=chance.randint(0, 20))])
                county.set(value=chance.randint(0, 30), by=by, at=place, since=since, until=until)
            else:
                county.end(since, by="county_admin")
        except (InvalidInput, Conflict, IndexError):
            continue
    table = {
        past.id: (past.organisation_id, past.value, past.since, past.until)
        for past in county.past()
    }
    alone = replayed(county.entries())
    assert alone == table
    assert len(table) > 5
    for offset in range(-35, 60):
        day = TODAY + timedelta(days=offset)
        assert county.counts(day).value == wanted(alone, county, day)


def wanted(rows: dict[int, Row], county: County, day: date) -> Value:
    """Return what counts for the branch, worked out the slow way."""
    for place in (county.town, county.county):
        holding = [
            (since, id, value)
            for id, (organisation, value, since, until) in rows.items()
            if organisation == place.id and since <= day and (until is None or day <= until)
        ]
        if holding:
            return max(holding)[2]
    return 7
