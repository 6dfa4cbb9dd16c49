"""A figure that each member gathers over a year: hours of study, and a lecture by a person."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from engine.compliance.models import Finding
from engine.database import db, unit_of_work
from engine.definitions.package import Package, load_package
from engine.directory.models import Membership, Organisation, Person, Post
from engine.duties.catalogue import catalogue
from engine.duties.models import DutyEvent
from engine.duties.tallies import PlaceTally, tallies
from engine.duties.tally_views import own_tallies, tally_seen
from engine.errors import NotFound, PackageProblem
from tests.engine.duties.conftest import BASIS, Year
from tests.factories import UserTask, procedure

FIRST, LAST, AFTER = date(2027, 1, 1), date(2027, 12, 31), date(2028, 1, 1)
EVERYBODY = ("secretary", "deputy", "member", "other_member")
DUTIES = f"""
[[duty]]
id = "hours"
rule = "R-TM-12"
title = "学时"
title_en = "Hours"
period = "year"
kinds = ["branch"]
counts = ["hold"]
drafts = false
[duty.tally]
figure = "hours"
people = "roll"
least = "@least"
leading = "@leading"
part_period = "@part"
made_up = ["make_up"]
made_up_by = "made_up.made_up_by"
{BASIS}
[[duty]]
id = "lecture"
rule = "R-TM-05c"
title = "讲课"
title_en = "Lecture"
period = "year"
kinds = ["committee"]
counts = ["hold"]
drafts = false
[duty.done_by]
person = "lecturer"
posts = ["secretary"]
{BASIS}
"""
PERSON = {"domain": "person", "status": "full", "scope": "all"}
HELD: Sequence[Mapping[str, Any]] = (
    {
        "type": "group",
        "key": "roll",
        "id": "roll",
        "label": "到会",
        "properties": {"domain": "attendance", "body": "all_members", "quorum": "half"},
        "components": [],
    },
    {"type": "number", "key": "hours", "label": "学时", "decimalDigits": 1},
    {"type": "textfield", "key": "lecturer", "label": "讲课人", "properties": PERSON},
)
MADE_UP: Sequence[Mapping[str, Any]] = (
    {
        "type": "dynamiclist",
        "key": "made_up",
        "label": "补课",
        "components": [
            {"type": "textfield", "key": "made_up_by", "label": "姓名", "properties": PERSON}
        ],
    },
)


def study(part: str = "not_judged", duties: str = DUTIES) -> Package:
    """Return a procedure in which people study, with what is owed of it."""
    files = dict(
        procedure(
            "study", [UserTask("prepare"), UserTask("hold"), UserTask("make_up")], more=duties
        ).stored
    )
    text = files["process.toml"].decode()
    for element, name, fields in (("hold", "held", HELD), ("make_up", "made_up", MADE_UP)):
        head, _, rest = text.partition(f'element = "{element}"')
        text = f'{head}element = "{element}"' + rest.replace('"entry"', f'"{name}"', 1)
        form = {"schemaVersion": 16, "type": "default", "id": name, "components": list(fields)}
        files[f"forms/{name}.form"] = json.dumps(form).encode()
    parameter = '[[parameter]]\nkey = "{}"\ntitle = "{}"\nlevel = "approving"\nsource = "[A]"\n'
    rules = "".join(
        parameter.format(key, key) + f'type = "count"\ndefault = {n}\n'
        for key, n in (("least", 32), ("leading", 56))
    )
    rules += parameter.format("part", "part") + (
        f'type = "choice"\ndefault = "{part}"\n'
        'choices = { not_judged = "不核对", pro_rata = "折算", whole = "全年" }\n'
    )
    return load_package({**files, "process.toml": text.encode(), "rules.toml": rules.encode()})


def hold(
    year: Year,
    on: date,
    hours: float,
    who: Sequence[str] = EVERYBODY,
    made_up: Sequence[str] = (),
    **more: Any,
) -> int:
    """Hold an activity with these people; others may make up for it the day after."""
    people = year.desk.town.people
    if year.desk.clock.today() < on:
        year.desk.clock.set(on)
    matter = year.desk.start("study", on=on, data={}, at=more.pop("at", "branch"))
    given = {"roll": {"present": [people[name] for name in who]}, "hours": hours}
    matter.complete("hold", {**given, **more}, on=on)
    if made_up:
        following = on + timedelta(days=1)
        year.desk.clock.set(max(following, year.desk.clock.today()))
        rows = [{"made_up_by": people[name]} for name in made_up]
        matter.complete("make_up", {"made_up": rows}, on=following)
    return matter.id


@pytest.fixture
def studying(year: Year) -> Year:
    """The town on New Year's Day, with hours owed by every member."""
    year.deploy(study())
    year.run()
    return year


def counted(year: Year) -> PlaceTally:
    """Return how far the members of the branch are."""
    known = catalogue(db.session()).duties["study.hours"]
    return tallies(db.session(), known, [year.desk.town.branch], FIRST, LAST)[year.desk.town.branch]


def lacking(year: Year) -> dict[str, float]:
    return {member.name: member.lacking for member in counted(year).short}


def finding(year: Year) -> Finding:
    (row,) = [r for r in year.rows("study.hours") if r.since == FIRST]
    wanted = select(Finding).where(Finding.duty_id == row.id)
    return db.session().scalars(wanted.execution_options(populate_existing=True)).one()


def test_enough_on_the_border_is_enough_and_half_an_hour_less_is_not(studying: Year) -> None:
    hold(studying, date(2027, 3, 1), 32)
    hold(studying, date(2027, 4, 1), 23.5, ("secretary", "deputy"))
    hold(studying, date(2027, 5, 1), 0.5, ("deputy",))
    studying.run(LAST)
    assert studying.states("study.hours")["2027-01-01"] == "due"
    ran = studying.run(AFTER)
    assert studying.states("study.hours")["2027-01-01"] == "late"
    assert ran.late == 3  # both branches, and the lecture of the committee
    assert lacking(studying) == {"secretary": 0.5}
    said = finding(studying)
    assert (said.rule, said.severity, said.outcome) == ("R-TM-12", "warning", "not_met")
    numbers = said.params
    assert (numbers["judged"], numbers["short"], numbers["lacking"]) == (4, 1, "0.5")
    assert "secretary" not in json.dumps(numbers), "names stand on the branch's own page only"
    # What was held in the year counts, however late it is entered.
    hold(studying, date(2027, 12, 31), 0.5, ("secretary",))
    studying.run()
    assert studying.states("study.hours")["2027-01-01"] == "done"
    assert finding(studying).outcome == "met"


def test_when_all_have_enough_nobody_is_told_that_it_is_late(studying: Year) -> None:
    hold(studying, date(2027, 3, 1), 56)
    assert studying.run(AFTER).late == 2  # the other branch, and the lecture
    assert studying.states("study.hours")["2027-01-01"] == "done"
    assert studying.states("study.hours", at="other")["2027-01-01"] == "late"
    before = [(r.id, r.state) for r in studying.rows()]
    assert studying.run().late == 0
    assert [(r.id, r.state) for r in studying.rows()] == before


def test_who_makes_up_is_credited_once_and_the_records_are_named(studying: Year) -> None:
    matter = hold(
        studying, date(2027, 3, 1), 4, ("secretary", "member"), made_up=("deputy", "member")
    )
    studying.run()
    got = {m.name: (m.done, [c.instance_id for c in m.credits]) for m in counted(studying).members}
    assert got["deputy"] == (4, [matter]) and got["member"] == (4, [matter])
    assert got["other_member"] == (0, [])


def test_what_a_group_holds_counts_for_the_members_of_its_branch(studying: Year) -> None:
    town = studying.desk.town
    with unit_of_work() as session:
        branch = session.get_one(Organisation, town.branch)
        group = Organisation(
            parent_id=branch.id, path="", kind="group", name="g", short_name="g", code="group-1"
        )
        session.add(group)
        session.flush()
        group.path = f"{branch.path}{group.id}/"
        person = session.get_one(Person, town.people["member"])
        person.group_id = group.id
        post = Post(person_id=town.people["secretary"], kind="secretary", since=FIRST)
        post.organisation_id = group.id
        session.add(post)
        assert isinstance(town.organisations, dict)
        town.organisations["group"] = group.id
    hold(studying, date(2027, 3, 1), 2, ("member",), at="group")
    studying.run()
    (event,) = db.session().scalars(select(DutyEvent).where(DutyEvent.key == "study.hours"))
    assert event.organisation_id == town.branch
    assert event.shares == {str(town.people["member"]): 2}


def test_who_comes_or_goes_within_the_year(year: Year) -> None:
    year.deploy(study())
    town = year.desk.town
    with unit_of_work() as session:
        for name, status, since, at in (
            ("applicant", "probationary", date(2027, 10, 1), town.branch),  # three months
            ("other_member", "full", date(2027, 7, 1), town.organisations["other"]),  # six
        ):
            session.add(
                Membership(
                    person_id=town.people[name],
                    status=status,
                    since=since,
                    organisation_id=at,
                    recorded_at=year.desk.clock.now(),
                )
            )
    owed = {m.name: m.owed for m in counted(year).members}
    assert owed == {
        "secretary": 56, "deputy": 56, "member": 32, "other_member": None, "applicant": None,
    }  # fmt: skip
    year.deploy(study("pro_rata"))
    owed = {m.name: m.owed for m in counted(year).members}
    assert (owed["other_member"], owed["applicant"], owed["member"]) == (16, 8, 32)
    year.deploy(study("whole"))
    assert {m.name: m.owed for m in counted(year).members}["applicant"] == 32


def test_who_changes_posts_stays_on_the_committee_and_who_leaves_it_does_not(year: Year) -> None:
    year.deploy(study())
    town, half = year.desk.town, date(2027, 6, 30)
    with unit_of_work() as session:
        for name, goes_on in (("deputy", True), ("secretary", False)):
            post = session.scalars(select(Post).where(Post.person_id == town.people[name])).one()
            post.until = half
            if goes_on:
                following = Post(
                    person_id=town.people[name], kind="secretary", since=date(2027, 7, 1)
                )
                following.organisation_id = town.branch
                session.add(following)
    owed = {m.name: m.owed for m in counted(year).members}
    assert (owed["deputy"], owed["secretary"]) == (56, 32)


def test_the_secretary_and_those_above_see_all_a_member_the_own_line(studying: Year) -> None:
    hold(studying, date(2027, 3, 1), 4, ("secretary", "member"))
    studying.run()
    (row,) = [r for r in studying.rows("study.hours") if r.since == FIRST]

    def seen(name: str) -> list[str]:
        view = tally_seen(db.session(), studying.desk.actor(name), row.id)
        return sorted(member.name for member in view.tally.members)

    assert seen("secretary") == seen("superior") == sorted(EVERYBODY)
    assert seen("member") == ["member"]
    for name in ("stranger", "applicant", "administrator"):
        with pytest.raises(NotFound):
            seen(name)
    (own,) = own_tallies(db.session(), studying.desk.actor("member"), date(2027, 3, 2))
    assert (own.done, own.owed, own.duty_id) == (4, 32, row.id)
    assert list(own_tallies(db.session(), studying.desk.actor("applicant"), FIRST)) == []


def test_a_lecture_counts_for_the_committee_whose_secretary_gave_it(studying: Year) -> None:
    people = studying.desk.town.people
    hold(studying, date(2027, 3, 1), 1, lecturer=people["secretary"])
    studying.run()
    assert studying.states("study.lecture", at="committee")["2027-01-01"] == "due"
    hold(studying, date(2027, 4, 1), 1, lecturer=people["superior"])
    studying.run()
    assert studying.states("study.lecture", at="committee")["2027-01-01"] == "done"
    assert studying.states("study.lecture") == {}, "a branch owes no lecture by these words"


def test_without_a_lecture_by_the_last_day_the_committee_is_late(studying: Year) -> None:
    hold(studying, date(2027, 3, 1), 1)
    studying.run(LAST)
    assert studying.states("study.lecture", at="committee")["2027-01-01"] == "due"
    studying.run(AFTER)
    assert studying.states("study.lecture", at="committee")["2027-01-01"] == "late"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('figure = "hours"\n', "", "missing-key"),
        ('part_period = "@part"\n', "", "missing-key"),
        ('made_up_by = "made_up.made_up_by"\n', "", "duty-made-up"),
        ('posts = ["secretary"]\n', "", "missing-key"),
    ],
)
def test_a_tally_that_is_not_whole_is_refused(old: str, new: str, code: str) -> None:
    assert DUTIES.count(old) == 1
    with pytest.raises(PackageProblem) as caught:
        study(duties=DUTIES.replace(old, new))
    assert code in {problem.code for problem in caught.value.problems}
