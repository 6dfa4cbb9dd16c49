"""What a step rests on, on the day on which it is done: the article of the edition in force then.

A procedure cites the edition for which it was drawn; its steps are done under whichever holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy.orm import Session

from engine.coded import Coded
from engine.compliance.parameter_store import parameter_view
from engine.compliance.parameters import ParameterView
from engine.compliance.regulation_store import current_regulations
from engine.compliance.regulations import Edition, Regulation, Regulations
from engine.definitions.package import Basis
from engine.definitions.parts import Step
from engine.errors import N_


class Standing(Coded):
    """How an article that a procedure cites stands on a day."""

    IN_FORCE = "in_force", N_("当日有效")
    NOT_YET = "not_yet", N_("当日尚未施行")
    NO_MORE = "no_more", N_("当日已无此规定")


@dataclass(frozen=True, slots=True)
class Ground:
    """An article on which a step rests on a day, in our own words."""

    regulation: str
    edition: str
    article: str
    text: str
    since: date | None = None
    """From which day the edition holds; None where the regulation has only one."""
    cited: str = ""
    """The edition that the procedure cites, where another one is in force."""
    standing: Standing = Standing.IN_FORCE


def grounds_on(
    session: Session, basis: Iterable[Basis], path: str, day: date
) -> tuple[Ground, ...]:
    """Return what a step rests on at the organisation at ``path``, on ``day``."""
    regulations = current_regulations(session)
    view = parameter_view(session, path, regulations.parameters)
    return in_force(regulations, basis, day, view)


class Grounds:
    """What the steps of a list rest on. Many lines are of the same step, which is asked once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._found: dict[tuple[int, str, date], tuple[Step, tuple[Ground, ...]]] = {}

    def on(self, step: Step, path: str, day: date) -> tuple[Ground, ...]:
        """Return what a step rests on at the organisation at ``path``, on ``day``."""
        key = (id(step), path, day)
        if key not in self._found:  # with the step, so that no other one gets its id meanwhile
            self._found[key] = step, grounds_on(self._session, step.basis, path, day)
        return self._found[key][1]


def in_force(
    regulations: Regulations,
    basis: Iterable[Basis],
    day: date,
    parameters: ParameterView | None = None,
) -> tuple[Ground, ...]:
    """Return the articles in force on ``day`` that say what ``basis`` says, each once.

    An article that has no equal in the edition in force is told with how it stands.
    """
    found: dict[tuple[str, str, str], Ground] = {}
    for one in basis:
        for ground in _grounds(regulations, one, day, parameters):
            found.setdefault((ground.regulation, ground.edition, ground.article), ground)
    return tuple(found.values())


def _grounds(
    regulations: Regulations, basis: Basis, day: date, parameters: ParameterView | None
) -> list[Ground]:
    as_cited = Ground(basis.regulation, basis.edition, basis.article, basis.text)
    regulation = regulations.find(basis.regulation)
    cited = None if regulation is None else regulation.edition(basis.edition)
    if regulation is None or cited is None or len(regulation.editions) == 1:
        return [as_cited]
    now = regulation.edition_on(day, parameters)
    if now is None or now is cited:
        since = cited.starts(parameters, day) if now is cited else None
        return [replace(as_cited, since=since)]
    order = regulation.editions.index
    numbers = _followed(regulation, cited, now, basis.article)
    if not numbers:
        late = order(now) < order(cited)
        return [
            replace(
                as_cited,
                since=cited.starts(parameters, day),
                standing=Standing.NOT_YET if late else Standing.NO_MORE,
            )
        ]
    since = now.starts(parameters, day)
    return [
        Ground(basis.regulation, now.id, n, now.articles[n].text, since, basis.edition)
        for n in numbers
        if n in now.articles
    ]


def _followed(regulation: Regulation, cited: Edition, now: Edition, number: str) -> list[str]:
    """Return the articles of an edition that an article of another became, or came from."""
    editions = regulation.editions
    start, end = editions.index(cited), editions.index(now)
    numbers = [number]
    for edition in editions[start + 1 : end + 1]:  # later ones say what they have taken up
        articles = edition.articles.values()
        numbers = [a.number for a in articles if not set(a.taken_from).isdisjoint(numbers)]
    for edition in reversed(editions[end + 1 : start + 1]):
        held = [edition.articles[n] for n in numbers if n in edition.articles]
        numbers = list(dict.fromkeys(n for article in held for n in article.taken_from))
    return numbers
