"""``/directory-imports``: the directory brought up to date from a workbook, for administrators."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

from flask import Response, request
from marshmallow import fields
from werkzeug.exceptions import UnsupportedMediaType

from engine.directory.importing import WrongRows, import_directory, plan_import, read_online
from engine.directory.imports.columns import SHEETS
from engine.directory.imports.plan import Plan
from engine.directory.imports.reading import LARGEST_FILE
from engine.directory.policy import Audience, audiences
from engine.errors import InvalidInput, NotAllowed
from web.api.auth import actor
from web.api.blueprint import Blueprint, answers, query, takes_file
from web.api.fields import Choice, Shape
from web.api.openapi import PREFIX
from web.api.replies import reply
from web.context import clock, reading

WORKBOOK: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MISTAKES_TOLD: Final = 200

blueprint = Blueprint(
    "api-directory-imports",
    __name__,
    url_prefix=f"{PREFIX}/directory-imports",
    description="Organisations, people, posts and accounts from a workbook. Administrators only.",
)


class Mode(StrEnum):
    """How far an import goes."""

    CHECK = "check"
    WRITE = "write"


class ImportQuery(Shape):
    """``mode=check`` writes nothing and says what would change."""

    mode = Choice(Mode, load_default=Mode.WRITE)


class SheetTallySchema(Shape):
    """How many rows of a sheet add, change, and say what is known already."""

    sheet = fields.String(required=True)
    new = fields.Integer(required=True)
    changed = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)


class NewLoginSchema(Shape):
    """An account that was opened, with the password that is told this once."""

    name = fields.String(required=True)
    login = fields.String(required=True)
    password = fields.String(required=True)


class ImportedSchema(Shape):
    """What an import has done, or would do."""

    written = fields.Boolean(required=True)
    sheets = fields.List(fields.Nested(SheetTallySchema), required=True)
    logins = fields.List(fields.Nested(NewLoginSchema), required=True)


@blueprint.post("", errors=(403, 409, 413, 415))
@takes_file(WORKBOOK)
@query(ImportQuery)
@answers(200, ImportedSchema)
def import_workbook(given: dict[str, Any]) -> Response:
    """Bring the directory up to date from a workbook

    All rows are checked first; with any mistake nothing is written, and ``fields`` names sheet, row
    and column. The same workbook again changes nothing.
    """
    if Audience.ADMIN not in audiences(actor()):
        raise NotAllowed
    request.max_content_length = LARGEST_FILE
    if request.mimetype != WORKBOOK:
        raise UnsupportedMediaType
    book = read_online(request.get_data(cache=False))
    try:
        plan = plan_import(reading(), clock(), actor(), book)
        if plan.mistakes:
            raise WrongRows(plan.mistakes)
        if given["mode"] == Mode.CHECK:
            return reply(_shape(plan, written=False))
        done = import_directory(clock(), actor(), book, plan)
    except WrongRows as refusal:
        raise _told(refusal) from None
    logins = [vars(login) for login in done.logins]
    return reply({**_shape(done.plan, written=True), "logins": logins})


def _told(refusal: WrongRows) -> InvalidInput:
    wrong: dict[str, list[str]] = {}
    for mistake in refusal.mistakes[:MISTAKES_TOLD]:
        wrong.setdefault(mistake.place, []).append(f"{mistake.wrong} {mistake.cure}")
    return InvalidInput(wrong, refusal.template, **refusal.params)


def _shape(plan: Plan, *, written: bool) -> dict[str, Any]:
    sheets = [{"sheet": sheet.name, **vars(plan.tally(sheet))} for sheet in SHEETS]
    return {"written": written, "sheets": sheets, "logins": []}
