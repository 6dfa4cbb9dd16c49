"""Process packages as values: what ``process.toml`` and the files beside it say.

Reading is pure: files in, a frozen :class:`Package` out. Every mistake in the text itself becomes a
:class:`~engine.errors.Problem`; whether the parts fit together (elements, forms, lanes of the
diagram) is for ``engine.lint`` to judge.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from engine.definitions.duties import Duty, read_duty
from engine.definitions.expected import Expected, read_expected
from engine.definitions.reading import Report, Table, did_you_mean, parse_toml
from engine.errors import PackageProblem, Problem, Severity

MANIFEST = "process.toml"
"""The file that makes a folder a process package."""
MAX_FILE = 5_000_000
"""Largest file of a package, in bytes."""
MAX_FILES = 400
"""Most files in a package."""


class Subject(StrEnum):
    """What a matter of the procedure is about."""

    PERSON = "person"
    ORGANISATION = "organisation"


class Who(StrEnum):
    """How a lane finds the people who act in it."""

    SUBJECT = "subject"
    """The person whom the matter is about."""
    POSTS = "posts"
    """Whoever holds one of the posts at an organisation."""
    PARTICIPANTS = "participants"
    """Whoever was given one of the roles in this matter."""


class At(StrEnum):
    """At which organisation a lane's posts are held."""

    ORGANISATION = "organisation"
    """The organisation of the matter."""
    PARENT = "parent"
    """The organisation directly above it."""
    APPROVING = "approving"
    """The nearest organisation, from the matter's own upwards, that may approve members."""
    ABOVE_APPROVING = "above_approving"
    """The organisation directly above the approving one."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the procedure: an embedded subprocess with a name and a number."""

    id: str
    number: str
    title: str
    element: str


@dataclass(frozen=True, slots=True)
class Lane:
    """Who acts in a lane of the diagram, and how they are found."""

    id: str
    title: str
    who: Who
    posts: tuple[str, ...] = ()
    at: At = At.ORGANISATION
    roles: tuple[str, ...] = ()
    or_lane: str | None = None
    """The lane that acts when nobody holds one of the roles."""
    also: tuple[str, ...] = ()
    """Lanes that may act here too: the branch enters for the applicant what came on paper."""
    not_subject: bool = False
    """The person whom the matter is about never acts here, whatever post they hold."""


@dataclass(frozen=True, slots=True)
class Basis:
    """The article that demands a step, with its content in our own words."""

    regulation: str
    edition: str
    article: str
    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """What people do in one user task. A key step (关键环节) carries a number."""

    element: str
    number: str | None
    title: str
    action: str
    form: str
    basis: tuple[Basis, ...] = ()
    due: str | None = None
    """Expression: the latest lawful day."""
    earliest: str | None = None
    """Expression: no ``occurred_on`` before this day is accepted."""
    send_back: tuple[str, ...] = ()
    description: str = ""
    decision: bool = False
    """A decision: never completed by a timer, and nobody decides on their own matter."""
    stage: str | None = None
    """The stage it counts to, when that is not the subprocess it stands in."""
    only_in: tuple[str, ...] = ()
    """Editions of the first basis that ask for the step, empty: all; else it may be missing."""
    also_at: tuple[At, ...] = ()
    """Organisations, besides that of its lane, at which a record of the step is lawful."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What follows once an element has been passed: a membership status, or the outcome."""

    after: str
    when: str | None = None
    set_status: str | None = None
    since: str | None = None
    """Expression: the day from which the status counts; by default that of the causing step."""
    outcome: str | None = None
    outcome_title: str = ""


@dataclass(frozen=True, slots=True)
class Participant:
    """A role that people take in a matter; ``element.field`` names where they are chosen."""

    role: str
    title: str
    element: str
    field: str


@dataclass(frozen=True, slots=True)
class MessageAction:
    """A message that people may send to the running matter, such as a withdrawal."""

    id: str
    title: str
    lanes: tuple[str, ...]
    name: str
    form: str | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A document of the matter, found in the file field of a step."""

    id: str
    title: str
    step: str
    field: str
    archive: bool = False
    """It goes into the file that is kept of the person."""
    sensitive: bool = False
    """Few may read it, and each reading is recorded."""


@dataclass(frozen=True, slots=True)
class Paper:
    """An official paper (文书) that is filled from the record, from a .docx template."""

    id: str
    title: str
    template: str
    """The file, such as ``documents/notice.docx``."""
    step: str | None = None
    """The step on which it reports: until that is recorded it is a draft. None: the matter."""
    when: str | None = None
    """Expression on the answers of the step: whether there is such a paper at all."""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Start:
    """Who may start a matter, and which membership status its subject may have then."""

    lanes: tuple[str, ...] = ()
    subject_status: tuple[str, ...] = ()


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
    files: Mapping[str, bytes]
    """By path relative to the folder, ``/`` between the parts."""
    sha256: str
    lines: Mapping[str, int]
    """Line of process.toml by ``step:<element>``, ``lane:<id>``, ``effect:<n>`` …; for messages."""

    @property
    def bpmn_files(self) -> dict[str, bytes]:
        """The BPMN files; the main one is called ``bpmn``."""
        return {name: data for name, data in self.files.items() if name.endswith(".bpmn")}

    def form_file(self, form: str) -> str:
        """Return the path of a form by the name that steps use."""
        return f"forms/{form}.form"

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


def read_folder(folder: Path) -> dict[str, bytes]:
    """Return the files of a package folder by relative path; hidden files are left out.

    Raises PackageProblem when there is no manifest, or for what is too large or leaves the folder.
    """
    if not (folder / MANIFEST).is_file():
        raise PackageProblem(
            [_problem(MANIFEST, "manifest-missing", f"{folder} 里没有 {MANIFEST}",
                      "请在流程包的文件夹里写 process.toml")]
        )  # fmt: skip
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


def load_folder(folder: Path) -> Package:
    """Read a package from a folder. Raises PackageProblem with all mistakes found."""
    return load_package(read_folder(folder))


def load_package(files: Mapping[str, bytes]) -> Package:
    """Read a package from its files by relative path.

    Raises PackageProblem with every mistake in process.toml: missing and unknown keys, wrong
    types, unknown values, the same element or id twice.
    """
    report = Report(MANIFEST)
    if MANIFEST not in files:
        report.error("manifest-missing", f"没有 {MANIFEST}", "请写 process.toml")
        raise PackageProblem(report.problems)
    values, lines = parse_toml(files[MANIFEST], report)
    if report.problems:
        raise PackageProblem(report.problems)
    package = _read(Table(values, report, lines), files)
    if report.problems:
        raise PackageProblem(report.problems)
    return package


def _problem(file: str, code: str, message: str, cure: str) -> Problem:
    return Problem(file, None, None, code, message, cure, Severity.ERROR)


def _read(top: Table, files: Mapping[str, bytes]) -> Package:
    lines: dict[str, int] = {}

    def remember(kind: str, name: object, table: Table) -> None:
        if table.line:
            lines[f"{kind}:{name}"] = table.line

    start = Start()
    if (table := top.table("start")) is not None:
        start = Start(table.texts("lanes", required=True), table.texts("subject_status"))
        remember("start", "", table)
        table.done()
    stages = []
    for table in top.tables("stages"):
        stages.append(_stage(table))
        remember("stage", stages[-1].element, table)
    lanes: dict[str, Lane] = {}
    for name, table in top.named("lanes").items():
        lanes[name] = _lane(name, table)
        remember("lane", name, table)
    participants: dict[str, Participant] = {}
    for name, table in top.named("participants").items():
        participants[name] = _participant(name, table)
        remember("participant", name, table)
    steps: dict[str, Step] = {}
    for table in top.tables("step"):
        step = _step(table)
        if step.element in steps:
            table.error("duplicate-step", f"环节“{step.element}”写了两次", "每个用户任务只写一个")
        steps[step.element] = step
        remember("step", step.element, table)
    effects: dict[str, tuple[Effect, ...]] = {}
    for index, table in enumerate(top.tables("effect")):
        effect = _effect(table)
        effects[effect.after] = (*effects.get(effect.after, ()), effect)
        remember("effect", index, table)
        lines.setdefault(f"effect:{effect.after}", table.line or 0)
    messages: dict[str, MessageAction] = {}
    for name, table in top.named("messages").items():
        messages[name] = _message(name, table)
        remember("message", name, table)
    documents: dict[str, Document] = {}
    for table in top.tables("document"):
        document = _document(table)
        if document.id in documents:
            table.error("duplicate-document", f"材料“{document.id}”写了两次", "请换一个 id")
        documents[document.id] = document
        remember("document", document.id, table)
    papers: dict[str, Paper] = {}
    for table in top.tables("paper"):
        paper = _paper(table)
        if paper.id in papers:
            table.error("duplicate-paper", f"文书“{paper.id}”写了两次", "请换一个 id")
        papers[paper.id] = paper
        remember("paper", paper.id, table)
    expected = top.named("forecast")
    for element, table in expected.items():
        remember("forecast", element, table)
    duties: dict[str, Duty] = {}
    for table in top.tables("duty"):
        duty = read_duty(table, top.text("key"), _basis)
        if duty.id in duties:
            table.error("duplicate-duty", f"活动“{duty.id}”写了两次", "请换一个 id")
        duties[duty.id] = duty
        remember("duty", duty.id, table)
    package = Package(
        key=top.text("key"),
        title=top.text("title"),
        title_en=top.text("title_en", ""),
        prefix=top.text("prefix"),
        version=top.text("version"),
        bpmn=top.text("bpmn"),
        description=top.text("description", ""),
        subject=top.code("subject", Subject, Subject.PERSON) or Subject.PERSON,
        start=start,
        stages=tuple(stages),
        lanes=MappingProxyType(lanes),
        participants=MappingProxyType(participants),
        steps=MappingProxyType(steps),
        effects=MappingProxyType(effects),
        messages=MappingProxyType(messages),
        documents=tuple(documents.values()),
        papers=tuple(papers.values()),
        forecast=read_expected(expected),
        duties=MappingProxyType(duties),
        files=MappingProxyType(dict(files)),
        sha256=content_hash(files),
        lines=MappingProxyType(lines),
    )
    top.done()
    return package


def _stage(table: Table) -> Stage:
    stage = Stage(
        id=table.text("id"),
        number=table.text("number"),
        title=table.text("title"),
        element=table.text("element"),
    )
    table.done()
    return stage


def _lane(name: str, table: Table) -> Lane:
    table.element = name
    lane = Lane(
        id=name,
        title=table.text("title"),
        who=table.code("who", Who) or Who.POSTS,
        posts=table.texts("posts"),
        at=table.code("at", At, At.ORGANISATION) or At.ORGANISATION,
        roles=table.texts("roles"),
        or_lane=table.optional("or_lane"),
        also=table.texts("also"),
        not_subject=table.flag("not_subject"),
    )
    table.done()
    return lane


def _participant(name: str, table: Table) -> Participant:
    table.element = name
    source = table.text("from")
    element, dot, field = source.partition(".")
    if source and not (element and dot and field):
        table.error("wrong-type", f"“{source}”应当是“环节.字段”", "例如 assign.people", key="from")
    participant = Participant(name, table.text("title"), element, field)
    table.done()
    return participant


def _step(table: Table) -> Step:
    element = table.element = table.text("element")
    step = Step(
        element=element,
        number=table.optional("number"),
        title=table.text("title"),
        action=table.text("action", "提交"),
        form=table.text("form"),
        basis=tuple(_basis(basis) for basis in table.tables("basis")),
        due=table.optional("due"),
        earliest=table.optional("earliest"),
        send_back=table.texts("send_back"),
        description=table.text("description", ""),
        decision=table.flag("decision"),
        stage=table.optional("stage"),
        only_in=table.texts("only_in"),
        also_at=_also_at(table),
    )
    table.done()
    return step


def _also_at(table: Table) -> tuple[At, ...]:
    found: list[At] = []
    for word in table.texts("also_at"):
        if word in set(At):
            found.append(At(word))
        else:
            known = "、".join(At)
            table.error("wrong-type", f"没有“{word}”", f"可写：{known}", key="also_at")
    return tuple(found)


def _basis(table: Table) -> Basis:
    basis = Basis(
        regulation=table.text("regulation"),
        edition=table.text("edition"),
        article=table.text("article"),
        text=table.text("text"),
    )
    table.done()
    return basis


def _effect(table: Table) -> Effect:
    after = table.element = table.text("after")
    effect = Effect(
        after=after,
        when=table.optional("when"),
        set_status=table.optional("set_status"),
        since=table.optional("since"),
        outcome=table.optional("outcome"),
        outcome_title=table.text("outcome_title", ""),
    )
    if not effect.set_status and not effect.outcome:
        table.error("empty-effect", "没有写作用", "请写 set_status = … 或 outcome = …")
    if effect.since and not effect.set_status:
        table.error("empty-effect", "since 只与 set_status 同用", "请删去 since 或补 set_status")
    table.done()
    return effect


def _message(name: str, table: Table) -> MessageAction:
    table.element = name
    message = MessageAction(
        id=name,
        title=table.text("title"),
        lanes=table.texts("lanes", required=True),
        name=table.text("name", name),
        form=table.optional("form"),
        description=table.text("description", ""),
    )
    table.done()
    return message


def _document(table: Table) -> Document:
    table.element = table.optional("id")
    document = Document(
        id=table.text("id"),
        title=table.text("title"),
        step=table.text("step"),
        field=table.text("field"),
        archive=table.flag("archive"),
        sensitive=table.flag("sensitive"),
    )
    table.done()
    return document


def _paper(table: Table) -> Paper:
    table.element = table.optional("id")
    paper = Paper(
        id=table.text("id"),
        title=table.text("title"),
        template=table.text("template"),
        step=table.optional("step"),
        when=table.optional("when"),
        description=table.text("description", ""),
    )
    table.done()
    return paper


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
    "load_folder",
    "load_package",
    "read_folder",
]
