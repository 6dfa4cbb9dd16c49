"""Who acts: a person, the posts he holds on a day, and those he may use for somebody else.

A *principal* is a text key that a task can be offered to: ``p12`` is a person, ``o4:secretary``
whoever holds that post. An actor carries all principals he answers to, so that an inbox is one
index look-up and no right is ever found by walking the directory.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Date, bindparam, null, or_, select, true, union_all
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql import Select
from sqlalchemy.sql.selectable import FromClause

from engine.database import Moment, Record, hot
from engine.directory.codes import MembershipStatus, OrganisationKind, PostKind
from engine.directory.models import (
    Account,
    ApiToken,
    Membership,
    Organisation,
    Person,
    Post,
    Substitution,
    valid_on,
)
from engine.errors import NotFound


def person_key(person_id: int) -> str:
    """Return the principal of one person."""
    return f"p{person_id}"


def post_key(organisation_id: int, kind: str) -> str:
    """Return the principal of whoever holds a post."""
    return f"o{organisation_id}:{kind}"


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


# The statements are built once, and the actor is one question: it is asked at every request.
_day = bindparam("day", type_=Date)


def _held() -> FromClause:
    """Return the posts of the enclosing query's person: his own, and those lent to him."""
    lender = aliased(Person)
    own = (
        select(
            Post.organisation_id,
            Post.kind,
            null().label("behalf"),
            null().label("behalf_name"),
        )
        .where(Post.person_id == Person.id, valid_on(Post, _day))
        .correlate(Person)
    )
    lent = (
        select(
            Post.organisation_id,
            Post.kind,
            Post.person_id.label("behalf"),
            lender.name.label("behalf_name"),
        )
        .select_from(Substitution)
        .join(
            Post,
            (Post.person_id == Substitution.principal_id)
            & (Post.organisation_id == Substitution.organisation_id),
        )
        .join(lender, lender.id == Post.person_id)
        .where(
            Substitution.substitute_id == Person.id,
            Substitution.revoked_at.is_(None),
            valid_on(Substitution, _day),
            valid_on(Post, _day),
            or_(Substitution.posts.is_(None), Post.kind == Substitution.posts.any_()),
        )
        .correlate(Person)
    )
    return union_all(own, lent).lateral("held")


def _asked() -> Select[Any]:
    held, place, home = _held(), aliased(Organisation), aliased(Organisation)
    status = (
        select(Membership.status)
        .where(
            Membership.person_id == Person.id,
            Membership.since <= _day,
            Membership.revoked_at.is_(None),
        )
        .order_by(Membership.since.desc(), Membership.id.desc())
        .limit(1)
        .correlate(Person)
        .scalar_subquery()
    )
    return (
        select(
            Person.id,
            Person.name,
            Person.organisation_id.label("home_id"),
            home.path.label("home_path"),
            Account.id.label("account_id"),
            Account.disabled_at,
            status.label("status"),
            held.c.organisation_id,
            place.path,
            place.short_name,
            place.kind.label("organisation_kind"),
            held.c.kind,
            held.c.behalf,
            held.c.behalf_name,
        )
        .select_from(Person)
        .outerjoin(Account, Account.person_id == Person.id)
        .outerjoin(home, home.id == Person.organisation_id)
        .outerjoin(held, true())
        .outerjoin(place, place.id == held.c.organisation_id)
    )


_by_account = hot(_asked().where(Account.id == bindparam("id", type_=BigInteger)))
_by_token = hot(
    _asked()
    .add_columns(ApiToken.id.label("token_id"), ApiToken.last_used_at)
    .join(ApiToken, ApiToken.account_id == Account.id)
    .where(
        ApiToken.token_hash == bindparam("token_hash"),
        ApiToken.revoked_at.is_(None),
        ApiToken.expires_at > bindparam("now", type_=Moment),
        Account.disabled_at.is_(None),
    )
)
_by_people = hot(_asked().where(Person.id == bindparam("ids", type_=ARRAY(BigInteger)).any_()))


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
        rows = _by_people(session, ids=[person_id], day=day)
    else:
        rows = _by_account(session, id=account_id, day=day)
    if not rows or (account_id is not None and rows[0].disabled_at is not None):
        raise NotFound()
    return _actor(rows, day)


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
    rows = _by_token(session, token_hash=token_hash, now=now, day=day)
    if not rows:
        return None
    return TokenActor(_actor(rows, day), rows[0].token_id, rows[0].last_used_at)


def load_actors(session: Session, person_ids: Iterable[int], day: date) -> dict[int, Actor]:
    """Return many people as actors on ``day``, in one query; unknown ids are left out."""
    rows: dict[int, list[Record]] = {}
    for row in _by_people(session, ids=list(person_ids), day=day):
        rows.setdefault(row.id, []).append(row)
    return {person_id: _actor(found, day) for person_id, found in rows.items()}


def _actor(rows: Sequence[Record], day: date) -> Actor:
    """Build the actor from his rows: one a post, or a single one without."""
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
        )
        for row in rows
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


def posts_on(
    session: Session, person_ids: Iterable[int], day: date
) -> dict[int, tuple[HeldPost, ...]]:
    """Return the posts that each person may use on ``day``, own ones and lent ones."""
    return {who: actor.posts for who, actor in load_actors(session, person_ids, day).items()}


def principals_on(session: Session, person_id: int, day: date) -> frozenset[str]:
    """Return the principals that a person answers to on ``day``, substitutions included."""
    return load_actor(session, day, person_id=person_id).principals
