"""Regulations (法规): their editions, the articles our rules rest on, and how sure we are of them.

Articles are told in our own words; the official text counts. Pure values, made by
:mod:`engine.compliance.regulation_reading` from ``processes/regulations/``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from engine.coded import Coded
from engine.compliance.parameters import Parameter, ParameterView
from engine.errors import N_


class RegulationKind(Coded):
    """What sort of text it is."""

    REGULATION = "regulation", N_("党内法规")
    DOCUMENT = "document", N_("规范性文件")
    CHART = "chart", N_("流程图")
    CONVENTION = "convention", N_("本系统约定")
    """Not a Party rule at all: what this software itself insists on, and says so."""


class EditionStatus(Coded):
    """Whether an edition still holds."""

    IN_FORCE = "in_force", N_("现行")
    REPLACED = "replaced", N_("已被替代")
    UNCONFIRMED = "unconfirmed", N_("现行情况未核实")


class Confidence(Coded):
    """How an article is known to us. Tags ``S1``, ``S2`` … name a source and count as SOURCED."""

    SOURCED = "S", N_("有出处")
    KNOWN = "K", N_("据该法规所知，未对照原文")
    UNSURE = "K?", N_("细节或条次不能确定")
    PRACTICE = "P", N_("各地做法，可以配置")
    ASSUMED = "A", N_("本系统的推定或者约定")


class Quality(Coded):
    """How far a source can be relied on."""

    GOOD = "good", N_("原文或者权威转载")
    FAIR = "fair", N_("可信的转载或者手册")
    WEAK = "weak", N_("工作实例，仅供参考")
    UNREAD = "unread", N_("原文，尚待对照")


@dataclass(frozen=True, slots=True)
class Source:
    """Where something was read."""

    key: str
    title: str
    quality: Quality
    address: str = ""
    """Only for official addresses; copies elsewhere are for checking, not for linking."""


@dataclass(frozen=True, slots=True)
class Article:
    """An article of an edition, in our own words."""

    number: str
    text: str
    confidence: tuple[str, ...]
    verified: bool = False
    """Its content was read in a source. The number, at least, of others is inferred."""
    taken_from: tuple[str, ...] = ()
    """The articles of the edition before that it takes up."""
    difference: str = ""
    """What changed against them; empty when nothing did."""
    unsure: str = ""
    """What in it nobody has checked against the official text."""
    parameters: tuple[str, ...] = ()
    """National parameters that decide what it leaves open."""
    uncovered: str = ""
    """Why no step and no rule rests on it."""

    @property
    def doubtful(self) -> bool:
        """Tell whether an administrator should have somebody check it."""
        return bool(self.unsure) or not self.verified

    @property
    def sources(self) -> tuple[str, ...]:
        """Return the keys of the sources among its confidence tags."""
        return tuple(tag for tag in self.confidence if is_source(tag))

    @property
    def grades(self) -> tuple[Confidence, ...]:
        """Return how it is known, each grade once."""
        return tuple(dict.fromkeys(grade(tag) for tag in self.confidence))


@dataclass(frozen=True, slots=True)
class Edition:
    """An edition (版本) of a regulation."""

    id: str
    title: str
    in_force: date
    issued: date | None = None
    repealed: date | None = None
    """The first day on which it no longer holds."""
    in_force_by: str | None = None
    """The parameter that decides from which day it holds."""
    status: EditionStatus = EditionStatus.IN_FORCE
    sources: tuple[str, ...] = ()
    confidence: tuple[str, ...] = ()
    note: str = ""
    approximate: bool = False
    """The days are not known for certain."""
    articles: Mapping[str, Article] = field(default_factory=dict)

    def starts(self, parameters: ParameterView | None, day: date) -> date:
        """Return from which day it holds, as the parameters of the place decide."""
        if parameters is None or self.in_force_by is None:
            return self.in_force
        if self.in_force_by not in parameters.declared:
            return self.in_force
        return parameters.value(self.in_force_by, day).day


@dataclass(frozen=True, slots=True)
class Regulation:
    """A regulation with its editions, the oldest first."""

    id: str
    title: str
    short: str
    title_en: str
    issuer: str
    kind: RegulationKind
    editions: tuple[Edition, ...]
    aliases: tuple[str, ...] = ()
    procedures: tuple[str, ...] = ()
    """The procedures that carry it out: each of its articles must be the basis of something."""
    note: str = ""

    def edition(self, id: str) -> Edition | None:
        """Return an edition by its id."""
        return next((edition for edition in self.editions if edition.id == id), None)

    def before(self, edition: Edition) -> Edition | None:
        """Return the edition that ``edition`` replaced."""
        index = self.editions.index(edition)
        return self.editions[index - 1] if index else None

    def edition_on(self, day: date, parameters: ParameterView | None = None) -> Edition | None:
        """Return the edition in force on ``day``, or None.

        An edition holds until the next one does, or until it is repealed.
        """
        return held_on(self._line(parameters, day), day)

    def timeline(self, parameters: ParameterView | None = None) -> Timeline | None:
        """Return which edition holds from which day; None where that itself depends on the day."""
        deciding = [edition.in_force_by for edition in self.editions if edition.in_force_by]
        if parameters is not None and not all(map(parameters.is_constant, deciding)):
            return None
        return self._line(parameters, self.editions[-1].in_force)

    def _line(self, parameters: ParameterView | None, day: date) -> Timeline:
        """Return the timeline as the parameters of ``day`` decide."""
        found: list[tuple[date, Edition | None]] = []
        for edition in reversed(self.editions):
            since = edition.starts(parameters, day)
            if not found and edition.repealed is not None:
                found.append((max(since, edition.repealed), None))
            found.append((since, edition))
        return tuple(found)


Timeline = tuple[tuple[date, Edition | None], ...]
"""Editions with the first day of each. The first one that has begun counts."""


def held_on(timeline: Timeline, day: date) -> Edition | None:
    """Return the edition in force on ``day`` by a timeline, or None."""
    for since, edition in timeline:
        if since <= day:
            return edition
    return None


@dataclass(frozen=True, slots=True)
class Aligned:
    """Articles of neighbouring editions that belong together, for reading side by side."""

    before: tuple[Article, ...]
    after: Article | None

    @property
    def change(self) -> str:
        """Return ``new``, ``dropped``, ``changed``, ``renumbered`` or ``same``."""
        if self.after is None:
            return "dropped"
        if not self.before:
            return "new"
        if self.after.difference:
            return "changed"
        numbers = tuple(article.number for article in self.before)
        return "same" if numbers == (self.after.number,) else "renumbered"


def align(before: Edition, after: Edition) -> list[Aligned]:
    """Return the articles of two editions side by side, in the order of the later one.

    An article that was not taken up stands where its neighbour before it stands.
    """
    rows: list[Aligned] = []
    waiting = list(before.articles.values())
    taken = {number for article in after.articles.values() for number in article.taken_from}
    for article in after.articles.values():
        for number in article.taken_from:
            while waiting and waiting[0].number not in taken:
                rows.append(Aligned((waiting.pop(0),), None))
            if waiting and waiting[0].number == number:
                waiting.pop(0)
        old = tuple(before.articles[n] for n in article.taken_from if n in before.articles)
        rows.append(Aligned(old, article))
    rows += [Aligned((a,), None) for a in waiting if a.number not in taken]
    return rows


@dataclass(frozen=True, slots=True)
class Regulations:
    """All regulations of an installation, with the national parameters beside them."""

    by_id: Mapping[str, Regulation]
    names: Mapping[str, str]
    """Id by id, title, short title and alias."""
    parameters: Mapping[str, Parameter]
    sources: Mapping[str, Source]
    files: Mapping[str, bytes]
    sha256: str

    def __iter__(self) -> Iterator[Regulation]:
        return iter(self.by_id.values())

    def find(self, name: str) -> Regulation | None:
        """Return a regulation by its id, title, short title or alias."""
        id = self.names.get(name)
        return None if id is None else self.by_id[id]

    def edition_on(
        self, name: str, day: date, parameters: ParameterView | None = None
    ) -> Edition | None:
        """Return the edition of a regulation that is in force on ``day``, or None."""
        found = self.find(name)
        return None if found is None else found.edition_on(day, parameters)

    def timeline(self, name: str, parameters: ParameterView | None = None) -> Timeline | None:
        """Return which edition of a regulation holds from which day, as :class:`Regulation` does.

        Of a regulation that is not known none ever does.
        """
        found = self.find(name)
        return () if found is None else found.timeline(parameters)

    def article(self, name: str, edition: str, number: str) -> Article | None:
        """Return an article, or None when the regulation, edition or article is not known."""
        found = self.find(name)
        held = None if found is None else found.edition(edition)
        return None if held is None else held.articles.get(number)

    def doubtful(self) -> Iterator[tuple[Regulation, Edition, Article]]:
        """Yield the articles that somebody should check against the official text."""
        for regulation in self:
            for edition in regulation.editions:
                for article in edition.articles.values():
                    if article.doubtful and regulation.kind is not RegulationKind.CONVENTION:
                        yield regulation, edition, article


def is_source(tag: str) -> bool:
    """Tell whether a confidence tag names a source, such as ``S1``."""
    return tag.startswith("S") and tag != "S"


def grade(tag: str) -> Confidence:
    """Return the grade of a confidence tag. Raises ValueError for an unknown one."""
    return Confidence.SOURCED if is_source(tag) else Confidence(tag)
