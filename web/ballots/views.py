"""Vote: the list of ballots, the paper, the look before it is put in, the receipt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, render_template, request
from flask_babel import gettext

from engine.ballots.errors import AlreadyVoted
from engine.ballots.paper import Choice, Paper, check_choices, place_name
from engine.errors import Conflict, InvalidInput
from engine.runtime.balloting import cast_ballot
from engine.runtime.queries.ballots import (
    BallotPage,
    WaitingBallot,
    ballot_page,
    my_ballots,
    my_receipt,
    waiting_ballots,
)
from web.ballots.secret import remember_cast, sign_in_secret, was_cast_here
from web.context import actor, clock, login_required, reading
from web.language import in_words

blueprint = Blueprint("ballots", __name__, url_prefix="/ballots")

PREFIX = "c:"
"""Begins the names of answers in the page's form."""

Answers = dict[str, list[str]]


@blueprint.record_once
def _globals(state: Any) -> None:
    state.app.jinja_env.globals["to_vote"] = to_vote


def to_vote() -> list[WaitingBallot]:
    """Return the open ballots in which the person who asks has not voted yet."""
    return waiting_ballots(reading(), actor())


@blueprint.get("/")
@login_required
def index() -> str:
    """Show the ballots in which the person who asks has a vote."""
    return render_template("ballots/index.html", ballots=my_ballots(reading(), actor()))


@blueprint.get("/<int:box_id>")
@login_required
def ballot(box_id: int) -> str:
    """Show the paper; or that one has voted; or, once it is closed, what came out."""
    return _page(ballot_page(reading(), actor(), box_id))


@blueprint.post("/<int:box_id>")
@login_required
def cast(box_id: int) -> str | tuple[str, int]:
    """Show what was chosen, to be confirmed; then put it in.

    The answer is the page itself, never a redirect: the receipt stands nowhere else.
    """
    page = ballot_page(reading(), actor(), box_id)
    answers = posted_answers()
    if page.way is not None:
        return _voted_before(page)
    if request.form.get("_back"):
        return _page(page, answers)
    _, problems = check_choices(page.paper, answers)
    if problems:
        return _page(page, answers, problems), 422
    if not request.form.get("_confirm"):
        if not page.may_cast:
            return _page(page)
        return render_template(
            "ballots/confirm.html", page=page, chosen=chosen(page.paper, answers)
        )
    try:
        code = cast_ballot(box_id, answers, secret=sign_in_secret(), actor=actor(), clock=clock())
    except InvalidInput as refusal:
        return _page(page, answers, refusal.fields), 422
    except AlreadyVoted:
        return _voted_before(ballot_page(reading(), actor(), box_id))
    except Conflict:
        return _page(ballot_page(reading(), actor(), box_id), late=True), 409
    remember_cast(box_id)
    page = ballot_page(reading(), actor(), box_id)
    return render_template("ballots/cast.html", page=page, code=code)


def posted_answers() -> Answers:
    """Return what was chosen, by question and item."""
    names = [name for name in request.form if name.startswith(PREFIX)]
    return {name.removeprefix(PREFIX): request.form.getlist(name) for name in names}


def chosen(
    paper: Paper, answers: Mapping[str, Sequence[str]]
) -> list[tuple[str, str, list[Choice]]]:
    """Return a filled-in paper as lines: the name of the answer, what it is about, the options."""
    lines = []
    for question in paper.questions:
        abouts = {item.value: item.label for item in question.items}
        for place in question.places:
            name = place_name(question, place)
            picked = [o for o in question.options if o.value in answers.get(name, ())]
            lines.append((PREFIX + name, abouts.get(place, question.label), picked))
    return lines


def _voted_before(page: BallotPage) -> tuple[str, int]:
    """Say once and clearly that one ballot is in the box, and that this one was not counted."""
    code = my_receipt(reading(), page.id, sign_in_secret())
    here = was_cast_here(page.id)
    return render_template("ballots/voted.html", page=page, code=code, here=here), 409


def _page(
    page: BallotPage,
    answers: Mapping[str, Sequence[str]] | None = None,
    problems: Mapping[str, Sequence[str]] | None = None,
    *,
    late: bool = False,
) -> str:
    code = None
    if page.way == "electronic" and was_cast_here(page.id):
        code = my_receipt(reading(), page.id, sign_in_secret())
    return render_template(
        "ballots/ballot.html",
        page=page,
        answers=answers or {},
        problems={k: [in_words(w) for w in v] for k, v in (problems or {}).items()},
        prefix=PREFIX,
        code=code,
        late=late,
        bounds=bounds,
        place_name=place_name,
    )


def bounds(question: Any) -> str:
    """Return how many options may be chosen."""
    least, most = question.least, question.most
    if most == 1:
        words = gettext("选一项") if least else gettext("选一项，可以不选")
    elif least == most:
        words = gettext("选 %(most)s 项", most=most)
    elif least:
        words = gettext("选 %(least)s 至 %(most)s 项", least=least, most=most)
    else:
        words = gettext("最多选 %(most)s 项，可以不选", most=most)
    return str(words)
