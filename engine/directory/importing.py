"""Bring organisations, people, posts and accounts in from a workbook: check all, then write all.

Nothing is written unless every row is right. The same workbook twice changes nothing: rows find
what they are about by the codes of organisations and the numbers of people.

``actor`` None is whoever works at the installation's own terminal; no post is asked of him, and the
entries name nobody, as with all commands there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.database import unit_of_work
from engine.directory.accounts import draw_password, hash_drawn_password
from engine.directory.actors import Actor
from engine.directory.imports.check_organisations import check_organisations
from engine.directory.imports.check_people import check_people
from engine.directory.imports.check_posts import check_accounts, check_posts
from engine.directory.imports.columns import ACCOUNTS, SHEETS, Mistake, Workbook
from engine.directory.imports.known import Directory, look_up
from engine.directory.imports.plan import Check, Plan
from engine.directory.imports.reading import read_workbook
from engine.directory.imports.writing import Writer
from engine.directory.models import DirectoryImport
from engine.directory.operations import CHAIN
from engine.errors import N_, Conflict, GuichengError, InvalidInput, NotFound
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind
from engine.ledger.operations import append_all

KEPT_FOR: Final = timedelta(hours=24)
"""How long an uploaded workbook waits for its confirmation."""
MOST_ROWS_ONLINE: Final = 5_000
"""A page answers within seconds; longer workbooks are for the terminal."""


class WrongRows(GuichengError):
    """The workbook has mistakes; nothing was written. ``mistakes`` says where and what to do."""

    code = "wrong_rows"
    default = N_("文件有 %(count)s 处错误，没有写入任何内容。请改正后重新导入。")

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__(None, count=len(mistakes))


class AlreadyImported(Conflict):
    """The uploaded workbook was confirmed before."""

    code = "already_imported"
    default = N_("这个文件已经导入过，没有重复写入。")


@dataclass(frozen=True)
class NewLogin:
    """An account that an import opens, with the password that is shown this once."""

    name: str
    login: str
    password: str


@dataclass(frozen=True)
class Imported:
    """What an import has done."""

    plan: Plan
    logins: tuple[NewLogin, ...]


def nothing(count: int) -> None:
    """Take no notice of progress."""


# -- planning ---------------------------------------------------------------------------------


def plan_import(session: Session, clock: Clock, actor: Actor | None, book: Workbook) -> Plan:
    """Return what importing the workbook would do, or all that is wrong with it."""
    return _plan(session, clock, actor, book)[0]


def _plan(
    session: Session, clock: Clock, actor: Actor | None, book: Workbook
) -> tuple[Plan, Directory]:
    directory = look_up(session, book)
    check = Check(actor, book, directory, clock.today(), list(book.mistakes))
    for step in (check_organisations, check_people, check_posts, check_accounts):
        step(check)
    order = {sheet.name: place for place, sheet in enumerate(SHEETS)}
    mistakes = sorted(check.mistakes, key=lambda m: (order.get(m.sheet, -1), m.row or 0))
    return Plan(tuple(check.items), dict(check.unchanged), tuple(mistakes)), directory


# -- importing --------------------------------------------------------------------------------


def import_directory(
    clock: Clock,
    actor: Actor | None,
    book: Workbook,
    plan: Plan,
    *,
    upload_id: int | None = None,
    progress: Callable[[int], object] = nothing,
) -> Imported:
    """Carry out a plan, in one transaction.

    The plan is made again inside it, behind the lock that every change to the directory waits for;
    where it would no longer do the same, nothing is written. ``upload_id`` is the upload that this
    confirms; it can be confirmed once.

    ``progress`` is told of every item. Raises WrongRows, Conflict, AlreadyImported, NotFound.
    """
    if plan.mistakes:
        raise WrongRows(plan.mistakes)
    logins = _draw_passwords(plan, progress)
    try:
        with unit_of_work() as session:
            append_all(session, CHAIN, [], clock)
            if upload_id is not None:
                _use_up(session, clock, actor, upload_id)
            fresh, directory = _plan(session, clock, actor, book)
            if fresh.mistakes:
                raise WrongRows(fresh.mistakes)
            if fresh.digest != plan.digest:
                raise Conflict(N_("检查之后系统中的信息有了变化，没有写入。请重新检查后再导入。"))
            if fresh.items:
                actor_id = None if actor is None else actor.person_id
                hashes = {login.login: hashed for login, hashed in logins}
                writer = Writer(session, clock, actor_id, directory, hashes, progress)
                events = [_summary(fresh, actor_id), *writer.write(fresh)]
                append_all(session, CHAIN, events, clock)
    except IntegrityError as error:
        # Somebody has just taken a code, a number or a login by a way that the lock does not cover.
        raise Conflict(N_("编码、编号或用户名刚被占用，没有写入。请重新检查后再导入。")) from error
    return Imported(fresh, tuple(login for login, _ in logins))


def _summary(plan: Plan, actor_id: int | None) -> Event:
    counts = {sheet.name: plan.tally(sheet) for sheet in SHEETS}
    return Event(
        kind=EntryKind.DIRECTORY,
        actor_id=actor_id,
        payload={
            "change": "import_directory",
            "rows": {name: [t.new, t.changed, t.unchanged] for name, t in counts.items()},
        },
    )


def _draw_passwords(plan: Plan, progress: Callable[[int], object]) -> list[tuple[NewLogin, str]]:
    """Return the new accounts with the hashes of their passwords.

    That takes its time, so it happens before the directory is locked.
    """
    made = []
    for item in plan.of(ACCOUNTS):
        login = item.values["login"]
        password = draw_password(login)
        made.append((NewLogin(item.label, login, password), hash_drawn_password(password)))
        progress(1)
    return made


def read_online(content: bytes) -> Workbook:
    """Return a workbook that somebody sends over the web. Raises InvalidInput, also if too long."""
    book = read_workbook(content)
    if sum(map(len, book.rows.values())) > MOST_ROWS_ONLINE:
        wrong = N_(
            "网页上一次最多导入 5000 行。请拆成几个文件，"
            "或请系统管理员在服务器上用 guicheng directory import 导入。"
        )
        raise InvalidInput({"file": [wrong]})
    return book


# -- uploads ----------------------------------------------------------------------------------


def keep_upload(clock: Clock, actor: Actor, file_name: str, content: bytes) -> int:
    """Keep a workbook until its preview is confirmed; return the number of the upload.

    It is read here once, so that only workbooks are kept. Raises InvalidInput.
    """
    read_online(content)
    with unit_of_work() as session:
        _forget(session, clock.now(), person_id=actor.person_id)
        made = DirectoryImport(
            person_id=actor.person_id,
            file_name=file_name[:200],
            content=content,
            uploaded_at=clock.now(),
        )
        session.add(made)
        session.flush()
        return made.id


@dataclass(frozen=True)
class Upload:
    """A workbook that was uploaded; its content is gone once it has been imported."""

    id: int
    file_name: str
    uploaded_at: datetime
    applied_at: datetime | None
    content: bytes | None


def get_upload(session: Session, actor: Actor, upload_id: int) -> Upload:
    """Return an upload of the actor's own. Raises NotFound."""
    row = session.execute(
        select(
            DirectoryImport.id,
            DirectoryImport.file_name,
            DirectoryImport.uploaded_at,
            DirectoryImport.applied_at,
            DirectoryImport.content,
        ).where(DirectoryImport.id == upload_id, DirectoryImport.person_id == actor.person_id)
    ).one_or_none()
    if row is None:
        raise NotFound(N_("没有这次上传，可能已超过 24 小时。请重新上传文件。"))
    return Upload(*row)


def _use_up(session: Session, clock: Clock, actor: Actor | None, upload_id: int) -> None:
    """Mark an upload as imported and let its content go."""
    assert actor is not None
    found = session.execute(
        select(DirectoryImport.applied_at)
        .where(DirectoryImport.id == upload_id, DirectoryImport.person_id == actor.person_id)
        .with_for_update()
    ).one_or_none()
    if found is None:
        raise NotFound(N_("没有这次上传，可能已超过 24 小时。请重新上传文件。"))
    if found.applied_at is not None:
        raise AlreadyImported()
    session.execute(
        update(DirectoryImport)
        .where(DirectoryImport.id == upload_id)
        .values(applied_at=clock.now(), content=None)
    )


def forget_old_uploads(session: Session, *, clock: Clock) -> int:
    """Delete workbooks that nobody confirmed; return how many. A periodic job calls it."""
    return _forget(session, clock.now() - KEPT_FOR)


def _forget(session: Session, before: datetime, *, person_id: int | None = None) -> int:
    unconfirmed = delete(DirectoryImport).where(
        DirectoryImport.applied_at.is_(None), DirectoryImport.uploaded_at <= before
    )
    if person_id is not None:
        unconfirmed = unconfirmed.where(DirectoryImport.person_id == person_id)
    return len(session.scalars(unconfirmed.returning(DirectoryImport.id)).all())
