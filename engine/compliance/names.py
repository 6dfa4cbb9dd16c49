"""What expressions of rules see of a case, looked up name by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from engine.compliance.facts import Occurrence, Place
from engine.compliance.parameters import Value

if TYPE_CHECKING:
    from engine.compliance.case import Case

SPECIAL: Final = frozenset(
    {
        "actor",
        "by_timer",
        "data",
        "edition",
        "element",
        "ended",
        "occurred_on",
        "on",
        "outcome",
        "param",
        "place",
        "recorded_on",
        "since",
        "started_on",
        "subject",
        "times",
    }
)
"""Names that mean the same in every rule; all other names are fields of the judged step."""


class Lenient(dict[str, Any]):
    """Recorded data in which a missing field is None: a record may be older than its form."""

    def __getitem__(self, key: str) -> Any:
        value = self.get(key)
        return Lenient(value) if type(value) is dict else value


EMPTY: Final = Lenient()


class Names(Mapping[str, Any]):
    """What expressions of rules see. Looked up name by name, so that unused ones cost nothing."""

    __slots__ = ("_case",)

    def __init__(self, case: Case) -> None:
        self._case = case

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a name, None when there is none."""
        if key in SPECIAL:
            return _SPECIAL[key](self._case)
        value = self._case.data.get(key)
        return Lenient(value) if type(value) is dict else value

    def __getitem__(self, key: str) -> Any:
        return self.get(key)

    def __iter__(self) -> Iterator[str]:
        return iter((*SPECIAL, *self._case.data))

    def __len__(self) -> int:
        return len(SPECIAL) + len(self._case.data)


class _On(Mapping[str, str]):
    """ISO day on which each element was last done, the judged time included."""

    __slots__ = ("_case",)

    def __init__(self, case: Case) -> None:
        self._case = case

    def __getitem__(self, element: str) -> str:
        found = last_of(self._case, element)
        if found is None:
            raise KeyError(element)
        return found.occurred_on.isoformat()

    def __iter__(self) -> Iterator[str]:
        return (e for e in self._case.facts.by_element if last_of(self._case, e) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _Data(Mapping[str, Lenient]):
    """What was entered when each element was last done, the judged time included."""

    __slots__ = ("_case",)

    def __init__(self, case: Case) -> None:
        self._case = case

    def __getitem__(self, element: str) -> Lenient:
        found = last_of(self._case, element)
        return EMPTY if found is None else Lenient(found.data)

    def __iter__(self) -> Iterator[str]:
        return iter(_On(self._case))

    def __len__(self) -> int:
        return len(_On(self._case))


class _Param(Mapping[str, Value]):
    """Parameters by name."""

    __slots__ = ("_case",)

    def __init__(self, case: Case) -> None:
        self._case = case

    def __getitem__(self, name: str) -> Value:
        return self._case.parameter(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._case.frame.parameters.declared)

    def __len__(self) -> int:
        return len(self._case.frame.parameters.declared)


def last_of(case: Case, element: str) -> Occurrence | None:
    """Return when an element was last done, the judged time included."""
    judged = case.occurrence
    if judged is not None and judged.element == element:
        return judged
    return case.facts.latest(element, case.before)


def _since(case: Case) -> Lenient:
    """Days from which membership statuses count, as the matter set them so far."""
    return Lenient(
        (status, day.isoformat())
        for occurrence in case.facts.occurrences
        if case.before is None or occurrence.seq <= case.before
        for status, day in occurrence.statuses
    )


def _place(case: Case) -> Lenient:
    place: Place | None = case.occurrence.place if case.occurrence else None
    if place is None:
        return EMPTY
    return Lenient(id=place.organisation_id, kind=place.kind, approves=place.approves)


def _recorded(case: Case) -> str:
    judged = case.occurrence
    return (case.frame.today if judged is None else judged.recorded_on).isoformat()


_SPECIAL: Final[Mapping[str, Callable[[Case], Any]]] = {
    "actor": lambda case: case.occurrence.actor if case.occurrence else None,
    "by_timer": lambda case: bool(case.occurrence and case.occurrence.by_timer),
    "data": _Data,
    "edition": lambda case: case.edition,
    "element": lambda case: case.element,
    "ended": lambda case: case.facts.ended_on is not None,
    "occurred_on": lambda case: case.day.isoformat(),
    "on": _On,
    "outcome": lambda case: case.facts.outcome,
    "param": _Param,
    "place": _place,
    "recorded_on": _recorded,
    "since": _since,
    "started_on": lambda case: case.facts.started_on.isoformat(),
    "subject": lambda case: case.facts.subject,
    "times": lambda case: len(case.counted(case.element)),
}
