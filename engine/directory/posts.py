"""Posts: who holds what, from when to when."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.directory.codes import PostKind
from engine.directory.models import Organisation, Person, Post, valid_on
from engine.errors import N_, Conflict, InvalidInput, NotFound


@dataclass(frozen=True)
class Holder:
    """A person at a post."""

    post_id: int
    person_id: int
    name: str
    kind: PostKind
    since: date
    until: date | None


def holders(
    session: Session, organisation_id: int, kinds: Collection[str], day: date
) -> list[Holder]:
    """Return who holds one of these posts at the organisation on ``day``; heads first."""
    rows = session.execute(
        select(Post.id, Post.person_id, Person.name, Post.kind, Post.since, Post.until)
        .join(Person, Person.id == Post.person_id)
        .where(
            Post.organisation_id == organisation_id,
            Post.kind.in_(list(kinds)),
            valid_on(Post, day),
        )
    )
    order = list(PostKind)
    found = [
        Holder(row.id, row.person_id, row.name, PostKind(row.kind), row.since, row.until)
        for row in rows
    ]
    return sorted(found, key=lambda h: (order.index(h.kind), h.person_id))


def posts_of(session: Session, person_id: int) -> list[tuple[Post, Organisation]]:
    """Return all posts that a person holds or has held, the latest first."""
    rows = session.execute(
        select(Post, Organisation)
        .join(Organisation, Organisation.id == Post.organisation_id)
        .where(Post.person_id == person_id)
        .order_by(Post.since.desc(), Post.id.desc())
    )
    return [(row[0], row[1]) for row in rows]


def add_post(
    session: Session,
    person_id: int,
    organisation_id: int,
    kind: PostKind,
    since: date,
    until: date | None = None,
) -> Post:
    """Give a post to a person. Raises Conflict when he holds the same one in that span."""
    if until is not None and until < since:
        raise InvalidInput({"until": [N_("卸任日期不能早于任职日期。")]})
    overlapping = select(Post.id).where(
        Post.person_id == person_id,
        Post.organisation_id == organisation_id,
        Post.kind == kind,
        Post.until.is_(None) | (Post.until >= since),
    )
    if until is not None:
        overlapping = overlapping.where(Post.since <= until)
    if session.scalar(overlapping.limit(1)) is not None:
        raise Conflict(N_("此人在这段时间已担任同一职务，无需重复登记。"))
    made = Post(
        person_id=person_id,
        organisation_id=organisation_id,
        kind=PostKind(kind),
        since=since,
        until=until,
    )
    session.add(made)
    session.flush()
    return made


def close_post(session: Session, post_id: int, until: date) -> Post:
    """Let a post end; ``until`` is the last day. Raises NotFound, InvalidInput."""
    post = session.get(Post, post_id, with_for_update=True)
    if post is None:
        raise NotFound()
    if until < post.since:
        raise InvalidInput({"until": [N_("卸任日期不能早于任职日期。")]})
    post.until = until
    session.flush()
    return post
