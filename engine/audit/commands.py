"""What people do about findings: ask, explain, conclude, waive; and let a blocked step pass.

Each is an entry in the matter's own chain and a note at the finding. Nothing makes a finding
vanish: a waived one is still shown, with who waived it and why.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from engine.audit import owed
from engine.audit.deeds import ASK, CONCLUDE, EXPLAIN, WAIVE, Deed, checked_words
from engine.clock import Clock
from engine.compliance.models import Finding, FindingNote
from engine.compliance.parameters import Level
from engine.compliance.results import Outcome
from engine.compliance.rules import Rule
from engine.database import Record
from engine.directory.actors import Actor, HeldPost
from engine.directory.models import Organisation
from engine.directory.policy import Action, Decision, require
from engine.errors import N_, Conflict, NotAllowed, NotFound
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind
from engine.runtime import store
from engine.runtime.commands import Command, Done, carry_out
from engine.runtime.judging import announce_breaches, rejudge
from engine.runtime.locking import instance_row
from engine.runtime.matters import Matter
from engine.runtime.measuring import Measure, measure_of
from engine.runtime.world import DatabaseLanes, matter_of, matter_view


def ask_explanation(
    finding_id: int, words: str, *, actor: Actor, clock: Clock, command_id: UUID | None = None
) -> Done:
    """Ask the organisation of a matter to explain a finding.

    Raises NotFound, NotAllowed, InvalidInput; Conflict when the finding is settled already.
    """
    return _note(ASK, finding_id, words, actor, clock, command_id)


def explain(
    finding_id: int, words: str, *, actor: Actor, clock: Clock, command_id: UUID | None = None
) -> Done:
    """Explain a finding, asked or not. Raises as :func:`ask_explanation`."""
    return _note(EXPLAIN, finding_id, words, actor, clock, command_id)


def conclude(
    finding_id: int, words: str, *, actor: Actor, clock: Clock, command_id: UUID | None = None
) -> Done:
    """Record what an auditor or a superior concludes of a finding. It stays what it is."""
    return _note(CONCLUDE, finding_id, words, actor, clock, command_id)


def waive(
    finding_id: int, reason: str, *, actor: Actor, clock: Clock, command_id: UUID | None = None
) -> Done:
    """Waive a finding with a reason, at the level that may. Rules show it as waived from now on.

    Raises as :func:`ask_explanation`, and NotAllowed below the level that the rule asks for.
    """

    def step(session: Session) -> Done:
        about = owed.owed_finding(session, finding_id, lock=True)
        if about is not None:
            return owed.say(
                session, about, WAIVE, reason, actor=actor, clock=clock, command_id=command_id
            )
        finding, row, matter = _locked(session, finding_id)
        decision = require(actor, WAIVE.action, matter_view(row, matter))
        if finding.outcome != Outcome.NOT_MET:
            raise Conflict(N_("该问题已经消除或豁免，无需再豁免。"))
        measure = _measure(session, matter, row, clock)
        level = waiving_level(measure.book.rule(finding.rule, finding.edition))
        _at_level(session, matter, decision.post, level)
        payload = {**_about(finding), "seq": finding.seq, "reason": checked_words(reason)}
        _write(session, row, finding, WAIVE.kind, payload, actor, decision, clock, command_id)
        _, breaches = rejudge(session, row, matter.definition, clock)
        announce_breaches(session, row.instance_id, breaches)
        return Done(row.instance_id)

    arguments = {"finding": finding_id, "reason": reason}
    return carry_out(_command(WAIVE, arguments, actor, command_id), step, clock)


def allow_override(
    instance_id: int,
    rule_id: str,
    element: str,
    reason: str,
    *,
    actor: Actor,
    clock: Clock,
    command_id: UUID | None = None,
) -> Done:
    """Let a step pass although a rule stands in its way: for this matter and this step only.

    The step is done by whoever has to do it; the finding stays and says who allowed it. Raises
    NotFound, NotAllowed below the level that the rule names or where it names none, InvalidInput.
    """

    def step(session: Session) -> Done:
        row = instance_row(session, instance_id)
        matter = matter_of(session, row)
        decision = require(actor, Action.ALLOW_OVERRIDE, matter_view(row, matter))
        book = _measure(session, matter, row, clock).book
        rules = [r for r in book.standing_at(element) if r.id == rule_id and r.blocks]
        if not rules:
            raise NotFound(N_("该环节没有这条规则。"))
        level = rules[-1].override
        if level is None or level is Level.NONE:
            raise NotAllowed(N_("这条规则任何一级都不能准予越过。"))
        _at_level(session, matter, decision.post, level)
        event = Event(
            EntryKind.OVERRIDDEN,
            actor_id=actor.person_id,
            on_behalf_of=decision.on_behalf_of,
            occurred_on=clock.today(),
            element=element,
            command_id=command_id,
            payload={"rule": rule_id, "element": element, "reason": checked_words(reason)},
        )
        store.write_entry(session, row, event, clock.now())
        rejudge(session, row, matter.definition, clock)
        return Done(instance_id)

    arguments = {"rule": rule_id, "element": element, "reason": reason}
    command = Command("allow", arguments, command_id, actor.person_id, instance_id)
    return carry_out(command, step, clock)


# --- inside -------------------------------------------------------------------------------------


def _note(
    deed: Deed,
    finding_id: int,
    words: str,
    actor: Actor,
    clock: Clock,
    command_id: UUID | None,
) -> Done:
    def step(session: Session) -> Done:
        about = owed.owed_finding(session, finding_id, lock=True)
        if about is not None:
            return owed.say(
                session, about, deed, words, actor=actor, clock=clock, command_id=command_id
            )
        finding, row, matter = _locked(session, finding_id)
        decision = require(actor, deed.action, matter_view(row, matter))
        if finding.outcome == Outcome.PENDING:
            raise Conflict(N_("该环节尚未到期，还不是问题。"))
        payload = {**_about(finding), "text": checked_words(words)}
        _write(session, row, finding, deed.kind, payload, actor, decision, clock, command_id)
        state = str(deed.state)
        session.execute(update(Finding).where(Finding.id == finding.id).values(state=state))
        return Done(row.instance_id)

    arguments = {"finding": finding_id, "text": words}
    return carry_out(_command(deed, arguments, actor, command_id), step, clock)


def _locked(session: Session, finding_id: int) -> tuple[Finding, Record, Matter]:
    """Return the finding with its matter, locked. Raises NotFound."""
    instance_id = session.scalar(select(Finding.instance_id).where(Finding.id == finding_id))
    if instance_id is None:
        raise NotFound(N_("没有这个问题，或您无权查看。"))
    row = instance_row(session, instance_id, running=False)
    finding = session.get_one(Finding, finding_id, populate_existing=True)
    return finding, row, matter_of(session, row)


def _measure(session: Session, matter: Matter, row: Record, clock: Clock) -> Measure:
    measure = measure_of(session, matter.definition, row.path, clock)
    if measure is None:
        raise NotFound(N_("该流程没有规则。"))
    return measure


def reaches(session: Session, matter: Matter, post: HeldPost | None, level: Level) -> bool:
    """Tell whether a post is held high enough above the matter."""
    lanes = DatabaseLanes(session)
    lowest = lanes.approving(matter.organisation_id)
    if level is Level.COUNTY and lowest is not None:
        lowest = lanes.parent(lowest)
    place = None if lowest is None else session.get(Organisation, lowest)
    return post is not None and place is not None and place.path.startswith(post.path)


def waiving_level(rule: Rule | None) -> Level:
    """Return the lowest level that may waive a finding of a rule."""
    return rule.override if rule is not None and rule.override else Level.APPROVING


def _at_level(session: Session, matter: Matter, post: HeldPost | None, level: Level) -> None:
    """Raise NotAllowed unless the post is held high enough above the matter."""
    if not reaches(session, matter, post, level):
        raise NotAllowed(N_("须由%(level)s办理。"), level=level.label)


def _write(
    session: Session,
    row: Record,
    finding: Finding,
    kind: EntryKind,
    payload: Mapping[str, Any],
    actor: Actor,
    decision: Decision,
    clock: Clock,
    command_id: UUID | None,
) -> None:
    """Write the entry and the note of what is said about a finding."""
    event = Event(
        kind,
        actor_id=actor.person_id,
        on_behalf_of=decision.on_behalf_of,
        occurred_on=clock.today(),
        element=finding.element,
        command_id=command_id,
        payload=payload,
    )
    store.write_entry(session, row, event, clock.now())
    session.add(
        FindingNote(
            finding_id=finding.id,
            kind=str(kind),
            text=payload.get("text") or payload["reason"],
            person_id=actor.person_id,
            post=decision.post.key if decision.post else None,
            written_at=clock.now(),
            seq=row.chain_length + 1,
        )
    )
    session.flush()


def _about(finding: Finding) -> dict[str, Any]:
    return {"rule": finding.rule, "element": finding.element, "round": finding.round}


def _command(
    deed: Deed, arguments: Mapping[str, Any], actor: Actor, command_id: UUID | None
) -> Command:
    return Command(deed.name, arguments, command_id, actor.person_id)
