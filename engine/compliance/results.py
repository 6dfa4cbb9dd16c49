"""What a rule says of a matter: an outcome, the numbers it rests on, and a sentence with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.coded import Coded
from engine.compliance.facts import FindingKey
from engine.errors import N_, Translatable

if TYPE_CHECKING:
    from engine.compliance.parameters import ParameterValue
    from engine.compliance.rules import Rule, Verdict


class Outcome(Coded):
    """How a rule stands."""

    MET = "met", N_("符合")
    NOT_MET = "not_met", N_("不符合")
    PENDING = "pending", N_("待定")
    NOT_APPLICABLE = "not_applicable", N_("不适用")
    WAIVED = "waived", N_("已豁免")


class Severity(Coded):
    """How grave it is not to meet a rule."""

    HARD = "hard", N_("必须")
    WARNING = "warning", N_("提醒")


@dataclass(frozen=True, slots=True)
class ArticleRef:
    """An article of an edition of a regulation."""

    regulation: str
    edition: str
    article: str


class Result(NamedTuple):
    """What one rule says of one time that a step was done, or is still to be done."""

    rule: Rule
    outcome: Outcome
    element: str
    round: int
    """Which time that the element was done, from 1; for what is not done, which it would be."""
    seq: int | None
    """The occurrence judged; None while there is none."""
    day: date
    """The day judged: when the step happened, or the day of looking."""
    verdict: Verdict
    edition: str | None
    severity: Severity
    """The rule's own, or what a parameter or the numbers make of it."""
    blocks: bool
    """Not met, it stands in the way of completing the step."""
    overridden: bool
    """The authorised level allowed the step beforehand; it is not met all the same."""
    provisional: bool
    """Reckoned on a year whose holidays are not known (暂算): it proves nothing."""
    used: tuple[ParameterValue, ...]

    @property
    def sentence(self) -> Translatable:
        """What was found, in words."""
        said = self.verdict.sentence
        return Translatable(PROVISIONAL, {"sentence": said}) if self.provisional else said

    @property
    def numbers(self) -> Mapping[str, int | str]:
        """The numbers it rests on."""
        return self.verdict.numbers

    @property
    def until(self) -> date | None:
        """Of what is not done: the last lawful day of a limit, or the first of a wait."""
        return self.verdict.until

    @property
    def articles(self) -> tuple[ArticleRef, ...]:
        """The articles of the edition in force that the rule rests on at this step."""
        return self.rule.articles_in(self.edition, self.element)

    @property
    def key(self) -> FindingKey:
        """Tell the result from all others of its matter, also after the step was done late."""
        return (self.rule.id, self.element, self.round)

    @property
    def hinders(self) -> bool:
        """Tell whether the step must not be completed like this."""
        return self.blocks and self.outcome is Outcome.NOT_MET and not self.overridden


# --- sentences ----------------------------------------------------------------------------------
# A sentence is a template with places to fill; a filled place may again be a sentence, so that
# "三个月", "2026-06-10" and what follows from them are each translated on their own.

PROVISIONAL: Final = N_("%(sentence)s（暂算：涉及的年份还没有放假安排。）")

_NESTED: Final = "t"


def sentence_data(sentence: Translatable) -> tuple[str, dict[str, Any]]:
    """Return a sentence as a template and JSON-able params; inner ones as ``{"t": …, "p": …}``."""
    return sentence.template, {k: _data(v) for k, v in sentence.params.items()}


def sentence_from(template: str, params: Mapping[str, Any]) -> Translatable:
    """Return the sentence that :func:`sentence_data` gave."""
    return Translatable(template, {k: _value(v) for k, v in params.items()})


def render(sentence: Translatable, translate: Callable[[str], str] = str) -> str:
    """Return a sentence as text; ``translate`` is given each template (by default Chinese)."""
    params = {
        k: render(v, translate) if isinstance(v, Translatable) else v
        for k, v in sentence.params.items()
    }
    template = translate(sentence.template)
    return template % params if params else template


def joined(sentences: Sequence[Translatable]) -> Translatable:
    """Make one sentence of several, which follow each other."""
    return _chained(N_("%(first)s%(rest)s"), sentences)


def listed(words: Sequence[Translatable]) -> Translatable:
    """Make a list of several words."""
    return _chained(N_("%(first)s、%(rest)s"), words)


def _chained(template: str, pieces: Sequence[Translatable]) -> Translatable:
    # Two at a time: then the English, which needs a blank or a comma, is one message and not many.
    whole = pieces[-1]
    for piece in reversed(pieces[:-1]):
        whole = Translatable(template, {"first": piece, "rest": whole})
    return whole


def _data(value: Any) -> Any:
    if isinstance(value, Translatable):
        template, params = sentence_data(value)
        return {_NESTED: template, "p": params}
    return value.isoformat() if isinstance(value, date) else value


def _value(value: Any) -> Any:
    if isinstance(value, Mapping) and _NESTED in value:
        return sentence_from(value[_NESTED], value.get("p", {}))
    return value
