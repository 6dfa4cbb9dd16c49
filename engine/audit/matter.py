"""Findings of one matter: one by one, at their steps, and what may be done about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from engine.audit import owed
from engine.audit.commands import reaches, waiving_level
from engine.audit.deeds import ACTIONS
from engine.audit.rows import Words, read_rows
from engine.audit.views import Blocking, FindingRow, Found, Note
from engine.clock import Clock
from engine.compliance.books import rule_book
from engine.compliance.facts import Facts, Occurrence
from engine.compliance.findings import FindingState, load_facts
from engine.compliance.models import Finding, FindingNote
from engine.compliance.parameter_store import parameter_view
from engine.compliance.parameters import Level, Parameter, ParameterValue
from engine.compliance.reads import settings_of
from engine.compliance.results import Outcome
from engine.compliance.rules import Rule
from engine.directory.actors import Actor
from engine.directory.policy import Action, decide
from engine.directory.rights import COMMITTEE
from engine.directory.things import MatterView
from engine.errors import NotFound, Translatable
from engine.ledger.kinds import EntryKind
from engine.runtime.measuring import Measure, measure_of
from engine.runtime.models import Instance
from engine.runtime.queries.access import Opened, open_matter
from engine.runtime.queries.rows import Names, step_label

_OF_BEFORE: Final = frozenset({"recurrence", "wait", "order", "deadline", "gap"})
"""Kinds of rules that look at days and at other steps only."""


@dataclass(frozen=True)
class MatterFindings:
    """What the rules found in a matter, problems first, then what has to be met by a day."""

    found: tuple[Found, ...]
    pending: tuple[FindingRow, ...]
    settled: tuple[Found, ...]
    """What was a problem once and is none any more."""
    blocking: tuple[Blocking, ...]
    """Rules at open steps that the actor may let pass."""

    @property
    def open(self) -> int:
        """Return how many problems stand."""
        return sum(1 for found in self.found if found.row.outcome is Outcome.NOT_MET)

    @property
    def by_step(self) -> Mapping[str, tuple[Found, ...]]:
        """Return the problems that stand, by element."""
        steps: dict[str, list[Found]] = {}
        for found in self.found:
            steps.setdefault(found.row.element, []).append(found)
        return {element: tuple(group) for element, group in steps.items()}


def show_finding(session: Session, actor: Actor, clock: Clock, finding_id: int) -> Found:
    """Return a finding with what people said of it. Raises NotFound where it is not to be seen."""
    instance_id = session.scalar(select(Finding.instance_id).where(Finding.id == finding_id))
    if instance_id is None:
        return _show_owed(session, actor, finding_id)
    opened = open_matter(session, actor, clock, instance_id)
    if not may_see_findings(actor, opened.view):
        raise NotFound
    rows = read_rows(session, [finding_id])
    found = _found(session, actor, rows, opened)[0]
    return replace(found, used=_used(session, found.row, opened))


def _show_owed(session: Session, actor: Actor, finding_id: int) -> Found:
    """Return a finding about a duty of an organisation. Raises NotFound."""
    about = owed.owed_finding(session, finding_id)
    if about is None or not owed.may_see(actor, about):
        raise NotFound
    (row,) = read_rows(session, [finding_id])
    return Found(
        row,
        tuple(_notes(session, [finding_id]).get(finding_id, ())),
        owed.what_may(session, actor, about, row, ACTIONS),
        owed.used_of(session, about),
    )


def _used(
    session: Session, row: FindingRow, opened: Opened
) -> tuple[tuple[Parameter, ParameterValue], ...]:
    """Return the parameters that a finding's rule asks for, with what counted on its day."""
    book = rule_book(session, opened.matter.definition)
    rule = None if book is None else book.rule(row.rule, row.edition)
    if book is None or rule is None:
        return ()
    view = parameter_view(session, opened.view.path, book.parameters)
    names = sorted(settings_of(rule) & book.parameters.keys())
    return tuple((book.parameters[name], view.value(name, row.day)) for name in names)


def may_see_findings(actor: Actor, view: MatterView) -> bool:
    """Tell whether the findings of a matter are for the actor."""
    return decide(actor, Action.VIEW_FINDINGS, view).allowed


def matter_findings(
    session: Session, actor: Actor, clock: Clock, instance_id: int
) -> MatterFindings | None:
    """Return the findings of a matter; None when they are not for the actor.

    Raises NotFound where the actor may not see the matter.
    """
    opened = open_matter(session, actor, clock, instance_id)
    if not may_see_findings(actor, opened.view):
        return None
    ids = session.scalars(
        select(Finding.id).where(Finding.instance_id == instance_id).order_by(Finding.id)
    ).all()
    rows = read_rows(session, list(ids))
    order = {step: n for n, step in enumerate(opened.matter.definition.package.steps)}
    rows.sort(key=lambda row: (order.get(row.element, len(order)), row.round, row.rule))
    now = [r for r in rows if r.outcome in (Outcome.NOT_MET, Outcome.WAIVED)]
    settled = [r for r in rows if r.outcome in (Outcome.MET, Outcome.NOT_APPLICABLE)]
    return MatterFindings(
        found=_found(session, actor, now, opened),
        pending=tuple(r for r in rows if r.outcome is Outcome.PENDING),
        settled=_found(session, actor, settled, opened),
        blocking=_blocking(session, actor, clock, opened),
    )


def asked_of(
    session: Session, actor: Actor, *, limit: int = 5
) -> tuple[tuple[FindingRow, ...], int]:
    """Return the findings that the actor's branch is to explain, the oldest first, and how many.

    They are those of organisations in whose committee the actor is, except in own matters.
    """
    places: dict[int | None, set[int]] = {}
    for post in actor.posts:
        if post.kind in COMMITTEE:
            places.setdefault(post.on_behalf_of, set()).add(post.organisation_id)
    if not places:
        return (), 0
    ids: dict[int, None] = {}
    for lender, organisations in places.items():
        about = [who for who in (actor.person_id, lender) if who is not None]
        query = (
            select(Finding.id)
            .outerjoin(Instance, Instance.id == Finding.instance_id)
            .where(
                Finding.state == str(FindingState.ASKED),
                Finding.outcome == str(Outcome.NOT_MET),
                Finding.organisation_id.in_(organisations),
                func.coalesce(Instance.subject_id, 0).not_in(about),
            )
            .order_by(Finding.id)
        )
        ids |= dict.fromkeys(session.scalars(query))
    return tuple(read_rows(session, list(ids)[:limit])), len(ids)


def _found(
    session: Session, actor: Actor, rows: Sequence[FindingRow], opened: Opened
) -> tuple[Found, ...]:
    decisions = {name: decide(actor, action, opened.view) for name, action in ACTIONS.items()}
    allowed = {name for name, decision in decisions.items() if decision.allowed}
    book = rule_book(session, opened.matter.definition)
    high_enough: dict[Level, bool] = {}

    def may(row: FindingRow) -> frozenset[str]:
        names = {name for name in allowed if _now(name, row)}
        if "waive" in names:
            level = waiving_level(book.rule(row.rule, row.edition) if book else None)
            if level not in high_enough:
                post = decisions["waive"].post
                high_enough[level] = reaches(session, opened.matter, post, level)
            if not high_enough[level]:
                names.remove("waive")
        return frozenset(names)

    notes = _notes(session, [row.id for row in rows])
    return tuple(Found(row, tuple(notes.get(row.id, ())), may(row)) for row in rows)


def _now(name: str, row: FindingRow) -> bool:
    """Tell whether something can be done about a finding as it stands."""
    if row.outcome is not Outcome.NOT_MET:
        return False
    return name != "ask" or row.state is not FindingState.ASKED


def _notes(session: Session, ids: Sequence[int]) -> dict[int, list[Note]]:
    rows = session.execute(
        select(
            FindingNote.finding_id,
            FindingNote.kind,
            FindingNote.text,
            FindingNote.person_id,
            FindingNote.post,
            FindingNote.written_at,
            FindingNote.seq,
        )
        .where(FindingNote.finding_id.in_(ids))
        .order_by(FindingNote.id)
    ).all()
    names = Names(session)
    names.fetch(row.person_id for row in rows)
    found: dict[int, list[Note]] = {}
    for row in rows:
        found.setdefault(row.finding_id, []).append(
            Note(
                EntryKind(row.kind),
                row.text,
                names.person(row.person_id),
                names.principal(row.post) if row.post else None,
                row.written_at,
                row.seq,
            )
        )
    return found


def _blocking(session: Session, actor: Actor, clock: Clock, opened: Opened) -> tuple[Blocking, ...]:
    """Return the rules at open steps that somebody above may let pass, for those who are it."""
    decision = decide(actor, Action.ALLOW_OVERRIDE, opened.view)
    if not decision.allowed or not opened.tasks:
        return ()
    definition = opened.matter.definition
    measure = measure_of(session, definition, opened.row.path, clock)
    facts = None if measure is None else load_facts(session, opened.row.id)
    if measure is None or facts is None:
        return ()
    words = Words(session)
    found: list[Blocking] = []
    for element in dict.fromkeys(task.element for task in opened.tasks):
        broken = _broken_today(measure, facts, element, clock.today())
        for rule in measure.book.standing_at(element):
            level = rule.override
            if not rule.blocks_at(element) or level is None or level is Level.NONE:
                continue
            if any(b.rule == rule.id and b.element == element for b in found):
                continue  # the same rule in another edition
            if not reaches(session, opened.matter, decision.post, level):
                continue
            held = measure.book.rule(rule.id, _edition_now(measure, rule)) or rule
            found.append(
                Blocking(
                    rule=rule.id,
                    title=held.title,
                    title_en=held.title_en,
                    element=element,
                    step=step_label(definition, element),
                    level=Translatable(level.label),
                    articles=words.cited_of(held.articles_in(_edition_now(measure, held))),
                    sentence=broken.get(rule.id),
                    allowed=(rule.id, element) in facts.allowed,
                    english=measure.book.english,
                )
            )
    return tuple(sorted(found, key=lambda b: (b.allowed, b.sentence is None)))


def _edition_now(measure: Measure, rule: Rule) -> str | None:
    """Return the edition of its regulation that a rule is judged by today."""
    if rule.regulation is None:
        return None
    edition = measure.book.regulations.edition_on(
        rule.regulation, measure.today, measure.parameters
    )
    return None if edition is None else edition.id


def _broken_today(
    measure: Measure, facts: Facts, element: str, today: date
) -> dict[str, Translatable]:
    """Return what would stand in the way if the step were done today, whatever is entered.

    Rules that look at what the step itself says are left out: nobody has said it yet.
    """
    seq = max((o.seq for o in facts.occurrences), default=0) + 1
    tried = facts.plus(Occurrence(element, today, today, {}, seq))
    results = measure.judge(tried, {element}, since=seq)
    return {
        result.rule.id: result.sentence
        for result in results
        if result.seq == seq and result.hinders and result.rule.kind in _OF_BEFORE
    }
