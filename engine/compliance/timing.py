"""The part of a rule book that is about time: limits, waits, recurrences and order.

A forecast knows of the steps to come when they happen and what is decided, and nothing else; the
rules on people, votes and papers have nothing to look at there.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from threading import Lock
from typing import Final

from engine.compliance.facts import Facts
from engine.compliance.kinds.deadline import Deadline
from engine.compliance.kinds.every import Every, Part
from engine.compliance.kinds.order import Order
from engine.compliance.kinds.recurrence import Recurrence
from engine.compliance.kinds.wait import Wait
from engine.compliance.rules import Check, Rule, RuleBook

TIMED: Final = (Deadline, Wait, Recurrence, Order)
LIMITING: Final = (Deadline, Recurrence)
"""Kinds that say until when something has to be done."""
_BOOKS_KEPT: Final = 32

_books: OrderedDict[int, tuple[RuleBook, RuleBook]] = OrderedDict()
_lock = Lock()


def timing_book(book: RuleBook) -> RuleBook:
    """Return the rules of a book that are about time, each with those of its checks that are."""
    with _lock:
        # The book itself is kept beside its extract: an id is only unique while its owner lives.
        if id(book) in _books:
            _books.move_to_end(id(book))
        else:
            rules = tuple(timed for rule in book.rules if (timed := _timed(rule)) is not None)
            _books[id(book)] = (book, replace(book, rules=rules))
            if len(_books) > _BOOKS_KEPT:
                _books.popitem(last=False)
        return _books[id(book)][1]


def limits_time(rule: Rule) -> bool:
    """Tell whether a rule says until when something has to be done."""
    return any(isinstance(part.check, LIMITING) for part in _parts(rule.check))


def first_after_others(book: RuleBook, facts: Facts, element: str) -> date | None:
    """Return the first day that rules of order leave for a step; None: they leave any.

    These rules only judge what was done, so that the limits of a step do not tell of them.
    """
    first: date | None = None
    for rule in book.standing_at(element):
        for part in _parts(rule.check):
            check = part.check
            if not isinstance(check, Order) or (part.at and element not in part.at):
                continue
            for alternatives in check.before.get(element) or check.before.get("", ()):
                found = [o for name in alternatives if (o := facts.latest(name)) is not None]
                if found:
                    last = max(found, key=lambda o: o.seq).occurred_on
                    day = last + timedelta(days=1) if check.strict else last
                    first = day if first is None else max(first, day)
    return first


def _timed(rule: Rule) -> Rule | None:
    if isinstance(rule.check, TIMED):
        return rule
    parts = tuple(_parts(rule.check))
    return replace(rule, check=Every(parts)) if parts else None


def _parts(check: Check) -> Iterator[Part]:
    if isinstance(check, TIMED):
        yield Part(check)
    elif isinstance(check, Every):
        for part in check.parts:
            if isinstance(part.check, TIMED):
                yield part
