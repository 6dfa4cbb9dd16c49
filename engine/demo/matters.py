"""Matters of the demo: members-to-be in every stage, each brought there by the real commands.

The path and the answers are those of the package's scenario of the full path, moved to dates near
today and given to the people of the invented town.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from engine.attachments.operations import record_blob
from engine.attachments.store import Store
from engine.clock import Clock, FixedClock
from engine.database import db, unit_of_work
from engine.definitions.versions import Definition, active_version, load_definition
from engine.demo.paper import sample_paper
from engine.demo.people import SEED, DemoDirectory
from engine.demo.playing import Play
from engine.demo.supervision import talk_about_findings
from engine.directory.codes import COMMITTEE_POSTS, MembershipStatus, OrganisationKind, PostKind
from engine.directory.models import Membership, Organisation, Person, Post, RightsRestriction
from engine.errors import GuichengError
from engine.lint.scenarios import Do, read_cast_values, read_scenarios
from engine.runtime.models import NO_LIMIT

KEY = "member_admission"
PATH = "happy_path"
LENT_DAYS = 6
"""The last step of a matter in the demo happened at most this many days ago."""

LONG_AGO = timedelta(days=5 * 366)
"""Before the oldest matter of the demo began."""

WAITED: Mapping[str, Sequence[int]] = {
    "first_talk": (3, 25, 36),
    "hold_admission_meeting": (4, 27),
    "approve_admission": (6, 88, 97),
    "take_oath": (3, 26, 38),
    "approve_conversion": (5, 86, 95),
}
"""How many days ago the last step was, in turn, where that makes tasks due soon or overdue."""

SLIPS: Sequence[Mapping[str, int]] = (
    {},
    {"first_talk": 12},
    {},
    {},
    {"take_oath": 6},
    {},
    {"approve_admission": 20},
    {},
    {"first_talk": 3, "hold_admission_meeting": 8},
)
"""Steps that came so many days after their limit, in turn: no branch is always in time."""

TYPED_LATER: Sequence[Mapping[str, int]] = ({}, {}, {"decide_activist": 21}, {}, {"take_oath": 33})
"""Steps that were recorded so many days after they had happened, in turn."""

UNTIL: Mapping[MembershipStatus, Sequence[str]] = {
    MembershipStatus.APPLICANT: ("first_talk", "decide_activist", "file_activist"),
    MembershipStatus.ACTIVIST: (
        "assign_contacts",
        "examine_activist",
        "propose_prospect",
        "consent_prospect",
        "post_notice",
        "conclude_notice",
    ),
    MembershipStatus.PROSPECT: (
        "assign_introducers",
        "intensive_training",
        "committee_check",
        "pre_review",
        "hold_admission_meeting",
        "superior_talk",
        "approve_admission",
    ),
    MembershipStatus.PROBATIONARY: (
        "notify_admission",
        "take_oath",
        "record_probation",
        "apply_conversion",
        "hold_conversion_meeting",
        "approve_conversion",
    ),
}
"""The step that waits next, by the status of a person in the demo; taken in turn."""


@dataclass(frozen=True)
class Plan:
    """Whose matter is made, and up to which step it comes."""

    person_id: int
    organisation_id: int
    until: str
    turn: int
    """How many matters of the demo have come to the same step before this one."""
    slips: Mapping[str, int] = field(default_factory=dict)
    """Days after their limit on which some steps were done."""
    typed_later: Mapping[str, int] = field(default_factory=dict)
    """Days after they happened on which some steps were recorded."""


def plans(session: Session, demo: DemoDirectory) -> list[Plan]:
    """Return who gets a matter, and up to which step it has come."""
    turns = dict.fromkeys(UNTIL, 0)
    reached: dict[str, int] = {}
    found: list[Plan] = []
    for place, by_status in demo.by_status.items():
        for status, steps in UNTIL.items():
            for person_id in by_status.get(status, []):
                step = steps[turns[status] % len(steps)]
                turns[status] += 1
                turn = reached[step] = reached.get(step, -1) + 1
                place_id, number = demo.organisations[place], len(found)
                slips = SLIPS[number % len(SLIPS)]
                later = TYPED_LATER[number % len(TYPED_LATER)]
                found.append(Plan(person_id, place_id, step, turn, slips, later))
    return found


def create_demo_matters(
    demo: DemoDirectory, clock: Clock, store: Store, *, progress: Callable[[int], object]
) -> int:
    """Create the matters; return how many. ``progress`` is called with 1 for each."""
    with unit_of_work() as session:
        version_id = active_version(session, KEY)
        assert version_id is not None
        definition = load_definition(session, version_id)
        wanted = plans(session, demo)
        # The committees were re-elected: who acts today acted when the oldest matters began.
        early = clock.today() - LONG_AGO
        session.execute(update(Post).where(Post.since > early).values(since=early))
        paper = store.put(sample_paper(), "材料.pdf")
        record_blob(session, clock, paper)
    lot = random.Random(SEED)  # noqa: S311 - the same demo on every run
    for plan in wanted:
        _play(definition, plan, clock, paper.sha256, lot)
        progress(1)
    talk_about_findings(clock)
    return len(wanted)


def count(demo: DemoDirectory) -> int:
    """Return how many matters :func:`create_demo_matters` makes."""
    return len(plans(db.session(), demo))


@dataclass(frozen=True)
class Told:
    """A step of the scenario with its days moved."""

    do: Do
    data: Mapping[str, Any]
    on: date


def retell(
    definition: Definition,
    plan: Plan,
    clock: Clock,
    sha256: str,
    *,
    end: date,
    make_play: Callable[..., Play] = Play,
) -> tuple[Play, list[Told]]:
    """Return a play with real people in the roles, and its steps, the last of them on ``end``."""
    cast, path = _story(definition)
    steps = [do for do in path if do.action == "complete"]
    steps = steps[: next((i for i, do in enumerate(steps) if do.target == plan.until), len(steps))]
    last = steps[-1].on
    assert last is not None
    shift = end - last
    with unit_of_work() as session:
        _begin_anew(session, plan)
        ids = _cast(session, plan, cast, clock.today())
    defaults = _moved(_defaults(cast, plan, clock.today()), shift)
    _own_facts(defaults, plan)
    play = make_play(
        key=KEY,
        clock=FixedClock(clock.now()),
        organisation_id=plan.organisation_id,
        subject_id=plan.person_id,
        ids=ids,
        defaults=defaults,
        file_sha256=sha256,
    )
    return play, [Told(do, _moved(do.data, shift), do.on + shift) for do in steps if do.on]


def lawful_day(play: Play, told: Told, today: date, slip: int = 0) -> date | None:
    """Return when the step is to happen: as told, or the first day allowed; None: not yet.

    With a ``slip`` it happens so many days after its limit. Moves the play's clock on where the
    step waits for a timer.
    """
    day = told.on
    if play.instance_id is not None:
        play.set_clock(day)
        while not (task := [t for t in play.open_tasks() if t.element == told.do.target]):
            if (due := play.next_timer()) is None or due > today:
                return None
            day = max(day, due)
            play.set_clock(day)
        day = max(d for d in (day, task[0].not_before, task[0].earliest_on) if d is not None)
        if task[0].due_on != NO_LIMIT and slip:
            day = max(day, task[0].due_on + timedelta(days=slip))
        elif task[0].due_on != NO_LIMIT:
            day = min(day, max(task[0].due_on, task[0].not_before or day))
    return None if day > today else day


def _play(
    definition: Definition, plan: Plan, clock: Clock, sha256: str, lot: random.Random
) -> None:
    waited = WAITED.get(plan.until)
    days = waited[plan.turn % len(waited)] if waited else lot.randrange(1, LENT_DAYS)
    end = clock.today() - timedelta(days=days)
    play, steps = retell(definition, plan, clock, sha256, end=end)
    for told in steps:
        step = told.do.target
        day = lawful_day(play, told, clock.today(), plan.slips.get(step, 0))
        if day is None:
            break
        typed = day + timedelta(days=plan.typed_later.get(step, 0))
        play.set_clock(min(typed, clock.today()))
        try:
            play.complete(told.do.target, told.data, day, None, told.do.item, told.do.without)
        except GuichengError as refused:
            where = f"{told.do.target} on {day}"
            raise RuntimeError(f"demo matter stops at {where}: {refused}") from refused
    play.clock.set(clock.today())
    play.catch_up()


def _story(definition: Definition) -> tuple[Mapping[str, Any], Sequence[Do]]:
    """Return the cast and the way of the full path; the files are read once, not for everybody."""
    read = _stories.get(definition.package.sha256)
    if read is None:
        cast, _ = read_cast_values(definition.package)
        scenarios, _ = read_scenarios(definition.package)
        read = _stories[definition.package.sha256] = cast, scenarios[PATH].actions
    return read


_stories: dict[str, tuple[Mapping[str, Any], Sequence[Do]]] = {}


def _moved(value: Any, shift: timedelta) -> Any:
    """Return data with every day moved by ``shift``."""
    if isinstance(value, Mapping):
        return {key: _moved(inner, shift) for key, inner in value.items()}
    if isinstance(value, list):
        return [_moved(inner, shift) for inner in value]
    return value + shift if isinstance(value, date) else value


def _begin_anew(session: Session, plan: Plan) -> None:
    """Let the person start from the beginning: the matter itself will write their timeline."""
    session.execute(delete(Membership).where(Membership.person_id == plan.person_id))
    born = session.get_one(Person, plan.person_id).birth_date or date(1995, 1, 1)
    session.add(
        Membership(
            person_id=plan.person_id,
            status=MembershipStatus.NONE,
            since=born,
            organisation_id=plan.organisation_id,
            recorded_at=session.scalars(select(Person.created_at).limit(1)).one(),
        )
    )


def _cast(session: Session, plan: Plan, cast: Mapping[str, Any], today: date) -> dict[str, int]:
    """Return real people for the roles of the scenario's cast."""
    own = session.get_one(Organisation, plan.organisation_id)
    above = session.scalars(
        select(Organisation).where(Organisation.can_approve_members).order_by(Organisation.path)
    ).all()
    line = [o for o in above if own.path.startswith(o.path) and o.id != own.id]
    committee, county = line[-1], line[0]
    ids = {"branch": own.id, "committee": committee.id, "county": county.id}
    ids["applicant"] = plan.person_id
    members = _members(session, plan, today - LONG_AGO)
    branch = _holders(session, own.id)
    town = _holders(session, committee.id)
    department = _holders(session, county.id)
    plain = [person for person in members if person not in branch.values()] or members
    given = {
        "secretary": branch.get(PostKind.SECRETARY, members[0]),
        "commissioner": branch.get(PostKind.ORGANISATION_COMMISSIONER, members[1]),
        "publicity": branch.get(PostKind.PUBLICITY_COMMISSIONER, members[2]),
        "contact_a": plain[0],
        "contact_b": plain[1 % len(plain)],
        "member_a": plain[2 % len(plain)],
        "member_b": plain[3 % len(plain)],
        "superior_secretary": town[PostKind.SECRETARY],
        "organiser": town[PostKind.ORGANISER],
        "committee_member": town.get(PostKind.COMMITTEE_MEMBER, town[PostKind.SECRETARY]),
        "county_officer": department[PostKind.ORGANISATION_DEPARTMENT],
    }
    ids |= given
    for name in cast.get("people", {}):
        ids.setdefault(name, plain[0])
    for name in cast.get("organisations", {}):
        ids.setdefault(name, own.id)
    group = session.scalar(
        select(Organisation.id).where(
            Organisation.parent_id == own.id, Organisation.kind == OrganisationKind.GROUP
        )
    )
    if group is not None:
        ids["group"] = group
    return ids


def _members(session: Session, plan: Plan, early: date) -> list[int]:
    """Return the branch's full members of long standing with all rights, in order of ids."""
    standing = (
        select(Membership.status)
        .where(
            Membership.person_id == Person.id,
            Membership.revoked_at.is_(None),
            Membership.since <= early,
        )
        .order_by(Membership.since.desc(), Membership.id.desc())
        .limit(1)
        .correlate(Person)
        .scalar_subquery()
    )
    limited = select(RightsRestriction.person_id)
    return list(
        session.scalars(
            select(Person.id)
            .where(
                Person.organisation_id == plan.organisation_id,
                standing == MembershipStatus.FULL,
                Person.id.not_in(limited),
            )
            .order_by(Person.id)
        )
    )


def _holders(session: Session, organisation_id: int) -> dict[str, int]:
    rows = session.execute(
        select(Post.kind, Post.person_id)
        .where(Post.organisation_id == organisation_id, Post.until.is_(None))
        .order_by(Post.id.desc())
    )
    return {row.kind: row.person_id for row in rows}


def _defaults(cast: Mapping[str, Any], plan: Plan, today: date) -> dict[str, dict[str, Any]]:
    """Return the scenario's answers; whoever is due at a meeting is there and votes for it."""
    defaults: dict[str, dict[str, Any]] = {}
    session = db.session()
    members = _members(session, plan, today - LONG_AGO)
    committee = sorted(
        {
            person
            for kind, person in _holders(session, plan.organisation_id).items()
            if kind in COMMITTEE_POSTS
        }
    )
    has_committee = session.get_one(Organisation, plan.organisation_id).has_committee
    for step, answers in cast.get("data", {}).items():
        kept = dict(answers)
        for key, value in kept.items():
            if key.endswith("_attendance") and isinstance(value, dict):
                small = key.startswith("committee") and has_committee
                kept[key] = {"present": committee if small else members}
            elif isinstance(value, dict) and "for" in value:
                there = len(members)
                kept[key] = {
                    **{k: v for k, v in value.items() if k not in ("written",)},
                    "issued": there,
                    "collected": there,
                    "for": there,
                    "against": 0,
                    "abstain": 0,
                }
        defaults[step] = kept
    return defaults


def _own_facts(defaults: Mapping[str, Any], plan: Plan) -> None:
    """Put in what is true of this person and stays when the days are moved."""
    born = db.session().get_one(Person, plan.person_id).birth_date
    if born is not None:
        defaults["submit_application"]["birth_date"] = born.isoformat()
