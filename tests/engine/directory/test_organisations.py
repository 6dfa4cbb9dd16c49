"""The tree of organisations."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy.orm import Session

from engine.directory.organisations import (
    above_approving,
    add_organisation,
    ancestors,
    approving_organisation,
    children,
    move_organisation,
    root,
    subtree,
)
from engine.errors import Conflict, InvalidInput, NotFound
from tests.engine.directory.conftest import Factory

DAY = date(2026, 6, 10)


def tree(make: Factory):
    county = make.organisation("县委", kind="committee", can_approve_members=True)
    town = make.organisation("镇党委", county, kind="committee", can_approve_members=True)
    general = make.organisation("党总支", town, kind="general_branch")
    branch = make.organisation("党支部", general)
    return county, town, general, branch


def test_a_path_leads_from_the_root(session: Session) -> None:
    top = add_organisation(session, name="县委", kind="committee", code="A")
    below = add_organisation(session, name="镇党委", kind="committee", code="B", parent_id=top.id)
    assert below.path == f"/{top.id}/{below.id}/"
    assert below.short_name == "镇党委"
    assert root(session).id == top.id


def test_a_code_is_used_once(session: Session) -> None:
    add_organisation(session, name="县委", kind="committee", code="A")
    with pytest.raises(InvalidInput) as caught:
        add_organisation(session, name="别的", kind="committee", code="A")
    assert "code" in caught.value.fields


def test_a_parent_has_to_exist(session: Session) -> None:
    with pytest.raises(NotFound):
        add_organisation(session, name="某支部", kind="branch", code="A", parent_id=0)


def test_ancestors_come_nearest_first(session: Session, make: Factory) -> None:
    county, town, general, branch = tree(make)
    assert [o.id for o in ancestors(session, branch.id)] == [general.id, town.id, county.id]
    assert ancestors(session, county.id) == []


def test_the_subtree_and_the_children_leave_out_what_does_not_exist_on_the_day(
    session: Session, make: Factory
) -> None:
    _, town, general, branch = tree(make)
    gone = make.organisation("撤销的支部", general, dissolved_on=DAY)
    coming = make.organisation("将成立的支部", general, founded_on=date(2026, 6, 11))
    assert [o.id for o in subtree(session, town.id, DAY)] == [town.id, general.id, branch.id]
    assert {o.id for o in children(session, general.id, date(2026, 6, 9))} == {branch.id, gone.id}
    assert {o.id for o in children(session, general.id, date(2026, 6, 11))} == {
        branch.id,
        coming.id,
    }


def test_approval_comes_from_the_nearest_superior_that_may_give_it(
    session: Session, make: Factory
) -> None:
    county, town, general, branch = tree(make)
    for place in (general, branch):
        approving = approving_organisation(session, place.id)
        above = above_approving(session, place.id)
        assert approving is not None and approving.id == town.id
        assert above is not None and above.id == county.id
    own = approving_organisation(session, town.id)
    assert own is not None and own.id == county.id
    assert approving_organisation(session, county.id) is None
    assert above_approving(session, town.id) is None


def test_moving_takes_everything_below_along(session: Session, make: Factory) -> None:
    county, town, general, branch = tree(make)
    other = make.organisation("另一镇党委", county, kind="committee")
    move_organisation(session, general.id, other.id)
    assert general.path == f"{other.path}{general.id}/"
    assert branch.path == f"{general.path}{branch.id}/"
    assert town.path == f"/{county.id}/{town.id}/"
    assert [o.id for o in ancestors(session, branch.id)] == [general.id, other.id, county.id]


def test_nothing_moves_below_itself(session: Session, make: Factory) -> None:
    _, town, _, branch = tree(make)
    for target in (town, branch):
        with pytest.raises(Conflict):
            move_organisation(session, town.id, target.id)
