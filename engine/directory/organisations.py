"""The tree of organisations."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from engine.directory.models import Organisation
from engine.directory.things import OrganisationView
from engine.errors import N_, Conflict, InvalidInput, NotFound


def get_organisation(session: Session, organisation_id: int) -> Organisation:
    """Return the organisation. Raises NotFound."""
    found = session.get(Organisation, organisation_id)
    if found is None:
        raise NotFound()
    return found


def view(organisation: Organisation) -> OrganisationView:
    """Return what the policy is asked about."""
    return OrganisationView(organisation.id, organisation.path)


def root(session: Session) -> Organisation:
    """Return the organisation at the top, which owns what belongs to all. Raises NotFound."""
    found = session.scalars(
        select(Organisation)
        .where(Organisation.parent_id.is_(None))
        .order_by(Organisation.id)
        .limit(1)
    ).one_or_none()
    if found is None:
        raise NotFound()
    return found


def ancestors(session: Session, organisation_id: int) -> list[Organisation]:
    """Return the organisations above, the nearest first."""
    path = get_organisation(session, organisation_id).path
    ids = [int(part) for part in path.strip("/").split("/")][:-1]
    if not ids:
        return []
    return list(
        session.scalars(
            select(Organisation)
            .where(Organisation.id.in_(ids))
            .order_by(func.length(Organisation.path).desc())
        )
    )


def children(session: Session, organisation_id: int, day: date) -> list[Organisation]:
    """Return the organisations directly below that exist on ``day``."""
    return list(
        session.scalars(
            select(Organisation)
            .where(Organisation.parent_id == organisation_id, exists_on(day))
            .order_by(Organisation.code)
        )
    )


def subtree(session: Session, organisation_id: int, day: date) -> list[Organisation]:
    """Return the organisation and all below it that exist on ``day``, parents before children."""
    path = get_organisation(session, organisation_id).path
    return list(
        session.scalars(
            select(Organisation)
            .where(Organisation.path.like(f"{path}%"), exists_on(day))
            .order_by(Organisation.path)
        )
    )


def exists_on(day: date) -> Any:
    """Return the clause that an organisation is founded and not yet dissolved on ``day``."""
    return or_(Organisation.founded_on.is_(None), Organisation.founded_on <= day) & or_(
        Organisation.dissolved_on.is_(None), Organisation.dissolved_on > day
    )


def approving_organisation(session: Session, organisation_id: int) -> Organisation | None:
    """Return the nearest superior organisation that may approve members, or None.

    An organisation never approves for itself, whatever its kind: approval comes from above
    (domain/14 §2; R-ADM-28).
    """
    return next((o for o in ancestors(session, organisation_id) if o.can_approve_members), None)


def above_approving(session: Session, organisation_id: int) -> Organisation | None:
    """Return the organisation directly above the approving one, or None."""
    approving = approving_organisation(session, organisation_id)
    if approving is None or approving.parent_id is None:
        return None
    return get_organisation(session, approving.parent_id)


def add_organisation(
    session: Session,
    *,
    name: str,
    kind: str,
    code: str,
    parent_id: int | None = None,
    short_name: str | None = None,
    **values: Any,
) -> Organisation:
    """Add an organisation below its parent and return it. Raises InvalidInput, NotFound."""
    if session.scalar(select(Organisation.id).where(Organisation.code == code)) is not None:
        raise InvalidInput({"code": [N_("该组织编码已被使用，请核对。")]})
    above = "/" if parent_id is None else get_organisation(session, parent_id).path
    made = Organisation(
        parent_id=parent_id,
        path=above,
        kind=kind,
        name=name,
        short_name=short_name or name,
        code=code,
        **values,
    )
    session.add(made)
    session.flush()
    made.path = f"{above}{made.id}/"
    session.flush()
    return made


def move_organisation(session: Session, organisation_id: int, parent_id: int) -> Organisation:
    """Put an organisation, with all below it, under another one.

    Matters keep the path they began under. Raises Conflict when the new parent lies below it.
    """
    moved = get_organisation(session, organisation_id)
    parent = get_organisation(session, parent_id)
    if parent.path.startswith(moved.path):
        raise Conflict(N_("上级党组织不能是该组织自身或其下级组织。"))
    old, new = moved.path, f"{parent.path}{moved.id}/"
    session.execute(
        update(Organisation)
        .where(Organisation.path.like(f"{old}%"))
        .values(path=func.concat(new, func.substr(Organisation.path, len(old) + 1)))
        .execution_options(synchronize_session=False)
    )
    session.expire_all()
    moved.parent_id = parent_id
    session.flush()
    return moved
