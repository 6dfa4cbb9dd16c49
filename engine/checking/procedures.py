"""Procedures of the installation, read from their folders: no database is asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.checking.problems import FileWrong, Wrong
from engine.checking.tables import hint
from engine.compliance.reading import rule_book
from engine.compliance.regulation_reading import FOLDER, load_regulation_folder
from engine.compliance.rules import RuleBook
from engine.definitions.package import is_component, load_folder
from engine.definitions.versions import Definition, build_definition
from engine.errors import N_, Sentence

_built: Final[dict[str, Definition]] = {}


@dataclass(frozen=True)
class Procedure:
    """What a matter is judged by."""

    definition: Definition
    book: RuleBook


def load_procedure(processes: Path, key: str) -> Procedure:
    """Return a procedure of the installation. Raises FileWrong when there is none of the name."""
    folders = (path.parent for path in processes.glob("*/process.toml"))
    known = sorted(folder.name for folder in folders if not is_component(folder))
    if key not in known:
        near = hint(key, known) or Sentence(N_("，已有：%(known)s"), known=tuple(known))
        what = Sentence(N_("没有“%(word)s”这个流程%(near)s。"), word=key, near=near)
        raise FileWrong([Wrong("procedure", what)])
    package = load_folder(processes / key)
    regulations = load_regulation_folder(processes / FOLDER)
    if package.sha256 not in _built:
        _built.clear()  # one is enough: it saves building again when many files are checked
        _built[package.sha256] = build_definition(package)
    return Procedure(_built[package.sha256], rule_book(package, regulations))
