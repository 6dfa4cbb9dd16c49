"""The people and organisations of a file: what each was on a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from engine.checking.tables import Part, choice, hint
from engine.compliance.facts import Place, Witness
from engine.directory.codes import MembershipStatus, OrganisationKind, PostKind
from engine.errors import N_, Sentence


@dataclass(frozen=True, slots=True)
class Span:
    """From a day to a day, both included; open where None."""

    since: date | None
    until: date | None

    def holds(self, day: date) -> bool:
        """Tell whether a day lies within."""
        return (self.since is None or self.since <= day) and (
            self.until is None or day <= self.until
        )


@dataclass(frozen=True, slots=True)
class FilePerson:
    """A person of a file."""

    id: int
    name: str
    statuses: tuple[tuple[date, str], ...]
    restricted: tuple[Span, ...]
    posts: tuple[tuple[str, str, Span], ...]
    """Code, organisation by name, from when to when."""

    def witness(self, day: date, organisation: str | None) -> Witness:
        """Return what the file says of the person on a day, at the organisation that acts."""
        status = MembershipStatus.NONE.value
        for since, code in self.statuses:
            if since <= day:
                status = code
        held = sorted({c for c, at, span in self.posts if at == organisation and span.holds(day)})
        return Witness(status, any(span.holds(day) for span in self.restricted), tuple(held))


@dataclass(frozen=True, slots=True)
class FileOrganisation:
    """An organisation of a file."""

    id: int
    name: str
    kind: str
    approves: bool
    parent: str | None

    @property
    def place(self) -> Place:
        """The organisation as rules see it."""
        return Place(self.id, self.kind, self.approves)


class FileDirectory:
    """The organisations of a file as a tree: who approves, who is above."""

    def __init__(self, organisations: Mapping[str, FileOrganisation]) -> None:
        self.by_name = organisations
        self._by_id = {one.id: one for one in organisations.values()}

    def approving(self, organisation_id: int) -> int | None:
        """Return the nearest organisation, itself or above, that may approve members."""
        seen: set[int] = set()
        at: int | None = organisation_id
        while at is not None and at not in seen:
            if self._by_id[at].approves:
                return at
            seen.add(at)
            at = self.parent(at)
        return None

    def parent(self, organisation_id: int) -> int | None:
        """Return the organisation directly above."""
        found = self._by_id[organisation_id].parent
        return self.by_name[found].id if found is not None and found in self.by_name else None

    def of(self, organisation_id: int | None) -> FileOrganisation | None:
        """Return an organisation by id."""
        return None if organisation_id is None else self._by_id.get(organisation_id)


def read_organisations(file: Part) -> dict[str, FileOrganisation]:
    """Return the organisations of a file by name."""
    found: dict[str, FileOrganisation] = {}
    for number, part in enumerate(file.parts("organisations"), 1):
        name = part.text("name")
        kind = _code(part, "kind", OrganisationKind)
        one = FileOrganisation(
            number, name, kind, part.flag("approves"), part.text("parent", "") or None
        )
        if name in found:
            part.wrong("name", Sentence(N_("“%(name)s”出现了两次。"), name=name))
        found[name] = one
        part.done()
    for n, one in enumerate(found.values()):
        if one.parent is not None and one.parent not in found:
            file.report.wrong(
                f"organisations[{n}].parent",
                Sentence(
                    N_("没有“%(word)s”这个党组织%(near)s。"),
                    word=one.parent,
                    near=hint(one.parent, found),
                ),
            )
    return found


def read_people(file: Part, organisations: Mapping[str, FileOrganisation]) -> dict[str, FilePerson]:
    """Return the people of a file by name."""
    found: dict[str, FilePerson] = {}
    for number, part in enumerate(file.parts("people"), 1):
        name = part.text("name")
        if name in found:
            part.wrong(
                "name",
                Sentence(
                    N_("“%(name)s”出现了两次；同名的请加以区别，例如“%(name)s（二组）”。"),
                    name=name,
                ),
            )
        found[name] = FilePerson(
            number,
            name,
            _statuses(part),
            tuple(_span(one) for one in part.parts("restricted")),
            tuple(_post(one, organisations) for one in part.parts("posts")),
        )
        part.done()
    return found


def _statuses(part: Part) -> tuple[tuple[date, str], ...]:
    given = part.get("status")
    if given is None:
        return ()
    if isinstance(given, str):
        return ((date.min, _code(part, "status", MembershipStatus)),)
    found = []
    for one in part.parts("status"):
        found.append((one.needed_day("since"), _code(one, "status", MembershipStatus)))
        one.done()
    return tuple(sorted(found))


def _post(part: Part, organisations: Mapping[str, FileOrganisation]) -> tuple[str, str, Span]:
    code = _code(part, "post", PostKind)
    at = part.text("at")
    if at and at not in organisations:
        near = hint(at, organisations)
        part.wrong("at", Sentence(N_("没有“%(word)s”这个党组织%(near)s。"), word=at, near=near))
    return code, at, _span(part)


def _span(part: Part) -> Span:
    span = Span(part.day("since"), part.day("until"))
    if span.since and span.until and span.until < span.since:
        part.wrong("until", Sentence(N_("早于起始日期。")))
    part.done()
    return span


def _code(
    part: Part, key: str, codes: type[MembershipStatus] | type[OrganisationKind] | type[PostKind]
) -> str:
    """Return a code given as itself or as its Chinese name."""
    given = part.text(key)
    for code in codes:
        if given in (code.value, code.label):
            return code.value
    if given:
        known = tuple(choice(code.value, code.label) for code in codes)
        part.wrong(key, Sentence(N_("没有“%(word)s”，可填：%(known)s。"), word=given, known=known))
    return given
