"""Duties in the words people use."""

from __future__ import annotations

from typing import Any, Final

from flask import Flask

from engine.duties import queries
from engine.duties.catalogue import KnownDuty
from engine.duties.codes import DutyState
from engine.duties.queries import DutyLine
from engine.errors import N_, Translatable
from web.audit.words import sentence_in_words
from web.context import reading
from web.language import chosen_language, in_words

_SHORT: Final = {
    DutyState.PLANNED: ("ahead", N_("计划")),
    DutyState.DUE: ("todo", N_("待办")),
    DutyState.DONE: ("done", N_("已办")),
    DutyState.LATE: ("overdue", N_("逾期")),
    DutyState.MADE_UP: ("back", N_("补办")),
    DutyState.LAPSED: ("skipped", N_("不要求")),
}
TONES: Final = {
    DutyState.PLANNED: "skipped",
    DutyState.DUE: "info",
    DutyState.DONE: "done",
    DutyState.LATE: "overdue",
    DutyState.MADE_UP: "soon",
    DutyState.LAPSED: "skipped",
}


def duty_title(known: KnownDuty | Any) -> str:
    """Return the title of a duty in the reader's language."""
    duty = known.duty if isinstance(known, KnownDuty) else known
    return str(duty.title_en if chosen_language() == "en" and duty.title_en else duty.title)


def duty_state(state: DutyState) -> tuple[str, str, str]:
    """Return tone, icon and short words of how a duty stands."""
    icon, words = _SHORT[state]
    return TONES[state], icon, in_words(words)


def period_name(period: Translatable) -> str:
    """Return the name of a period."""
    return sentence_in_words(period, {})


def planned_for(instance_id: int) -> DutyLine | None:
    """Return what a matter was started for by the plan, while that is still to be done."""
    return queries.planned_for(reading(), instance_id)


def register(app: Flask) -> None:
    """Give templates the words."""
    app.jinja_env.globals.update(
        duty_title=duty_title,
        duty_state=duty_state,
        period_name=period_name,
        planned_for=planned_for,
        DutyState=DutyState,
    )
