"""How an item stands, in words and a tone."""

from __future__ import annotations

from datetime import date
from typing import Final

from flask import Flask

from engine.compliance.items import ItemState
from engine.ledger.kinds import EntryKind
from engine.rectification.views import ItemRow, NoteRow
from web.context import clock
from web.language import in_words
from web.words import Limit, limit

_TONES: Final = {
    ItemState.OPEN: "todo",
    ItemState.DONE: "info",
    ItemState.EXTENDED: "soon",
    ItemState.CARRIED: "soon",
    ItemState.CLOSED: "done",
    ItemState.WITHDRAWN: "skipped",
}
_SAID: Final = {
    EntryKind.ITEM_REPORTED: "info",
    EntryKind.ITEM_EXTENDED: "soon",
    EntryKind.ITEM_CARRIED: "soon",
    EntryKind.ITEM_CLOSED: "done",
    EntryKind.ITEM_REOPENED: "todo",
}


def item_state(row: ItemRow) -> tuple[str, str]:
    """Return tone and words of an item's state."""
    return _TONES[row.state], in_words(row.state.label)


def item_limit(row: ItemRow, today: date | None = None) -> Limit | None:
    """Return how an item's day stands; None once it is settled."""
    return None if row.settled else limit(row.due_on, today or clock().today())


def note_tone(note: NoteRow) -> str:
    """Return the tone of what was recorded."""
    return _SAID.get(note.kind, "info")


def register(app: Flask) -> None:
    """Give templates the words."""
    app.jinja_env.globals.update(item_state=item_state, item_limit=item_limit, note_tone=note_tone)
