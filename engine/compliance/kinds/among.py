"""Among: each of these people (or things written down) is found among those (逐一对应)."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from engine.compliance.case import Case
from engine.compliance.results import Outcome
from engine.compliance.rules import Element, Field, Verdict
from engine.errors import N_, Translatable


@dataclass(frozen=True, slots=True)
class Among:
    """Each of ``each``, less those of ``less``, is among those of ``among`` or has a record.

    Of a list a field with an inner key gives that column; of a step with a task for each person it
    gives what all of them said.
    """

    each: tuple[Field, ...]
    among: tuple[Field, ...] = ()
    less: tuple[Field, ...] = ()
    recorded_at: Element | None = None
    """A step with a task for each person: whoever has done it is among them."""
    listed_at: Element | None = None
    """The activity from whose list people left, and onto which others came late."""
    what: str = ""
    """Who or what they are, in words."""
    must: str = ""
    """What each has to have, in words."""

    ahead: ClassVar[bool] = False

    def judge(self, case: Case) -> Verdict | None:
        """Judge a step that was done."""
        wanted = dict.fromkeys(_all(case, self.each))
        if self.listed_at is not None:
            for coming in case.facts.coming:
                if coming.element == self.listed_at and _before(case, coming.seq):
                    if coming.left:
                        wanted.pop(coming.person, None)
                    else:
                        wanted[coming.person] = None
        for one in _all(case, self.less):
            wanted.pop(one, None)
        if not wanted:
            return None
        found = set(_all(case, self.among))
        if self.recorded_at is not None:
            found |= {
                o.item
                for o in case.facts.all(self.recorded_at)
                if o.item is not None and _before(case, o.seq)
            }
        missing = [one for one in wanted if one not in found]
        numbers: dict[str, int | str] = {"count": len(wanted), "missing": len(missing)}
        params = {
            "what": Translatable(self.what or case.title(case.element)),
            "must": Translatable(self.must),
            "n": len(wanted),
            "missing": len(missing),
        }
        if missing:
            template = N_("%(what)s共 %(n)s，其中 %(missing)s 没有%(must)s。")
            return Verdict(Outcome.NOT_MET, Translatable(template, params), numbers)
        return Verdict(
            Outcome.MET, Translatable(N_("%(what)s共 %(n)s，都有%(must)s。"), params), numbers
        )

    def outstanding(self, case: Case) -> Verdict | None:
        """Nothing is due."""
        return None


def _before(case: Case, seq: int) -> bool:
    return case.before is None or seq <= case.before


def _all(case: Case, fields: Iterable[Field]) -> Iterator[Hashable]:
    for field in fields:
        for data in _sources(case, field):
            yield from _values(data.get(field.name), field.inner)


def _sources(case: Case, field: Field) -> list[Mapping[str, Any]]:
    """Return where a field stands: once, or for each person who did the step."""
    if field.element is None:
        return [case.data]
    done = [o for o in case.facts.all(field.element) if _before(case, o.seq)]
    if case.occurrence is not None and field.element == case.element:
        return [case.data]
    if done and done[-1].item is not None:
        return [o.data for o in {o.item: o for o in done}.values()]
    return [done[-1].data] if done else []


def _values(value: Any, inner: str) -> Iterator[Hashable]:
    if isinstance(value, Mapping):
        value = value.get(inner)
        inner = ""
    if isinstance(value, (list, tuple)):
        for item in value:
            one = item.get(inner) if isinstance(item, Mapping) else item
            yield from _values(one, "")
    elif isinstance(value, str):
        if value.strip():
            yield " ".join(value.split())
    elif isinstance(value, int) and not isinstance(value, bool):
        yield value
