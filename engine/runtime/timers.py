"""Fire timers: what is due is decided by the clock and the matter, never by the job that calls."""

from __future__ import annotations

from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind
from engine.runtime import store, transitions
from engine.runtime.applying import apply
from engine.runtime.commands import Command, Done, carry_out
from engine.runtime.world import (
    make_world,
    matter_of,
)


def fire_timers(instance_id: int, *, clock: Clock) -> Done | None:
    """Let the matter's due timers fire, in order. Returns None when there was nothing to do.

    Safe to call at any time and any number of times: what is due is decided by the clock and the
    matter's own state, never by the job that called.
    """

    def step(session: Session) -> Done:
        row = store.lock_instance(session, instance_id)
        if row is None or row.status != "active" or not row.watch:
            return Done(0)
        transition = transitions.fire(matter_of(session, row), make_world(session, clock))
        if transition is None:
            return Done(0)
        event = Event(
            EntryKind.TIMER_FIRED,
            occurred_on=transition.occurred_on,
            element=next((p.element for p in transition.passed), None),
        )
        opened = apply(session, row, transition, event, clock)
        return Done(instance_id, opened, transition.completed)

    done = carry_out(Command("fire", {}, instance_id=instance_id), step, clock)
    return done if done.instance_id else None
