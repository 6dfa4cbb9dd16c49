"""``/ballots``: vote, and run a ballot. What anybody chose is told nowhere."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from marshmallow import fields

from engine.errors import N_, InvalidInput
from engine.runtime import balloting
from engine.runtime.queries.ballots import BallotPage, ballot_page, my_ballots
from web.api.auth import actor
from web.api.blueprint import Blueprint, answers, body
from web.api.fields import Data, Shape, Text, Whole
from web.api.openapi import PREFIX
from web.api.replies import day, empty, reply
from web.context import clock, reading

blueprint = Blueprint(
    "api-ballots", __name__, url_prefix=f"{PREFIX}/ballots", description="Secret ballots (投票)."
)


class MyBallotSchema(Shape):
    """A ballot in which one has a vote."""

    id = fields.Integer(required=True)
    title = fields.String(required=True)
    matter_title = fields.String(required=True)
    open = fields.Boolean(required=True)
    voted = fields.Boolean(required=True)
    closed_on = fields.Date(required=True, allow_none=True)


class MyBallotsSchema(Shape):
    """The ballots in which one has a vote, the latest fifty."""

    ballots = fields.List(fields.Nested(MyBallotSchema), required=True)


class BallotVoterSchema(Shape):
    """A line of the roll: whether somebody has voted, to the day."""

    person_id = fields.Integer(required=True)
    name = fields.String(required=True)
    category = fields.String(required=True)
    way = fields.String(required=True, allow_none=True)
    voted_on = fields.Date(required=True, allow_none=True)
    struck = fields.Boolean(required=True)


class BallotSchema(Shape):
    """A ballot; roll and result for those who may read them, receipts once it is closed."""

    id = fields.Integer(required=True)
    instance_id = fields.Integer(required=True)
    task_id = fields.Integer(required=True)
    title = fields.String(required=True)
    state = fields.String(required=True, metadata={"description": "open, closed or void"})
    paper = fields.Dict(required=True)
    voted = fields.Boolean(required=True)
    may = fields.List(fields.String(), required=True)
    roll = fields.List(fields.Nested(BallotVoterSchema), required=True)
    tellers = fields.List(fields.Integer(), required=True)
    numbers = fields.Dict(required=True, allow_none=True)
    result = fields.Dict(required=True, allow_none=True)
    receipts = fields.List(fields.String(), required=True)


class CastBallotBody(Shape):
    """The options chosen, by question, or by question and item: ``{"grade.17": ["good"]}``."""

    answers = Data(required=True)


class BallotReceiptSchema(Shape):
    """The receipt of one's ballot, told this once."""

    receipt = fields.String(required=True)


class BallotPeopleBody(Shape):
    """People by number."""

    people = fields.List(Whole(), required=True)


class BallotTotalsBody(Shape):
    """What was counted of paper ballots: ``{"0.collected": 5, "0.grade.17.good": 3}``."""

    totals = Data(required=True)


class VoidBallotBody(Shape):
    """Why."""

    reason = Text(longest=2000, required=True)


class BallotCountSchema(Shape):
    """The count."""

    result = fields.Dict(required=True)


@blueprint.get("")
@answers(200, MyBallotsSchema)
def list_ballots() -> Response:
    """List the ballots in which one has a vote"""
    found = [
        {
            "id": ballot.id,
            "title": ballot.title,
            "matter_title": ballot.matter_title,
            "open": ballot.open,
            "voted": ballot.voted,
            "closed_on": day(ballot.closed_on),
        }
        for ballot in my_ballots(reading(), actor())
    ]
    return reply({"ballots": found})


@blueprint.get("/<id:ballot_id>", errors=(404,))
@answers(200, BallotSchema)
def ballot(ballot_id: int) -> Response:
    """Show a ballot"""
    return reply(_shape(ballot_page(reading(), actor(), ballot_id)))


@blueprint.post("/<id:ballot_id>/cast", errors=(403, 404, 409))
@body(CastBallotBody)
@answers(200, BallotReceiptSchema)
def cast(given: dict[str, Any], ballot_id: int) -> Response:
    """Vote

    Once. There is no Idempotency-Key: nothing is kept by which the command could be known again.
    """
    code = balloting.cast_ballot(
        ballot_id, _answers(given["answers"]), secret=_token(), actor=actor(), clock=clock()
    )
    return reply({"receipt": code})


@blueprint.post("/<id:ballot_id>/close", errors=(403, 404, 409))
@answers(200, BallotCountSchema)
def close(ballot_id: int) -> Response:
    """Close a ballot and count; completing its task does the same"""
    result = balloting.close_ballot(ballot_id, actor=actor(), clock=clock())
    return reply({"result": dict(result)})


@blueprint.post("/<id:ballot_id>/void", errors=(403, 404, 409))
@body(VoidBallotBody)
@answers(204)
def void(given: dict[str, Any], ballot_id: int) -> Response:
    """Throw the ballots away unread, with a reason"""
    balloting.void_ballot(ballot_id, given["reason"], actor=actor(), clock=clock())
    return empty()


@blueprint.post("/<id:ballot_id>/tellers", errors=(403, 404, 409))
@body(BallotPeopleBody)
@answers(204)
def tellers(given: dict[str, Any], ballot_id: int) -> Response:
    """Appoint two or more tellers for the paper ballots"""
    balloting.appoint_tellers(ballot_id, given["people"], actor=actor(), clock=clock())
    return empty()


@blueprint.post("/<id:ballot_id>/paper-ballots", errors=(403, 404, 409))
@body(BallotPeopleBody)
@answers(204)
def issue(given: dict[str, Any], ballot_id: int) -> Response:
    """Note who was handed a paper ballot"""
    balloting.issue_paper(ballot_id, given["people"], actor=actor(), clock=clock())
    return empty()


@blueprint.post("/<id:ballot_id>/totals", errors=(403, 404, 409))
@body(BallotTotalsBody)
@answers(204)
def enter(given: dict[str, Any], ballot_id: int) -> Response:
    """Enter what was counted of the paper ballots, as the first teller"""
    totals = given["totals"]
    wrong = {
        name: [N_("请填写整数。")]
        for name, value in totals.items()
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 100_000
    }
    if wrong:
        raise InvalidInput(wrong)
    balloting.enter_totals(ballot_id, totals, actor=actor(), clock=clock())
    return empty()


@blueprint.post("/<id:ballot_id>/totals/confirm", errors=(403, 404, 409))
@answers(204)
def confirm(ballot_id: int) -> Response:
    """Confirm the totals of the paper ballots, as the second teller"""
    balloting.confirm_totals(ballot_id, actor=actor(), clock=clock())
    return empty()


def _token() -> str:
    """Return the token that was sent: the secret from which the receipt is derived."""
    return request.headers.get("Authorization", "").partition(" ")[2].strip()


def _answers(given: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    wrong: dict[str, list[str]] = {}
    for name, value in given.items():
        chosen = [value] if isinstance(value, str) else value
        if isinstance(chosen, list) and all(isinstance(one, str) for one in chosen):
            found[name] = chosen
        else:
            wrong[name] = [N_("请从列出的选项中选择。")]
    if wrong:
        raise InvalidInput(wrong)
    return found


def _shape(page: BallotPage) -> dict[str, Any]:
    may = {"cast": page.may_cast, "run": page.may_run, "count_paper": page.may_count}
    return {
        "id": page.id,
        "instance_id": page.instance_id,
        "task_id": page.task_id,
        "title": page.paper.title,
        "state": page.state.value,
        "paper": page.paper.as_data(),
        "voted": page.way is not None,
        "may": [name for name, allowed in may.items() if allowed],
        "roll": [
            {
                "person_id": line.person_id,
                "name": line.name,
                "category": line.category,
                "way": line.way.value if line.way else None,
                "voted_on": day(line.voted_on),
                "struck": line.struck,
            }
            for line in page.roll
        ],
        "tellers": [person for person, _ in page.tellers],
        "numbers": page.numbers,
        "result": page.result,
        "receipts": list(page.receipts),
    }
