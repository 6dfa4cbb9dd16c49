"""Check a person's days: which points of the timeline a row adds.

A day once recorded stays: procedures and rolls were worked out from it. A row may only add to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from engine.directory.codes import MembershipStatus as Status
from engine.directory.imports.columns import PEOPLE, STATUS_COLUMNS, Row
from engine.directory.imports.known import Known, Point
from engine.directory.imports.plan import Check, NewPoint
from engine.errors import N_
from engine.errors import Translatable as T

_ORDER: Final = {status: place for place, status in enumerate(Status)}
_ENDS: Final = (Status.NONE, Status.LEFT)
"""After these a person may begin again."""


def _given(row: Row) -> Iterator[tuple[str, Status, date]]:
    for key, status in STATUS_COLUMNS.items():
        if (day := row.get(key)) is not None:
            yield key, status, day


def first_points(row: Row) -> tuple[NewPoint, ...]:
    """Return the timeline of a new person.

    Before he came to his present organisation he was a member elsewhere: no roll here has him.
    Somebody without any day has no timeline, and so is 群众.
    """
    home, arrived = row.get("organisation"), row.get("arrived_on")
    points = [
        NewPoint(status, day, home if arrived is None or day >= arrived else None)
        for _, status, day in _given(row)
    ]
    if arrived is not None:
        earlier = [point for point in points if point.since < arrived]
        if earlier and all(point.since != arrived for point in points):
            points.insert(len(earlier), NewPoint(earlier[-1].status, arrived, home))
    return tuple(points)


def existing_points(check: Check, row: Row, known: Known) -> tuple[NewPoint, ...] | None:
    """Return what a row adds to the timeline of somebody known; None after a mistake."""
    arrived = _arrival(check, row, known)
    if arrived is False:
        return None
    home = row.get("organisation")
    present = check.directory.place(known.organisation_id)
    added: list[NewPoint] = []
    for key, status, day in _given(row):
        if any(point.status is status and point.since == day for point in known.points):
            continue
        problem = _clash(known.points, status, day)
        if problem is not None:
            check.wrong(PEOPLE, row, key, problem, N_("已登记的身份日期不能靠导入改动，请核对。"))
            return None
        stays = isinstance(arrived, date) and day < arrived and present is not None
        added.append(NewPoint(status, day, present.code if stays and present else home))
    if isinstance(arrived, date) and all(point.since != arrived for point in added):
        status = _status_on(known.points, added, arrived)
        added.append(NewPoint(status, arrived, home))
    return tuple(sorted(added, key=lambda point: (point.since, _ORDER[point.status])))


def _arrival(check: Check, row: Row, known: Known) -> date | bool | None:
    """Return the day of a change of organisation, None if there is none, False after a mistake."""
    present = check.directory.place(known.organisation_id)
    arrived: date | None = row.get("arrived_on")
    if not known.points or (present is not None and present.code == row.get("organisation")):
        return None
    latest = known.points[-1].since
    if arrived is not None and arrived > latest:
        return arrived
    if arrived is None:
        wrong = T(N_("所在党组织与系统中已登记的不同，却没有填写转入日期。"))
    else:
        wrong = T(
            N_("转入日期须晚于系统中最近的身份记录（%(day)s）。"), {"day": latest.isoformat()}
        )
    check.wrong(
        PEOPLE,
        row,
        "arrived_on",
        wrong,
        N_("组织关系已转入的，请填写转入日期；没有转接的，请改回原来的党组织编码。"),
    )
    return False


def _clash(points: list[Point], status: Status, day: date) -> T | None:
    """Return why a point cannot be added, or None."""
    before = next((p for p in reversed(points) if p.since <= day), None)
    after = next((p for p in points if p.since > day), None)
    for point in points:
        if point.status is status and (point is before or point is after):
            return _already(point)
    if before is not None and before.status not in _ENDS and _ORDER[before.status] > _ORDER[status]:
        return _already(before)
    if after is not None and _ORDER[after.status] < _ORDER[status]:
        return _already(after)
    return None


def _already(point: Point) -> T:
    return T(
        N_("与系统中的身份记录冲突：%(day)s起为%(status)s。"),
        {"status": T(point.status.label), "day": point.since.isoformat()},
    )


def _status_on(points: list[Point], added: list[NewPoint], day: date) -> Status:
    """Return the status on a day, the new points included."""
    both = [(p.since, _ORDER[p.status], p.status) for p in points]
    both += [(p.since, _ORDER[p.status], p.status) for p in added]
    return max((point for point in both if point[0] <= day), default=(day, 0, Status.NONE))[2]
