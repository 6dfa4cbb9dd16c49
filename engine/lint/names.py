"""Names that are looked up in several checks, and how to say that one is not known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from engine.definitions.package import MANIFEST, Package
from engine.directory.codes import MembershipStatus
from engine.lint.findings import Findings

HUMAN = frozenset({"userTask", "manualTask", "task"})
"""Tasks at which the engine stops until a person has acted."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the word most like ``word`` as a hint, or an empty text."""
    close = get_close_matches(word, list(known), n=1)
    return f"（是不是“{close[0]}”？）" if close else ""


@dataclass(frozen=True)
class Entry:
    """An entry of process.toml."""

    id: str
    line: int


def entry_of(package: Package, kind: str, id: str) -> Entry:
    """Return where something is written in process.toml."""
    return Entry(id, package.lines.get(f"{kind}:{id}", 0))


def check_statuses(
    codes: Iterable[str], what: str, place: Entry, found: Findings, file: str = MANIFEST
) -> None:
    """Check that membership codes exist."""
    for code in codes:
        if code not in list(MembershipStatus):
            found.error(
                "membership-unknown",
                file,
                f"{what} 中的党员身份“{code}”不认识{did_you_mean(code, MembershipStatus)}",
                "可用的身份：" + "、".join(f"{s.value}（{s.label}）" for s in MembershipStatus),
                at=place,
            )
