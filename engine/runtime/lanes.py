"""Find who may act in a lane: from the matter to principals, with one question to the directory.

A principal is a text key: ``p<person id>``, or ``o<organisation id>:<post>`` for whoever holds the
post. Who holds a post on the day, substitution and conflict of interest come on top, elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from engine.definitions.package import At, Lane, Who


class LaneDirectory(Protocol):
    """What the search for a lane's people asks about organisations."""

    def approving(self, organisation_id: int) -> int | None:
        """Return the nearest organisation, itself or above, that may approve members."""
        ...

    def parent(self, organisation_id: int) -> int | None:
        """Return the organisation directly above."""
        ...


@dataclass(frozen=True, slots=True)
class Candidates:
    """Who may do a task."""

    lane: str
    """The lane that acts: the task's own, or the one that stands in for it."""
    principals: tuple[str, ...]
    """Empty when nobody can be found: an administrator has to help."""
    organisation_id: int | None
    """The organisation that has to act."""
    excluded: int | None = None
    """A person who never may, whatever post they hold."""

    def include(self, person_id: int, principals: Collection[str]) -> bool:
        """Tell whether a person who acts as these principals is a candidate."""
        return person_id != self.excluded and any(p in principals for p in self.principals)


def person_principal(person_id: int) -> str:
    """Return the principal of a person."""
    return f"p{person_id}"


def post_principal(organisation_id: int, post: str) -> str:
    """Return the principal of whoever holds a post at an organisation."""
    return f"o{organisation_id}:{post}"


def person_of(value: object) -> int | None:
    """Return the person whom an item of a list names: an id, or a row with a ``person``."""
    if isinstance(value, Mapping):
        value = value.get("person")
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def find_candidates(
    lane: Lane,
    lanes: Mapping[str, Lane],
    *,
    organisation_id: int,
    subject_id: int | None,
    participants: Mapping[str, tuple[int, ...]],
    directory: LaneDirectory,
    person_id: int | None = None,
) -> Candidates:
    """Return who may act in a lane of a matter, and in the lanes that may act there too.

    ``person_id`` is the person of the task's item, where there is one for each of a list.
    """
    if lane.who is Who.ITEM:
        principals = () if person_id is None else (person_principal(person_id),)
        own = Candidates(lane.id, principals, organisation_id)
    else:
        own = _find(lane, lanes, organisation_id, subject_id, participants, directory)
    others = (
        _find(lanes[key], lanes, organisation_id, subject_id, participants, directory)
        for key in lane.also
    )
    together = dict.fromkeys((*own.principals, *(p for one in others for p in one.principals)))
    return replace(own, principals=tuple(together)) if lane.also else own


def _find(
    lane: Lane,
    lanes: Mapping[str, Lane],
    organisation_id: int,
    subject_id: int | None,
    participants: Mapping[str, tuple[int, ...]],
    directory: LaneDirectory,
) -> Candidates:
    excluded = subject_id if lane.not_subject else None
    principals: tuple[str, ...]
    match lane.who:
        case Who.SUBJECT:
            principals = () if subject_id is None else (person_principal(subject_id),)
            return Candidates(lane.id, principals, organisation_id)
        case Who.PARTICIPANTS:
            people = dict.fromkeys(p for role in lane.roles for p in participants.get(role, ()))
            if not people and lane.or_lane:
                other = lanes[lane.or_lane]
                return _find(other, lanes, organisation_id, subject_id, participants, directory)
            principals = tuple(person_principal(person) for person in people)
            return Candidates(lane.id, principals, organisation_id, excluded)
        case Who.POSTS:
            at = _organisation(lane.at, organisation_id, directory)
            principals = () if at is None else tuple(post_principal(at, p) for p in lane.posts)
            return Candidates(lane.id, principals, at, excluded)
        case Who.ITEM:  # only the task itself knows its item
            return Candidates(lane.id, (), organisation_id)


def _organisation(at: At, organisation_id: int, directory: LaneDirectory) -> int | None:
    match at:
        case At.ORGANISATION:
            return organisation_id
        case At.PARENT:
            return directory.parent(organisation_id)
        case At.APPROVING:
            return directory.approving(organisation_id)
        case At.ABOVE_APPROVING:
            approving = directory.approving(organisation_id)
            return None if approving is None else directory.parent(approving)
