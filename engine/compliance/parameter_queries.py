"""Parameters as pages and programs read them: what counts where, and who decided it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from engine.compliance.declarations import declared_parameters
from engine.compliance.parameter_models import ParameterSetting
from engine.compliance.parameter_operations import may_decide, version_of
from engine.compliance.parameter_store import all_settings
from engine.compliance.parameters import (
    Parameter,
    ParameterValue,
    ParameterView,
    Setting,
    Value,
    ancestry_of,
)
from engine.compliance.regulation_store import current_regulations
from engine.compliance.regulations import Article, Edition, Regulation
from engine.compliance.uses import uses_in_force
from engine.definitions.models import ProcessVersion
from engine.directory import organisations
from engine.directory.actors import Actor
from engine.directory.models import Organisation, Person
from engine.directory.policy import Action, decide, visible_organisations
from engine.errors import N_, NotFound, Translatable

ALL_BELOW = 200
"""Most organisations offered to go on to from one above them."""


@dataclass(frozen=True)
class Line:
    """A parameter with what counts for an organisation today."""

    parameter: Parameter
    value: ParameterValue


@dataclass(frozen=True)
class OnPath:
    """An organisation on the way up, with the value that it has set, if it has."""

    organisation_id: int
    name: str
    setting: Setting | None
    counts: bool


@dataclass(frozen=True)
class Past:
    """A value as the history shows it."""

    id: int
    organisation_id: int
    organisation_name: str
    value: Value
    since: date
    until: date | None
    reason: str
    set_by: str
    set_at: datetime
    ended_by: str | None
    ended_at: datetime | None
    end_reason: str

    @property
    def never_held(self) -> bool:
        """Tell whether another value took its place before it held."""
        return self.until is not None and self.until < self.since


@dataclass(frozen=True)
class Detail:
    """All there is to say about a parameter at an organisation."""

    parameter: Parameter
    value: ParameterValue
    organisation: Organisation
    path: tuple[OnPath, ...]
    """From the organisation upwards."""
    history: tuple[Past, ...]
    articles: tuple[tuple[Regulation, Edition, Article], ...]
    """The articles that leave open what it decides."""
    refusal: Translatable | None
    """Why the actor may not set it here; None when he may."""
    version: int

    def open_settings(self, day: date) -> list[Past]:
        """Return this organisation's own values that hold on ``day`` or later."""
        return [
            past
            for past in self.history
            if past.organisation_id == self.organisation.id
            and not past.never_held
            and (past.until is None or past.until > day)
        ]


@dataclass(frozen=True)
class Around:
    """The organisations that the actor may go on to from one: those above, and those below."""

    above: tuple[tuple[int, str], ...]
    below: tuple[tuple[int, str], ...]


def place_seen(session: Session, actor: Actor, organisation_id: int | None) -> Organisation:
    """Return an organisation that the actor may see; by default where he holds his first post.

    Raises NotFound.
    """
    if organisation_id is None:
        own = actor.posts[0].organisation_id if actor.posts else actor.organisation_id
        if own is None:
            raise NotFound(N_("您没有所属的党组织。"))
        return organisations.get_organisation(session, own)
    found = session.scalars(
        select(Organisation).where(Organisation.id == organisation_id, visible_organisations(actor))
    ).one_or_none()
    if found is None:
        raise NotFound
    return found


def around(session: Session, actor: Actor, place: Organisation, day: date) -> Around:
    """Return where the actor can look next."""
    seen = visible_organisations(actor)
    above = session.execute(
        select(Organisation.id, Organisation.name)
        .where(Organisation.id.in_(ancestry_of(place.path)[1:]), seen)
        .order_by(func.length(Organisation.path))
    )
    below = session.execute(
        select(Organisation.id, Organisation.name)
        .where(Organisation.parent_id == place.id, organisations.exists_on(day), seen)
        .order_by(Organisation.code)
        .limit(ALL_BELOW)
    )
    return Around(
        tuple((row.id, row.name) for row in above), tuple((row.id, row.name) for row in below)
    )


def procedure_titles(session: Session) -> dict[str, str]:
    """Return the titles of the procedures in use, by key."""
    rows = session.execute(
        select(ProcessVersion.key, ProcessVersion.title).where(ProcessVersion.active)
    )
    return {row.key: row.title for row in rows}


def parameter_lines(session: Session, place: Organisation, day: date) -> list[Line]:
    """Return every parameter with what counts for an organisation on ``day``."""
    declared = declared_parameters(session)
    view = ParameterView(declared, all_settings(session), ancestry_of(place.path))
    return [Line(parameter, view.value(key, day)) for key, parameter in declared.items()]


def parameter_detail(
    session: Session, actor: Actor, place: Organisation, key: str, day: date
) -> Detail:
    """Return one parameter at an organisation. Raises NotFound for an unknown one."""
    declared = declared_parameters(session)
    parameter = declared.get(key)
    if parameter is None:
        raise NotFound(N_("没有这个参数，或者使用它的流程没有部署。"))
    ancestry = ancestry_of(place.path)
    settings = all_settings(session)
    value = ParameterView(declared, settings, ancestry).value(key, day)
    rows = session.execute(
        select(Organisation.id, Organisation.name).where(Organisation.id.in_(ancestry))
    )
    names = {row.id: row.name for row in rows}
    path = []
    for id in ancestry:
        holding = (s for s in settings.get((key, id), ()) if s.holds_on(day))
        path.append(OnPath(id, names[id], next(holding, None), counts=id == value.organisation_id))
    return Detail(
        parameter=parameter,
        value=value,
        organisation=place,
        path=tuple(path),
        history=tuple(history(session, key, ancestry)),
        articles=tuple(_articles(session, parameter)),
        refusal=_refusal(session, actor, parameter, place, day),
        version=version_of(session, key, place.id),
    )


def history(session: Session, key: str, organisation_ids: tuple[int, ...]) -> list[Past]:
    """Return all values that these organisations ever set, the latest first."""
    ender = aliased(Person)
    rows = session.execute(
        select(
            ParameterSetting.id,
            ParameterSetting.organisation_id,
            Organisation.name,
            ParameterSetting.value,
            ParameterSetting.since,
            ParameterSetting.until,
            ParameterSetting.reason,
            Person.name,
            ParameterSetting.set_at,
            ender.name,
            ParameterSetting.ended_at,
            ParameterSetting.end_reason,
        )
        .join(Organisation, Organisation.id == ParameterSetting.organisation_id)
        .join(Person, Person.id == ParameterSetting.set_by)
        .outerjoin(ender, ender.id == ParameterSetting.ended_by)
        .where(ParameterSetting.key == key, ParameterSetting.organisation_id.in_(organisation_ids))
        .order_by(ParameterSetting.id.desc())
    )
    return [Past(*row) for row in rows]


def _articles(
    session: Session, parameter: Parameter
) -> Iterator[tuple[Regulation, Edition, Article]]:
    """Yield the articles that name a parameter, or whose rules ask for it."""
    uses = uses_in_force(session)
    for regulation in current_regulations(session):
        for edition in regulation.editions:
            for article in edition.articles.values():
                named = parameter.process is None and parameter.name in article.parameters
                resting = uses.get((regulation.id, edition.id, article.number), ())
                if named or any(parameter.key in use.parameters for use in resting):
                    yield regulation, edition, article


def _refusal(
    session: Session, actor: Actor, parameter: Parameter, place: Organisation, day: date
) -> Translatable | None:
    decision = decide(actor, Action.SET_PARAMETERS, organisations.view(place))
    if not decision.allowed:
        return decision.reason
    if not may_decide(session, parameter, place, day):
        return Translatable(
            N_("可以另行设置的级别：%(level)s。"), {"level": Translatable(parameter.level.label)}
        )
    return None
