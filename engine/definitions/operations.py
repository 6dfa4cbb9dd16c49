"""Deploy process packages and choose the version on which new matters start.

A version is its content: deploying the same files again changes nothing. Whether a package is fit
to be deployed is for ``engine.lint``; callers ask it first.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.definitions.models import ProcessFile, ProcessVersion
from engine.definitions.package import MANIFEST, Package
from engine.errors import N_, NotFound, PackageProblem, Problem
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
    # Two deployments of one key at the same time would both look first and then store.
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(package.key, 0))))
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


def activate_version(
    session: Session, version_id: int, clock: Clock, *, actor_id: int | None = None
) -> bool:
    """Let new matters start on a stored version; tell whether that changed anything.

    Running matters stay on the version they began on. Raises NotFound for an unknown version.
    """
    version = session.get(ProcessVersion, version_id, populate_existing=True)
    if version is None:
        raise NotFound(N_("没有这个流程版本。"))
    if version.active:
        return False
    _make_active(session, version)
    append(session, CHAIN, _deployed(version, actor_id, created=False), clock)
    return True


def _deployed(version: ProcessVersion, actor_id: int | None, *, created: bool) -> Event:
    return Event(
        EntryKind.DEPLOYED,
        actor_id=actor_id,
        payload={
            "key": version.key,
            "version": version.version,
            "version_id": version.id,
            "sha256": version.sha256,
            "created": created,
        },
    )


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
