"""What changes in the directory within the year: people come and go, branches end and begin."""

from __future__ import annotations

from datetime import date, timedelta

from tests.year.accounts import enter_people, renew_tokens
from tests.year.desk import Desk
from tests.year.directory import LONG_AGO, book, name_of, people, person, places, posts
from tests.year.meetings import Days
from tests.year.world import BRANCHES, COUNTY, DEPARTMENT, YEAR, Branch, Move


def decide_locally(desk: Desk, key: str, value: object) -> Days:
    """Let the county's organisation department set a parameter before the year begins."""
    yield desk.today
    body = {
        "key": key,
        "organisation_id": desk.ids[COUNTY],
        "value": value,
        "since": desk.today.isoformat(),
        "reason": "县委组织部年度工作安排",
    }
    desk.post(DEPARTMENT, "parameters", body)


def move(desk: Desk, line: Move) -> Days:
    """Let somebody come to a branch, from another or from outside."""
    yield line.day
    name = line.name or name_of(line.person)
    whole = person(line.person, name, line.to, arrived=line.day)
    # What is known of somebody's membership already is not said again.
    desk.bring_in(book(people=[whole if line.name else whole[:6]]))
    enter_people(desk)


def dissolve(desk: Desk, branch: Branch) -> Days:
    """Let a branch end, once its people are elsewhere."""
    assert branch.dissolved is not None
    yield branch.dissolved
    last = branch.dissolved - timedelta(days=1)
    desk.bring_in(book(posts=[(*line, last) for line in posts(branch, LONG_AGO)]))
    body = {"day": branch.dissolved.isoformat(), "reason": "党员不足，并入中心小学党支部"}
    desk.post("administrator", f"organisations/{desk.ids[branch.key]}/dissolve", body)


def found(desk: Desk, branch: Branch) -> Days:
    """Let a branch begin, with people who come from elsewhere."""
    assert branch.founded is not None
    yield branch.founded
    desk.bring_in(
        book(
            places=list(places(branch)),
            people=list(people(branch)),
            posts=list(posts(branch, branch.founded)),
        )
    )
    enter_people(desk)


def renew(desk: Desk) -> Days:
    """Let everybody have a new token in the middle of the year."""
    yield date(YEAR, 7, 2)
    renew_tokens(desk)


def all_changes(desk: Desk) -> list[Days]:
    """Return the beginnings and ends of branches, and of tokens."""
    ends = [dissolve(desk, branch) for branch in BRANCHES if branch.dissolved]
    return [renew(desk), *ends, *(found(desk, branch) for branch in BRANCHES if branch.founded)]
