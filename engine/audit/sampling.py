"""A random sample of matters that anybody can draw again: same seed, same population, same sample.

The rule is public and needs no program of ours. The population is divided into strata; in each, the
matters are put in the order of ``SHA-256(seed + "\\n" + number of the matter)``, written in
hexadecimal, and the first ones are taken. Seed, population and sample are an entry of the ledger
before anybody sees the sample, so that nobody can draw until they like what they get.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.audit.scope import Place, matters_seen, place_of, require_audience
from engine.audit.wanted import MatterFilter
from engine.clock import Clock
from engine.coded import Coded
from engine.database import unit_of_work
from engine.definitions.models import ProcessVersion
from engine.directory.actors import Actor
from engine.directory.models import Organisation
from engine.directory.policy import Action, may
from engine.directory.things import OrganisationView
from engine.errors import N_, InvalidInput, NotFound
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind
from engine.ledger.models import LedgerChain, LedgerEntry
from engine.ledger.operations import append
from engine.runtime.models import Instance, format_number
from engine.runtime.queries.rows import Names
from engine.runtime.views import MatterStatus

CHAIN: Final = "audit"
"""The chain of what auditors do that concerns no single matter."""
METHOD: Final = "sha256(seed + '\\n' + number)"
MOST_MATTERS: Final = 200_000
MOST_TAKEN: Final = 2_000
_SEED: Final = re.compile(r"[0-9A-Za-z_-]{4,64}", re.ASCII)


class Strata(Coded):
    """How the population is divided."""

    NONE = "none", N_("不分层")
    PROCESS = "process", N_("按流程")
    ORGANISATION = "organisation", N_("按下一级党组织")
    STATUS = "status", N_("按办理状态")
    PROCESS_ORGANISATION = "process_organisation", N_("按流程和下一级党组织")


@dataclass(frozen=True)
class SampleWish:
    """What to draw from, and how much."""

    matters: MatterFilter = field(default_factory=MatterFilter)
    strata: Strata = Strata.NONE
    size: int = 5
    """How many of each stratum."""


@dataclass(frozen=True)
class Stratum:
    """A part of the population, and what was taken of it."""

    name: str
    population: int
    taken: tuple[str, ...]


@dataclass(frozen=True)
class Sample:
    """A sample as the ledger has it."""

    seq: int
    at: datetime
    person_name: str
    organisation_id: int
    organisation_name: str
    seed: str
    strata_by: Strata
    size: int
    process: str | None
    status: MatterStatus | None
    since: date | None
    until: date | None
    strata: tuple[Stratum, ...]
    digest: str
    """SHA-256 of the population, as :func:`population_digest` has it."""

    @property
    def population(self) -> int:
        """Return how many matters there were to draw from."""
        return sum(stratum.population for stratum in self.strata)

    @property
    def taken(self) -> int:
        """Return how many were taken."""
        return sum(len(stratum.taken) for stratum in self.strata)


def draw(seed: str, numbers: Iterable[str], size: int) -> list[str]:
    """Return the ``size`` numbers that come first under ``seed``. This is the whole rule."""
    return sorted(numbers, key=lambda n: hashlib.sha256(f"{seed}\n{n}".encode()).hexdigest())[:size]


def population_digest(strata: Mapping[str, Sequence[str]]) -> str:
    """Return the SHA-256 of lines ``stratum<TAB>number``, sorted, each ended by a line feed."""
    lines = sorted(f"{name}\t{number}\n" for name, numbers in strata.items() for number in numbers)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def draw_sample(
    wish: SampleWish,
    *,
    actor: Actor,
    clock: Clock,
    seed: str | None = None,
    command_id: UUID | None = None,
) -> int:
    """Draw a sample and write it to the ledger; return its number in the chain ``audit``.

    Without a seed one is drawn by lot. Raises NotAllowed, NotFound, InvalidInput.
    """
    require_audience(actor)
    if not 1 <= wish.size <= MOST_TAKEN:
        raise InvalidInput({"size": [N_("每层抽取的件数应为 1 至 2000。")]})
    if seed and not _SEED.fullmatch(seed):
        raise InvalidInput({"seed": [N_("种子应为 4 至 64 个字母、数字、横线或下划线。")]})
    matters = wish.matters
    if matters.since and matters.until and matters.since > matters.until:
        raise InvalidInput({"until": [N_("截止日期不能早于起始日期。")]})
    seed = seed or secrets.token_hex(16)
    with unit_of_work() as session:
        if (known := _drawn_before(session, command_id, actor)) is not None:
            return known
        place = place_of(session, actor, matters.organisation_id)
        population = _population(session, actor, wish, place)
        if not population:
            raise InvalidInput({"": [N_("没有符合条件的事项，无法抽样。")]})
        payload = {
            "method": METHOD,
            "seed": seed,
            "organisation": place.id,
            "organisation_name": place.name,
            "path": place.path,
            "process": matters.process,
            "status": None if matters.status is None else str(matters.status),
            "since": None if matters.since is None else matters.since.isoformat(),
            "until": None if matters.until is None else matters.until.isoformat(),
            "strata_by": str(wish.strata),
            "size": wish.size,
            "population_sha256": population_digest(population),
            "strata": [
                {
                    "name": name,
                    "population": _packed(numbers),
                    "count": len(numbers),
                    "taken": draw(seed, numbers, wish.size),
                }
                for name, numbers in population.items()
            ],
        }
        event = Event(
            EntryKind.SAMPLED,
            actor_id=actor.person_id,
            occurred_on=clock.today(),
            command_id=command_id,
            payload=payload,
        )
        return append(session, CHAIN, event, clock).length


def list_samples(session: Session, actor: Actor, *, limit: int = 50) -> tuple[Sample, ...]:
    """Return the latest samples of organisations whose findings the actor may see."""
    require_audience(actor)
    rows = session.execute(_entries().order_by(LedgerEntry.seq.desc()).limit(limit * 4)).all()
    names = Names(session)
    names.fetch(row.actor_id for row in rows)
    found = [_sample(row, names) for row in rows if row.payload and _seen(actor, row)]
    return tuple(found[:limit])


def show_sample(session: Session, actor: Actor, seq: int) -> Sample:
    """Return a sample. Raises NotFound where the actor may not see its organisation's findings."""
    require_audience(actor)
    row = session.execute(_entries().where(LedgerEntry.seq == seq)).one_or_none()
    if row is None or not row.payload or not _seen(actor, row):
        raise NotFound
    return _sample(row, Names(session))


def population_of(session: Session, actor: Actor, seq: int) -> dict[str, list[str]]:
    """Return the population that a sample was drawn from, by stratum, as the ledger has it."""
    show_sample(session, actor, seq)
    row = session.execute(_entries().where(LedgerEntry.seq == seq)).one()
    strata = json.loads(row.payload)["strata"]
    return {stratum["name"]: _unpacked(stratum["population"]) for stratum in strata}


def _entries() -> Any:
    return (
        select(LedgerEntry.seq, LedgerEntry.recorded_at, LedgerEntry.actor_id, LedgerEntry.payload)
        .join(LedgerChain, LedgerChain.id == LedgerEntry.chain_id)
        .where(LedgerChain.name == CHAIN, LedgerEntry.kind == str(EntryKind.SAMPLED))
    )


def _seen(actor: Actor, row: Any) -> bool:
    payload = json.loads(row.payload)
    view = OrganisationView(payload["organisation"], payload["path"])
    return may(actor, Action.VIEW_FINDINGS, view)


def _sample(row: Any, names: Names) -> Sample:
    payload = json.loads(row.payload)
    since, until, status = payload["since"], payload["until"], payload["status"]
    return Sample(
        seq=row.seq,
        at=row.recorded_at,
        person_name=names.person(row.actor_id),
        organisation_id=payload["organisation"],
        organisation_name=payload["organisation_name"],
        seed=payload["seed"],
        strata_by=Strata(payload["strata_by"]),
        size=payload["size"],
        process=payload["process"],
        status=MatterStatus(status) if status else None,
        since=date.fromisoformat(since) if since else None,
        until=date.fromisoformat(until) if until else None,
        strata=tuple(
            Stratum(stratum["name"], stratum["count"], tuple(stratum["taken"]))
            for stratum in payload["strata"]
        ),
        digest=payload["population_sha256"],
    )


def _drawn_before(session: Session, command_id: UUID | None, actor: Actor) -> int | None:
    """Return the sample that this very command drew: a double click draws once."""
    if command_id is None:
        return None
    query = _entries().where(
        LedgerEntry.command_id == command_id, LedgerEntry.actor_id == actor.person_id
    )
    row = session.execute(query).one_or_none()
    return None if row is None else int(row.seq)


def _population(
    session: Session, actor: Actor, wish: SampleWish, place: Place
) -> dict[str, list[str]]:
    """Return the numbers of the matters by stratum, in the order of their ids."""
    query = (
        select(
            Instance.prefix,
            Instance.year,
            Instance.serial,
            Instance.path,
            Instance.status,
            ProcessVersion.key,
            ProcessVersion.title,
        )
        .join(ProcessVersion, ProcessVersion.id == Instance.version_id)
        .where(
            matters_seen(actor),
            Instance.path.like(f"{place.path}%"),
            *wish.matters.clauses(),
        )
        .order_by(Instance.id)
        .limit(MOST_MATTERS + 1)
    )
    rows = session.execute(query).all()
    if len(rows) > MOST_MATTERS:
        raise InvalidInput({"": [N_("符合条件的事项超过 20 万件，请缩小范围后再抽样。")]})
    places = _places(session, place, rows) if "organisation" in wish.strata else {}
    strata: dict[str, list[str]] = {}
    for row in rows:
        parts: list[str] = []
        if "process" in wish.strata:
            parts.append(row.title)
        if "organisation" in wish.strata:
            parts.append(places[_below(row.path, place)])
        if wish.strata is Strata.STATUS:
            parts.append(MatterStatus(row.status).label)
        name = " · ".join(parts)
        strata.setdefault(name, []).append(format_number(row.prefix, row.year, row.serial))
    return {name: strata[name] for name in sorted(strata)}


def _below(path: str, place: Place) -> int:
    rest = path[len(place.path) :].split("/")[0]
    return int(rest) if rest else place.id


def _places(session: Session, place: Place, rows: Sequence[Any]) -> dict[int, str]:
    """Return the organisations of the next level by id; of two with one name both are told."""
    ids = {_below(row.path, place) for row in rows}
    found = session.execute(
        select(Organisation.id, Organisation.short_name).where(Organisation.id.in_(ids))
    ).all()
    names = {row.id: row.short_name for row in found}
    shared = [name for name in names.values() if list(names.values()).count(name) > 1]
    return {id: f"{name}（{id}）" if name in shared else name for id, name in names.items()}


def _packed(numbers: Sequence[str]) -> dict[str, str]:
    """Return matter numbers in little room: ``{"FZ-2026": "1-3,7"}``."""
    serials: dict[str, list[int]] = {}
    for number in numbers:
        series, _, serial = number.rpartition("-")
        serials.setdefault(series, []).append(int(serial))
    packed = {}
    for series, found in sorted(serials.items()):
        ranges: list[list[int]] = []
        for count in sorted(found):
            if ranges and ranges[-1][1] == count - 1:
                ranges[-1][1] = count
            else:
                ranges.append([count, count])
        packed[series] = ",".join(str(a) if a == b else f"{a}-{b}" for a, b in ranges)
    return packed


def _unpacked(packed: Mapping[str, str]) -> list[str]:
    """Return the numbers that :func:`_packed` put into little room."""
    numbers = []
    for series, ranges in packed.items():
        for part in ranges.split(","):
            first, _, last = part.partition("-")
            for serial in range(int(first), int(last or first) + 1):
                numbers.append(f"{series}-{serial:04d}")
    return numbers
