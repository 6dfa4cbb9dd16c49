"""The rule book of a deployed procedure: its rules with the regulations in the database."""

from __future__ import annotations

from sqlalchemy.orm import Session

from engine.compliance import reading
from engine.compliance.regulation_store import current_regulations
from engine.compliance.rules import RuleBook
from engine.definitions.versions import Definition


def rule_book(session: Session, definition: Definition) -> RuleBook | None:
    """Return the rules of a procedure, None when it has none.

    A matter keeps the rules of its own version; regulations are those deployed last, so that a new
    edition is known to running matters from its first day.
    """
    if not definition.ruled:
        return None
    return reading.rule_book(definition.package, current_regulations(session))
