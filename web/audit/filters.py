"""What the address of a list of findings says; what it says wrongly counts as not said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from enum import StrEnum
from typing import TypeVar

from flask import request

from engine.audit.scope import FindingFilter
from engine.audit.wanted import MatterFilter
from engine.compliance.findings import FindingState
from engine.compliance.results import Outcome, Severity
from engine.errors import N_, InvalidInput
from engine.runtime.views import MatterStatus

Code = TypeVar("Code", bound=StrEnum)
ANY = "any"
"""Of outcomes: every one."""


def wanted_findings(arguments: Mapping[str, str] | None = None) -> FindingFilter:
    """Return the filter that the address asks for."""
    given = request.args if arguments is None else arguments
    regulation, edition, article = [*given.get("article", "").split("~"), "", "", ""][:3]
    outcome = given.get("outcome", "")
    found = FindingFilter(
        process=given.get("process") or None,
        rule=given.get("rule") or None,
        organisation_id=number(given.get("organisation", "")),
        severity=code(Severity, given.get("severity", "")),
        since=day(given.get("since", "")),
        until=day(given.get("until", "")),
        state=code(FindingState, given.get("state", "")),
        outcome=None if outcome == ANY else code(Outcome, outcome) or Outcome.NOT_MET,
    )
    if regulation and edition and article:
        found = replace(found, regulation=regulation, edition=edition, article=article)
    return found


def wanted_matters(given: Mapping[str, str]) -> MatterFilter:
    """Return which matters a form or an address asks for; what is not understood is left out."""
    return MatterFilter(
        organisation_id=number(given.get("organisation", "")),
        process=given.get("process") or None,
        status=code(MatterStatus, given.get("status", "")),
        since=day(given.get("since", "")),
        until=day(given.get("until", "")),
    )


def understood_matters(given: Mapping[str, str]) -> MatterFilter:
    """Return which matters a form asks for. Raises InvalidInput for days that are none."""
    wrong = [name for name in ("since", "until") if given.get(name) and not day(given[name])]
    if wrong:
        raise InvalidInput({name: [N_("日期应为 2026-06-10 的样子。")] for name in wrong})
    return wanted_matters(given)


def number(text: str) -> int | None:
    """Return an id, None for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else None


def day(text: str) -> date | None:
    """Return a day, None for anything else."""
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


def code(codes: type[Code], text: str) -> Code | None:
    """Return one of a closed set, None for anything else."""
    return codes(text) if text in list(codes) else None
