"""Findings without a matter: what an organisation owed in a period and did not do in time.

They are shown, explained, concluded and waived like those of a matter. As they have no chain of
their own, what is said of them stands on the chain "duties".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from engine.audit.deeds import WAIVE, Deed, checked_words
from engine.audit.views import FindingRow
from engine.clock import Clock
from engine.compliance.findings import FindingState
from engine.compliance.models import Finding, FindingNote
from engine.compliance.parameter_store import all_settings
from engine.compliance.parameters import Level, Parameter, ParameterValue, ancestry_of
from engine.compliance.results import Outcome
from engine.definitions.duties import Duty
from engine.definitions.versions import Definition
from engine.directory.actors import Actor, HeldPost
from engine.directory.models import Organisation
from engine.directory.policy import Action, Decision, decide, require
from engine.directory.things import OrganisationView
from engine.duties.catalogue import catalogue
from engine.duties.models import DutyRow
from engine.duties.parameters import MAKE_UP, PART, view_at
from engine.errors import N_, Conflict, NotAllowed
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind
from engine.ledger.operations import append
from engine.runtime.commands import Done
from engine.runtime.world import DatabaseLanes

CHAIN: Final = "duties"
WAIVED_AT: Final = Level.APPROVING
"""The lowest level that may waive such a finding."""


@dataclass(frozen=True)
class Owed:
    """A finding about a duty, with what the policy is asked about."""

    finding: Finding
    key: str
    place: OrganisationView


def owed_finding(session: Session, finding_id: int, *, lock: bool = False) -> Owed | None:
    """Return a finding about a duty; None when there is no such one, or it has a matter."""
    query = (
        select(Finding, DutyRow.key)
        .join(DutyRow, DutyRow.id == Finding.duty_id)
        .where(Finding.id == finding_id)
        .execution_options(populate_existing=True)
    )
    row = session.execute(query.with_for_update(of=Finding) if lock else query).one_or_none()
    if row is None:
        return None
    found: Finding = row.Finding
    return Owed(found, row.key, OrganisationView(found.organisation_id, found.path))


def duty_of(definition: Definition | None, key: str | None, rule: str) -> Duty | None:
    """Return the duty of a package that a finding is about, by its key or else by its rule."""
    duties = definition.package.duties.values() if definition is not None else ()
    exact = next((duty for duty in duties if duty.key == key), None)
    return exact or next((duty for duty in duties if duty.rule == rule), None)


def may_see(actor: Actor, owed: Owed) -> bool:
    """Tell whether the finding is for the actor."""
    return decide(actor, Action.VIEW_FINDINGS, owed.place).allowed


def what_may(
    session: Session, actor: Actor, owed: Owed, row: FindingRow, actions: Mapping[str, Action]
) -> frozenset[str]:
    """Return what the actor may say of it."""
    if row.outcome is not Outcome.NOT_MET:
        return frozenset()
    decisions = {name: decide(actor, action, owed.place) for name, action in actions.items()}
    names = {name for name, decision in decisions.items() if decision.allowed}
    if row.state is FindingState.ASKED:
        names.discard("ask")
    if "waive" in names and not _high_enough(session, owed, decisions["waive"].post):
        names.discard("waive")
    return frozenset(names)


def used_of(session: Session, owed: Owed) -> tuple[tuple[Parameter, ParameterValue], ...]:
    """Return the parameters that the duty asks for, with what counted on its last day."""
    known = catalogue(session).duties.get(owed.key)
    if known is None:
        return ()
    view = view_at(known.declared, all_settings(session), ancestry_of(owed.place.path))
    names = sorted({*known.duty.parameters, MAKE_UP, PART} & known.declared.keys())
    day = owed.finding.day
    return tuple((known.declared[name], view.value(name, day)) for name in names)


def say(
    session: Session,
    owed: Owed,
    deed: Deed,
    words: str,
    *,
    actor: Actor,
    clock: Clock,
    command_id: UUID | None,
) -> Done:
    """Record what somebody says of it: an entry, a note, and how it stands now.

    Raises NotAllowed, InvalidInput; Conflict when it was settled already.
    """
    decision = require(actor, deed.action, owed.place)
    finding = owed.finding
    values: dict[str, Any] = {"state": str(deed.state)}
    if deed is WAIVE:
        if finding.outcome != Outcome.NOT_MET:
            raise Conflict(N_("该问题已经消除或豁免，无需再豁免。"))
        if not _high_enough(session, owed, decision.post):
            raise NotAllowed(N_("须由%(level)s办理。"), level=WAIVED_AT.label)
        now = clock.now()
        values |= {"outcome": str(Outcome.WAIVED), "resolved_at": now, "changed_at": now}
    said = checked_words(words)
    seq = _record(session, owed, deed.kind, said, actor, decision, clock, command_id)
    session.add(
        FindingNote(
            finding_id=finding.id,
            kind=str(deed.kind),
            text=said,
            person_id=actor.person_id,
            post=decision.post.key if decision.post else None,
            written_at=clock.now(),
            seq=seq,
        )
    )
    session.flush()
    session.execute(update(Finding).where(Finding.id == finding.id).values(**values))
    return Done(0)


def _record(
    session: Session,
    owed: Owed,
    kind: EntryKind,
    said: str,
    actor: Actor,
    decision: Decision,
    clock: Clock,
    command_id: UUID | None,
) -> int:
    finding = owed.finding
    event = Event(
        kind,
        actor_id=actor.person_id,
        on_behalf_of=decision.on_behalf_of,
        occurred_on=clock.today(),
        command_id=command_id,
        payload={
            "finding": finding.id,
            "organisation": finding.organisation_id,
            "duty": owed.key,
            "rule": finding.rule,
            "due": finding.day.isoformat(),
            "text": said,
        },
    )
    return append(session, CHAIN, event, clock).length


def _high_enough(session: Session, owed: Owed, post: HeldPost | None) -> bool:
    lowest = DatabaseLanes(session).approving(owed.place.organisation_id)
    if lowest is None or post is None:
        return False
    place = session.get(Organisation, lowest)
    return place is not None and place.path.startswith(post.path)
