"""The little markup of explanatory texts: paragraphs, lists and **bold**. All else is text."""

from __future__ import annotations

import re
from typing import Final

from markupsafe import Markup, escape

_BOLD: Final = re.compile(r"\*\*(.+?)\*\*")
_BULLET: Final = re.compile(r"^\s*[-*]\s+")
_NUMBERED: Final = re.compile(r"^\s*\d+[.、]\s*")
_HEADING: Final = re.compile(r"^#{1,6}\s+")


def prose(text: str) -> Markup:
    """Return safe HTML. Whatever looks like HTML in ``text`` is shown as it was typed."""
    blocks = (block.strip("\n") for block in re.split(r"\n\s*\n", text.strip()))
    return Markup("\n").join(_block(block.split("\n")) for block in blocks if block)


def _inline(text: str) -> Markup:
    return Markup(_BOLD.sub(r"<strong>\1</strong>", str(escape(text))))  # noqa: S704 - escaped


def _block(lines: list[str]) -> Markup:
    for mark, tag in ((_BULLET, "ul"), (_NUMBERED, "ol")):
        if all(mark.match(line) for line in lines):
            items = Markup("").join(
                Markup("<li>{}</li>").format(_inline(mark.sub("", line))) for line in lines
            )
            return Markup("<{0}>{1}</{0}>").format(Markup(tag), items)  # noqa: S704 - a constant
    if len(lines) == 1 and _HEADING.match(lines[0]):
        return Markup("<h3>{}</h3>").format(_inline(_HEADING.sub("", lines[0])))
    return Markup("<p>{}</p>").format(Markup("<br>").join(_inline(line) for line in lines))
