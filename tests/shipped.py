"""The procedures and regulations that are shipped, deployed as `guicheng deploy` does."""

from __future__ import annotations

from functools import cache

from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.compliance.regulation_reading import load_regulation_folder
from engine.compliance.regulation_store import deploy_regulations
from engine.compliance.regulations import Regulations
from engine.definitions.operations import deploy_package
from engine.definitions.package import Package, load_folder
from engine.definitions.versions import Definition, load_definition
from engine.settings import ROOT

PROCESSES = ROOT / "processes"


@cache
def package(key: str) -> Package:
    """Return a package of ``processes/``."""
    return load_folder(PROCESSES / key)


@cache
def regulations() -> Regulations:
    """Return the regulations of ``processes/``."""
    return load_regulation_folder(PROCESSES / "regulations")


def deploy_shipped(session: Session, clock: Clock, key: str = "member_admission") -> Definition:
    """Deploy a procedure with the regulations that its rules rest on."""
    deploy_regulations(session, regulations(), clock)
    return load_definition(session, deploy_package(session, package(key), clock).version_id)
