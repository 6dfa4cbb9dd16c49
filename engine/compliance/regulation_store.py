"""Deployed regulations: put into use together with the packages, read by every process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.compliance.again import judge_again
from engine.compliance.fresh import Fresh
from engine.compliance.regulation_models import RegulationSet
from engine.compliance.regulation_reading import FOLDER, load_regulations
from engine.compliance.regulations import Regulations
from engine.database import after_commit
from engine.definitions.operations import CHAIN
from engine.errors import N_, EngineFault
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind
from engine.ledger.operations import append

NONE_DEPLOYED = Regulations({}, {}, {}, {}, {}, "")
"""What an installation has before anything was deployed."""


@dataclass(frozen=True)
class RegulationDeployment:
    """What a deployment came to."""

    set_id: int
    created: bool
    """False when exactly these texts are in use already."""


def deploy_regulations(
    session: Session, regulations: Regulations, clock: Clock, *, actor_id: int | None = None
) -> RegulationDeployment:
    """Put regulations and national parameters into use, and record it.

    Nothing happens when they are in use already. Whether they are sound is for ``engine.lint``.
    """
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(FOLDER, 0))))
    newest = session.execute(
        select(RegulationSet.id, RegulationSet.sha256).order_by(RegulationSet.id.desc()).limit(1)
    ).one_or_none()
    if newest is not None and newest.sha256 == regulations.sha256:
        return RegulationDeployment(newest.id, False)
    made = RegulationSet(
        sha256=regulations.sha256,
        files={path: data.decode() for path, data in regulations.files.items()},
        deployed_at=clock.now(),
        deployed_by=actor_id,
    )
    session.add(made)
    session.flush()
    event = Event(
        EntryKind.DEPLOYED,
        actor_id=actor_id,
        payload={
            "key": FOLDER,
            "set_id": made.id,
            "sha256": regulations.sha256,
            "regulations": sorted(regulations.by_id),
            "created": True,
        },
    )
    append(session, CHAIN, event, clock)
    judge_again(session)
    after_commit(session, forget_regulations)
    return RegulationDeployment(made.id, True)


def current_regulations(session: Session) -> Regulations:
    """Return the regulations in use, from the copy of this process or the database.

    Raises EngineFault when the stored texts are not those that were deployed.
    """
    return _known.get(session)


def forget_regulations() -> None:
    """Ask the database again the next time."""
    _known.forget()


def _mark(session: Session) -> int | None:
    return session.execute(select(func.max(RegulationSet.id))).scalar_one()


def _load(session: Session) -> Regulations:
    row = session.execute(
        select(RegulationSet.sha256, RegulationSet.files).order_by(RegulationSet.id.desc()).limit(1)
    ).one_or_none()
    if row is None:
        return NONE_DEPLOYED
    found = _parsed(tuple(sorted(row.files.items())))
    if found.sha256 != row.sha256:
        raise EngineFault(N_("保存的法规与部署时不一致，请重新部署。"))
    return found


@lru_cache(maxsize=4)
def _parsed(files: tuple[tuple[str, str], ...]) -> Regulations:
    return load_regulations({path: text.encode() for path, text in files})


_known: Fresh[Regulations] = Fresh(_mark, _load)
