"""What the rules say of a matter, as the case file tells it: judged anew from its ledger alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from engine.clock import ZONE, Clock
from engine.compliance.findings import FindingState
from engine.compliance.from_ledger import read_facts
from engine.compliance.regulations import Regulations
from engine.compliance.results import (
    ArticleRef,
    Outcome,
    Result,
    Severity,
    render,
    sentence_from,
)
from engine.compliance.rules import RuleBook
from engine.definitions.package import Basis
from engine.ledger.kinds import EntryKind
from engine.runtime.measuring import measure_of
from engine.runtime.queries.access import Opened
from engine.runtime.queries.records import chinese_day
from engine.runtime.queries.rows import Names

_STORED = text(
    "SELECT id, rule, element, round, seq, outcome, severity, regulation, edition, articles, until,"
    " template, params, state FROM finding WHERE instance_id = :id ORDER BY id"
)
_NOTES = text(
    "SELECT n.finding_id, n.kind, n.text, n.post, n.written_at, p.name FROM finding_note n"
    " JOIN person p ON p.id = n.person_id WHERE n.finding_id = ANY(:ids) ORDER BY n.id"
)
_ERASED = text("SELECT EXISTS (SELECT FROM ledger_entry WHERE chain_id = :id AND kind = :kind)")

Key = tuple[str, str, int]


@dataclass(frozen=True)
class CaseArticle:
    """The article that a finding rests on."""

    regulation: str
    edition: str
    article: str


@dataclass(frozen=True)
class CaseFinding:
    """One rule as it stands at one occurrence of a step."""

    rule: str
    title: str
    element: str
    round: int
    seq: int | None
    outcome: str
    outcome_label: str
    severity: str
    severity_label: str
    sentence: str
    articles: tuple[CaseArticle, ...] = ()
    numbers: Mapping[str, Any] = field(default_factory=dict)
    until: str | None = None
    state: str = ""
    state_label: str = ""
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What the page marks it with."""
        return f"{self.rule}|{self.element}|{self.round}"

    @property
    def basis(self) -> str:
        """The articles in words, those of one edition together."""
        groups: dict[str, list[str]] = {}
        for a in self.articles:
            # Editions are named by their year; a convention of ours has none.
            edition = f"{a.edition} 年版" if len(a.edition) == 4 else ""
            groups.setdefault(f"《{a.regulation}》{edition}", []).append(a.article)
        return "；".join(name + "、".join(articles) for name, articles in groups.items())

    @property
    def notable(self) -> bool:
        """Whether it stands at its step, and not only in the table of all rules."""
        return self.outcome in (Outcome.NOT_MET, Outcome.PENDING, Outcome.WAIVED)


@dataclass(frozen=True)
class Findings:
    """What the rules say of a matter, with the articles that they rest on."""

    found: tuple[CaseFinding, ...] = ()
    articles: tuple[Basis, ...] = ()
    titles: Mapping[str, str] = field(default_factory=dict)
    """The full title of a regulation by the short one that steps may use."""


_ORDER: Final = {Outcome.NOT_MET: 0, Outcome.WAIVED: 1, Outcome.PENDING: 2, Outcome.MET: 3}


def findings_of(session: Session, opened: Opened, clock: Clock) -> Findings:
    """Return what the rules say of a matter today; what does not apply is left out.

    The facts are read from the ledger, so that the case file proves itself. Where content was
    erased the facts are gone: then what was found before is told.
    """
    instance_id = opened.row.id
    measure = measure_of(session, opened.matter.definition, opened.row.path, clock)
    if measure is None:
        return Findings()
    known = _known(session, instance_id)
    erased = session.execute(
        _ERASED, {"id": instance_id, "kind": EntryKind.ERASED.value}
    ).scalar_one()
    facts = None if erased else read_facts(session, instance_id)
    if facts is None:
        found = [_from_row(row, measure.book, notes) for row, notes in known.values()]
        used = {(a.regulation, a.edition, a.article) for f in found for a in f.articles}
    else:
        results = [r for r in measure.judge(facts) if r.outcome is not Outcome.NOT_APPLICABLE]
        regulations = measure.book.regulations
        found = [_from_result(r, regulations, known.get(r.key)) for r in results]
        used = {(a.regulation, a.edition, a.article) for r in results for a in r.articles}
    found.sort(key=lambda f: (_ORDER.get(Outcome(f.outcome), 9), f.seq or 10**9, f.rule))
    known_regulations = measure.book.regulations
    return Findings(
        tuple(found),
        tuple(_articles(known_regulations, used)),
        {name: known_regulations.by_id[id].title for name, id in known_regulations.names.items()},
    )


def _known(session: Session, instance_id: int) -> dict[Key, tuple[Any, tuple[str, ...]]]:
    """Return the stored findings with what people said of them."""
    rows = session.execute(_STORED, {"id": instance_id}).all()
    notes: dict[int, list[str]] = {}
    names = Names(session)
    for note in session.execute(_NOTES, {"ids": [row.id for row in rows]}):
        kind = EntryKind(note.kind).label if note.kind in list(EntryKind) else note.kind
        who = f"{note.name}（{names.principal(note.post)}）" if note.post else note.name
        day = chinese_day(note.written_at.astimezone(ZONE).date())
        notes.setdefault(note.finding_id, []).append(f"{day} {who} {kind}：{note.text}")
    return {(row.rule, row.element, row.round): (row, tuple(notes.get(row.id, ()))) for row in rows}


def _from_result(
    result: Result, regulations: Regulations, known: tuple[Any, tuple[str, ...]] | None
) -> CaseFinding:
    row, notes = known if known is not None else (None, ())
    return CaseFinding(
        rule=result.rule.id,
        title=result.rule.title,
        element=result.element,
        round=result.round,
        seq=result.seq,
        outcome=result.outcome.value,
        outcome_label=result.outcome.label,
        severity=result.severity.value,
        severity_label=result.severity.label,
        sentence=render(result.sentence),
        articles=tuple(_named(a, regulations) for a in result.articles),
        numbers=dict(result.numbers),
        until=result.until.isoformat() if result.until else None,
        state=row.state if row is not None else "",
        state_label=FindingState(row.state).label if row is not None else "",
        notes=notes,
    )


def _from_row(row: Any, book: RuleBook, notes: tuple[str, ...]) -> CaseFinding:
    rule = next((rule for rule in book.rules if rule.id == row.rule), None)
    articles = [ArticleRef(row.regulation or "", row.edition or "", a) for a in row.articles]
    return CaseFinding(
        rule=row.rule,
        title=rule.title if rule is not None else row.rule,
        element=row.element,
        round=row.round,
        seq=row.seq,
        outcome=row.outcome,
        outcome_label=Outcome(row.outcome).label,
        severity=row.severity,
        severity_label=Severity(row.severity).label,
        sentence=render(sentence_from(row.template, row.params)),
        articles=tuple(_named(article, book.regulations) for article in articles),
        until=row.until.isoformat() if row.until else None,
        state=row.state,
        state_label=FindingState(row.state).label,
        notes=notes,
    )


def _named(article: ArticleRef, regulations: Regulations) -> CaseArticle:
    found = regulations.find(article.regulation)
    title = found.title if found is not None else article.regulation
    return CaseArticle(title, article.edition, article.article)


def _articles(regulations: Regulations, used: set[tuple[str, str, str]]) -> list[Basis]:
    told = []
    for regulation, edition, number in sorted(used):
        found = regulations.article(regulation, edition, number)
        title = regulations.find(regulation)
        if found is not None and title is not None:
            told.append(Basis(title.title, edition, number, found.text))
    return told
