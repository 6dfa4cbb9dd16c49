"""Put right what was recorded of a step (更正). What stood there stays in the ledger for ever."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.attachments.operations import bind_attachments
from engine.clock import Clock
from engine.compliance.facts import Facts, Occurrence
from engine.compliance.from_ledger import read_facts
from engine.compliance.items import RAISED
from engine.definitions.versions import Definition
from engine.directory.actors import Actor, place_of
from engine.directory.policy import Action, require
from engine.directory.things import EntryView, MatterView
from engine.errors import N_, InvalidInput, NotAllowed, NotFound
from engine.forms.fields import INDICATORS, OPEN_ITEMS, walk
from engine.forms.schema import FormSchema
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind
from engine.ledger.models import LedgerEntry
from engine.runtime import store
from engine.runtime.applying import attached
from engine.runtime.commands import Command, Done, carry_out
from engine.runtime.indicators.freezing import kept_rows
from engine.runtime.judging import announce_breaches, rejudge
from engine.runtime.locking import instance_row, same_revision
from engine.runtime.matters import Matter, World
from engine.runtime.people import DatabaseFormContext, form_context
from engine.runtime.rectification.answering import answered_items
from engine.runtime.rectification.raising import correct_items, renumber_rows
from engine.runtime.witness import witness
from engine.runtime.world import make_world, matter_of, matter_view


def correct_entry(
    instance_id: int,
    seq: int,
    data: Mapping[str, Any],
    reason: str,
    *,
    actor: Actor,
    clock: Clock,
    occurred_on: date | None = None,
    command_id: UUID | None = None,
    revision: int | None = None,
) -> Done:
    """Correct the step recorded by entry ``seq``: its form as it should have been, and why.

    ``data`` is the whole form, checked as if it were handed in on the day of the step. The way that
    the procedure took stays: what decided it is corrected by sending the matter back. Raises
    NotFound, NotAllowed, StaleRevision, InvalidInput; nothing is changed then.
    """

    def step(session: Session) -> Done:
        row = instance_row(session, instance_id, running=False)
        same_revision(row.revision, revision)
        matter = matter_of(session, row)
        record = recorded_view(session, matter_view(row, matter), seq)
        decision = require(actor, Action.CORRECT_ENTRY, record)
        if not reason.strip():
            raise InvalidInput({"reason": [N_("请写明更正的理由和依据。")]})
        standing = standing_step(session, instance_id, seq)
        element = standing.element
        day = occurred_on or standing.occurred_on
        if day > clock.today():
            raise InvalidInput({"occurred_on": [N_("发生日期不能晚于今天。")]})
        world = make_world(session, clock)
        form = matter.definition.form_of(element)
        context = correction_context(session, world, matter, day, actor, instance_id, standing)
        # The box is closed for ever: what was counted stays.
        context.ballots = {f.key: standing.data.get(f.key) for f in form.ballots}
        cleaned = form.load(data, context)
        changed = _changes(standing, cleaned)
        if not changed and day == standing.occurred_on:
            raise InvalidInput({}, N_("与原来的记录没有不同，无需更正。"))
        _refuse_what_decided(matter, element, changed, day != standing.occurred_on)
        files = bind_attachments(
            session,
            attached(form.fields, changed),
            instance_id=instance_id,
            person_id=actor.person_id,
            held=context.held,
        )
        said = witness(context, form.fields, changed, day, decision.post)
        said.pop("place", None)  # the step was done where it was done
        payload: dict[str, Any] = {"seq": seq, "data": changed, "reason": reason.strip()}
        if day != standing.occurred_on:
            payload["occurred_on"] = day.isoformat()
        if said:
            payload["witness"] = said
        if files:
            payload["files"] = dict(files)
        raised = renumber_rows(session, instance_id, seq, form, changed) if form.raising else {}
        if raised:
            # How the rows are numbered has to be told of all lists of the step.
            payload[RAISED] = raised
            payload["data"] |= {name: cleaned.get(name) for name in raised}
        event = Event(
            EntryKind.CORRECTED,
            actor_id=actor.person_id,
            on_behalf_of=decision.on_behalf_of,
            occurred_on=clock.today(),
            element=element,
            command_id=command_id,
            payload=payload,
        )
        store.write_entry(session, row, event, clock.now())
        if raised:
            correct_items(session, row, matter, element, seq, cleaned, raised, day, clock)
        _, breaches = rejudge(session, row, matter.definition, clock)
        announce_breaches(session, instance_id, breaches)
        return Done(instance_id)

    arguments = {"seq": seq, "data": dict(data), "reason": reason}
    command = Command("correct", arguments, command_id, actor.person_id, instance_id)
    return carry_out(command, step, clock)


def correction_context(
    session: Session,
    world: World,
    matter: Matter,
    day: date,
    actor: Actor,
    instance_id: int,
    standing: Occurrence,
) -> DatabaseFormContext:
    """Return the context of the form of a step that stands; what it answered, froze is as then."""
    form = matter.definition.form_of(standing.element)
    context = form_context(
        session, world, matter, day, actor, instance_id=instance_id, form=form, answering=False
    )
    answered: dict[str, Any] = {}
    if form.answering:
        answered[OPEN_ITEMS] = answered_items(form, standing.data)
    if form.freezing:
        answered[INDICATORS] = kept_rows(form, standing.data, actor.person_id)
    earlier = _attendances(session, instance_id, form, standing)
    return replace(context, variables={**context.variables, **answered, **earlier})


def _attendances(
    session: Session, instance_id: int, form: FormSchema, standing: Occurrence
) -> dict[str, Any]:
    """Return the attendances of earlier steps on which the votes of a form rest."""
    votes = [f for f in walk(form.fields) if "attendance_before" in f.props]
    facts = read_facts(session, instance_id) if votes else None
    if facts is None:
        return {}
    names = {vote.props["attendance_before"] for vote in votes}
    return {
        name: occurrence.data[name]
        for occurrence in facts.occurrences
        if occurrence.seq < standing.seq
        for name in names & occurrence.data.keys()
    }


def standing_step(session: Session, instance_id: int, seq: int) -> Occurrence:
    """Return the step as it stands, earlier corrections included. Raises NotFound, NotAllowed."""
    facts: Facts | None = read_facts(session, instance_id)
    found = next((o for o in facts.occurrences if o.seq == seq), None) if facts else None
    if found is not None:
        return found
    known = select(LedgerEntry.seq).where(
        LedgerEntry.chain_id == instance_id, LedgerEntry.seq == seq
    )
    if session.scalar(known) is None:
        raise NotFound(N_("没有这条记录。"))
    raise NotAllowed(N_("只能更正仍然有效的办结记录；已被退回的环节请重新办理。"))


def recorded_view(session: Session, view: MatterView, seq: int) -> EntryView:
    """Return what the access policy wants to know of a record."""
    payload = session.scalar(
        select(LedgerEntry.payload).where(
            LedgerEntry.chain_id == view.instance_id, LedgerEntry.seq == seq
        )
    )
    return EntryView(view, place_of(json.loads(payload or "{}").get("post")))


def _changes(standing: Occurrence, cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that are different now; None for what is no longer said."""
    names = {*standing.data, *cleaned}
    return {
        name: cleaned.get(name)
        for name in sorted(names)
        if cleaned.get(name) != standing.data.get(name)
    }


def _refuse_what_decided(
    matter: Matter, element: str, changed: Mapping[str, Any], day_changed: bool
) -> None:
    """Raise InvalidInput for what gateways, timers or roles of the procedure went by."""
    decided = what_decided(matter.definition, element)
    text = N_("流程已按此项内容往下办理，不能更正；请退回到该环节重新办理。")
    fields = {name: [text] for name in changed if name in decided}
    if day_changed and OCCURRED_ON in decided:
        fields[OCCURRED_ON] = [text]
    if fields:
        raise InvalidInput(fields)


OCCURRED_ON: Final = "occurred_on"


def what_decided(definition: Definition, element: str) -> frozenset[str]:
    """Return the fields of a step by which the matter went its way, the day among them."""
    roles = {p.field for p in definition.package.participants.values() if p.element == element}
    kept = definition.kept[definition.package.steps[element].form]
    day = {OCCURRED_ON} if element in definition.dates else set()
    # What was said of items of other matters is theirs by now.
    answers = {field.key for field in definition.form_of(element).answering}
    return frozenset({*kept, *roles, *day, *answers})
