"""Judge a matter by the rules of its procedure: pure, and the one path to every result.

The due dates of the inbox, the checks that stand in the way of a step, the findings, the forecast
and the offline check all come from here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from engine.calendars.working_days import HolidayTable
from engine.compliance.case import Case, Frame
from engine.compliance.facts import Facts, FindingKey, Occurrence
from engine.compliance.parameters import ParameterView
from engine.compliance.results import ArticleRef, Outcome, Result, Severity
from engine.compliance.rules import Judge, Rule, RuleBook, Setting, Verdict
from engine.errors import N_, Translatable


def evaluate(
    book: RuleBook,
    facts: Facts,
    *,
    today: date,
    holidays: HolidayTable,
    parameters: ParameterView,
    touched: Collection[str] | None = None,
    since: int | None = None,
) -> list[Result]:
    """Return what the rules say of a matter, in the order of the rules.

    ``touched``: only the rules whose results can change when one of these elements is done.
    ``since``: judge only what was recorded with this ``seq`` or later, besides what is not done
    yet. A judgement looks only at what was recorded before it, so after a step both together give
    all that is new.
    """
    return evaluate_in(Frame(book, facts, today, holidays, parameters), touched, since)


def evaluate_in(
    frame: Frame, touched: Collection[str] | None = None, since: int | None = None
) -> list[Result]:
    """Return the same as :func:`evaluate`, of the matter that ``frame`` holds."""
    recent = None if since is None else _times(frame.facts, since)
    found: dict[FindingKey, Result] = {}
    for rule in _concerned(frame.book, touched, stirred=recent is not None):
        for result in _judge_rule(frame, rule, recent):
            key = result.key
            known = found.get(key)
            if known is None or known.outcome is Outcome.NOT_APPLICABLE:
                found[key] = result
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Limits:
    """When a step that is not done may and must be done."""

    due: date | None = None
    """The last lawful day."""
    earliest: date | None = None
    """The first lawful day."""
    sources: tuple[tuple[str, tuple[ArticleRef, ...]], ...] = ()
    """Rule ids with their articles."""
    provisional: bool = False


def limits(
    book: RuleBook,
    facts: Facts,
    element: str,
    *,
    today: date,
    holidays: HolidayTable,
    parameters: ParameterView,
) -> Limits:
    """Return between which days ``element``, not done yet, is lawful, and who says so.

    The last day of a limit that is over stays the due date.
    """
    return limits_in(Frame(book, facts, today, holidays, parameters), element)


def limits_in(frame: Frame, element: str) -> Limits:
    """Return the same as :func:`limits`, of the matter that ``frame`` holds."""
    due: date | None = None
    earliest: date | None = None
    provisional = False
    sources: dict[str, tuple[ArticleRef, ...]] = {}
    for rule in frame.book.standing_at(element):
        asked = _outstanding(frame, rule, element)
        if asked is None or asked[0].until is None:
            continue
        verdict, case = asked
        assert verdict.until is not None
        if verdict.earliest:
            earliest = max(filter(None, (earliest, verdict.until)))
        else:
            due = min(filter(None, (due, verdict.until)))
        provisional = provisional or frame.provisional
        sources[rule.id] = rule.articles_in(case.edition, element)
    return Limits(due, earliest, tuple(sources.items()), provisional)


def hindrances(results: Iterable[Result], element: str, round: int) -> list[Result]:
    """Return the results that stand in the way of completing ``element`` as it was judged."""
    return [r for r in results if r.hinders and r.element == element and r.round == round]


# --- one rule -----------------------------------------------------------------------------------


def _concerned(book: RuleBook, touched: Collection[str] | None, *, stirred: bool) -> Iterable[Rule]:
    if touched is None:
        return book.rules
    if len(touched) == 1:
        rules = book.stirred if stirred else book.by_element
        return rules.get(next(iter(touched)), ())
    wanted = {id(rule) for element in touched for rule in book.by_element.get(element, ())}
    return [rule for rule in book.rules if id(rule) in wanted]


_Times = Sequence[tuple[Occurrence, int]]
"""Steps that were done, each with which time it was."""


def _times(facts: Facts, since: int) -> _Times:
    return [(done, facts.round_of(done)) for done in facts.since(since)]


def _judge_rule(frame: Frame, rule: Rule, recent: _Times | None) -> list[Result]:
    facts, steps = frame.facts, rule.steps
    if recent is None:
        times = [(done, n) for step in steps for n, done in enumerate(facts.all(step), 1)]
        found = [_judge(frame, rule, done, n) for done, n in times]
    else:
        found = [_judge(frame, rule, done, n) for done, n in recent if done.element in steps]
    missing = _missing(frame, rule) if rule.needed_by or rule.needed_for else None
    if missing is not None:
        found.append(missing)
    if rule.check.ahead and facts.ended_on is None:
        found += [_to_come(frame, rule, step) for step in (steps[1:] if missing else steps)]
    return [result for result in found if result is not None]


def _judge(frame: Frame, rule: Rule, occurrence: Occurrence, n: int) -> Result | None:
    day = occurrence.occurred_on
    edition = frame.edition(rule, day)
    if rule.articles and edition not in rule.articles:
        if edition in frame.book.editions_of(rule.id):
            return None
        sentence = Translatable(N_("当日适用的版本没有这项要求。"))
        case = Case(frame, rule, occurrence.element, occurrence, edition)
        return _result(case, Verdict(Outcome.NOT_APPLICABLE, sentence), n)
    case = Case(frame, rule, occurrence.element, occurrence, edition)
    if rule.where is not None and not case.holds(rule.where):
        return None
    if rule.which is Judge.FIRST and len(case.counted(occurrence.element)) > 1:
        return None
    frame.provisional = False
    applies = rule.when is None or case.holds(rule.when)
    verdict = rule.check.judge(case) if applies else None
    if verdict is None:
        verdict = Verdict(Outcome.NOT_APPLICABLE, Translatable(N_("这一次不适用。")))
    return _result(case, verdict, n)


def _missing(frame: Frame, rule: Rule) -> Result | None:
    """Return that a step was passed over: a later one was done, or the matter ended, without it."""
    facts, element = frame.facts, rule.steps[0]
    if any(facts.all(step) for step in rule.steps):
        return None
    later = min(
        (o for name in rule.needed_by for o in facts.all(name)[:1]),
        key=lambda o: o.seq,
        default=None,
    )
    if later is None and facts.outcome not in rule.needed_for:
        return None
    day = later.occurred_on if later else facts.ended_on
    if day is None:
        return None
    edition = frame.edition(rule, day)
    case = Case(frame, rule, element, later, edition)
    if rule.articles and edition not in rule.articles:
        return None
    if rule.when is not None and not case.holds(rule.when):
        return None
    sentence = Translatable(
        N_("没有“%(step)s”的记录，%(later)s已在 %(day)s 办理。")
        if later
        else N_("没有“%(step)s”的记录，事项已在 %(day)s 办结。"),
        {
            "step": Translatable(case.title(element)),
            "day": day.isoformat(),
            **({"later": Translatable(case.title(later.element))} if later else {}),
        },
    )
    case = Case(frame, rule, element, None, edition)
    frame.provisional = False
    verdict = Verdict(Outcome.NOT_MET, sentence, {"day": day.isoformat()})
    return _result(case, verdict, facts.next_round(element), day)


def _to_come(frame: Frame, rule: Rule, element: str) -> Result | None:
    asked = _outstanding(frame, rule, element)
    if asked is None:
        return None
    verdict, case = asked
    if verdict.outcome is Outcome.MET:
        return None
    return _result(case, verdict, frame.facts.next_round(element))


def _outstanding(frame: Frame, rule: Rule, element: str) -> tuple[Verdict, Case] | None:
    """Ask a rule, once, about a step that is still to be done in a matter that goes on."""
    key = (id(rule), element)
    if key in frame.asked:
        asked, frame.provisional = frame.asked[key]
    else:
        asked = _ask(frame, rule, element)
        frame.asked[key] = asked, frame.provisional
    return asked


def _ask(frame: Frame, rule: Rule, element: str) -> tuple[Verdict, Case] | None:
    if frame.facts.ended_on is not None or not rule.check.ahead:
        return None
    edition = frame.edition(rule, frame.today)
    if rule.articles and edition not in rule.articles:
        return None
    case = Case(frame, rule, element, None, edition)
    if not (case.holds(rule.when) and case.holds(rule.pending)):
        return None
    if rule.which is Judge.FIRST and case.counted(element):
        return None
    frame.provisional = False
    verdict = rule.check.outstanding(case)
    return None if verdict is None else (verdict, case)


def _result(case: Case, verdict: Verdict, n: int, day: date | None = None) -> Result:
    rule, frame = case.rule, case.frame
    outcome = verdict.outcome
    provisional = frame.provisional
    if provisional and outcome is Outcome.MET:
        outcome = Outcome.PENDING
    severity = verdict.severity or rule.severity
    if isinstance(severity, Setting):
        severity = Severity(str(case.parameter(severity.parameter)))
    key = (rule.id, case.element, n)
    if outcome is Outcome.NOT_MET and key in frame.facts.waived:
        outcome = Outcome.WAIVED
    return Result(
        rule,
        outcome,
        case.element,
        n,
        None if case.occurrence is None else case.occurrence.seq,
        day or case.day,
        verdict,
        case.edition,
        severity,
        severity is Severity.HARD and rule.blocks_at(case.element),
        (rule.id, case.element) in frame.facts.allowed,
        provisional,
        tuple(case.used.values()),
    )
