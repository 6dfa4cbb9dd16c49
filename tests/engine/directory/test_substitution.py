"""Lending a post to a substitute, and taking it back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.clock import FixedClock
from engine.directory import operations as op
from engine.directory.actors import Actor
from engine.directory.codes import PostKind
from engine.directory.models import Substitution
from engine.directory.substitution import substitutions_of
from engine.errors import InvalidInput, NotAllowed
from tests.engine.directory.conftest import TODAY, Acting, Factory, Town, changes


def lend(clock: FixedClock, actor: Actor, town: Town, **values: object) -> int:
    given: dict = {
        "principal_id": town.secretary.id,
        "substitute_id": town.member.id,
        "organisation_id": town.branch.id,
        "posts": [PostKind.SECRETARY],
        "since": TODAY,
        "until": TODAY + timedelta(days=30),
        "reason": "外出学习",
        **values,
    }
    return op.lend_posts(clock, actor, **given)


def test_a_secretary_lends_his_post_and_takes_it_back(
    session: Session, clock: FixedClock, town: Town, acting: Acting
) -> None:
    number = lend(clock, acting(town.secretary), town)
    post = acting(town.member).posts[0]
    assert (post.on_behalf_of, post.on_behalf_name) == (town.secretary.id, "李书记")
    line = substitutions_of(session, town.member.id)[0]
    assert (line.principal_name, line.substitute_name) == ("李书记", "王党员")
    assert line.posts == (PostKind.SECRETARY,) and not line.revoked
    op.take_posts_back(clock, acting(town.secretary), number)
    assert acting(town.member).posts == ()
    assert substitutions_of(session, town.secretary.id)[0].revoked
    assert changes(session) == ["lend_posts", "take_posts_back"]


def test_a_member_does_not_help_himself_to_a_post(
    session: Session, clock: FixedClock, town: Town, acting: Acting
) -> None:
    with pytest.raises(NotAllowed):
        lend(clock, acting(town.member), town)
    assert not session.scalars(select(Substitution)).all()


def test_a_substitute_does_not_lend_on_as_if_it_were_his(
    clock: FixedClock, make: Factory, session: Session, town: Town, acting: Acting
) -> None:
    third = make.person("赵党员", town.branch)
    session.commit()
    lend(clock, acting(town.secretary), town)
    with pytest.raises(InvalidInput) as caught:
        lend(
            clock,
            acting(town.member),
            town,
            principal_id=town.member.id,
            substitute_id=third.id,
        )
    assert "posts" in caught.value.fields


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"until": TODAY - timedelta(days=1)}, "until"),
        ({"since": TODAY - timedelta(days=9), "until": TODAY - timedelta(days=1)}, "until"),
        ({"until": TODAY + timedelta(days=184)}, "until"),
        ({"posts": [PostKind.ORGANISER]}, "posts"),
        ({"reason": " "}, "reason"),
    ],
)
def test_lending_has_limits(
    clock: FixedClock, town: Town, acting: Acting, values: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        lend(clock, acting(town.secretary), town, **values)
    assert list(caught.value.fields) == [field]


def test_the_substitute_is_another_full_member_with_all_rights(
    session: Session, make: Factory, clock: FixedClock, town: Town, acting: Acting
) -> None:
    young = make.person("预备", town.branch, status="probationary")
    session.commit()
    for someone in (town.secretary, young):
        with pytest.raises(InvalidInput) as caught:
            lend(clock, acting(town.secretary), town, substitute_id=someone.id)
        assert list(caught.value.fields) == ["substitute_id"]
