"""Check the sheet of organisations: codes, the tree, terms, and the right to each."""

from __future__ import annotations

from typing import Any

from engine.directory.codes import OrganisationKind
from engine.directory.imports.columns import ORGANISATIONS, Row
from engine.directory.imports.known import ORGANISATION_FIELDS, Place
from engine.directory.imports.plan import Check, Item, differences
from engine.directory.policy import Action
from engine.directory.things import OrganisationView
from engine.errors import N_


def check_organisations(check: Check) -> None:
    """Plan every organisation of the workbook, parents before children."""
    rows = check.unique(ORGANISATIONS, check.book.of(ORGANISATIONS))
    check.places = {row.get("code"): row for row in rows}
    planned = [(_depth(check, row), row) for row in rows if _tree_holds(check, row)]
    for _, row in sorted(planned, key=lambda pair: pair[0]):
        _check(check, row)


def _tree_holds(check: Check, row: Row) -> bool:
    """Say whether the row's place in the tree is possible."""
    code, parent = row.get("code"), row.get("parent")
    place = check.directory.places.get(code)
    if parent is None:
        if place is not None:
            return True
        tops = [r.get("code") for r in check.places.values() if r.get("parent") is None]
        first = check.directory.empty and check.actor is None and tops[:1] == [code]
        if not first:
            check.wrong(
                ORGANISATIONS,
                row,
                "parent",
                N_("没有填写上级编码；整个系统只有一个最上级党组织。"),
                N_("请填写上级党组织的编码。"),
            )
        return first
    if not check.place_exists(ORGANISATIONS, row, "parent"):
        return False
    if check.place_kind(parent) is OrganisationKind.GROUP:
        check.wrong(
            ORGANISATIONS,
            row,
            "parent",
            N_("党小组下面不能再设党组织。"),
            N_("请改为党支部或上级党组织的编码。"),
        )
        return False
    seen = {code}
    above: str | None = parent
    while above is not None:
        if above in seen:
            check.wrong(
                ORGANISATIONS,
                row,
                "parent",
                N_("上级党组织不能是自身或自己的下级。"),
                N_("请核对上级编码。"),
            )
            return False
        seen.add(above)
        above = check.parent_code(above)
    return True


def _depth(check: Check, row: Row) -> int:
    depth = 0
    above = check.parent_code(row.get("code"))
    while above is not None:
        depth += 1
        above = check.parent_code(above)
    return depth


def _check(check: Check, row: Row) -> None:
    code = row.get("code")
    place = check.directory.places.get(code)
    # The right comes first: nobody learns from a mistake what stands elsewhere in the directory.
    if not check.allowed(
        ORGANISATIONS, row, "code", Action.MANAGE_ORGANISATION, check.place_view(code)
    ):
        return
    now: dict[str, Any] = {} if place is None else place.values
    start = row.get("term_start") or now.get("term_start")
    end = row.get("term_end") or now.get("term_end")
    if start is not None and end is not None and end < start:
        check.wrong(
            ORGANISATIONS,
            row,
            "term_end" if row.get("term_end") else "term_start",
            N_("届满日期早于起始日期。"),
            N_("请核对本届的起止日期。"),
        )
        return
    if place is None:
        values = dict(row.values)
        check.keep(
            ORGANISATIONS, Item(ORGANISATIONS.name, row.number, code, _name(row), None, values)
        )
        return
    if row.get("kind") is not None and row.get("kind") is not place.kind:
        check.wrong(
            ORGANISATIONS,
            row,
            "kind",
            N_("类别与系统中已登记的不同，不能靠导入改动。"),
            N_("请改回原来的类别；确已改设的，请新建一个党组织。"),
        )
        return
    values, before = differences(row, now, ORGANISATION_FIELDS)
    if not _moves(check, row, place, values, before):
        return
    check.keep(
        ORGANISATIONS,
        Item(ORGANISATIONS.name, row.number, code, _name(row), place.id, values, before),
    )


def _moves(
    check: Check, row: Row, place: Place, values: dict[str, Any], before: dict[str, Any]
) -> bool:
    """Add a change of parent to the values; return False when the actor may not make it."""
    parent = row.get("parent")
    above = check.directory.place(place.parent_id)
    if parent is None or (above is not None and parent == above.code):
        return True
    target: OrganisationView = check.place_view(parent)
    if not check.allowed(ORGANISATIONS, row, "parent", Action.MANAGE_ORGANISATION, target):
        return False
    values["parent"] = parent
    before["parent"] = None if above is None else above.code
    return True


def _name(row: Row) -> str:
    return str(row.get("name") or row.get("code"))
