"""Process packages as values: what ``process.toml`` and the files beside it say.

Reading is pure: files in, a frozen :class:`Package` out. Every mistake in the text itself becomes a
:class:`~engine.errors.Problem`; whether the parts fit together (elements, forms, lanes of the
diagram) is for ``engine.lint`` to judge. How a package uses others is told in
:mod:`engine.definitions.composition`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from engine.definitions.composition import (
    MANIFEST,
    SPAN,
    Composed,
    component_file,
    compose,
    locate,
    used_by,
)
from engine.definitions.duties import Duty
from engine.definitions.expected import Expected
from engine.definitions.indicators import Indicator
from engine.definitions.manifest import Constant
from engine.definitions.parts import (
    At,
    Basis,
    Document,
    Effect,
    Lane,
    MessageAction,
    Paper,
    Participant,
    Stage,
    Start,
    Step,
    Subject,
    Who,
)
from engine.definitions.reading import Report, did_you_mean, parse_toml
from engine.errors import PackageProblem, Problem, Severity

RULES = "rules.toml"
"""The file of a package, or of a component, that holds its rules and parameters."""
MAX_FILE = 5_000_000
"""Largest file of a package, in bytes."""
MAX_FILES = 400
"""Most files in a package."""


@dataclass(frozen=True, slots=True)
class Package:
    """A process package: everything its files say, and the files themselves."""

    key: str
    title: str
    title_en: str
    prefix: str
    version: str
    bpmn: str
    description: str
    subject: Subject
    start: Start
    stages: tuple[Stage, ...]
    lanes: Mapping[str, Lane]
    participants: Mapping[str, Participant]
    steps: Mapping[str, Step]
    """By BPMN element, in the order of process.toml."""
    effects: Mapping[str, tuple[Effect, ...]]
    """By the BPMN element after which they come, in the order of process.toml."""
    messages: Mapping[str, MessageAction]
    documents: tuple[Document, ...]
    papers: tuple[Paper, ...]
    forecast: Mapping[str, Expected]
    """By step: the favourable answers that a forecast supposes; empty: nothing is forecast."""
    duties: Mapping[str, Duty]
    """By id: what organisations owe in every period, in the order of process.toml."""
    indicators: Mapping[str, Indicator]
    """By id: figures counted from records, in the order of process.toml."""
    files: Mapping[str, bytes]
    """By path relative to the folder, ``/`` between the parts; those of components among them."""
    sha256: str
    lines: Mapping[str, int]
    """Line of process.toml by ``step:<element>``, ``lane:<id>``, ``effect:<n>`` …; for messages."""
    constants: Mapping[str, Constant]
    """Names with fixed values that expressions and forms may read."""
    component: bool
    """A piece that packages use; it is never started or deployed alone."""
    stored: Mapping[str, bytes]
    """What makes up a version: its own files, and its components' below ``uses/``."""
    composed: Composed
    """How it was put together."""

    @property
    def bpmn_files(self) -> dict[str, bytes]:
        """The BPMN files; the main one is called ``bpmn``."""
        return {name: data for name, data in self.files.items() if name.endswith(".bpmn")}

    def form_file(self, form: str) -> str:
        """Return the path of a form by the name that steps use."""
        return f"forms/{form}.form"

    def rule_files(self) -> tuple[tuple[str, bytes, int], ...]:
        """Return the files of rules: path, content, and from where their lines are counted.

        The package's own comes first, then those of its components.
        """
        found = [(RULES, self.stored[RULES], 0)] if RULES in self.stored else []
        for number, name in enumerate(self.composed.components, 1):
            path = component_file(name, RULES)
            if path in self.composed.sources:
                found.append((path, self.composed.sources[path], number * SPAN))
        return tuple(found)

    def own_file(self, path: str) -> bool:
        """Tell whether a file is the package's own and not taken over from a component."""
        return path not in self.composed.origins

    def locate(self, problem: Problem) -> Problem:
        """Return a problem with the file and line in which it is to be mended."""
        return locate(problem, self.composed, self.stored, self.bpmn)

    def all_effects(self) -> tuple[Effect, ...]:
        """Return all effects."""
        return tuple(effect for group in self.effects.values() for effect in group)


def content_hash(files: Mapping[str, bytes]) -> str:
    """Return the SHA-256 (hex) of a package: of its paths and contents, in the order of paths."""
    digest = hashlib.sha256()
    for path in sorted(files):
        name = path.encode()
        for part in (name, files[path]):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return digest.hexdigest()


def read_folder(folder: Path, home: Path | None = None) -> dict[str, bytes]:
    """Return the files of a package folder by relative path; hidden files are left out.

    The components it uses are read from the folders beside it, else from those in ``home``, and
    stand below ``uses/``.

    Raises PackageProblem when there is no manifest, or for what is too large or leaves the folder.
    """
    if not (folder / MANIFEST).is_file():
        raise PackageProblem(
            [_problem(MANIFEST, "manifest-missing", f"{folder} 里没有 {MANIFEST}",
                      "请在流程包的文件夹里写 process.toml")]
        )  # fmt: skip
    homes = [folder.resolve().parent, *([home] if home is not None else [])]
    return _with_components(_read_own(folder), homes)


def _read_own(folder: Path) -> dict[str, bytes]:
    root = folder.resolve()
    files: dict[str, bytes] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if any(part.startswith((".", "~")) for part in name.split("/")) or not path.is_file():
            continue
        if not path.resolve().is_relative_to(root):
            raise PackageProblem(
                [_problem(name, "file-outside", "文件是指向流程包之外的链接", "请放入文件本身")]
            )
        if path.stat().st_size > MAX_FILE or len(files) >= MAX_FILES:
            raise PackageProblem(
                [_problem(name, "package-too-large",
                          f"单个文件不得超过 {MAX_FILE} 字节，全部不得超过 {MAX_FILES} 个文件",
                          "请删去与流程无关的文件")]
            )  # fmt: skip
        files[name] = path.read_bytes()
    return files


def _with_components(files: dict[str, bytes], homes: Sequence[Path]) -> dict[str, bytes]:
    """Add the files of the components used, each from the first folder that has it."""
    found, waiting = dict(files), list(used_by(files[MANIFEST]))
    while waiting:
        name = waiting.pop(0)
        manifest = component_file(name, MANIFEST)
        if manifest not in found:
            place = next((h / name for h in homes if (h / name / MANIFEST).is_file()), None)
            if place is None:
                continue
            taken = _read_own(place)
            found |= {component_file(name, path): data for path, data in taken.items()}
            waiting += used_by(found[manifest])
    return found


def is_component(folder: Path) -> bool:
    """Tell whether a folder holds a component, which is deployed only with those that use it."""
    file = folder / MANIFEST
    if not file.is_file():
        return False
    values, _ = parse_toml(file.read_bytes(), Report(MANIFEST))
    return values.get("component") is True


def load_folder(folder: Path, home: Path | None = None) -> Package:
    """Read a package from a folder. Raises PackageProblem with all mistakes found."""
    return load_package(read_folder(folder, home))


def load_package(files: Mapping[str, bytes]) -> Package:
    """Read a package from its files by relative path, with the components below ``uses/``.

    Raises PackageProblem with every mistake in process.toml (missing and unknown keys, wrong
    types, unknown values, the same element or id twice) and in the composition.
    """
    if MANIFEST not in files:
        raise PackageProblem(
            [_problem(MANIFEST, "manifest-missing", f"没有 {MANIFEST}", "请写 process.toml")]
        )
    stored = dict(files)
    composed, problems = compose(stored)
    if composed is None:
        raise PackageProblem(problems)
    said = composed.manifest
    return Package(
        key=said.key,
        title=said.title,
        title_en=said.title_en,
        prefix=said.prefix,
        version=said.version,
        bpmn=said.bpmn,
        description=said.description,
        subject=said.subject,
        start=said.start,
        stages=said.stages,
        lanes=MappingProxyType(said.lanes),
        participants=MappingProxyType(said.participants),
        steps=MappingProxyType(said.steps),
        effects=MappingProxyType(said.effects),
        messages=MappingProxyType(said.messages),
        documents=tuple(said.documents.values()),
        papers=tuple(said.papers.values()),
        forecast=MappingProxyType(said.forecast),
        duties=MappingProxyType(said.duties),
        indicators=MappingProxyType(said.indicators),
        files=MappingProxyType(dict(composed.files)),
        sha256=content_hash(stored),
        lines=MappingProxyType(said.lines),
        constants=MappingProxyType(said.constants),
        component=said.component,
        stored=MappingProxyType(stored),
        composed=composed,
    )


def _problem(file: str, code: str, message: str, cure: str) -> Problem:
    return Problem(file, None, None, code, message, cure, Severity.ERROR)


__all__ = [
    "MANIFEST",
    "At",
    "Basis",
    "Document",
    "Duty",
    "Effect",
    "Lane",
    "MessageAction",
    "Package",
    "Paper",
    "Participant",
    "Stage",
    "Start",
    "Step",
    "Subject",
    "Who",
    "content_hash",
    "did_you_mean",
    "is_component",
    "load_folder",
    "load_package",
    "read_folder",
]
