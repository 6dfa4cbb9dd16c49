"""Who acts, and in whose place."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from engine.directory.actors import load_actor
from engine.directory.codes import MembershipStatus, PostKind
from engine.directory.models import Account, Substitution
from engine.driver import Connection, Record
from engine.errors import NotFound
from tests.engine.directory.conftest import Factory

DAY = date(2026, 6, 10)


def lend(make: Factory, principal, substitute, organisation, **values) -> Substitution:
    row = Substitution(
        **{
            "principal_id": principal.id,
            "substitute_id": substitute.id,
            "organisation_id": organisation.id,
            "posts": None,
            "since": date(2026, 6, 1),
            "until": date(2026, 6, 30),
            "reason": "外出学习",
            "created_by": principal.id,
            "created_at": make.clock.now(),
            **values,
        }
    )
    make.session.add(row)
    make.session.flush()
    return row


def test_an_actor_answers_to_himself_and_to_his_posts(session: Session, make: Factory) -> None:
    branch = make.organisation()
    person = make.person("李书记", branch)
    make.post(person, branch)
    actor = load_actor(session, DAY, person_id=person.id)
    assert actor.principals == {f"p{person.id}", f"o{branch.id}:secretary"}
    assert actor.posts[0].label == "第一党支部书记"
    assert actor.status is MembershipStatus.FULL
    assert actor.organisation_path == branch.path


@pytest.mark.parametrize(
    ("day", "held"),
    [
        (date(2026, 5, 31), False),
        (date(2026, 6, 1), True),
        (date(2026, 6, 30), True),
        (date(2026, 7, 1), False),
    ],
)
def test_both_ends_of_a_post_count(session: Session, make: Factory, day: date, held: bool) -> None:
    branch = make.organisation()
    person = make.person(organisation=branch)
    make.post(person, branch, since=date(2026, 6, 1), until=date(2026, 6, 30))
    assert bool(load_actor(session, day, person_id=person.id).posts) is held


def test_an_account_leads_to_its_person_until_it_is_disabled(
    session: Session, make: Factory
) -> None:
    person = make.person()
    account = Account(
        person_id=person.id, login="zhang", password_hash="x", created_at=make.clock.now()
    )
    session.add(account)
    session.flush()
    actor = load_actor(session, DAY, account_id=account.id)
    assert (actor.person_id, actor.account_id) == (person.id, account.id)
    account.disabled_at = make.clock.now()
    session.flush()
    with pytest.raises(NotFound):
        load_actor(session, DAY, account_id=account.id)


def test_nobody_is_not_found(session: Session) -> None:
    with pytest.raises(NotFound):
        load_actor(session, DAY, person_id=0)


@pytest.mark.parametrize(
    ("day", "lent"),
    [
        (date(2026, 5, 31), False),
        (date(2026, 6, 1), True),
        (date(2026, 6, 30), True),
        (date(2026, 7, 1), False),
    ],
)
def test_a_substitute_has_the_posts_of_the_principal_while_it_lasts(
    session: Session, make: Factory, day: date, lent: bool
) -> None:
    branch = make.organisation()
    principal = make.person("李书记", branch)
    substitute = make.person("王副书记", branch)
    make.post(principal, branch)
    lend(make, principal, substitute, branch)
    key = f"o{branch.id}:secretary"
    assert (key in load_actor(session, day, person_id=substitute.id).principals) is lent
    assert key in load_actor(session, day, person_id=principal.id).principals


def test_only_the_named_posts_at_the_named_organisation_are_lent(
    session: Session, make: Factory
) -> None:
    branch, other = make.organisation(), make.organisation("第二党支部")
    principal, substitute = make.person("甲", branch), make.person("乙", branch)
    make.post(principal, branch, "secretary")
    make.post(principal, branch, "organisation_commissioner")
    make.post(principal, other, "secretary")
    lend(make, principal, substitute, branch, posts=["secretary"])
    actor = load_actor(session, DAY, person_id=substitute.id)
    assert [(p.organisation_id, p.kind) for p in actor.posts] == [(branch.id, PostKind.SECRETARY)]
    assert actor.posts[0].on_behalf_name == "甲"
    assert actor.on_behalf_of(frozenset({f"o{branch.id}:secretary"})) == principal.id


def test_a_lent_post_ends_with_the_post_and_is_not_lent_on(session: Session, make: Factory) -> None:
    branch = make.organisation()
    first, second, third = (make.person(n, branch) for n in "甲乙丙")
    make.post(first, branch, until=date(2026, 6, 15))
    lend(make, first, second, branch)
    lend(make, second, third, branch)
    assert load_actor(session, date(2026, 6, 15), person_id=second.id).posts
    assert not load_actor(session, date(2026, 6, 16), person_id=second.id).posts
    assert not load_actor(session, DAY, person_id=third.id).posts


def test_a_revoked_substitution_counts_no_more(session: Session, make: Factory) -> None:
    branch = make.organisation()
    principal, substitute = make.person("甲", branch), make.person("乙", branch)
    make.post(principal, branch)
    lend(make, principal, substitute, branch, revoked_at=make.clock.now())
    assert not load_actor(session, DAY, person_id=substitute.id).posts


def test_his_own_post_comes_before_a_lent_one(session: Session, make: Factory) -> None:
    branch = make.organisation()
    principal, substitute = make.person("甲", branch), make.person("乙", branch)
    make.post(principal, branch, "organiser")
    make.post(substitute, branch, "organiser")
    lend(make, principal, substitute, branch)
    actor = load_actor(session, DAY, person_id=substitute.id)
    assert actor.on_behalf_of(frozenset({f"o{branch.id}:organiser"})) is None


def test_loading_an_actor_takes_one_query(
    session: Session, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    branch = make.organisation()
    person = make.person(organisation=branch)
    make.post(person, branch)
    statements: list[str] = []
    ask = Connection.fetch

    def fetch(self: Connection, statement: str, parameters: Mapping[str, Any]) -> list[Record]:
        statements.append(statement)
        return ask(self, statement, parameters)

    def count(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    monkeypatch.setattr(Connection, "fetch", fetch)
    connection = session.connection()
    event.listen(connection, "before_cursor_execute", count)
    try:
        load_actor(session, DAY, person_id=person.id)
    finally:
        event.remove(connection, "before_cursor_execute", count)
    assert len(statements) == 1
