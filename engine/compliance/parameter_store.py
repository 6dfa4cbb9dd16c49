"""The values that organisations have set, as every process keeps them at hand."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.compliance.fresh import Fresh
from engine.compliance.parameter_models import ParameterSetting
from engine.compliance.parameters import (
    Parameter,
    ParameterView,
    Setting,
    Settings,
    ancestry_of,
    settings_by_place,
)
from engine.directory.models import Organisation
from engine.ledger.models import LedgerChain

CHAIN = "parameters"
"""The ledger chain on which every change of a parameter is kept."""


def parameter_view(session: Session, path: str, declared: Mapping[str, Parameter]) -> ParameterView:
    """Return what ``declared`` parameters are for the organisation at ``path``.

    The same view comes again as long as nothing changes.
    """
    settings = all_settings(session)
    key = (path, id(declared))
    with _views_lock:
        found = _views.get(key)
        if found is not None and found.of(declared, settings):
            return found
        view = _views[key] = ParameterView(declared, settings, ancestry_of(path))
        _views.move_to_end(key)
        if len(_views) > MOST_VIEWS:
            _views.popitem(last=False)
    return view


MOST_VIEWS = 500
_views: OrderedDict[tuple[str, int], ParameterView] = OrderedDict()
_views_lock = Lock()


def all_settings(session: Session) -> Settings:
    """Return all values that organisations have set, from the copy of this process."""
    return _known.get(session)


def forget_settings() -> None:
    """Ask the database again the next time; called by the process that changed a value."""
    _known.forget()


def _mark(session: Session) -> int | None:
    # Each change adds an entry to the chain, so its length says whether anything changed.
    return session.execute(
        select(LedgerChain.length).where(LedgerChain.name == CHAIN)
    ).scalar_one_or_none()


def _load(session: Session) -> Settings:
    rows = session.execute(
        select(
            ParameterSetting.key,
            ParameterSetting.organisation_id,
            Organisation.name,
            ParameterSetting.value,
            ParameterSetting.since,
            ParameterSetting.until,
            ParameterSetting.reason,
        )
        .join(Organisation, Organisation.id == ParameterSetting.organisation_id)
        .order_by(ParameterSetting.id.desc())
    )
    return settings_by_place(
        Setting(row.key, row.organisation_id, row.name, row.value, row.since, row.until, row.reason)
        for row in rows
        if row.until is None or row.until >= row.since
    )


_known: Fresh[Settings] = Fresh(_mark, _load)
