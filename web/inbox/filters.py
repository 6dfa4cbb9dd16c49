"""What the address of the inbox says: which bucket, narrowed to what, in which order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import request

from engine.runtime.queries.worklist import Filters, Sort
from engine.runtime.views import Bucket


@dataclass(frozen=True)
class Wanted:
    """The list that was asked for."""

    bucket: Bucket
    filters: Filters
    sort: Sort
    cursor: str | None

    @property
    def active(self) -> bool:
        """Tell whether the list is narrowed."""
        return self.filters != Filters()


def wanted() -> Wanted:
    """Read the address; what it says wrongly counts as not said."""
    arguments = request.args
    bucket, sort = arguments.get("bucket", ""), arguments.get("sort", "")
    return Wanted(
        bucket=Bucket(bucket) if bucket in list(Bucket) else Bucket.TODO,
        filters=Filters(
            process=arguments.get("process") or None,
            organisation_id=_number(arguments.get("organisation", "")),
            text_wanted=arguments.get("text", "").strip() or None,
        ),
        sort=Sort(sort) if sort in list(Sort) else Sort.DUE,
        cursor=arguments.get("cursor") or None,
    )


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else None


def query(arguments: Any, **changes: Any) -> str:
    """Return the query string of a page with some arguments changed; None takes one out."""
    kept = {k: v for k, v in arguments.items() if v} | changes
    return urlencode({k: v for k, v in kept.items() if v is not None})
