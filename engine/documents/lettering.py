"""Break Chinese text into lines by estimated width, where no font can be asked."""

from __future__ import annotations

import unicodedata
from typing import Final

FONT_SIZE: Final = 12

_NOT_FIRST: Final = "，。；：、！？）》」』”’%…"
"""Never at the beginning of a line (避头尾)."""


def width_of(text: str, size: float = FONT_SIZE) -> float:
    """Return about how wide ``text`` is: a Chinese character is a square, a Latin one half."""
    wide = sum(1 for c in text if unicodedata.east_asian_width(c) in "WF")
    return size * (wide + (len(text) - wide) * 0.56)


def lines_of(text: str, width: float, size: float = FONT_SIZE) -> list[str]:
    """Return ``text`` in lines of at most ``width``; Latin words and numbers stay whole."""
    lines = [""]
    for piece in _pieces(text):
        fits = width_of(lines[-1] + piece, size) <= width
        if fits or not lines[-1] or piece in _NOT_FIRST:
            lines[-1] += piece
        else:
            lines.append(piece.lstrip())
    return [line.strip() for line in lines if line.strip()]


def _pieces(text: str) -> list[str]:
    pieces: list[str] = []
    for character in " ".join(text.split()):
        latin = character.isascii() and not character.isspace()
        if latin and pieces and pieces[-1][-1].isascii() and not pieces[-1][-1].isspace():
            pieces[-1] += character
        else:
            pieces.append(character)
    return pieces
