"""Who acts: a person, the posts he holds on a day, and those he may use for somebody else.

A *principal* is a text key that a task can be offered to: ``p12`` is a person, ``o4:secretary``
whoever holds that post. An actor carries all principals he answers to, so that an inbox is one
index look-up and no right is ever found by walking the directory.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from sqlalchemy.orm import Session

from engine.database import Record
from engine.directory.actor_queries import by_account, by_people, by_person, by_token, lent_to
from engine.directory.codes import MembershipStatus, OrganisationKind, PostKind
from engine.errors import NotFound


def person_key(person_id: int) -> str:
    """Return the principal of one person."""
    return f"p{person_id}"


def post_key(organisation_id: int, kind: str) -> str:
    """Return the principal of whoever holds a post."""
    return f"o{organisation_id}:{kind}"


def place_of(post: str | None) -> int | None:
    """Return the organisation of a post's principal; None for what names no post."""
    place = (post or "").partition(":")[0].removeprefix("o")
    return int(place) if place.isdecimal() else None


@dataclass(frozen=True)
class HeldPost:
    """A post the actor may use. ``on_behalf_of`` is the person it belongs to, if not himself."""

    organisation_id: int
    path: str
    organisation_name: str
    kind: PostKind
    organisation_kind: OrganisationKind = OrganisationKind.BRANCH
    on_behalf_of: int | None = None
    on_behalf_name: str | None = None
    approves: bool = False
    """Whether its organisation may approve members."""

    @property
    def key(self) -> str:
        """Return the principal of this post."""
        return post_key(self.organisation_id, self.kind)

    @property
    def label(self) -> str:
        """Return what people call it: 第一党支部书记."""
        return f"{self.organisation_name}{self.kind.label}"


@dataclass(frozen=True)
class Actor:
    """The person on whose order something is done, as the directory knows him on a day."""

    person_id: int
    name: str
    day: date
    account_id: int | None = None
    organisation_id: int | None = None
    organisation_path: str | None = None
    status: MembershipStatus = MembershipStatus.NONE
    posts: tuple[HeldPost, ...] = ()
    principals: frozenset[str] = frozenset()

    @property
    def substituting(self) -> tuple[HeldPost, ...]:
        """Return the posts he may use for somebody else."""
        return tuple(post for post in self.posts if post.on_behalf_of is not None)

    def usable_posts(self, subject_id: int | None) -> tuple[HeldPost, ...]:
        """Return the posts that count in a matter about ``subject_id``.

        A substitution never reaches matters about the substitute or about the person he stands
        in for: nobody may have his own matter handled by a person of his choice.
        """
        return tuple(
            post
            for post in self.posts
            if post.on_behalf_of is None
            or subject_id is None
            or subject_id not in (self.person_id, post.on_behalf_of)
        )

    def usable_principals(self, subject_id: int | None) -> frozenset[str]:
        """Return the principals that count in a matter about ``subject_id``."""
        if subject_id is None or not self.substituting:
            return self.principals
        return principals_of(self.person_id, self.usable_posts(subject_id))

    def on_behalf_of(self, principals: frozenset[str], subject_id: int | None = None) -> int | None:
        """Return for whom he acts when a task is offered to ``principals``; None: for himself."""
        posts = [p for p in self.usable_posts(subject_id) if p.key in principals]
        if person_key(self.person_id) in principals or not posts:
            return None
        return next((None for p in posts if p.on_behalf_of is None), posts[0].on_behalf_of)


def principals_of(person_id: int, posts: tuple[HeldPost, ...]) -> frozenset[str]:
    """Return the principals of a person who may use ``posts``."""
    return frozenset((person_key(person_id), *(post.key for post in posts)))


def make_actor(
    person_id: int,
    name: str,
    posts: tuple[HeldPost, ...] = (),
    *,
    day: date,
    account_id: int | None = None,
    organisation_id: int | None = None,
    organisation_path: str | None = None,
    status: MembershipStatus = MembershipStatus.NONE,
) -> Actor:
    """Build an actor from known facts."""
    return Actor(
        person_id=person_id,
        name=name,
        day=day,
        account_id=account_id,
        organisation_id=organisation_id,
        organisation_path=organisation_path,
        status=status,
        posts=posts,
        principals=principals_of(person_id, posts),
    )


def load_actor(
    session: Session,
    day: date,
    *,
    account_id: int | None = None,
    person_id: int | None = None,
) -> Actor:
    """Return the actor behind an account or a person, as on ``day``, in one query.

    Raises NotFound when there is no such person or the account is disabled.
    """
    if (account_id is None) == (person_id is None):
        raise ValueError("give either account_id or person_id")
    if account_id is None:
        rows = by_person(session, id=person_id, day=day)
    else:
        rows = by_account(session, id=account_id, day=day)
    if not rows or (account_id is not None and rows[0].disabled_at is not None):
        raise NotFound()
    return _actor(session, rows, day)


@dataclass(frozen=True)
class TokenActor:
    """The actor behind a bearer token, and when the token was last used."""

    actor: Actor
    token_id: int
    last_used_at: datetime | None


def load_token_actor(
    session: Session, token_hash: str, now: datetime, day: date
) -> TokenActor | None:
    """Return the actor behind a token that still works, in one query."""
    rows = by_token(session, token_hash=token_hash, now=now, day=day)
    if not rows:
        return None
    return TokenActor(_actor(session, rows, day), rows[0].token_id, rows[0].last_used_at)


def load_actors(session: Session, person_ids: Iterable[int], day: date) -> dict[int, Actor]:
    """Return many people as actors on ``day``, in two queries; unknown ids are left out."""
    rows: dict[int, list[Record]] = {}
    for row in by_people(session, ids=list(person_ids), day=day):
        rows.setdefault(row.id, []).append(row)
    lent: dict[int, list[Record]] = {}
    if borrowers := [who for who, found in rows.items() if found[0].borrows]:
        for row in lent_to(session, ids=borrowers, day=day):
            lent.setdefault(row.id, []).append(row)
    return {who: _build(tuple(found), tuple(lent.get(who, ())), day) for who, found in rows.items()}


def _actor(session: Session, rows: Sequence[Record], day: date) -> Actor:
    """Return the actor of one person's rows, with what was lent to him."""
    first = rows[0]
    lent = lent_to(session, ids=[first.id], day=day) if first.borrows else ()
    return _build(tuple(rows), tuple(lent), day)


@lru_cache(maxsize=1024)
def _build(rows: tuple[Record, ...], lent: tuple[Record, ...], day: date) -> Actor:
    """Build an actor from his rows and the posts lent to him.

    He is a value: who asks again and again is read each time, but built once while nothing changes.
    """
    first = rows[0]
    posts = [
        HeldPost(
            organisation_id=row.organisation_id,
            path=row.path,
            organisation_name=row.short_name,
            kind=PostKind(row.kind),
            organisation_kind=OrganisationKind(row.organisation_kind),
            on_behalf_of=row.behalf,
            on_behalf_name=row.behalf_name,
            approves=row.can_approve_members,
        )
        for row in (*rows, *lent)
        if row.kind is not None
    ]
    posts.sort(key=lambda post: (post.path, _ORDER[post.kind], post.on_behalf_of or 0))
    return make_actor(
        first.id,
        first.name,
        tuple(posts),
        day=day,
        account_id=first.account_id,
        organisation_id=first.home_id,
        organisation_path=first.home_path,
        status=MembershipStatus(first.status or MembershipStatus.NONE),
    )


_ORDER = {kind: place for place, kind in enumerate(PostKind)}
