"""Lists show exactly what the policy allows: the clauses agree with `decide` for every actor."""

from __future__ import annotations

import random
from datetime import date

import pytest
from sqlalchemy import BigInteger, Column, MetaData, Table, Text, insert, select
from sqlalchemy.orm import Session

from engine.directory.actors import Actor, HeldPost, make_actor
from engine.directory.codes import PostKind
from engine.directory.models import Organisation, Person
from engine.directory.people import person_view
from engine.directory.policy import (
    Action,
    MatterColumns,
    may,
    my_tasks,
    visible_matters,
    visible_organisations,
    visible_people,
    visible_tasks,
)
from engine.directory.things import MatterView
from tests.engine.directory.conftest import Factory

DAY = date(2026, 6, 10)
_tables = MetaData()
MATTER = Table(
    "a_matter",
    _tables,
    Column("id", BigInteger, primary_key=True),
    Column("organisation_id", BigInteger),
    Column("path", Text),
    Column("subject_id", BigInteger),
    prefixes=["TEMPORARY"],
)
ROLE = Table(
    "a_role",
    _tables,
    Column("instance_id", BigInteger),
    Column("person_id", BigInteger),
    prefixes=["TEMPORARY"],
)
TASK = Table(
    "a_task",
    _tables,
    Column("id", BigInteger, primary_key=True),
    Column("instance_id", BigInteger),
    prefixes=["TEMPORARY"],
)
CANDIDATE = Table(
    "a_candidate",
    _tables,
    Column("task_id", BigInteger),
    Column("principal", Text),
    prefixes=["TEMPORARY"],
)
COLUMNS = MatterColumns(
    id=MATTER.c.id,
    organisation_id=MATTER.c.organisation_id,
    path=MATTER.c.path,
    subject_id=MATTER.c.subject_id,
    participant_instance_id=ROLE.c.instance_id,
    participant_person_id=ROLE.c.person_id,
    task_id=TASK.c.id,
    task_instance_id=TASK.c.instance_id,
    candidate_task_id=CANDIDATE.c.task_id,
    candidate_principal=CANDIDATE.c.principal,
)
PLACES = {1: "/1/", 2: "/1/2/", 3: "/1/2/3/", 4: "/1/2/4/", 33: "/1/2/33/", 5: "/1/5/"}


def draw_actor(lot: random.Random) -> Actor:
    person_id = lot.randrange(1, 9)
    posts = []
    for place in lot.sample(sorted(PLACES), lot.randrange(0, 3)):
        lender = lot.choice([None, None, lot.randrange(1, 9)])
        if lender == person_id:
            lender = None
        posts.append(
            HeldPost(
                place, PLACES[place], "某组织", lot.choice(list(PostKind)), on_behalf_of=lender
            )
        )
    return make_actor(person_id, "某人", tuple(posts), day=DAY)


def draw_matter(lot: random.Random, number: int) -> MatterView:
    place = lot.choice(sorted(PLACES))
    path = lot.choice([PLACES[place]] * 4 + [f"/1/7/{place}/"])  # its organisation was moved since
    working = {
        lot.choice([f"p{lot.randrange(1, 9)}", f"o{lot.choice(sorted(PLACES))}:{kind}"])
        for kind in lot.sample(list(PostKind), lot.randrange(0, 3))
    }
    return MatterView(
        number,
        place,
        path,
        lot.choice([None, lot.randrange(1, 9)]),
        frozenset(lot.sample(range(1, 9), lot.randrange(0, 2))),
        frozenset(working),
    )


@pytest.mark.parametrize("seed", range(4))
def test_the_matters_in_a_list_are_those_that_the_policy_shows(session: Session, seed: int) -> None:
    lot = random.Random(seed)
    matters = [draw_matter(lot, number) for number in range(1, 81)]
    _tables.create_all(session.connection())
    session.execute(
        insert(MATTER),
        [
            {
                "id": m.instance_id,
                "organisation_id": m.organisation_id,
                "path": m.path,
                "subject_id": m.subject_id,
            }
            for m in matters
        ],
    )
    session.execute(
        insert(ROLE),
        [{"instance_id": m.instance_id, "person_id": p} for m in matters for p in m.participants],
    )
    session.execute(
        insert(TASK),
        [{"id": 1000 + m.instance_id, "instance_id": m.instance_id} for m in matters],
    )
    session.execute(
        insert(CANDIDATE),
        [{"task_id": 1000 + m.instance_id, "principal": p} for m in matters for p in m.working],
    )
    for _ in range(40):
        actor = draw_actor(lot)
        allowed = {m.instance_id for m in matters if may(actor, Action.VIEW_MATTER, m)}
        listed = select(MATTER.c.id).where(visible_matters(actor, COLUMNS))
        assert set(session.scalars(listed)) == allowed
        tasks = (
            select(TASK.c.id)
            .join(MATTER, MATTER.c.id == TASK.c.instance_id)
            .where(visible_tasks(actor, COLUMNS))
        )
        assert set(session.scalars(tasks)) == {1000 + number for number in allowed}
        inbox = select(CANDIDATE.c.task_id).where(my_tasks(actor, CANDIDATE.c.principal))
        assert set(session.scalars(inbox)) == {
            1000 + m.instance_id for m in matters if m.working & actor.principals
        }


@pytest.mark.parametrize("kind", [None, *PostKind])
def test_the_people_in_a_list_are_those_that_the_policy_shows(
    session: Session, make: Factory, kind: PostKind | None
) -> None:
    town = make.organisation("镇党委", kind="committee")
    branch = make.organisation("第一党支部", town)
    group = make.organisation("第一党小组", branch, kind="group")
    other = make.organisation("第二党支部", town)
    people = [make.person(f"某{n}", place) for n, place in enumerate((town, branch, group, other))]
    nowhere = make.person("某五", None, status=None)
    posts = () if kind is None else (HeldPost(branch.id, branch.path, "第一党支部", kind),)
    actor = make_actor(people[3].id, "某", posts, day=DAY)
    listed = set(session.scalars(select(Person.id).where(visible_people(actor))))
    allowed = {
        person.id
        for person in (*people, nowhere)
        if may(actor, Action.VIEW_PERSON, person_view(session, person.id))
    }
    assert listed == allowed
    assert people[3].id in listed and nowhere.id not in listed


def test_a_member_sees_his_branch_and_a_head_what_lies_below(
    session: Session, make: Factory
) -> None:
    town = make.organisation("镇党委", kind="committee")
    branch, other = make.organisation("一", town), make.organisation("二", town)
    member = make_actor(1, "党员", day=DAY, organisation_id=branch.id)
    head = make_actor(
        2, "书记", (HeldPost(town.id, town.path, "镇党委", PostKind.SECRETARY),), day=DAY
    )

    def listed(actor: Actor) -> set[int]:
        return set(session.scalars(select(Organisation.id).where(visible_organisations(actor))))

    assert listed(member) == {branch.id}
    assert listed(head) == {town.id, branch.id, other.id}
