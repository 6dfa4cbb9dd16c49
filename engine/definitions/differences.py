"""What differs between two versions of a procedure: its steps, and its files line by line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import PurePosixPath
from typing import Final

from engine.coded import Coded
from engine.definitions.package import Package
from engine.errors import N_

MOST_LINES: Final = 400
"""How many lines of one file's difference are kept; a redrawn diagram has thousands."""

_TEXT: Final = frozenset({".bpmn", ".dmn", ".form", ".md", ".toml", ".txt"})


class Change(Coded):
    """How a part of one version differs from that of another."""

    ADDED = "added", N_("新增")
    REMOVED = "removed", N_("删去")
    CHANGED = "changed", N_("改动")


@dataclass(frozen=True)
class FileChange:
    """A file that differs. A document has no lines: that it differs is all there is to say."""

    path: str
    change: Change
    lines: tuple[str, ...] = ()
    """The difference in unified form, the first :data:`MOST_LINES` lines of it."""
    more: int = 0
    """How many lines were left out."""


@dataclass(frozen=True)
class StepChange:
    """A step that only one of the versions has, or that is called something else."""

    element: str
    change: Change
    before: str
    after: str


@dataclass(frozen=True)
class Differences:
    """Everything that differs; ``steps`` is what people notice first."""

    steps: tuple[StepChange, ...]
    files: tuple[FileChange, ...]


def compare(before: Package, after: Package) -> Differences:
    """Say what somebody meets who goes from one version to the other."""
    return Differences(
        steps=tuple(_steps(before, after)), files=tuple(_files(before.stored, after.stored))
    )


def _steps(before: Package, after: Package) -> Iterable[StepChange]:
    for element in dict.fromkeys((*before.steps, *after.steps)):
        titles = _title(before, element), _title(after, element)
        if titles[0] != titles[1]:
            yield StepChange(element, _change(*titles), *titles)


def _title(package: Package, element: str) -> str:
    step = package.steps.get(element)
    return f"{step.number or ''} {step.title}".strip() if step else ""


def _files(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Iterable[FileChange]:
    for path in sorted({*before, *after}):
        old, new = before.get(path, b""), after.get(path, b"")
        if old == new and path in before and path in after:
            continue
        change = _change(path in before, path in after)
        if PurePosixPath(path).suffix.lower() not in _TEXT:
            yield FileChange(path, change)
            continue
        # The first two lines only repeat the name of the file.
        lines = list(unified_diff(_lines(old), _lines(new), lineterm="", n=2))[2:]
        kept = tuple(lines[:MOST_LINES])
        yield FileChange(path, change, kept, len(lines) - len(kept))


def _lines(content: bytes) -> list[str]:
    return content.decode("utf-8", "replace").splitlines()


def _change(before: object, after: object) -> Change:
    if before and after:
        return Change.CHANGED
    return Change.ADDED if after else Change.REMOVED
