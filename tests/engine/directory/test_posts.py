"""Posts from day to day."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy.orm import Session

from engine.directory.codes import COMMITTEE_POSTS, PostKind
from engine.directory.posts import add_post, close_post, holders, posts_of
from engine.errors import Conflict, InvalidInput, NotFound
from tests.engine.directory.conftest import Factory


def test_holders_are_those_of_the_day_heads_first(session: Session, make: Factory) -> None:
    branch = make.organisation()
    old, new, other = (make.person(n, branch) for n in ("前任", "现任", "委员"))
    make.post(other, branch, "committee_member")
    make.post(old, branch, until=date(2026, 6, 30))
    make.post(new, branch, since=date(2026, 7, 1))
    held = holders(session, branch.id, COMMITTEE_POSTS, date(2026, 6, 30))
    assert [h.name for h in held] == ["前任", "委员"]
    held = holders(session, branch.id, COMMITTEE_POSTS, date(2026, 7, 1))
    assert [h.name for h in held] == ["现任", "委员"]
    assert holders(session, branch.id, [PostKind.ORGANISER], date(2026, 7, 1)) == []


def test_the_same_post_is_not_given_twice_at_a_time(session: Session, make: Factory) -> None:
    branch = make.organisation()
    person = make.person(organisation=branch)
    first = add_post(session, person.id, branch.id, PostKind.SECRETARY, date(2023, 1, 1))
    with pytest.raises(Conflict):
        add_post(session, person.id, branch.id, PostKind.SECRETARY, date(2026, 1, 1))
    with pytest.raises(Conflict):
        add_post(
            session, person.id, branch.id, PostKind.SECRETARY, date(2022, 1, 1), date(2023, 1, 1)
        )
    add_post(
        session, person.id, branch.id, PostKind.SECRETARY, date(2020, 1, 1), date(2022, 12, 31)
    )
    close_post(session, first.id, date(2025, 12, 31))
    add_post(session, person.id, branch.id, PostKind.SECRETARY, date(2026, 1, 1))
    assert [post.since.year for post, _ in posts_of(session, person.id)] == [2026, 2023, 2020]


def test_a_post_does_not_end_before_it_begins(session: Session, make: Factory) -> None:
    branch = make.organisation()
    post = make.post(make.person(organisation=branch), branch, since=date(2026, 6, 10))
    assert close_post(session, post.id, date(2026, 6, 10)).until == date(2026, 6, 10)
    with pytest.raises(InvalidInput):
        close_post(session, post.id, date(2026, 6, 9))
    with pytest.raises(InvalidInput):
        add_post(
            session,
            post.person_id,
            branch.id,
            PostKind.ORGANISER,
            date(2026, 6, 10),
            date(2026, 6, 9),
        )
    with pytest.raises(NotFound):
        close_post(session, 0, date(2026, 6, 10))
