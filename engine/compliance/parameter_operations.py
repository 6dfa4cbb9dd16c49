"""Set and end the values of parameters. Each change has a reason, and stays in the ledger."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.compliance.again import judge_again
from engine.compliance.declarations import declared_parameters
from engine.compliance.parameter_models import ParameterSetting
from engine.compliance.parameter_store import CHAIN, forget_settings
from engine.compliance.parameters import Level, Parameter, Value
from engine.database import after_commit, unit_of_work
from engine.directory import organisations
from engine.directory.actors import Actor
from engine.directory.models import Organisation
from engine.directory.policy import Action, require
from engine.errors import N_, Conflict, InvalidInput, NotAllowed, NotFound
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind
from engine.ledger.operations import append, find_command

MAX_REASON = 2_000
"""Longest reason, in characters."""


class StaleParameter(Conflict):
    """Somebody else changed the same parameter of the same organisation in between."""

    code = "stale_parameter"
    default = N_("该参数刚刚被他人变更，本次操作没有生效，请查看最新情况后再设置。")


def set_parameter(
    clock: Clock,
    actor: Actor,
    *,
    organisation_id: int,
    key: str,
    value: Value,
    since: date,
    until: date | None = None,
    reason: str,
    version: int | None = None,
    command_id: UUID | None = None,
) -> None:
    """Let ``value`` count for an organisation and all below it from ``since`` on.

    With ``until`` it counts for a while, and afterwards what counted before; without, it takes the
    place of the value that the organisation had. ``version`` is what :func:`version_of` said when
    the person looked; ``command_id`` makes repeating harmless. Raises NotFound, NotAllowed,
    InvalidInput, StaleParameter; nothing is changed then.
    """
    with unit_of_work() as session:
        _lock(session)
        if _done(session, command_id, actor):
            return
        place = organisations.get_organisation(session, organisation_id)
        decision = require(actor, Action.SET_PARAMETERS, organisations.view(place))
        parameter = _declared(session, key)
        _at_level(session, parameter, place, clock.today())
        _unchanged(session, key, organisation_id, version)
        value = parameter.check(value)
        reason = _given(reason)
        if until is not None and until < since:
            raise InvalidInput({"until": [N_("截止日期不能早于生效日期。")]})
        held = _held(session, key, organisation_id)
        if any(r.since > since and (until is None or r.since <= until) for r in held):
            raise InvalidInput(
                {"since": [N_("该组织已设有在此之后生效的值，请先结束它，或者填写截止日期。")]}
            )
        replaced = []
        for row in held if until is None else ():
            if row.until is None or row.until >= since:
                row.until = since - timedelta(days=1)
                replaced.append(row.id)
        made = ParameterSetting(
            key=key,
            organisation_id=organisation_id,
            value=value,
            since=since,
            until=until,
            reason=reason,
            set_by=actor.person_id,
            set_at=clock.now(),
        )
        session.add(made)
        session.flush()
        payload = {
            "set": made.id,
            "parameter": key,
            "organisation": organisation_id,
            "value": value,
            "since": since.isoformat(),
            "until": None if until is None else until.isoformat(),
            "replaces": replaced,
            "reason": reason,
        }
        if decision.post is not None:
            payload["post"] = decision.post.key
        _record(session, clock, actor, payload, command_id, decision.on_behalf_of)


def end_parameter(
    clock: Clock,
    actor: Actor,
    *,
    setting_id: int,
    until: date,
    reason: str,
    version: int | None = None,
    command_id: UUID | None = None,
) -> None:
    """Let a value count for the last time on ``until``; then counts what is set above, or the
    default.

    The day before it begins withdraws it. Raises as :func:`set_parameter`, and Conflict when it
    has ended before.
    """
    with unit_of_work() as session:
        _lock(session)
        if _done(session, command_id, actor):
            return
        found = session.get(ParameterSetting, setting_id, populate_existing=True)
        if found is None:
            raise NotFound(N_("没有这项设置。"))
        place = organisations.get_organisation(session, found.organisation_id)
        decision = require(actor, Action.SET_PARAMETERS, organisations.view(place))
        _unchanged(session, found.key, found.organisation_id, version)
        reason = _given(reason)
        if until < found.since - timedelta(days=1):
            raise InvalidInput({"until": [N_("截止日期不能早于生效日期的前一天。")]})
        if found.until is not None and found.until <= until:
            raise Conflict(N_("这项设置在该日期之前已经结束。"))
        found.until = until
        found.ended_by = actor.person_id
        found.ended_at = clock.now()
        found.end_reason = reason
        session.flush()
        payload = {
            "end": setting_id,
            "parameter": found.key,
            "organisation": found.organisation_id,
            "until": until.isoformat(),
            "reason": reason,
        }
        if decision.post is not None:
            payload["post"] = decision.post.key
        _record(session, clock, actor, payload, command_id, decision.on_behalf_of)


def version_of(session: Session, key: str, organisation_id: int) -> int:
    """Return a number that changes with every change of a parameter at an organisation."""
    return session.execute(
        select(func.count(ParameterSetting.id) + func.count(ParameterSetting.ended_at)).where(
            ParameterSetting.key == key, ParameterSetting.organisation_id == organisation_id
        )
    ).scalar_one()


def may_decide(session: Session, parameter: Parameter, place: Organisation, day: date) -> bool:
    """Tell whether an organisation is at the level that may decide a parameter."""
    if parameter.level is Level.NONE:
        return False
    if parameter.level is Level.APPROVING and place.can_approve_members:
        return True
    below = (
        select(Organisation.id)
        .where(
            Organisation.path.like(f"{place.path}%"),
            Organisation.id != place.id,
            Organisation.can_approve_members,
            organisations.exists_on(day),
        )
        .limit(1)
    )
    return session.execute(below).scalar_one_or_none() is not None


def _declared(session: Session, key: str) -> Parameter:
    parameter = declared_parameters(session).get(key)
    if parameter is None:
        raise NotFound(N_("没有这个参数，或者使用它的流程没有部署。"))
    return parameter


def _at_level(session: Session, parameter: Parameter, place: Organisation, day: date) -> None:
    if may_decide(session, parameter, place, day):
        return
    if parameter.level is Level.NONE:
        raise NotAllowed(N_("该参数全国统一，不能另行设置。"))
    if parameter.level is Level.COUNTY:
        raise NotAllowed(N_("该参数只能由县级党委及以上设置。"))
    raise NotAllowed(N_("该参数只能由有审批权限的党委及以上设置。"))


def _held(session: Session, key: str, organisation_id: int) -> list[ParameterSetting]:
    """Return the values that hold on some day."""
    return list(
        session.scalars(
            select(ParameterSetting)
            .where(
                ParameterSetting.key == key,
                ParameterSetting.organisation_id == organisation_id,
                or_(
                    ParameterSetting.until.is_(None),
                    ParameterSetting.until >= ParameterSetting.since,
                ),
            )
            .execution_options(populate_existing=True)
        )
    )


def _unchanged(session: Session, key: str, organisation_id: int, version: int | None) -> None:
    if version is not None and version != version_of(session, key, organisation_id):
        raise StaleParameter


def _lock(session: Session) -> None:
    # Changes are rare: one after the other keeps what somebody saw and what he changes together,
    # and lets a command that is sent twice at once find that it was carried out.
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(CHAIN, 0))))


def _done(session: Session, command_id: UUID | None, actor: Actor) -> bool:
    return command_id is not None and find_command(session, command_id, actor.person_id) is not None


def _given(reason: str) -> str:
    reason = reason.strip()
    if not reason:
        raise InvalidInput({"reason": [N_("请写明理由和依据的文件。")]})
    if len(reason) > MAX_REASON:
        raise InvalidInput({"reason": [N_("理由过长，请压缩到两千字以内。")]})
    return reason


def _record(
    session: Session,
    clock: Clock,
    actor: Actor,
    payload: dict[str, Any],
    command_id: UUID | None,
    on_behalf_of: int | None,
) -> None:
    event = Event(
        EntryKind.PARAMETER,
        actor_id=actor.person_id,
        on_behalf_of=on_behalf_of,
        command_id=command_id,
        payload=payload,
    )
    append(session, CHAIN, event, clock)
    judge_again(session, payload["organisation"])
    after_commit(session, forget_settings)
