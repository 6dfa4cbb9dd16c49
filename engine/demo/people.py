"""Fill an empty directory with the invented town: the same people on every run, dates near today.

Everybody can sign in; all share one password, so it belongs on no real installation.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.demo.names import draw_name
from engine.demo.places import COUNTY, PLACES, TOWN, Place
from engine.directory.accounts import hash_password
from engine.directory.actors import load_actors
from engine.directory.codes import MembershipStatus as Status
from engine.directory.codes import OrganisationKind as Kind
from engine.directory.codes import PostKind, RestrictionKind
from engine.directory.models import (
    Account,
    Membership,
    Organisation,
    Person,
    Post,
    RightsRestriction,
)
from engine.directory.organisations import add_organisation

PASSWORD = "guicheng-demo-2026"  # noqa: S105  (public on purpose)
SEED = 20260518

LOGIN_POSTS = {
    PostKind.SECRETARY: "shuji",
    PostKind.DEPUTY_SECRETARY: "fushuji",
    PostKind.ORGANISATION_COMMISSIONER: "zuzhi",
    PostKind.PUBLICITY_COMMISSIONER: "xuanchuan",
    PostKind.DISCIPLINE_COMMISSIONER: "jijian",
    PostKind.COMMITTEE_MEMBER: "weiyuan",
    PostKind.GROUP_LEADER: "zuzhang",
    PostKind.ORGANISER: "zuzhiyuan",
    PostKind.ORGANISATION_DEPARTMENT: "zuzhibu",
    PostKind.AUDITOR: "ducha",
    PostKind.ADMINISTRATOR: "guanli",
}
LOGIN_STATUS = {
    Status.FULL: "dangyuan",
    Status.PROBATIONARY: "yubei",
    Status.PROSPECT: "fazhan",
    Status.ACTIVIST: "jiji",
    Status.APPLICANT: "shenqing",
    Status.NONE: "qunzhong",
}
_GROUPED = frozenset({Status.FULL, Status.PROBATIONARY})

SHOWN = (
    "shiqiao.qunzhong1",
    "shiqiao.shenqing1",
    "shiqiao.laodangyuan",
    "shiqiao.shuji",
    "shiqiao.zuzhi",
    "zhongxue.shuji",
    "zhongxue.dangyuan1",
    "lianhe.shuji",
    "nongye.shuji",
    "zhen.shuji",
    "zhen.zuzhi",
    "zhen.zuzhiyuan",
    "xianwei.zuzhibu",
    "xianwei.ducha",
    "xianwei.guanli",
)
"""The accounts that the demo's login page offers, from the person to those above him."""

Committee = tuple[tuple[PostKind, ...], ...]
"""One tuple a person: the posts that he holds together."""

BIG_COMMITTEE = (
    (PostKind.SECRETARY,),
    (PostKind.DEPUTY_SECRETARY,),
    (PostKind.ORGANISATION_COMMISSIONER,),
    (PostKind.PUBLICITY_COMMISSIONER,),
    (PostKind.DISCIPLINE_COMMISSIONER,),
)
SMALL_COMMITTEE = (
    (PostKind.SECRETARY,),
    (PostKind.ORGANISATION_COMMISSIONER,),
    # In a committee of three one person may hold two duties (domain/14 §1).
    (PostKind.PUBLICITY_COMMISSIONER, PostKind.DISCIPLINE_COMMISSIONER),
)
TOWN_COMMITTEE = (
    *BIG_COMMITTEE,
    (PostKind.COMMITTEE_MEMBER,),
    (PostKind.ORGANISER,),
    (PostKind.ORGANISER,),
)
COUNTY_OFFICE = (
    (PostKind.ORGANISATION_DEPARTMENT,),
    (PostKind.ORGANISATION_DEPARTMENT,),
    (PostKind.ORGANISATION_DEPARTMENT,),
    (PostKind.AUDITOR,),
    (PostKind.ADMINISTRATOR,),
)


@dataclass
class DemoDirectory:
    """The ids of the demo. People and accounts go by login, organisations by key."""

    password: str = PASSWORD
    organisations: dict[str, int] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)
    accounts: dict[str, int] = field(default_factory=dict)
    by_status: dict[str, dict[Status, list[int]]] = field(default_factory=dict)
    """Organisation key → status → people, in the order of their logins."""


@dataclass(frozen=True)
class DemoAccount:
    """An account that the login page of the demo offers."""

    account_id: int
    login: str
    name: str
    description: str


@dataclass
class _Draft:
    """A person about to be entered."""

    place: Place
    status: Status
    name: str
    gender: str
    birth: date
    timeline: list[tuple[Status, date]]
    posts: list[tuple[str, PostKind]] = field(default_factory=list)
    group: str | None = None
    floating_to: str | None = None
    login: str = ""


def create_demo_directory(session: Session, clock: Clock) -> DemoDirectory:
    """Enter organisations, people, posts and accounts of the demo into an empty directory."""
    lot = random.Random(SEED)  # noqa: S311  (a fixed lot is the point)
    today = clock.today()
    demo = DemoDirectory()
    for place in PLACES:
        demo.organisations[place.key] = _add_place(session, place, demo, today)
    drafts = list(_draw_people(lot, today))
    _give_posts(drafts, today)
    _form_groups(drafts)
    _give_logins(drafts)
    _enter(session, lot, drafts, demo, clock)
    return demo


def demo_accounts(session: Session, day: date) -> tuple[DemoAccount, ...]:
    """Return the accounts to offer on the login page, in order, with who each of them is."""
    rows = {
        row.login: row
        for row in session.execute(
            select(
                Account.id,
                Account.login,
                Person.id.label("person_id"),
                Person.name,
                Organisation.short_name,
            )
            .join(Person, Person.id == Account.person_id)
            .join(Organisation, Organisation.id == Person.organisation_id)
            .where(Account.login.in_(SHOWN), Account.disabled_at.is_(None))
        )
    }
    actors = load_actors(session, (row.person_id for row in rows.values()), day)

    def describe(row: Any) -> str:
        actor = actors[row.person_id]
        if actor.posts:
            return "、".join(post.label for post in actor.posts)
        return f"{row.short_name}{actor.status.label}"

    return tuple(
        DemoAccount(rows[login].id, login, rows[login].name, describe(rows[login]))
        for login in SHOWN
        if login in rows
    )


# -- drawing ----------------------------------------------------------------------------------


def _add_place(session: Session, place: Place, demo: DemoDirectory, today: date) -> int:
    has_committee = place.full >= 7 or place.kind in (Kind.COMMITTEE, Kind.GENERAL_BRANCH)
    term_end = today + timedelta(days=place.term_ends_in)
    grouped = place.kind is Kind.GROUP
    return add_organisation(
        session,
        name=place.name,
        short_name=place.short_name,
        kind=place.kind,
        code=f"DEMO-{len(demo.organisations) + 1:03d}",
        parent_id=demo.organisations[place.parent] if place.parent else None,
        can_approve_members=place.can_approve,
        has_committee=has_committee,
        term_start=None if grouped else _years_before(term_end, place.term_years),
        term_end=None if grouped else term_end,
        founded_on=date(1998, 7, 1),
    ).id


def _draw_people(lot: random.Random, today: date) -> Iterator[_Draft]:
    taken: set[str] = set()
    young = (20, 44)
    for place in PLACES:
        for status, count in (
            (Status.FULL, place.full),
            (Status.PROBATIONARY, place.probationary),
            (Status.PROSPECT, place.prospect),
            (Status.ACTIVIST, place.activist),
            (Status.APPLICANT, place.applicant),
            (Status.NONE, place.none),
        ):
            for number in range(count):
                gender = "female" if lot.random() < 0.38 else "male"
                low, high = place.ages if status is Status.FULL else young
                birth = today - timedelta(days=lot.randrange(low * 365 + 200, high * 366))
                draft = _Draft(
                    place=place,
                    status=status,
                    name=draw_name(lot, gender, taken),
                    gender=gender,
                    birth=birth,
                    timeline=_draw_timeline(lot, status, birth, today),
                )
                if status is Status.FULL and number >= count - place.floating:
                    draft.floating_to = lot.choice(
                        ("省城务工", "外省务工", "随子女居住外地", "外县经商")
                    )
                yield draft


def _draw_timeline(
    lot: random.Random, status: Status, birth: date, today: date
) -> list[tuple[Status, date]]:
    """Return points that hang together: at least a year from activist to prospect, and so on."""
    if status is Status.NONE:
        return []
    if status is Status.FULL:
        age = (today - birth).days / 365.25
        joined = birth + timedelta(days=int(365.25 * lot.uniform(19, min(46, age - 6.5))))
        return [(Status.PROBATIONARY, joined), (Status.FULL, _years_before(joined, -1))]
    steps = (
        (Status.PROBATIONARY, (30, 335)),
        (Status.PROSPECT, (100, 160)),
        (Status.ACTIVIST, (400, 620)),
        (Status.APPLICANT, (90, 260)),
    )
    # How long a person has stood where he stands now; an activist of long standing is due.
    lasting = {Status.PROSPECT: (15, 120), Status.ACTIVIST: (60, 520), Status.APPLICANT: (5, 160)}
    points: list[tuple[Status, date]] = []
    day = today
    for step, span in steps:
        if points or step is status:
            day -= timedelta(days=lot.randrange(*(span if points else lasting.get(step, span))))
            points.insert(0, (step, day))
    return points


# -- posts, groups, logins ---------------------------------------------------------------------


def _give_posts(drafts: list[_Draft], today: date) -> None:
    fifty = _years_before(today, 50)
    members: dict[str, list[_Draft]] = {}
    for draft in drafts:
        if draft.status is Status.FULL and draft.floating_to is None:
            members.setdefault(draft.place.key, []).append(draft)
    for people in members.values():
        # The middle-aged lead; the very old and the very young come last.
        people.sort(key=lambda d: abs((d.birth - fifty).days))
    _appoint(members["xianjiguan"], COUNTY, COUNTY_OFFICE)
    _appoint(members["jiguan"], TOWN, TOWN_COMMITTEE)
    for place in PLACES:
        if place.full == 0:
            continue
        committee: Committee = BIG_COMMITTEE if place.full >= 15 else SMALL_COMMITTEE
        if place.full < 7:
            committee = (committee[0],)
        _appoint(members[place.key], place.key, committee)
    _appoint(members["dongjie"], "shequ", SMALL_COMMITTEE[:1])
    _appoint(members["xijie"], "shequ", SMALL_COMMITTEE[1:])


def _appoint(people: list[_Draft], place: str, committee: Committee) -> None:
    free = [draft for draft in people if not draft.posts]
    for draft, kinds in zip(free, committee, strict=False):
        draft.posts += [(place, kind) for kind in kinds]


def _form_groups(drafts: list[_Draft]) -> None:
    village = [d for d in drafts if d.place.key == "shiqiao" and d.status in _GROUPED]
    for number, draft in enumerate(village):
        draft.group = "shiqiao1" if number % 2 == 0 else "shiqiao2"
    for group in ("shiqiao1", "shiqiao2"):
        leader = next(d for d in village if d.group == group and not d.posts and not d.floating_to)
        leader.posts.append((group, PostKind.GROUP_LEADER))


def _give_logins(drafts: list[_Draft]) -> None:
    count: dict[str, int] = {}
    for draft in drafts:
        if draft.posts:
            key, kind = draft.posts[0]
            base = f"{key}.{LOGIN_POSTS[kind]}"
        else:
            base = f"{draft.place.key}.{LOGIN_STATUS[draft.status]}"
        count[base] = count.get(base, 0) + 1
        first_holder = draft.posts and count[base] == 1
        draft.login = base if first_holder else f"{base}{count[base]}"
    oldest = min(
        (d for d in drafts if d.place.key == "shiqiao" and not d.posts and not d.floating_to),
        key=lambda d: d.birth,
    )
    oldest.login = "shiqiao.laodangyuan"  # shows the pages in large print


# -- entering ----------------------------------------------------------------------------------


def _enter(
    session: Session,
    lot: random.Random,
    drafts: list[_Draft],
    demo: DemoDirectory,
    clock: Clock,
) -> None:
    now, today = clock.now(), clock.today()
    # In office for the second term, so that older matters can be entered with their true dates.
    terms = {
        place.key: _years_before(today + timedelta(days=place.term_ends_in), 2 * place.term_years)
        for place in PLACES
    }
    people = _returning(
        session,
        Person,
        [
            {
                "name": draft.name,
                "gender": draft.gender,
                "ethnicity": lot.choice(("汉族",) * 9 + ("苗族", "土家族", "回族")),
                "birth_date": draft.birth,
                "identity_number": _identity_number(draft, number),
                "phone": f"1000000{number:04d}",
                "education": lot.choice(("初中", "高中", "中专", "大专", "本科", "本科", "研究生")),
                "organisation_id": demo.organisations[draft.place.key],
                "group_id": demo.organisations[draft.group] if draft.group else None,
                "workplace": draft.place.workplace,
                "floating_to": draft.floating_to,
                "created_at": now,
            }
            for number, draft in enumerate(drafts)
        ],
    )
    password_hash = hash_password(PASSWORD)
    accounts = _returning(
        session,
        Account,
        [
            {
                "person_id": person_id,
                "login": draft.login,
                "password_hash": password_hash,
                "large_print": (today - draft.birth).days > 70 * 365,
                "created_at": now,
            }
            for draft, person_id in zip(drafts, people, strict=True)
        ],
    )
    points, posts = [], []
    for draft, person_id, account_id in zip(drafts, people, accounts, strict=True):
        place_id = demo.organisations[draft.place.key]
        demo.people[draft.login] = person_id
        demo.accounts[draft.login] = account_id
        demo.by_status.setdefault(draft.place.key, {}).setdefault(draft.status, []).append(
            person_id
        )
        points += [
            {
                "person_id": person_id,
                "status": status,
                "since": since,
                "organisation_id": place_id,
                "recorded_at": now,
            }
            for status, since in draft.timeline
        ]
        posts += [
            {
                "person_id": person_id,
                "organisation_id": demo.organisations[place],
                "kind": kind,
                "since": terms[place],
            }
            for place, kind in draft.posts
        ]
    session.execute(insert(Membership), points)
    session.execute(insert(Post), posts)
    session.add(
        RightsRestriction(
            person_id=demo.people["shiqiao.dangyuan5"],
            kind=RestrictionKind.PARTY_PROBATION,
            since=today - timedelta(days=200),
            until=today + timedelta(days=165),
        )
    )
    session.flush()


def _returning(session: Session, model: Any, rows: list[dict[str, Any]]) -> list[int]:
    """Insert many rows at once and return their ids in the same order."""
    statement = insert(model).returning(model.id, sort_by_parameter_order=True)
    return list(session.scalars(statement, rows))


def _identity_number(draft: _Draft, number: int) -> str:
    """Return a number with a right check digit in a region (99) that does not exist."""
    sequence = number * 2 + (1 if draft.gender == "male" else 0)
    body = f"990101{draft.birth:%Y%m%d}{sequence % 1000:03d}"
    total = sum(int(digit) * (2 ** (17 - place) % 11) for place, digit in enumerate(body))
    return body + "10X98765432"[total % 11]


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return day.replace(year=day.year - years, day=28)
