"""Collect problems with little ceremony; every one names file, element, line and cure."""

from __future__ import annotations

from typing import Protocol

from engine.errors import Problem, Severity


class Place(Protocol):
    """Something in a file that a problem can point at."""

    @property
    def id(self) -> str: ...
    @property
    def line(self) -> int: ...


class Findings:
    """The problems found so far."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def error(
        self,
        code: str,
        file: str,
        message: str,
        cure: str,
        *,
        at: Place | None = None,
        element: str | None = None,
        line: int | None = None,
    ) -> None:
        """Add a problem that keeps the package from being deployed."""
        self._add(Severity.ERROR, code, file, message, cure, at, element, line)

    def warn(
        self,
        code: str,
        file: str,
        message: str,
        cure: str,
        *,
        at: Place | None = None,
        element: str | None = None,
        line: int | None = None,
    ) -> None:
        """Add a problem that its author should look at, and may leave."""
        self._add(Severity.WARNING, code, file, message, cure, at, element, line)

    def _add(
        self,
        severity: Severity,
        code: str,
        file: str,
        message: str,
        cure: str,
        at: Place | None,
        element: str | None,
        line: int | None,
    ) -> None:
        if at is not None:
            element, line = element or at.id, line or at.line
        self.problems.append(Problem(file, element, line or None, code, message, cure, severity))

    @property
    def failed(self) -> bool:
        """Tell whether there is an error among the problems."""
        return any(problem.severity is Severity.ERROR for problem in self.problems)
