"""What every change to the directory has in common: its entry, and what is asked of its words."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.directory.actors import Actor
from engine.errors import N_, InvalidInput
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind
from engine.ledger.operations import append

CHAIN: Final = "directory"


def only(values: dict[str, Any], known: frozenset[str]) -> None:
    """Raise InvalidInput for values that this command does not set."""
    if unknown := sorted(set(values) - known):
        raise InvalidInput({name: [N_("不能填写此项。")] for name in unknown})


def given(reason: str) -> str:
    """Return the reason. Raises InvalidInput when there is none."""
    if not reason.strip():
        raise InvalidInput({"reason": [N_("请填写原因。")]})
    return reason.strip()


def record(
    session: Session,
    clock: Clock,
    actor: Actor,
    change: str,
    *,
    occurred_on: date | None = None,
    **payload: Any,
) -> None:
    """Append the entry of a change; it holds ids and codes, never names or numbers of people."""
    event = Event(
        kind=EntryKind.DIRECTORY,
        actor_id=actor.person_id,
        occurred_on=occurred_on,
        payload={"change": change, **payload},
    )
    append(session, CHAIN, event, clock)
