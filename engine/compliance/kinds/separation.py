"""Separation: nobody has two parts in a matter that do not go together (职责分离)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final

from engine.compliance.case import Case
from engine.compliance.results import Outcome, joined
from engine.compliance.rules import Field, Verdict
from engine.errors import N_, Translatable

ACTOR: Final = "actor"
"""Instead of a field: whoever did the step."""
SUBJECT: Final = "subject"
"""Instead of a field: the person whom the matter is about."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part that people have in a matter."""

    field: Field
    title: str
    only_at: str = ""
    """The step at which it is looked at; empty: at all."""

    def people(self, case: Case) -> frozenset[int]:
        """Return those who have it."""
        value: Any
        if self.field.name == ACTOR:
            at = case.occurrence
            if self.field.element is not None:
                at = case.facts.latest(self.field.element, case.before)
            value = None if at is None else at.actor
        elif self.field.name == SUBJECT:
            value = case.facts.subject
        else:
            value = case.value(self.field)
        if isinstance(value, int):
            return frozenset({value})
        if isinstance(value, (list, tuple)):
            return frozenset(p for p in value if isinstance(p, int))
        return frozenset()


@dataclass(frozen=True, slots=True)
class Separation:
    """Those who have ``one`` part have none of the others."""

    one: Part
    others: tuple[Part, ...]

    ahead: ClassVar[bool] = False

    def judge(self, case: Case) -> Verdict | None:
        """Judge a step that was done."""
        people = self.one.people(case)
        if not people:
            return None
        others = [part for part in self.others if part.only_at in ("", case.element)]
        wrong = [
            Translatable(
                N_("有 %(n)s 人既是%(one)s，又是%(other)s。"),
                {
                    "n": len(both),
                    "one": Translatable(self.one.title),
                    "other": Translatable(part.title),
                },
            )
            for part in others
            if (both := people & part.people(case))
        ]
        numbers = {"both": len(frozenset().union(*(people & p.people(case) for p in others)))}
        if wrong:
            return Verdict(Outcome.NOT_MET, joined(wrong), numbers)
        if not any(part.people(case) for part in others):
            return None
        sentence = Translatable(
            N_("%(one)s没有兼任不应兼任的职责。"), {"one": Translatable(self.one.title)}
        )
        return Verdict(Outcome.MET, sentence, numbers)

    def outstanding(self, case: Case) -> Verdict | None:
        """Nothing is due."""
        return None
