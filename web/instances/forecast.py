"""What is to come of a matter: the tab 预计 with its what-if form, and the sentence for 我的."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import zip_longest
from typing import Final

from flask import request
from flask_babel import gettext

from engine.compliance.results import render
from engine.errors import N_, InvalidInput, Sentence
from engine.runtime.queries.forecast import MatterForecast, StepAhead, WouldBreak, matter_forecast
from engine.runtime.views import MatterStatus, MatterView
from web.context import actor, clock, reading
from web.language import chosen_language, in_words
from web.words import long_date

GIVEN: Final = "on."
"""How the parameter begins that gives a step a day: ``on.first_talk=2026-12-01``."""
MOST_GIVEN: Final = 40


@dataclass(frozen=True)
class Chosen:
    """A day that somebody thinks of, with the address of the page without it."""

    element: str
    title: str
    day: date
    others: dict[str, str]


@dataclass(frozen=True)
class ForecastPage:
    """What the tab shows."""

    told: MatterForecast | None
    chosen: tuple[Chosen, ...]
    choices: tuple[tuple[str, str], ...]
    """Steps for which a day can be thought of, with their titles."""
    wrong: tuple[str, ...]
    """What is wrong with the days given; they were left out."""

    @property
    def ahead(self) -> list[StepAhead]:
        """Return the steps to come; what many do on one day stands among them once."""
        steps = self.told.steps if self.told else ()
        return [
            step
            for step, following in zip_longest(steps, steps[1:])
            if following is None or (step.element, step.day) != (following.element, following.day)
        ]


def given_days(items: Iterable[tuple[str, str]]) -> dict[str, date]:
    """Return the days given as ``on.element=date``. Raises InvalidInput."""
    found: dict[str, date] = {}
    for name, value in items:
        if not name.startswith(GIVEN) or not value:
            continue
        try:
            found[name.removeprefix(GIVEN)] = date.fromisoformat(value)
        except ValueError:
            raise InvalidInput({name: [N_("日期应为 2026-06-10 的样子。")]}) from None
    if len(found) > MOST_GIVEN:
        raise InvalidInput(
            {"on": [Sentence(N_("一次最多假定 %(most)s 个环节的日期。"), most=MOST_GIVEN)]}
        )
    return found


def forecast_page(view: MatterView) -> ForecastPage:
    """Work out the tab for the days in the address."""
    wrong: list[str] = []
    given: dict[str, date] = {}
    args = list(request.args.items())
    if (step := request.args.get("step")) and (day := request.args.get("day")):
        args.append((f"{GIVEN}{step}", day))
    try:
        given = given_days(args)
        told = matter_forecast(reading(), actor(), clock(), view.row.id, given)
    except InvalidInput as refusal:
        wrong = [in_words(w) for group in refusal.fields.values() for w in group]
        given = {}
        told = matter_forecast(reading(), actor(), clock(), view.row.id)
    titles = {
        step.element: f"{step.number} {step.title}" if step.number else step.title
        for stage in view.stages
        for step in stage.steps
    }
    return ForecastPage(
        told,
        tuple(
            Chosen(
                element,
                titles.get(element, element),
                day,
                {f"{GIVEN}{e}": d.isoformat() for e, d in given.items() if e != element},
            )
            for element, day in given.items()
        ),
        _choices(told),
        tuple(wrong),
    )


def _choices(told: MatterForecast | None) -> tuple[tuple[str, str], ...]:
    if told is None:
        return ()
    return tuple(_titles(told.steps).items())


def _titles(steps: Iterable[StepAhead]) -> dict[str, str]:
    """Return the titles of steps with their numbers, by element."""
    return {
        step.element: f"{step.number} {step.title}" if step.number else step.title for step in steps
    }


def rule_sentence(broken: WouldBreak, told: MatterForecast) -> str:
    """Return why a rule would not be met, in the reader's language."""
    if chosen_language() != "en":
        return render(broken.sentence)
    return render(broken.sentence, lambda text: told.english.get(text) or str(gettext(text)))


def promise(told: MatterForecast) -> str:
    """Return when the matter can reach its aim at the earliest, in one sentence; or nothing.

    The aim is named where it is what a person becomes; all others are just finished.
    """
    if told.blocked:
        return ""
    becomes = any(step.statuses for step in told.steps)
    if becomes and told.outcome_title and told.outcome_on:
        return str(
            gettext(
                "最早 %(day)s 可以%(outcome)s。",
                day=long_date(told.outcome_on),
                outcome=in_words(told.outcome_title),
            )
        )
    if told.ends_on:
        return str(gettext("最早 %(day)s 可以办结。", day=long_date(told.ends_on)))
    return ""


def depends_on(told: MatterForecast) -> str:
    """Return on what that depends, in a sentence or two."""
    english = chosen_language() == "en"
    supposed = dict.fromkeys(s.supposes_en if english else s.supposes for s in told.steps)
    words = [one for one in supposed if one]
    if not words:
        return _when_all_agree(told)
    # Joined as the language does it: a list in English has other commas.
    also = gettext("还假定：%(what)s。", what=("; " if english else "，").join(words))
    return f"{_when_all_agree(told)} {also}" if english else f"{_when_all_agree(told)}{also}"


def _when_all_agree(told: MatterForecast) -> str:
    # Two decisions may have one title; a number tells them apart.
    titles = list(_titles(told.decisions).values())
    if not titles:
        return str(gettext("前提是以后每个环节都在最早可以办理的日期办理。"))
    if len(titles) == 1:
        return str(
            gettext(
                "前提是以后每个环节都在最早可以办理的日期办理，并且“%(what)s”的意见是同意。",
                what=titles[0],
            )
        )
    return str(
        gettext(
            "前提是以后每个环节都在最早可以办理的日期办理，并且从“%(first)s”到“%(last)s”的 "
            "%(n)s 个决定都是同意。",
            first=titles[0],
            last=titles[-1],
            n=len(titles),
        )
    )


def told_of(view: MatterView) -> MatterForecast | None:
    """Return the forecast of a matter for the person it is about; None when it does not run."""
    if view.row.status is not MatterStatus.ACTIVE:
        return None
    return matter_forecast(reading(), actor(), clock(), view.row.id)
