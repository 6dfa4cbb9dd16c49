"""Turn rows of the database into the lines that people see, with the words of rules and steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.audit.owed import duty_of
from engine.audit.views import Cited, FindingRow
from engine.compliance.books import rule_book
from engine.compliance.findings import FindingState
from engine.compliance.models import Finding
from engine.compliance.regulation_store import current_regulations
from engine.compliance.regulations import Regulations
from engine.compliance.results import ArticleRef, Outcome, Severity, sentence_from
from engine.compliance.rules import Rule, RuleBook
from engine.definitions.versions import Definition, active_version, load_definition
from engine.directory.models import Organisation
from engine.duties.models import DutyRow
from engine.runtime.models import Instance, format_number
from engine.runtime.queries.rows import matter_fields

FINDING_COLUMNS = (
    Finding.id,
    Finding.instance_id,
    Finding.duty_id,
    Finding.process_key,
    DutyRow.key.label("duty_key"),
    DutyRow.until.label("duty_until"),
    Finding.rule,
    Finding.element,
    Finding.round,
    Finding.seq,
    Finding.outcome,
    Finding.severity,
    Finding.state,
    Finding.regulation,
    Finding.edition,
    Finding.articles,
    Finding.day,
    Finding.until,
    Finding.provisional,
    Finding.overridden,
    Finding.template,
    Finding.params,
    Finding.found_at,
    Finding.changed_at,
    Finding.resolved_at,
    Instance.version_id,
    Instance.prefix,
    Instance.year,
    Instance.serial,
    Instance.subject_id,
    Instance.title,
    Finding.organisation_id,
    Organisation.short_name.label("organisation_name"),
)


def read_rows(session: Session, ids: Sequence[int]) -> list[FindingRow]:
    """Return the lines of findings, in the order of ``ids``."""
    rows = session.execute(
        select(*FINDING_COLUMNS)
        .outerjoin(Instance, Instance.id == Finding.instance_id)
        .outerjoin(DutyRow, DutyRow.id == Finding.duty_id)
        .join(Organisation, Organisation.id == Finding.organisation_id)
        .where(Finding.id.in_(ids))
    )
    words = Words(session)
    found = {row.id: words.finding(row) for row in rows}
    return [found[id] for id in ids if id in found]


@dataclass
class Words:
    """The words of procedures, rules and regulations, each looked up once for a list."""

    session: Session

    def __post_init__(self) -> None:
        self.regulations: Regulations = current_regulations(self.session)
        self._active: dict[str, Definition | None] = {}

    def definition(self, version_id: int) -> Definition:
        """Return a definition, from the copy of this process."""
        return load_definition(self.session, version_id)

    def active(self, process_key: str) -> Definition | None:
        """Return the version of a procedure that is in use now."""
        if process_key not in self._active:
            version = active_version(self.session, process_key)
            self._active[process_key] = None if version is None else self.definition(version)
        return self._active[process_key]

    def book(self, definition: Definition) -> RuleBook | None:
        """Return the rules of a definition."""
        return rule_book(self.session, definition)

    def rule_now(self, process_key: str, rule: str) -> Rule | None:
        """Return a rule as the version in use has it."""
        definition = self.active(process_key)
        book = None if definition is None else self.book(definition)
        return None if book is None else book.rule(rule)

    def cited(self, regulation: str | None, edition: str | None, number: str) -> Cited:
        """Return an article with its words."""
        found = self.regulations.find(regulation) if regulation else None
        held = found.edition(edition) if found is not None and edition else None
        return Cited(
            regulation=found.id if found else regulation or "",
            title=found.short if found else regulation or "",
            edition=edition or "",
            edition_title=held.title if held else edition or "",
            number=number,
            article=held.articles.get(number) if held else None,
        )

    def cited_of(self, articles: Sequence[ArticleRef]) -> tuple[Cited, ...]:
        """Return the articles of a result with their words."""
        return tuple(self.cited(a.regulation, a.edition, a.article) for a in articles)

    def finding(self, row: Any) -> FindingRow:
        """Return a line of a list from a row of :data:`FINDING_COLUMNS`."""
        if row.instance_id is None:
            return self._owed(row)
        definition = self.definition(row.version_id)
        book = self.book(definition)
        rule = book.rule(row.rule, row.edition) or book.rule(row.rule) if book else None
        step = definition.package.steps.get(row.element)
        english: Mapping[str, str] = book.english if book else {}
        return FindingRow(
            id=row.id,
            instance_id=row.instance_id,
            matter_number=format_number(row.prefix, row.year, row.serial),
            **matter_fields(row, definition),
            rule=row.rule,
            rule_title=rule.title if rule else row.rule,
            rule_title_en=rule.title_en if rule else row.rule,
            element=row.element,
            step_number=step.number if step else None,
            step_title=step.title if step else row.element,
            round=row.round,
            seq=row.seq,
            outcome=Outcome(row.outcome),
            severity=Severity(row.severity),
            state=FindingState(row.state),
            articles=tuple(self.cited(row.regulation, row.edition, n) for n in row.articles),
            edition=row.edition,
            day=row.day,
            until=row.until,
            provisional=row.provisional,
            overridden=row.overridden,
            sentence=sentence_from(row.template, row.params),
            found_at=row.found_at,
            changed_at=row.changed_at,
            resolved_at=row.resolved_at,
            english=english,
        )

    def _owed(self, row: Any) -> FindingRow:
        """Return a line about what an organisation owed in a period."""
        definition = self.active(row.process_key)
        duty = duty_of(definition, row.duty_key, row.rule)
        title, title_en = (duty.title, duty.title_en) if duty else (row.rule, "")
        return FindingRow(
            id=row.id,
            instance_id=None,
            matter_number="",
            process_key=row.process_key,
            process_title=definition.package.title if definition else row.process_key,
            subject_id=None,
            subject_name="",
            organisation_id=row.organisation_id,
            organisation_name=row.organisation_name,
            rule=row.rule,
            rule_title=title,
            rule_title_en=title_en or title,
            element=row.element,
            step_number=None,
            step_title=title,
            round=1,
            seq=None,
            outcome=Outcome(row.outcome),
            severity=Severity(row.severity),
            state=FindingState(row.state),
            articles=tuple(self.cited(row.regulation, row.edition, n) for n in row.articles),
            edition=row.edition,
            day=row.day,
            until=None,
            provisional=row.provisional,
            overridden=row.overridden,
            sentence=sentence_from(row.template, row.params),
            found_at=row.found_at,
            changed_at=row.changed_at,
            resolved_at=row.resolved_at,
            english={title: title_en} if title_en else {},
            duty_id=row.duty_id,
            year=row.duty_until.year,
        )
