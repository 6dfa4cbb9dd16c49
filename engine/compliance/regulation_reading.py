"""Read ``processes/regulations/``: files in, frozen :class:`Regulations` out.

Every mistake becomes a problem with file, line and cure; nothing is half read.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from engine.compliance.parameter_reading import FILE as PARAMETERS
from engine.compliance.parameter_reading import read_parameters
from engine.compliance.parameters import Parameter
from engine.compliance.regulation_file import SOURCES, RegulationReader
from engine.compliance.regulations import Quality, Regulation, Regulations, Source, is_source
from engine.definitions.package import MAX_FILE, MAX_FILES, content_hash
from engine.definitions.reading import Report, Table, parse_toml
from engine.errors import PackageProblem, Problem

FOLDER = "regulations"
"""The folder beside the packages."""
MANIFEST = "regulation.toml"


def read_regulation_files(folder: Path) -> dict[str, bytes]:
    """Return the files of the folder by relative path. Raises PackageProblem."""
    files: dict[str, bytes] = {}
    root = folder.resolve()
    for path in sorted(folder.rglob("*.toml")):
        name = path.relative_to(folder).as_posix()
        if any(part.startswith((".", "~")) for part in name.split("/")):
            continue
        inside = path.resolve().is_relative_to(root) and path.is_file()
        if not inside or path.stat().st_size > MAX_FILE or len(files) >= MAX_FILES:
            raise PackageProblem(
                [Problem(name, None, None, "file-refused", "文件在文件夹之外、过大或者过多",
                         "请只放入法规和参数的 .toml 文件")]
            )  # fmt: skip
        files[name] = path.read_bytes()
    if not files:
        raise PackageProblem(
            [Problem(FOLDER, None, None, "regulations-missing", f"{folder} 里没有法规",
                     "请放入 <id>/regulation.toml")]
        )  # fmt: skip
    return files


def load_regulation_folder(folder: Path) -> Regulations:
    """Read all regulations from a folder. Raises PackageProblem with all mistakes found."""
    return load_regulations(read_regulation_files(folder))


def load_regulations(files: Mapping[str, bytes]) -> Regulations:
    """Read all regulations from files by relative path.

    Raises PackageProblem with every mistake: missing and unknown keys, wrong types, editions out
    of order, articles that take up what is not there, parameters and sources that do not exist.
    """
    problems: list[Problem] = []
    parameters: dict[str, Parameter] = {}
    sources: dict[str, Source] = {}
    if PARAMETERS in files:
        report = Report(PARAMETERS)
        parameters = read_parameters(files[PARAMETERS], report)
        problems += report.problems
    if SOURCES in files:
        report = Report(SOURCES)
        sources = _sources(files[SOURCES], report)
        problems += report.problems
    regulations: dict[str, Regulation] = {}
    names: dict[str, str] = {}
    for path, data in sorted(files.items()):
        id, slash, name = path.partition("/")
        if not slash:
            continue
        report = Report(path)
        if name == MANIFEST:
            reader = RegulationReader(report, parameters, sources)
            regulation = reader.regulation(id, data)
            if regulation is not None:
                regulations[id] = regulation
                _name(names, regulation, report)
        else:
            report.error("file-unknown", f"不认识“{path}”", f"文件名应当是 {MANIFEST}")
        problems += report.problems
    if problems:
        raise PackageProblem(problems)
    return Regulations(
        by_id=MappingProxyType(regulations),
        names=MappingProxyType(names),
        parameters=MappingProxyType(parameters),
        sources=MappingProxyType(sources),
        files=MappingProxyType(dict(files)),
        sha256=content_hash(files),
    )


def _name(names: dict[str, str], regulation: Regulation, report: Report) -> None:
    """Enter the names of a regulation; two may not share one."""
    for name in dict.fromkeys(
        (regulation.id, regulation.title, regulation.short, *regulation.aliases)
    ):
        if names.setdefault(name, regulation.id) != regulation.id:
            report.error(
                "name-taken",
                f"“{name}”也是“{names[name]}”的名称",
                "每个名称只能指一部法规，请改其中一个",
            )


def _sources(data: bytes, report: Report) -> dict[str, Source]:
    values, lines = parse_toml(data, report)
    top = Table(values, report, lines)
    found: dict[str, Source] = {}
    for table in top.tables("source"):
        key = table.element = table.text("key")
        source = Source(
            key,
            table.text("title"),
            table.code("quality", Quality) or Quality.WEAK,
            table.text("address", ""),
        )
        table.done()
        if key in found or not is_source(key):
            table.error(
                "source-key", f"出处“{key}”重复，或者不以 S 开头", "请换一个 key", key="key"
            )
        found[key] = source
    top.done()
    return found
