"""Pages of lists: an opaque cursor says where the next one begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from marshmallow import Schema, fields

from engine.errors import N_, InvalidInput
from web.api.fields import Shape, Text, Whole

DEFAULT_LIMIT: Final = 20
MAX_LIMIT: Final = 100


class PageQuery(Shape):
    """What every list takes."""

    limit = Whole(least=1, most=MAX_LIMIT, from_text=True, load_default=DEFAULT_LIMIT)
    cursor = Text(longest=100)


def page_of(item: type[Schema]) -> type[Schema]:
    """Return the schema of a page of items."""
    name = f"{item.__name__.removesuffix('Schema')}Page"
    made: type[Schema] = Shape.from_dict(
        {
            "items": fields.List(fields.Nested(item), required=True),
            "next_cursor": fields.String(required=True, allow_none=True),
        },
        name=name,
    )
    return made


def page(items: Sequence[Mapping[str, Any]], next_cursor: str | None) -> dict[str, Any]:
    """Return the body of a page."""
    return {"items": list(items), "next_cursor": next_cursor}


def after(cursor: str | None) -> int:
    """Return the id after which a page begins, 0 for the first. Raises InvalidInput."""
    if cursor is None:
        return 0
    if cursor.isascii() and cursor.isdigit() and len(cursor) <= 18:
        return int(cursor)
    raise InvalidInput({"cursor": [N_("翻页位置无效，请回到第一页。")]})
