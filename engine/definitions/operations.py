"""Deploy process packages and choose the version on which new matters start.

A version is its content: deploying the same files again changes nothing. Whether a package is fit
to be deployed is for ``engine.lint``; callers ask it first.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.database import unit_of_work
from engine.definitions.models import ProcessFile, ProcessVersion
from engine.definitions.package import MANIFEST, Package
from engine.definitions.versions import active_version, load_definition
from engine.directory.actors import Actor
from engine.directory.organisations import root, view
from engine.directory.policy import Action, require
from engine.errors import N_, Conflict, InvalidInput, NotFound, PackageProblem, Problem
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind
from engine.ledger.operations import append

CHAIN = "definitions"
"""The ledger chain on which deployments and activations are kept."""


@dataclass(frozen=True)
class Deployment:
    """What a deployment came to."""

    version_id: int
    created: bool
    """False when exactly this content had been deployed before."""
    activated: bool
    """False when it was the active version already."""


def deploy_package(
    session: Session, package: Package, clock: Clock, *, actor_id: int | None = None
) -> Deployment:
    """Store a package as a version, make it the active one of its key, and record both.

    ``actor_id`` is the person who deploys; None for the command line. Content that was deployed
    before is not stored again, and nothing happens at all when it is active already. Raises
    PackageProblem for a component: it is deployed with each package that uses it.
    """
    if package.component:
        raise PackageProblem([_alone(package)])
    _hold(session, package.key)
    version = session.execute(
        select(ProcessVersion).where(
            ProcessVersion.key == package.key, ProcessVersion.sha256 == package.sha256
        )
    ).scalar_one_or_none()
    created = version is None
    if version is None:
        version = ProcessVersion(
            key=package.key,
            version=package.version,
            title=package.title,
            sha256=package.sha256,
            deployed_at=clock.now(),
            deployed_by=actor_id,
            active=False,
        )
        session.add(version)
        session.flush()
        session.execute(
            insert(ProcessFile),
            [
                {"version_id": version.id, "path": path, "content": content}
                for path, content in package.stored.items()
            ],
        )
    activated = not version.active
    if activated:
        _make_active(session, version)
        append(session, CHAIN, _deployed(version, actor_id, created=created), clock)
    return Deployment(version.id, created, activated)


def require_keeper(session: Session, actor: Actor) -> None:
    """Raise NotAllowed to whoever may not deploy procedures and choose their versions."""
    require(actor, Action.MANAGE_PROCEDURES, view(root(session)))


def choose_version(
    clock: Clock, actor: Actor, version_id: int, *, reason: str, instead_of: int | None = None
) -> bool:
    """Let an administrator choose the version of new matters; tell whether that changed anything.

    ``instead_of``: the version that was active when the administrator looked, if that matters.
    Raises NotAllowed, NotFound, InvalidInput, Conflict, and PackageProblem for a version that
    cannot be run by this edition of the program.
    """
    if not reason.strip():
        raise InvalidInput({"reason": [N_("请写明启用这个版本的理由。")]})
    with unit_of_work() as session:
        require_keeper(session, actor)
        load_definition(session, version_id)
        return activate_version(
            session,
            version_id,
            clock,
            actor_id=actor.person_id,
            reason=reason,
            instead_of=instead_of,
        )


def activate_version(
    session: Session,
    version_id: int,
    clock: Clock,
    *,
    actor_id: int | None = None,
    reason: str = "",
    instead_of: int | None = None,
) -> bool:
    """Let new matters start on a stored version; tell whether that changed anything.

    Running matters stay on the version they began on. Raises NotFound for an unknown version,
    Conflict when another than ``instead_of`` is active by now.
    """
    key = session.scalar(select(ProcessVersion.key).where(ProcessVersion.id == version_id))
    if key is None:
        raise NotFound(N_("没有这个流程版本。"))
    _hold(session, key)
    version = session.get_one(ProcessVersion, version_id, populate_existing=True)
    if version.active:
        return False
    before = active_version(session, key)
    if instead_of is not None and before != instead_of:
        raise Conflict(N_("启用的版本刚刚已被更换，请核对后再办理。"))
    _make_active(session, version)
    event = Event(
        EntryKind.ACTIVATED,
        actor_id=actor_id,
        payload={**_named(version), "before": before, "reason": reason.strip()},
    )
    append(session, CHAIN, event, clock)
    return True


def _hold(session: Session, key: str) -> None:
    """Let nobody else deploy or choose a version of the procedure until the transaction ends.

    Two at the same time would both look first and then write.
    """
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))


def _deployed(version: ProcessVersion, actor_id: int | None, *, created: bool) -> Event:
    return Event(
        EntryKind.DEPLOYED,
        actor_id=actor_id,
        payload={**_named(version), "created": created},
    )


def _named(version: ProcessVersion) -> dict[str, str | int]:
    return {
        "key": version.key,
        "version": version.version,
        "version_id": version.id,
        "sha256": version.sha256,
    }


def _alone(package: Package) -> Problem:
    return Problem(
        MANIFEST,
        None,
        None,
        "component-alone",
        f"{N_('组件不能单独部署')}：{package.key}",
        N_("请部署使用它的流程包，组件随之部署"),
    )


def _make_active(session: Session, version: ProcessVersion) -> None:
    session.execute(
        update(ProcessVersion)
        .where(ProcessVersion.key == version.key, ProcessVersion.active)
        .values(active=False)
        .execution_options(synchronize_session="fetch")
    )
    version.active = True
    session.flush()
