"""Check the sheet of people: who is meant, what is known of him, and what would change."""

from __future__ import annotations

from datetime import date
from typing import Any

from engine.directory.codes import OrganisationKind
from engine.directory.imports.check_timeline import existing_points, first_points
from engine.directory.imports.columns import PEOPLE, STATUS_COLUMNS, Row
from engine.directory.imports.known import PERSON_FIELDS, UNNUMBERED, Known
from engine.directory.imports.plan import Check, Item, differences
from engine.directory.people import identity_number_ok
from engine.directory.policy import Action
from engine.errors import N_
from engine.errors import Translatable as T


def check_people(check: Check) -> None:
    """Plan every person of the workbook."""
    rows = check.unique(PEOPLE, check.book.of(PEOPLE))
    check.known_people = dict(check.directory.people)
    check.people = {row.get("code"): row for row in rows}
    identities: dict[str, int] = {}
    for row in rows:
        known = _who(check, row, identities)
        if known is not None:
            check.known_people[row.get("code")] = known
        elif row.get("code")[:1] == UNNUMBERED:
            check.wrong(
                PEOPLE,
                row,
                "code",
                N_("“#”开头的是系统编号，没有这样一个还没有编号的人。"),
                N_("新人员请填写本单位的编号。"),
            )
            continue
        if _right(check, row, known) and _sound(check, row, known):
            _plan(check, row, known)


def _who(check: Check, row: Row, identities: dict[str, int]) -> Known | None:
    """Return the person of the directory whom a row means."""
    known = check.directory.people.get(row.get("code"))
    identity = row.get("identity_number")
    if identity is None:
        return known
    identity = identity.upper()
    if identity in identities:
        check.wrong(
            PEOPLE,
            row,
            "identity_number",
            T(N_("与第 %(row)s 行的身份号码相同。"), {"row": identities[identity]}),
            N_("一个人只能有一行，请核对。"),
        )
    identities[identity] = row.number
    same = check.directory.by_identity.get(identity)
    if same is None or same is known:
        return known
    if known is None and same.code is None:
        return same  # known without a number of his own: from now on he has this one
    check.wrong(
        PEOPLE,
        row,
        "identity_number",
        N_("系统中另有一人使用这个身份号码。"),
        N_("请核对人员编号和身份号码；同一人须用原来的编号。"),
    )
    return known


def _right(check: Check, row: Row, known: Known | None) -> bool:
    # The right comes first: nobody learns from a mistake what stands elsewhere in the directory.
    if not check.place_exists(PEOPLE, row, "organisation"):
        return False
    if known is not None and not check.allowed(
        PEOPLE, row, "code", Action.MANAGE_PERSON, check.person_view(row.get("code"))
    ):
        return False
    view = check.place_view(row.get("organisation"))
    return check.allowed(PEOPLE, row, "organisation", Action.MANAGE_PERSON, view)


def _sound(check: Check, row: Row, known: Known | None) -> bool:
    """Say whether the row fits together, whatever the directory says."""
    count = len(check.mistakes)
    identity = row.get("identity_number")
    birth = row.get("birth_date") or (known.values["birth_date"] if known else None)
    if identity is not None and not identity_number_ok(identity):
        check.wrong(
            PEOPLE,
            row,
            "identity_number",
            N_("公民身份号码有误。"),
            N_("请核对：应为 18 位，末位校验码须相符。"),
        )
    elif identity is not None and birth and identity[6:14] != birth.strftime("%Y%m%d"):
        check.wrong(
            PEOPLE,
            row,
            "birth_date" if row.get("birth_date") else "identity_number",
            N_("出生日期与公民身份号码不一致。"),
            N_("请核对两项。"),
        )
    if check.place_kind(row.get("organisation")) is OrganisationKind.GROUP:
        check.wrong(
            PEOPLE,
            row,
            "organisation",
            N_("这是党小组的编码。"),
            N_("这里请填党支部的编码，党小组填在“党小组编码”。"),
        )
    _check_group(check, row)
    _check_days(check, row, birth)
    return len(check.mistakes) == count


def _check_group(check: Check, row: Row) -> None:
    group = row.get("group")
    if group is None or not check.place_exists(PEOPLE, row, "group"):
        return
    fits = check.place_kind(group) is OrganisationKind.GROUP
    if not fits or check.parent_code(group) != row.get("organisation"):
        check.wrong(
            PEOPLE,
            row,
            "group",
            N_("这不是所在党组织下的党小组。"),
            N_("请核对党小组编码，没有分组的请留空。"),
        )


def _check_days(check: Check, row: Row, birth: date | None) -> None:
    before: tuple[str, date] | None = None if birth is None else ("birth_date", birth)
    for key in STATUS_COLUMNS:
        day = row.get(key)
        if day is None:
            continue
        if before is not None and day <= before[1]:
            check.wrong(
                PEOPLE,
                row,
                key,
                T(N_("应晚于“%(before)s”。"), {"before": PEOPLE.column(before[0]).heading}),
                N_("请核对两个日期。"),
            )
        before = (key, day)
    for key in ("birth_date", "arrived_on", *STATUS_COLUMNS):
        if row.get(key) is not None and row.get(key) > check.today:
            check.wrong(PEOPLE, row, key, N_("日期晚于今天。"), N_("请填写已经发生的日期。"))


def _plan(check: Check, row: Row, known: Known | None) -> None:
    code = row.get("code")
    name = str(row.get("name") or code)
    if known is None:
        keys = (*PERSON_FIELDS, "organisation", "group")
        values = {k: row.get(k) for k in keys if row.get(k) is not None}
        if identity := values.get("identity_number"):
            values["identity_number"] = identity.upper()
        check.keep(
            PEOPLE,
            Item(PEOPLE.name, row.number, code, name, None, values, points=first_points(row)),
        )
        return
    values, before = _changes(check, row, known)
    points = existing_points(check, row, known)
    if points is None:
        return
    view = check.person_view(code)
    if points and not check.allowed(PEOPLE, row, "code", Action.CORRECT_STATUS, view):
        return
    check.keep(PEOPLE, Item(PEOPLE.name, row.number, code, name, known.id, values, before, points))


def _changes(check: Check, row: Row, known: Known) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what changes of a person besides his timeline."""
    values, before = differences(row, known.values, PERSON_FIELDS)
    identity = values.get("identity_number")
    if identity is not None:
        values["identity_number"] = identity.upper()
        if identity.upper() == (known.values["identity_number"] or "").upper():
            del values["identity_number"], before["identity_number"]
    code = row.get("code")
    if known.code is None and code != known.key:
        values["code"], before["code"] = code, None
    home, group = (
        check.directory.place(known.organisation_id),
        check.directory.place(known.group_id),
    )
    if home is None or home.code != row.get("organisation"):
        values["organisation"] = row.get("organisation")
        before["organisation"] = None if home is None else home.code
    wanted = row.get("group")
    if wanted is not None and (group is None or group.code != wanted):
        values["group"], before["group"] = wanted, None if group is None else group.code
    return values, before
