"""English texts of the pages. Chinese is the language of the source; its strings are the keys."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = Path(__file__).resolve().parent / "en" / "LC_MESSAGES"
SOURCES: Final = {
    "engine": (
        "attachments/**.py",
        "audit/**.py",
        "ballots/**.py",
        "calendars/notices.py",
        "checking/**.py",
        "cli/checking.py",
        "compliance/broken.py",
        "compliance/evaluation.py",
        "compliance/findings.py",
        "compliance/items.py",
        "compliance/kinds/**.py",
        "compliance/parameter_operations.py",
        "compliance/parameter_queries.py",
        "compliance/parameters.py",
        "compliance/regulation_store.py",
        "compliance/regulations.py",
        "compliance/results.py",
        "definitions/differences.py",
        "definitions/operations.py",
        "directory/**.py",
        "documents/case_file.py",
        "duties/**.py",
        "documents/papers.py",
        "forms/ballot_fields.py",
        "forms/checking.py",
        "forms/codes.py",
        "forms/drafts.py",
        "forms/frozen_lists.py",
        "forms/html.py",
        "forms/item_lists.py",
        "forms/schema.py",
        "forms/values.py",
        "forms/votes.py",
        "forms/words.py",
        "ledger/kinds.py",
        "notifications/**.py",
        "rectification/**.py",
        "retention/**.py",
        "runtime/**.py",
        "errors.py",
        "health.py",
        "sealing.py",
    ),
    "web": ("**.py",),
}
"""Where people's words stand. Messages for authors of packages stay Chinese."""
KEYWORDS: Final = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}


def extracted() -> Catalog:
    """Return every message of the sources, without translations."""
    catalog = Catalog(charset="utf-8", fuzzy=False)
    for folder, patterns in SOURCES.items():
        methods = [(pattern, "python") for pattern in patterns]
        methods.append(("templates/**.html", "jinja2"))
        for _, _, message, _, _ in extract_from_dir(ROOT / folder, methods, keywords=KEYWORDS):
            catalog.add(message)
    return catalog


def english() -> Catalog:
    """Return the English texts."""
    with (FOLDER / "messages.po").open("rb") as handle:
        return read_po(handle, locale="en")


def update() -> list[str]:
    """Bring the messages up to date with the sources; return those without an English text."""
    catalog = english()
    made = catalog.creation_date
    catalog.update(extracted(), no_fuzzy_matching=True)
    catalog.creation_date = made  # or the file would change with every look
    catalog.obsolete.clear()
    catalog.msgid_bugs_address = catalog.last_translator = catalog.language_team = ""
    with (FOLDER / "messages.po").open("wb") as handle:
        write_po(handle, catalog, width=100, no_location=True, omit_header=False)
    return untranslated(catalog)


def untranslated(catalog: Catalog) -> list[str]:
    """Return the messages without an English text."""
    return [
        m.id if isinstance(m.id, str) else m.id[0]
        for m in catalog
        if m.id and not (m.string if isinstance(m.string, str) else any(m.string or ()))
    ]


def compile_texts() -> Path:
    """Write the file that pages read; it is made at setup and not kept in the repository."""
    target = FOLDER / "messages.mo"
    fresh = target.with_suffix(f".{os.getpid()}")
    with fresh.open("wb") as handle:
        write_mo(handle, english())
    fresh.replace(target)  # whoever reads it meanwhile sees the old file or the new one
    return target
