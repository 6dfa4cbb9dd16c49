"""Whatever people do in whatever order: the ledger verifies, and it alone gives the findings."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.audit import commands
from engine.compliance.findings import KEPT
from engine.compliance.from_ledger import read_facts
from engine.compliance.models import Finding
from engine.database import db
from engine.definitions.package import Package, load_package
from engine.definitions.versions import load_definition
from engine.errors import GuichengError
from engine.ledger.checking import check_range
from engine.ledger.faults import Report
from engine.runtime import operations
from engine.runtime.correcting import correct_entry
from engine.runtime.measuring import measure_of
from engine.runtime.rejudging import rejudge_matter
from tests.factories import Desk, Loop, Matter, UserTask, is_consistent, procedure
from tests.factories.rules import at_least_three, in_time

RULES = (
    in_time("T-1", "work", more='needed_by = ["conclude"]')
    + """
[[rule]]
id = "T-2"
title = "满三日方可办结"
title_en = "Not concluded within three days"
kind = "wait"
blocks = true
override = "approving"
step = "conclude"
from = "apply"
from_words = "收到申请"
from_words_en = "the application was received"
after = { days = 3 }
must = "办结"
must_en = "conclude"
"""
    + at_least_three("T-3", "work")
    + """
[[rule]]
id = "T-4"
title = "联系人一至二名，须为正式党员"
title_en = "One or two contacts, full members"
kind = "count"
step = "work"
people = "contacts"
least = 1
most = 2
status = ["full"]
"""
)


def ruled() -> Package:
    """Return ``apply``, ``work`` (again for as long as its decision is ``again``), ``conclude``."""
    plain = procedure(
        "ruled",
        [UserTask("apply"), Loop([UserTask("work")], 'decision == "again"'), UserTask("conclude")],
        steps={
            "work": 'send_back = ["apply"]',
            "conclude": 'send_back = ["work", "apply"]',
        },
    )
    return load_package({**plain.files, "rules.toml": RULES.encode()})


people = st.sampled_from(["secretary", "deputy", "superior", "administrator"])
acts = st.one_of(
    st.tuples(
        st.just("complete"),
        people,
        st.integers(0, 5),
        st.integers(0, 4),
        st.sampled_from(["again", "done"]),
        st.booleans(),
    ),
    st.tuples(st.just("send_back"), people, st.sampled_from(["apply", "work"])),
    st.tuples(st.sampled_from(["claim", "unclaim", "suspend", "resume", "rejudge"]), people),
    st.tuples(st.just("correct"), people, st.integers(1, 12), st.integers(0, 4)),
    st.tuples(st.sampled_from(["waive", "ask", "explain", "conclude"]), people),
    st.tuples(st.just("allow"), people),
    st.tuples(st.just("pass"), st.integers(1, 8)),
)


class Town:
    """Does to one matter what a list of acts says; what is refused changes nothing."""

    def __init__(self, desk: Desk, matter: Matter) -> None:
        self.desk, self.matter = desk, matter

    def do(self, act: tuple[Any, ...]) -> None:
        before = len(self.matter.kinds)
        name, *given = act
        try:
            getattr(self, name)(*given)
        except GuichengError:
            db.session().rollback()
            assert len(self.matter.kinds) == before

    def _first(self) -> str:
        return self.matter.open[0] if self.matter.open else "apply"

    def _open(self) -> bool:
        return bool(self.matter.open)

    def complete(self, by: str, ago: int, amount: int, decision: str, named: bool) -> None:
        if not self._open():
            return
        contacts = [self.desk.town.people["member"]] if named else []
        data = {"amount": amount, "decision": decision, "contacts": contacts}
        day = self.desk.clock.today() - timedelta(days=ago)
        self.matter.complete(self._first(), data, by=by, on=day)

    def send_back(self, by: str, to: str) -> None:
        if self._open():
            self.matter.send_back(self._first(), to, by=by)

    def claim(self, by: str) -> None:
        if self._open():
            self.matter.claim(self._first(), by=by)

    def unclaim(self, by: str) -> None:
        if self._open():
            self.matter.unclaim(self._first(), by=by)

    def suspend(self, by: str) -> None:
        actor = self.desk.actor(by)
        operations.suspend_instance(self.matter.id, "等待", actor=actor, clock=self.desk.clock)

    def resume(self, by: str) -> None:
        operations.resume_instance(self.matter.id, actor=self.desk.actor(by), clock=self.desk.clock)

    def rejudge(self, by: str) -> None:
        rejudge_matter(self.matter.id, self.desk.clock)

    def correct(self, by: str, seq: int, amount: int) -> None:
        data = {"amount": amount, "note": "更正"}
        actor, clock = self.desk.actor(by), self.desk.clock
        correct_entry(self.matter.id, seq, data, "录入有误", actor=actor, clock=clock)

    def _about(self, command: Any, by: str) -> None:
        wanted = select(Finding.id).where(Finding.instance_id == self.matter.id)
        found = db.session().scalar(wanted.order_by(Finding.id).limit(1))
        if found is not None:
            command(found, "情况如此", actor=self.desk.actor(by), clock=self.desk.clock)

    def waive(self, by: str) -> None:
        self._about(commands.waive, by)

    def ask(self, by: str) -> None:
        self._about(commands.ask_explanation, by)

    def explain(self, by: str) -> None:
        self._about(commands.explain, by)

    def conclude(self, by: str) -> None:
        self._about(commands.conclude, by)

    def allow(self, by: str) -> None:
        actor, clock = self.desk.actor(by), self.desk.clock
        commands.allow_override(self.matter.id, "T-2", "conclude", "紧急", actor=actor, clock=clock)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(acts, min_size=1, max_size=14))
def test_the_ledger_verifies_and_gives_the_findings(
    desk: Desk, session: Session, done: list[tuple[Any, ...]]
) -> None:
    start = desk.clock.now()
    matter = desk.start(ruled())
    town = Town(desk, matter)
    for act in done:
        if act[0] == "pass":
            desk.clock.set(desk.clock.today() + timedelta(days=act[1]))
        else:
            town.do(act)
    is_consistent(matter.id, desk.clock)
    raw = session.connection().connection.driver_connection
    assert raw is not None
    assert not list(check_range(raw, matter.id, matter.id, Report()))  # type: ignore[arg-type]
    judged = {row for row in fresh(matter, session) if row[3] is not None}
    assert {row for row in stored(matter) if row[3] is not None} == judged
    rejudge_matter(matter.id, desk.clock)  # the days since the last step have passed as well
    assert stored(matter) == fresh(matter, session)
    desk.clock.at = start


def stored(matter: Matter) -> set[tuple[Any, ...]]:
    rows = db.session().execute(
        select(Finding.rule, Finding.element, Finding.round, Finding.seq, Finding.outcome)
        .where(Finding.instance_id == matter.id, Finding.outcome.in_([*map(str, KEPT)]))
        .execution_options(populate_existing=True)
    )
    return {tuple(row) for row in rows}


def fresh(matter: Matter, session: Session) -> set[tuple[Any, ...]]:
    row = matter.row
    definition = load_definition(session, row.version_id)
    measure = measure_of(session, definition, row.path, matter.desk.clock)
    facts = read_facts(session, matter.id)
    assert measure is not None and facts is not None
    return {
        (*result.key, result.seq, str(result.outcome))
        for result in measure.judge(facts)
        if result.outcome in KEPT
    }
