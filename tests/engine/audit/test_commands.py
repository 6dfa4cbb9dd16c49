"""People and findings: asked, explained, concluded, waived, and blocked steps let pass."""

from __future__ import annotations

from datetime import date
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.audit import commands
from engine.clock import FixedClock
from engine.compliance.broken import RuleBroken
from engine.compliance.models import FindingNote
from engine.errors import Conflict, InvalidInput, NotAllowed, NotFound
from engine.ledger.kinds import EntryKind
from engine.ledger.models import LedgerEntry
from tests.played import Played, play_admission

LATE_TALK = {"first_talk": date(2025, 2, 11)}
"""One day after the month is over."""


@pytest.fixture
def late(session: Session, clock: FixedClock) -> Played:
    """A matter whose first talk came a day too late."""
    return play_admission(session, clock, until="file_activist", days=LATE_TALK)


def kinds(played: Played) -> list[str]:
    entries = select(LedgerEntry.kind).where(LedgerEntry.chain_id == played.instance_id)
    return list(played.session.scalars(entries.order_by(LedgerEntry.seq)))


def test_a_finding_is_asked_about_explained_and_concluded(late: Played) -> None:
    finding = late.findings()["R-ADM-02"]
    assert (finding.state, finding.until, finding.edition) == ("open", None, "2014")
    auditor, branch = late.actor("auditor"), late.actor("commissioner")
    commands.ask_explanation(finding.id, "为什么晚了一天？", actor=auditor, clock=late.clock)
    assert late.findings()["R-ADM-02"].state == "asked"
    commands.explain(finding.id, "书记出差。", actor=branch, clock=late.clock)
    commands.conclude(finding.id, "情况属实。", actor=auditor, clock=late.clock)
    assert late.findings()["R-ADM-02"].state == "concluded"
    notes = late.session.scalars(
        select(FindingNote).where(FindingNote.finding_id == finding.id).order_by(FindingNote.id)
    ).all()
    assert [(note.kind, note.text) for note in notes] == [
        ("asked", "为什么晚了一天？"),
        ("explained", "书记出差。"),
        ("concluded", "情况属实。"),
    ]
    entries = [EntryKind.ASKED, EntryKind.EXPLAINED, EntryKind.CONCLUDED]
    assert kinds(late)[-3:] == list(map(str, entries))
    assert [note.seq for note in notes] == [len(kinds(late)) - n for n in (2, 1, 0)]


def test_who_may_say_what(late: Played) -> None:
    finding = late.findings()["R-ADM-02"]
    for name in ("applicant", "commissioner", "administrator"):
        with pytest.raises(NotAllowed):
            commands.ask_explanation(finding.id, "？", actor=late.actor(name), clock=late.clock)
    with pytest.raises(NotAllowed):
        commands.explain(finding.id, "。", actor=late.actor("auditor"), clock=late.clock)
    for name in ("commissioner", "auditor", "applicant"):
        with pytest.raises(NotAllowed):
            commands.waive(finding.id, "。", actor=late.actor(name), clock=late.clock)
    with pytest.raises(InvalidInput):
        commands.ask_explanation(finding.id, " ", actor=late.actor("auditor"), clock=late.clock)
    with pytest.raises(NotFound):
        commands.ask_explanation(0, "？", actor=late.actor("auditor"), clock=late.clock)


def test_a_waived_finding_stays_and_says_so(late: Played) -> None:
    finding = late.findings()["R-ADM-02"]
    superior = late.actor("superior_secretary")
    command = uuid4()
    for _ in range(2):  # a double click is one waiver
        commands.waive(finding.id, "出差属实", actor=superior, clock=late.clock, command_id=command)
    assert "R-ADM-02" not in late.findings()
    waived = late.findings("waived")["R-ADM-02"]
    assert (waived.id, waived.state) == (finding.id, "waived")
    assert kinds(late).count("waived") == 1
    with pytest.raises(Conflict):
        commands.waive(finding.id, "再次", actor=superior, clock=late.clock)


@pytest.fixture
def one_examination(session: Session, clock: FixedClock) -> Played:
    """A year with a single examination, where two are asked for."""
    played = play_admission(session, clock, until="examine_activist")
    player, cast = played.player, played.player.cast
    chosen = {"examination_next": "propose"}
    player.complete("examine_activist", chosen, date(2025, 9, 5), cast.people["contact_a"])
    player.set_clock(date(2026, 3, 6))
    clock.set(date(2026, 3, 6))
    return played


def propose(played: Played) -> None:
    secretary = played.player.cast.people["commissioner"]
    played.player.complete("propose_prospect", {}, date(2026, 3, 6), secretary)


def allow(played: Played, by: str, rule: str = "R-ADM-08") -> None:
    commands.allow_override(
        played.instance_id,
        rule,
        "propose_prospect",
        "参军期间无法考察",
        actor=played.actor(by),
        clock=played.clock,
    )


def test_a_blocked_step_passes_once_allowed_from_above(one_examination: Played) -> None:
    played = one_examination
    with pytest.raises(RuleBroken) as refused:
        propose(played)
    assert [result.rule.id for result in refused.value.results] == ["R-ADM-08"]
    assert "第十一条" in str(refused.value)
    before = kinds(played)
    for name in ("commissioner", "auditor", "applicant", "administrator"):
        with pytest.raises(NotAllowed):
            allow(played, name)
    assert kinds(played) == before
    allow(played, "superior_secretary")
    propose(played)
    found = played.findings()["R-ADM-08"]
    assert found.overridden and found.state == "open"
    assert kinds(played)[-2:] == ["overridden", "completed"]


def test_what_nobody_may_let_pass(one_examination: Played) -> None:
    with pytest.raises(NotAllowed):
        allow(one_examination, "superior_secretary", "R-ADM-07")
    with pytest.raises(NotFound):
        allow(one_examination, "superior_secretary", "R-ADM-02")
