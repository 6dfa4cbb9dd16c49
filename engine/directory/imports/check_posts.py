"""Check the sheets of posts and accounts."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import Any

from engine.directory.accounts import LOGIN, normal_login
from engine.directory.codes import PostKind
from engine.directory.imports.columns import ACCOUNTS, POSTS, Row
from engine.directory.imports.known import Held, Known
from engine.directory.imports.plan import Check, Item
from engine.directory.policy import Action
from engine.errors import N_
from engine.errors import Translatable as T

Span = tuple[date, date | None, int | None]


def check_posts(check: Check) -> None:
    """Plan every post of the workbook."""
    rows = check.unique(POSTS, check.book.of(POSTS))
    given = {_key(row) for row in rows}
    taken: defaultdict[tuple[str, str, str], list[Span]] = defaultdict(list)
    for code, person in check.known_people.items():
        for held in person.posts:
            place = check.directory.place(held.organisation_id)
            if place is None:
                continue
            key = (code, place.code, held.kind.value)
            if (*key, held.since) not in given:  # the row says until when, if it is in the workbook
                taken[key].append((held.since, held.until, None))
    for row in rows:
        if check.person_exists(POSTS, row) and check.place_exists(POSTS, row, "organisation"):
            _check_post(check, row, taken)


def _key(row: Row) -> tuple[str, str, str, date]:
    kind = row.get("kind")
    return (row.get("person"), row.get("organisation"), kind.value, row.get("since"))


def _check_post(
    check: Check, row: Row, taken: defaultdict[tuple[str, str, str], list[Span]]
) -> None:
    code, place_code = row.get("person"), row.get("organisation")
    known = check.known_people.get(code)
    since, until = row.get("since"), row.get("until")
    view = check.place_view(place_code)
    if not check.allowed(POSTS, row, "organisation", Action.MANAGE_POSTS, view):
        return
    place = check.directory.places.get(place_code)
    held = _held(known.posts, place.id, row) if known is not None and place is not None else None
    if until is None and held is not None:
        until = held.until
    if until is not None and until < since:
        check.wrong(POSTS, row, "until", N_("卸任日期早于任职日期。"), N_("请核对两个日期。"))
        return
    spans = taken[_key(row)[:3]]
    for start, end, number in spans:
        if (end is None or end >= since) and (until is None or until >= start):
            words = (
                T(N_("与第 %(row)s 行的同一职务时间重叠。"), {"row": number})
                if number is not None
                else T(N_("系统中此人已担任同一职务（%(day)s起）。"), {"day": start.isoformat()})
            )
            check.wrong(POSTS, row, "since", words, N_("请核对任职和卸任日期。"))
            return
    spans.append((since, until, row.number))
    values: dict[str, Any] = {}
    before: dict[str, Any] = {}
    if held is None:
        values = {**row.values}
    elif until != held.until:
        values, before = {"until": until}, {"until": held.until}
    if values and known is not None:
        about = check.place_view(place_code, known.id)
        if not check.allowed(POSTS, row, "person", Action.MANAGE_POSTS, about):
            return
    label = f"{_person_name(check, code)} {row.get('kind').label}"
    check.keep(
        POSTS,
        Item(POSTS.name, row.number, code, label, held.id if held else None, values, before),
    )


def _held(posts: list[Held], organisation_id: int, row: Row) -> Held | None:
    key = (organisation_id, row.get("kind"), row.get("since"))
    return next((p for p in posts if (p.organisation_id, p.kind, p.since) == key), None)


def check_accounts(check: Check) -> None:
    """Plan every account of the workbook."""
    logins: dict[str, int] = {}
    for row in check.unique(ACCOUNTS, check.book.of(ACCOUNTS)):
        if not check.person_exists(ACCOUNTS, row) or row.get("login") is None:
            continue
        code, login = row.get("person"), normal_login(row.get("login"))
        known = check.known_people.get(code)
        if not check.allowed(
            ACCOUNTS, row, "person", Action.MANAGE_ACCOUNTS, check.person_view(code)
        ):
            continue
        if known is not None and known.login is None and _held_elsewhere(check, known):
            check.wrong(
                ACCOUNTS,
                row,
                "person",
                N_("此人在您管理范围以外的党组织担任职务，其账号由上级党组织的管理员维护。"),
                N_("请删去此行，或请有权的管理员导入。"),
            )
            continue
        if problem := _login_problem(check, login, logins, known.id if known else None):
            check.wrong(ACCOUNTS, row, "login", *problem)
            continue
        logins[login] = row.number
        if known is not None and known.login is not None and known.login != login:
            check.wrong(
                ACCOUNTS,
                row,
                "login",
                N_("此人已有账号，用户名不同。"),
                N_("用户名不能靠导入改动，请改回原来的用户名或删去此行。"),
            )
            continue
        label = _person_name(check, code)
        has = known is not None and known.login is not None
        check.keep(
            ACCOUNTS,
            Item(
                ACCOUNTS.name,
                row.number,
                code,
                label,
                known.id if has and known else None,
                {} if has else {"login": login},
            ),
        )


def _held_elsewhere(check: Check, known: Known) -> bool:
    """Tell whether he holds a post whose rights would come with his password (see operations)."""
    if check.actor is None:
        return False
    kept = [p.path for p in check.actor.posts if p.kind is PostKind.ADMINISTRATOR]
    for post in known.posts:
        if post.since <= check.today and (post.until is None or check.today <= post.until):
            place = check.directory.place(post.organisation_id)
            if place is None or not place.path.startswith(tuple(kept)):
                return True
    return False


def _login_problem(
    check: Check, login: str, logins: dict[str, int], person_id: int | None
) -> tuple[T, T] | None:
    if not LOGIN.fullmatch(login):
        return (
            T(N_("用户名只能用 2 至 64 个字母、数字或 . _ - @。")),
            T(N_("请换一个用户名。")),
        )
    if login in logins:
        return (
            T(N_("与第 %(row)s 行的用户名相同。"), {"row": logins[login]}),
            T(N_("请换一个用户名。")),
        )
    owner = check.directory.logins.get(login)
    if owner is not None and owner != person_id:
        return T(N_("该用户名已被他人使用。")), T(N_("请换一个用户名。"))
    return None


def _person_name(check: Check, code: str) -> str:
    row, known = check.people.get(code), check.known_people.get(code)
    if row is not None and row.get("name"):
        return str(row.get("name"))
    return str(known.values["name"]) if known is not None else code
