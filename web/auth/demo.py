"""Who a visitor of the demonstration may be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.directory.actors import Actor, load_actors
from engine.directory.models import Account, Person
from web.language import in_words

MOST = 40
"""Most accounts offered."""


@dataclass(frozen=True)
class DemoAccount:
    """An account to choose, with the posts its person holds."""

    account_id: int
    name: str
    words: str


def demo_accounts(session: Session, today: date) -> list[DemoAccount]:
    """Return the accounts of a demonstration, in the order they were made."""
    people = session.execute(
        select(Account.id, Account.person_id, Person.name)
        .join(Person, Person.id == Account.person_id)
        .where(Account.disabled_at.is_(None))
        .order_by(Account.id)
        .limit(MOST)
    ).all()
    actors = load_actors(session, [row.person_id for row in people], today)
    return [
        DemoAccount(row.id, row.name, _words(actors[row.person_id]))
        for row in people
        if row.person_id in actors
    ]


def _words(actor: Actor) -> str:
    """Return the posts held, or where the person stands with the Party."""
    own = [
        f"{post.organisation_name}{in_words(post.kind.label)}"
        for post in actor.posts
        if post.on_behalf_of is None
    ]
    return "、".join(own) or in_words(actor.status.label)
