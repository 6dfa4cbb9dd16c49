"""代办授权: a person lends posts at one organisation to another for a span of days.

Kept strict, because it moves power: the substitute must be a full member whose rights are not
restricted, the span is limited, and what he does is recorded with the name of the lender.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, aliased

from engine.clock import Clock
from engine.directory.codes import PostKind
from engine.directory.models import Organisation, Person, Substitution
from engine.directory.posts import posts_of
from engine.directory.voting import has_voting_right
from engine.errors import N_, InvalidInput, NotFound

LONGEST = timedelta(days=183)
"""A longer absence calls for a new appointment, not for a substitute."""


@dataclass(frozen=True)
class SubstitutionLine:
    """A substitution as people read it."""

    id: int
    principal_id: int
    principal_name: str
    substitute_id: int
    substitute_name: str
    organisation_id: int
    organisation_name: str
    posts: tuple[PostKind, ...] | None
    since: date
    until: date
    reason: str
    revoked: bool


def add_substitution(
    session: Session,
    *,
    principal_id: int,
    substitute_id: int,
    organisation_id: int,
    posts: Sequence[PostKind] | None,
    since: date,
    until: date,
    reason: str,
    created_by: int,
    clock: Clock,
) -> Substitution:
    """Lend posts. Raises InvalidInput with all that is wrong."""
    wrong: dict[str, list[str]] = {}
    held = {
        post.kind
        for post, organisation in posts_of(session, principal_id)
        if organisation.id == organisation_id
        and post.since <= until
        and (post.until is None or post.until >= since)
    }
    if principal_id == substitute_id:
        wrong["substitute_id"] = [N_("不能委托本人。")]
    elif not has_voting_right(session, substitute_id, max(since, clock.today())):
        wrong["substitute_id"] = [N_("受托人须为正式党员，且党员权利未受限制。")]
    if until < since:
        wrong["until"] = [N_("结束日期不能早于开始日期。")]
    elif until - since > LONGEST:
        wrong["until"] = [N_("代办授权最长半年；更长时间离岗应按规定调整职务。")]
    elif until < clock.today():
        wrong["until"] = [N_("结束日期已过，代办授权不能补办。")]
    if not held or not set(posts or ()) <= held:
        wrong["posts"] = [N_("委托人在这段时间内没有担任该职务。")]
    if not reason.strip():
        wrong["reason"] = [N_("请填写委托原因。")]
    if wrong:
        raise InvalidInput(wrong)
    made = Substitution(
        principal_id=principal_id,
        substitute_id=substitute_id,
        organisation_id=organisation_id,
        posts=None if posts is None else sorted(str(post.value) for post in posts),
        since=since,
        until=until,
        reason=reason.strip(),
        created_by=created_by,
        created_at=clock.now(),
    )
    session.add(made)
    session.flush()
    return made


def close_substitution(session: Session, substitution_id: int, *, clock: Clock) -> Substitution:
    """Take lent posts back at once. Raises NotFound."""
    found = session.get(Substitution, substitution_id, with_for_update=True)
    if found is None:
        raise NotFound()
    found.revoked_at = found.revoked_at or clock.now()
    session.flush()
    return found


def substitutions_of(session: Session, person_id: int) -> list[SubstitutionLine]:
    """Return all that a person has lent or borrowed, the latest first."""
    principal, substitute = aliased(Person), aliased(Person)
    rows = session.execute(
        select(Substitution, principal.name, substitute.name, Organisation.short_name)
        .join(principal, principal.id == Substitution.principal_id)
        .join(substitute, substitute.id == Substitution.substitute_id)
        .join(Organisation, Organisation.id == Substitution.organisation_id)
        .where(or_(Substitution.principal_id == person_id, Substitution.substitute_id == person_id))
        .order_by(Substitution.since.desc(), Substitution.id.desc())
    )
    return [
        SubstitutionLine(
            id=row.id,
            principal_id=row.principal_id,
            principal_name=principal_name,
            substitute_id=row.substitute_id,
            substitute_name=substitute_name,
            organisation_id=row.organisation_id,
            organisation_name=organisation_name,
            posts=None if row.posts is None else tuple(PostKind(kind) for kind in row.posts),
            since=row.since,
            until=row.until,
            reason=row.reason,
            revoked=row.revoked_at is not None,
        )
        for row, principal_name, substitute_name, organisation_name in rows
    ]
