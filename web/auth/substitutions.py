"""代办授权: who may act for me for a time, and for whom I may act."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers.response import Response

from engine.directory.actors import Actor, HeldPost
from engine.directory.codes import BRANCH_KINDS, OrganisationKind, PostKind
from engine.directory.models import Substitution
from engine.directory.operations import lend_posts, take_posts_back
from engine.directory.posts import holders
from engine.directory.substitution import SubstitutionLine, substitutions_of
from engine.directory.voting import has_voting_right, voters
from engine.errors import N_, InvalidInput, NotFound
from web.context import actor, clock, login_required, reading
from web.language import in_words
from web.numbers import row_number
from web.words import as_date

blueprint = Blueprint("substitutions", __name__, url_prefix="/account/substitutions")


@dataclass(frozen=True)
class Place:
    """An organisation at which the person holds posts of his own."""

    id: int
    name: str
    posts: tuple[HeldPost, ...]
    colleagues: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Line:
    """A substitution as it is shown, with how it stands today."""

    line: SubstitutionLine
    state: str
    tone: str
    open: bool

    @property
    def posts(self) -> str:
        """Return organisation and posts, heads first."""
        line = self.line
        if line.posts is None:
            return f"{line.organisation_name} {gettext('全部职务')}"
        kinds = [in_words(kind.label) for kind in PostKind if kind in line.posts]
        return f"{line.organisation_name} {'、'.join(kinds)}"


@dataclass(frozen=True)
class Typed:
    """What was filled in, to be shown again."""

    organisation: int | None = None
    substitute: int | None = None
    posts: frozenset[str] | None = None
    since: str = ""
    until: str = ""
    reason: str = ""
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict)


@blueprint.get("")
@login_required
def index() -> str:
    """Show what I have lent and borrowed, and the form to lend."""
    today = clock().today()
    given = request.args.get("organisation", type=row_number)
    return _page(Typed(organisation=given, since=today.isoformat()))


@blueprint.post("")
@login_required
def lend() -> Response | tuple[str, int]:
    """Let somebody act for me."""
    me = actor()
    typed = Typed(
        organisation=request.form.get("organisation", type=row_number),
        substitute=request.form.get("substitute", type=row_number),
        posts=frozenset(request.form.getlist("posts")),
        since=request.form.get("since", ""),
        until=request.form.get("until", ""),
        reason=request.form.get("reason", ""),
    )
    since, until = as_date(typed.since), as_date(typed.until)
    place = next((p for p in _places(reading(), me) if p.id == typed.organisation), None)
    wrong = _missing(typed, since, until, place)
    if wrong or since is None or until is None or place is None:
        return _page(_again(typed, wrong)), 422
    if typed.substitute not in {number for number, _ in place.colleagues}:
        wrong["substitute_id"] = [N_("请从名单中选择受托人。")]
        return _page(_again(typed, wrong)), 422
    try:
        lend_posts(
            clock(),
            me,
            principal_id=me.person_id,
            substitute_id=typed.substitute or 0,
            organisation_id=place.id,
            posts=[kind for kind in PostKind if kind.value in (typed.posts or ())],
            since=since,
            until=until,
            reason=typed.reason,
        )
    except InvalidInput as refusal:
        return _page(_again(typed, refusal.fields)), 422
    flash(gettext("代办授权已设立，受托人从起始日起可以代您办理。"), "done")
    return redirect(url_for("substitutions.index"), 303)


@blueprint.post("/<int:substitution_id>/revoke")
@login_required
def revoke(substitution_id: int) -> Response:
    """Take lent posts back at once; only what I have lent myself is found here."""
    me = actor()
    mine = reading().scalar(
        select(Substitution.id).where(
            Substitution.id == substitution_id, Substitution.principal_id == me.person_id
        )
    )
    if mine is None:
        raise NotFound
    take_posts_back(clock(), me, substitution_id)
    flash(gettext("代办授权已撤销，立即生效。"), "done")
    return redirect(url_for("substitutions.index"), 303)


def _missing(
    typed: Typed, since: date | None, until: date | None, place: Place | None
) -> dict[str, Sequence[str]]:
    """Return what the page itself finds missing; the rest the engine finds."""
    wrong: dict[str, Sequence[str]] = {}
    if place is None:
        wrong["organisation"] = [N_("请选择您任职的党组织。")]
    if typed.substitute is None:
        wrong["substitute_id"] = [N_("请选择受托人。")]
    if not typed.posts or not typed.posts <= {str(kind.value) for kind in PostKind}:
        wrong["posts"] = [N_("请至少选择一项职务。")]
    if since is None:
        wrong["since"] = [N_("请填写起始日期。")]
    if until is None:
        wrong["until"] = [N_("请填写结束日期。")]
    if not typed.reason.strip():
        wrong["reason"] = [N_("请填写委托原因。")]
    return wrong


def _again(typed: Typed, wrong: Mapping[str, Sequence[str]]) -> Typed:
    errors = {name: tuple(in_words(w) for w in words) for name, words in wrong.items()}
    return Typed(
        typed.organisation,
        typed.substitute,
        typed.posts,
        typed.since,
        typed.until,
        typed.reason,
        errors,
    )


def _places(session: Session, me: Actor) -> list[Place]:
    """Return where the actor holds posts of his own, and who may be chosen there.

    What was lent to me cannot be lent on.
    """
    by_place: dict[int, list[HeldPost]] = {}
    for post in me.posts:
        if post.on_behalf_of is None:
            by_place.setdefault(post.organisation_id, []).append(post)
    today = clock().today()
    return [
        Place(
            organisation_id,
            posts[0].organisation_name,
            tuple(posts),
            tuple(_colleagues(session, posts[0], me.person_id, today)),
        )
        for organisation_id, posts in by_place.items()
    ]


def _colleagues(
    session: Session, post: HeldPost, person_id: int, today: date
) -> list[tuple[int, str]]:
    """Return who may stand in: those who hold a post there first, then a branch's members.

    An organisation with branches below it has members by the thousand: there only its own office.
    """
    office = {
        holder.person_id: holder.name
        for holder in holders(session, post.organisation_id, list(PostKind), today)
    }
    if post.organisation_kind in BRANCH_KINDS | {OrganisationKind.GROUP}:
        members = {voter.id: voter.name for voter in voters(session, post.organisation_id, today)}
        chosen = {number: name for number, name in office.items() if number in members} | members
    else:
        chosen = {n: name for n, name in office.items() if has_voting_right(session, n, today)}
    return [(number, name) for number, name in chosen.items() if number != person_id]


def _lines(session: Session, me: Actor, today: date) -> tuple[list[Line], list[Line]]:
    lent: list[Line] = []
    borrowed: list[Line] = []
    for line in substitutions_of(session, me.person_id):
        (lent if line.principal_id == me.person_id else borrowed).append(_line(line, today))
    return lent, borrowed


def _line(line: SubstitutionLine, today: date) -> Line:
    if line.revoked:
        return Line(line, gettext("已撤销"), "skipped", False)
    if line.until < today:
        return Line(line, gettext("已到期"), "skipped", False)
    if line.since > today:
        return Line(line, gettext("尚未开始"), "waiting", True)
    return Line(line, gettext("生效中"), "done", True)


def _page(typed: Typed) -> str:
    session, me = reading(), actor()
    places = _places(session, me)
    place = next((p for p in places if p.id == typed.organisation), None)
    lent, borrowed = _lines(session, me, clock().today())
    return render_template(
        "auth/substitutions.html",
        places=places,
        place=place or (places[0] if places else None),
        typed=typed,
        lent=lent,
        borrowed=borrowed,
    )
