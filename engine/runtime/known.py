"""What the directory knows of people on a day: asked once a person and step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy.orm import Session

from engine.database import fetch
from engine.directory.codes import MembershipStatus

# What the planner cannot see (SELECT …) it cannot plan for anew each time.
_KNOWN = """
    SELECT p.id, p.name, m.status, coalesce(there.path, home.path) AS path,
        EXISTS (SELECT FROM rights_restriction r WHERE r.person_id = p.id
            AND r.since <= %(day)s AND (r.until IS NULL OR r.until >= %(day)s)) AS restricted,
        ARRAY(SELECT o.organisation_id || ':' || o.kind FROM post o WHERE o.person_id = p.id
            AND o.since <= %(day)s AND (o.until IS NULL OR o.until >= %(day)s)
            ORDER BY o.kind) AS posts
    FROM unnest((SELECT %(people)s::bigint[])) AS named(id)
    JOIN person p ON p.id = named.id
    LEFT JOIN LATERAL (SELECT status, organisation_id FROM membership
        WHERE person_id = p.id AND since <= %(day)s AND revoked_at IS NULL
        ORDER BY since DESC, id DESC LIMIT 1) m ON true
    LEFT JOIN organisation there ON there.id = m.organisation_id
    LEFT JOIN organisation home ON home.id = p.organisation_id
"""


@dataclass(frozen=True, slots=True)
class Known:
    """A person on a day."""

    id: int
    name: str
    status: MembershipStatus
    path: str
    """Of the organisation on the timeline; where that names none, of the one now; else empty."""
    restricted: bool
    """Whether their rights as a member rest."""
    posts: tuple[tuple[int, str], ...]
    """Organisation and kind of each post held."""

    def posts_at(self, organisation_id: int | None) -> list[str]:
        """Return the kinds of the posts held at an organisation, sorted."""
        return [kind for place, kind in self.posts if place == organisation_id]


@dataclass
class KnownPeople:
    """People on one day, each read the first time somebody asks."""

    session: Session
    day: date
    _found: dict[int, Known | None] = field(default_factory=dict)

    def get(self, person_id: int) -> Known | None:
        """Return a person, None when there is no such."""
        if person_id not in self._found:
            self.read([person_id])
        return self._found[person_id]

    def read(self, people: Iterable[int]) -> list[Known]:
        """Return those of ``people`` that there are, in the order given; ask for all at once."""
        wanted = list(people)
        new = [person for person in wanted if person not in self._found]
        if new:
            self._found |= dict.fromkeys(new)
            for row in fetch(self.session, _KNOWN, {"day": self.day, "people": new}):
                posts = (post.partition(":") for post in row.posts)
                self._found[row.id] = Known(
                    row.id,
                    row.name,
                    MembershipStatus(row.status or MembershipStatus.NONE),
                    row.path or "",
                    row.restricted,
                    tuple((int(place), kind) for place, _, kind in posts),
                )
        return [known for person in wanted if (known := self._found[person]) is not None]
