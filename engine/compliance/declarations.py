"""All parameters of an installation: the national ones, and those of the procedures in use."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from engine.compliance.parameter_reading import declared
from engine.compliance.parameters import Parameter
from engine.compliance.regulation_store import current_regulations
from engine.definitions.composition import FOLDER
from engine.definitions.models import ProcessFile, ProcessVersion
from engine.definitions.package import RULES
from engine.definitions.reading import Report, Table, parse_toml


def declared_parameters(session: Session) -> dict[str, Parameter]:
    """Return the declarations by the key under which values are stored, national ones first."""
    found = {p.key: p for p in current_regulations(session).parameters.values()}
    rows = session.execute(
        select(ProcessVersion.key, ProcessFile.content)
        .join(ProcessFile, ProcessFile.version_id == ProcessVersion.id)
        .where(
            ProcessVersion.active,
            or_(ProcessFile.path == RULES, ProcessFile.path.like(f"{FOLDER}%/{RULES}")),
        )
        # The package's own file comes before those of its components, and wins.
        .order_by(ProcessVersion.key, ProcessFile.path)
    )
    for row in rows:
        for parameter in own_parameters(row.key, bytes(row.content)).values():
            found.setdefault(parameter.key, parameter)
    return found


@lru_cache(maxsize=64)
def own_parameters(process: str, content: bytes) -> Mapping[str, Parameter]:
    """Return the parameters that a procedure's ``rules.toml`` declares, by name.

    What is wrong with the file is for those who read it as a whole.
    """
    report = Report(RULES)
    values, lines = parse_toml(content, report)
    return MappingProxyType(declared(Table(values, report, lines), process))
