"""Numbers in addresses and forms: only those that a row can have."""

from __future__ import annotations

from typing import Final

from werkzeug.routing import IntegerConverter, Map

LARGEST: Final = 2**63 - 1


class RowConverter(IntegerConverter):
    """What ``<int:…>`` stands for in an address: beyond the largest number nothing is found."""

    def __init__(self, url_map: Map, max: int = LARGEST) -> None:
        super().__init__(url_map, max=max)


def row_number(text: str) -> int:
    """Return the number a row may have. Raises ValueError, as whoever reads a form expects."""
    number = int(text)
    if abs(number) > LARGEST:
        raise ValueError("no row has this number")
    return number
