"""The people and organisations of a scenario: a directory in memory, read from TOML.

They answer the same questions as the database does, for lanes (:class:`engine.runtime.lanes`)
and for forms (:class:`engine.forms.fields.FormContext`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from engine.definitions.reading import Table, did_you_mean
from engine.directory.codes import (
    COMMITTEE_POSTS,
    PARTY_MEMBERS,
    MembershipStatus,
    OrganisationKind,
    PostKind,
    RestrictionKind,
)
from engine.forms.fields import Field, OrganisationChoice, PersonChoice, may_be_among
from engine.runtime.lanes import person_principal, post_principal

FIRST_PERSON = 101
"""Ids of people begin here, those of organisations at 1, so that a mix-up shows."""


@dataclass(frozen=True)
class Span:
    """Something that holds from a day to the day before another; open at either end."""

    code: str
    since: date | None
    until: date | None
    at: str = ""

    def holds(self, day: date) -> bool:
        """Tell whether it holds on a day."""
        return (self.since is None or self.since <= day) and (
            self.until is None or day < self.until
        )


@dataclass(frozen=True)
class CastPerson:
    """A person of the cast. ``since`` is the day from which the status counts."""

    key: str
    id: int
    name: str
    status: MembershipStatus
    since: date | None
    birth: date | None
    organisation: str | None
    posts: tuple[Span, ...] = ()
    restrictions: tuple[Span, ...] = ()


@dataclass(frozen=True)
class CastOrganisation:
    """An organisation of the cast."""

    key: str
    id: int
    name: str
    kind: OrganisationKind
    parent: str | None
    can_approve_members: bool


@dataclass(frozen=True)
class Cast:
    """All people and organisations of a scenario."""

    organisations: Mapping[str, CastOrganisation]
    people: Mapping[str, CastPerson]
    by_id: Mapping[int, CastPerson] = field(default_factory=dict)
    places: Mapping[int, CastOrganisation] = field(default_factory=dict)

    def approving(self, organisation_id: int) -> int | None:
        """Return the nearest organisation, itself or above, that may approve members."""
        return next((o.id for o in self.upwards(organisation_id) if o.can_approve_members), None)

    def parent(self, organisation_id: int) -> int | None:
        """Return the organisation directly above."""
        parent = self.places[organisation_id].parent
        return self.organisations[parent].id if parent else None

    def upwards(self, organisation_id: int) -> Iterator[CastOrganisation]:
        """Yield an organisation and all above it."""
        seen: set[str] = set()
        key: str | None = self.places[organisation_id].key
        while key is not None and key not in seen:
            seen.add(key)
            yield self.organisations[key]
            key = self.organisations[key].parent

    def below(self, organisation_id: int) -> frozenset[str]:
        """Return the keys of an organisation and all below it."""
        return frozenset(
            o.key
            for o in self.organisations.values()
            if any(above.id == organisation_id for above in self.upwards(o.id))
        )

    def committee(self, organisation_id: int, day: date) -> list[int]:
        """Return who is on the committee of an organisation on a day."""
        return [
            person.id
            for person in self.by_id.values()
            if any(
                self.organisations[post.at].id == organisation_id
                and post.code in COMMITTEE_POSTS
                and post.holds(day)
                for post in person.posts
            )
        ]

    def principals(self, person: CastPerson, day: date) -> frozenset[str]:
        """Return as whom a person may act on a day."""
        held = (
            post_principal(self.organisations[post.at].id, post.code)
            for post in person.posts
            if post.holds(day)
        )
        return frozenset({person_principal(person.id), *held})


# --- reading ------------------------------------------------------------------------------------


def read_cast(table: Table) -> Cast:
    """Read ``[organisations.*]`` and ``[people.*]``; mistakes are reported to the table."""
    organisations: dict[str, CastOrganisation] = {}
    for number, (key, row) in enumerate(table.named("organisations").items(), 1):
        row.element = key
        organisations[key] = CastOrganisation(
            key,
            number,
            row.text("name", key),
            row.code("kind", OrganisationKind, OrganisationKind.BRANCH) or OrganisationKind.BRANCH,
            row.optional("parent"),
            row.flag("can_approve_members"),
        )
        row.done()
    for organisation in organisations.values():
        if organisation.parent is not None and organisation.parent not in organisations:
            _unknown(table, organisation.parent, organisations)
    people: dict[str, CastPerson] = {}
    for number, (key, row) in enumerate(table.named("people").items(), FIRST_PERSON):
        row.element = key
        if key in organisations:
            row.error("cast-name-twice", f"“{key}”既是人员又是组织", "请改用不同的名称")
        people[key] = _person(key, number, row, organisations)
    return Cast(
        {k: o for k, o in organisations.items() if o.parent is None or o.parent in organisations},
        people,
        {person.id: person for person in people.values()},
        {organisation.id: organisation for organisation in organisations.values()},
    )


def _person(
    key: str, number: int, row: Table, organisations: Mapping[str, CastOrganisation]
) -> CastPerson:
    organisation = row.optional("organisation")
    if organisation is not None and organisation not in organisations:
        _unknown(row, organisation, organisations)
        organisation = None
    posts = []
    for post in row.tables("posts"):
        kind, at = post.code("kind", PostKind), post.text("at")
        if at not in organisations:
            _unknown(post, at, organisations)
        elif kind is not None:
            posts.append(Span(kind, post.day("since"), post.day("until"), at))
        post.done()
    restrictions = []
    for restriction in row.tables("restrictions"):
        what = restriction.code("kind", RestrictionKind)
        if what is not None:
            restrictions.append(Span(what, restriction.day("since"), restriction.day("until")))
        restriction.done()
    person = CastPerson(
        key,
        number,
        row.text("name", key),
        row.code("status", MembershipStatus, MembershipStatus.NONE) or MembershipStatus.NONE,
        row.day("since"),
        row.day("birth"),
        organisation,
        tuple(posts),
        tuple(restrictions),
    )
    row.done()
    return person


def _unknown(table: Table, name: str, known: Mapping[str, object]) -> None:
    table.error("cast-unknown", f"没有组织“{name}”", did_you_mean(name, list(known)))


def deep_merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``below`` with ``above`` laid over it; tables are merged, everything else replaced."""
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        both = isinstance(value, Mapping) and isinstance(under, Mapping)
        merged[key] = deep_merge(under or {}, value) if both else value
    return merged


def resolve(value: Any, cast: Cast) -> Any:
    """Return data of a scenario as a form gets it: ``@name`` is an id, a day is ISO text.

    Raises KeyError for a name that is not in the cast.
    """
    if isinstance(value, Mapping):
        return {key: resolve(inner, cast) for key, inner in value.items()}
    if isinstance(value, list):
        return [resolve(inner, cast) for inner in value]
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, str) and value.startswith("@"):
        name = value[1:]
        return cast.people[name].id if name in cast.people else cast.organisations[name].id
    return value


# --- what forms ask -----------------------------------------------------------------------------


@dataclass(frozen=True)
class CastContext:
    """A :class:`engine.forms.fields.FormContext` whose directory is the cast."""

    cast: Cast
    statuses: Callable[[int, date], MembershipStatus]
    """The membership status of a person on a day, changes made by the matter included."""
    organisation_id: int
    subject_id: int | None
    occurred_on: date
    variables: Mapping[str, Any]
    functions: Mapping[str, Callable[..., Any]]
    ballots: Mapping[str, Any] = field(default_factory=dict)
    """The counts of secret ballots, as the scenario gives them."""

    def find_person(self, person_id: int, field: Field) -> PersonChoice | None:
        """Return the person if they may be chosen in ``field`` on that day."""
        person = self.cast.by_id.get(person_id)
        if person is None or not self._suits(person, field):
            return None
        return PersonChoice(person.id, person.name)

    def people_choices(self, field: Field) -> Sequence[PersonChoice]:
        """Return whom to offer in ``field``."""
        return [
            PersonChoice(p.id, p.name) for p in self.cast.by_id.values() if self._suits(p, field)
        ]

    def organisation_choices(self, field: Field) -> Sequence[OrganisationChoice]:
        """Return the organisations of the cast."""
        return [OrganisationChoice(o.id, o.name) for o in self.cast.organisations.values()]

    def roll(self, body: str, day: date) -> Sequence[PersonChoice]:
        """Return who is due at a meeting of the matter's organisation, nobody excluded."""
        people = self.cast.by_id.values()
        if body == "committee":
            held = set(self.cast.committee(self.organisation_id, day))
            return [PersonChoice(p.id, p.name) for p in people if p.id in held]
        if body == "all_members":
            here = self.cast.below(self.organisation_id)
            return [
                PersonChoice(p.id, p.name)
                for p in people
                if p.organisation in here and self.statuses(p.id, day) in PARTY_MEMBERS
            ]
        return [PersonChoice(p.id, p.name) for p in people if self._votes(p, day)]

    def usable(self, files: Sequence[int]) -> Collection[int]:
        """Take any number for a file: scenarios have no files."""
        return [file for file in files if file > 0]

    def _suits(self, person: CastPerson, field: Field) -> bool:
        if not may_be_among(field, self.variables, person.id):
            return False
        codes = [code.strip() for code in field.props.get("status", "").split(",") if code.strip()]
        if codes and self.statuses(person.id, self.occurred_on) not in codes:
            return False
        if field.flag("not_subject") and person.id == self.subject_id:
            return False
        scope = field.props.get("scope", "branch")
        if scope == "all":
            return True
        root = self.organisation_id
        if scope == "leading_body":
            return person.id in self.cast.committee(root, self.occurred_on)
        own = self.cast.places[root]
        if own.kind is OrganisationKind.GROUP and own.parent is not None:
            root = self.cast.organisations[own.parent].id  # its people belong to the branch
        if scope in {"subtree", "committee"}:
            root = self.cast.approving(root) or root
        holds = any(
            self.cast.organisations[post.at].id == root and post.holds(self.occurred_on)
            for post in person.posts
        )
        return holds or person.organisation in self.cast.below(root)

    def _votes(self, person: CastPerson, day: date) -> bool:
        return (
            person.organisation in self.cast.below(self.organisation_id)
            and self.statuses(person.id, day) is MembershipStatus.FULL
            and not any(restriction.holds(day) for restriction in person.restrictions)
        )
