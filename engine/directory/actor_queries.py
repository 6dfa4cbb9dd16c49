"""The questions that find out who acts. They are asked at every request.

Their plans are kept, which is why one person is looked for by ``=`` and not as an array of one; and
the posts lent to him, which few have, are a question of their own.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Date, bindparam, exists, literal_column, null, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import aliased
from sqlalchemy.sql import Select
from sqlalchemy.sql.elements import ColumnElement

from engine.database import Moment, hot
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

_day = bindparam("day", type_=Date)
_id = bindparam("id", type_=BigInteger)
_ids = bindparam("ids", type_=ARRAY(BigInteger))
_place = aliased(Organisation)


def _borrowing() -> ColumnElement[bool]:
    """Return the clause that a substitution holds."""
    return Substitution.revoked_at.is_(None) & valid_on(Substitution, _day)


def _asked() -> Select[Any]:
    """Return the question for people: a row for each post of their own, or a single one without."""
    home = aliased(Organisation)
    status = (
        select(Membership.status)
        .where(
            Membership.person_id == Person.id,
            Membership.since <= _day,
            Membership.revoked_at.is_(None),
        )
        .order_by(Membership.since.desc(), Membership.id.desc())
        .limit(literal_column("1"))
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
            exists()
            .where(Substitution.substitute_id == Person.id, _borrowing())
            .correlate(Person)
            .label("borrows"),
            Post.organisation_id,
            _place.path,
            _place.short_name,
            _place.kind.label("organisation_kind"),
            _place.can_approve_members,
            Post.kind,
            null().label("behalf"),
            null().label("behalf_name"),
        )
        .select_from(Person)
        .outerjoin(Account, Account.person_id == Person.id)
        .outerjoin(home, home.id == Person.organisation_id)
        .outerjoin(Post, (Post.person_id == Person.id) & valid_on(Post, _day))
        .outerjoin(_place, _place.id == Post.organisation_id)
    )


def _lent() -> Select[Any]:
    """Return the question for the posts lent to people."""
    lender = aliased(Person)
    columns: tuple[Any, ...] = (
        Substitution.substitute_id.label("id"),
        Post.organisation_id,
        _place.path,
        _place.short_name,
        _place.kind.label("organisation_kind"),
        _place.can_approve_members,
        Post.kind,
        Post.person_id.label("behalf"),
        lender.name.label("behalf_name"),
    )
    return (
        select(*columns)
        .select_from(Substitution)
        .join(
            Post,
            (Post.person_id == Substitution.principal_id)
            & (Post.organisation_id == Substitution.organisation_id),
        )
        .join(lender, lender.id == Post.person_id)
        .join(_place, _place.id == Post.organisation_id)
        .where(
            Substitution.substitute_id == _ids.any_(),
            _borrowing(),
            valid_on(Post, _day),
            or_(Substitution.posts.is_(None), Post.kind == Substitution.posts.any_()),
        )
    )


by_account = hot(_asked().where(Account.id == _id))
by_person = hot(_asked().where(Person.id == _id))
by_people = hot(_asked().where(Person.id == _ids.any_()))
by_token = hot(
    _asked()
    .add_columns(ApiToken.id.label("token_id"), ApiToken.last_used_at)
    .join(ApiToken, ApiToken.account_id == Account.id)
    .where(
        ApiToken.token_hash == bindparam("token_hash"),
        ApiToken.revoked_at.is_(None),
        ApiToken.expires_at > bindparam("now", type_=Moment),
        Account.disabled_at.is_(None),
        Account.must_change_password.is_(False),
    )
)
lent_to = hot(_lent())
