"""The language of reports: the catalogue of the pages, read without them."""

from __future__ import annotations

from collections.abc import Callable
from gettext import GNUTranslations
from pathlib import Path
from typing import Final

import click

from engine.settings import ROOT

LANGUAGES: Final = ("zh", "en")
"""The first is the language of the source."""
CATALOGUE: Final = ROOT / "web" / "translations" / "en" / "LC_MESSAGES" / "messages.mo"


def translator(language: str, catalogue: Path = CATALOGUE) -> Callable[[str], str]:
    """Return what says a template in a language; what has no translation stays as it is."""
    if language == LANGUAGES[0]:
        return str
    try:
        with catalogue.open("rb") as handle:
            return GNUTranslations(handle).gettext
    except FileNotFoundError:
        raise click.ClickException(
            "没有英文词表，请先运行 python -m web.translations（make setup 会运行它）。"
        ) from None
