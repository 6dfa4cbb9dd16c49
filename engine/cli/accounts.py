"""``guicheng account`` and ``guicheng token``: who may sign in, and tokens for programs.

Whoever can run these commands holds the whole installation, so no post is asked for; what they
change about accounts is recorded in the ledger all the same, without an actor.
"""

from __future__ import annotations

import sys

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.cli.context import application
from engine.clock import Clock, SystemClock
from engine.database import db, unit_of_work
from engine.directory import accounts, organisations, posts
from engine.directory.codes import MembershipStatus, OrganisationKind, PostKind
from engine.directory.membership import set_status
from engine.directory.models import Account, Organisation, Person
from engine.directory.operations import CHAIN
from engine.directory.people import get_person
from engine.directory.tokens import create_token, list_tokens, revoke_token
from engine.errors import N_, Conflict, NotFound
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind
from engine.ledger.operations import append

_final = click.option(
    "--final", is_flag=True, help="不要求首次登录时修改密码（密码由本人输入，或账号供程序使用）"
)
_stdin = click.option("--password-stdin", is_flag=True, help="从标准输入读取密码（供脚本使用）")


@click.group()
def account() -> None:
    """账号：建立、列出、停用、启用、重设密码。"""


@account.command("create")
@click.argument("login")
@click.option("--person", "person_id", type=int, required=True, help="人员编号")
@_stdin
@_final
def create(login: str, person_id: int, password_stdin: bool, final: bool) -> None:
    """给已登记的人员建立账号；本人首次登录时须修改密码。"""
    password = _ask_password(password_stdin)
    clock = SystemClock()
    with application(), unit_of_work() as session:
        get_person(session, person_id)
        made = accounts.create_account(
            session,
            person_id=person_id,
            login=login,
            password=password,
            clock=clock,
            first=not final,
        )
        _record(session, clock, "open_account", made)
    click.echo(f"账号 {made.login} 已建立。")


@account.command("first")
@click.argument("login")
@click.option("--name", required=True, help="管理员姓名")
@click.option("--organisation", required=True, help="最上级党组织名称")
@_stdin
def first(login: str, name: str, organisation: str, password_stdin: bool) -> None:
    """在空系统中建立最上级党组织和第一个管理员。"""
    password = _ask_password(password_stdin)
    clock = SystemClock()
    with application(), unit_of_work() as session:
        made = create_first(session, clock, login, password, name=name, organisation=organisation)
    click.echo(f"{organisation} 和管理员账号 {made.login} 已建立。")


def create_first(
    session: Session, clock: Clock, login: str, password: str, *, name: str, organisation: str
) -> Account:
    """Enter the topmost organisation and its administrator. Raises Conflict if there is any."""
    if session.scalar(select(Organisation.id).limit(1)) is not None:
        raise Conflict(N_("系统中已有党组织，请由现有管理员在网页上办理。"))
    top = organisations.add_organisation(
        session, name=organisation, kind=OrganisationKind.COMMITTEE, code="1"
    )
    person = Person(name=name, organisation_id=top.id, created_at=clock.now())
    session.add(person)
    session.flush()
    today = clock.today()
    set_status(
        session, person.id, MembershipStatus.FULL, today, clock=clock, organisation_id=top.id
    )
    posts.add_post(session, person.id, top.id, PostKind.ADMINISTRATOR, today)
    made = accounts.create_account(
        session, person_id=person.id, login=login, password=password, clock=clock
    )
    _record(session, clock, "open_account", made)
    return made


@account.command("list")
def show() -> None:
    """列出全部账号：用户名、人员编号、状态。"""
    with application():
        rows = db.session.execute(
            select(Account.login, Account.person_id, Account.disabled_at).order_by(Account.login)
        )
        for row in rows:
            state = "正常" if row.disabled_at is None else "已停用"
            click.echo(f"{row.login}\t{row.person_id}\t{state}")


@account.command("disable")
@click.argument("login")
def disable(login: str) -> None:
    """停用账号；其登录和令牌立即失效。"""
    clock = SystemClock()
    with application(), unit_of_work() as session:
        found = _account(session, login)
        found.disabled_at = found.disabled_at or clock.now()
        accounts.end_sessions(session, found.id, clock=clock)
        _record(session, clock, "disable_account", found)
    click.echo(f"账号 {found.login} 已停用。")


@account.command("enable")
@click.argument("login")
def enable(login: str) -> None:
    """重新启用账号。"""
    clock = SystemClock()
    with application(), unit_of_work() as session:
        found = _account(session, login)
        found.disabled_at = None
        _record(session, clock, "enable_account", found)
    click.echo(f"账号 {found.login} 已启用。")


@account.command("password")
@click.argument("login")
@_stdin
@_final
def password(login: str, password_stdin: bool, final: bool) -> None:
    """重设密码，本人下次登录时须修改；该账号已有的登录全部失效。"""
    new = _ask_password(password_stdin)
    clock = SystemClock()
    with application(), unit_of_work() as session:
        found = _account(session, login)
        accounts.set_password(session, found, new, clock=clock, first=not final)
        _record(session, clock, "reset_password", found)
    click.echo(f"账号 {found.login} 的密码已重设。")


# -- tokens -----------------------------------------------------------------------------------


@click.group()
def token() -> None:
    """接口令牌：供程序以某个账号的身份使用 REST 接口。"""


@token.command("create")
@click.option("--account", "login", required=True, help="用户名")
@click.option("--name", default="命令行", show_default=True, help="令牌用途，便于日后辨认")
@click.option("--days", default=90, show_default=True, help="有效天数（1 至 366）")
def create_api_token(login: str, name: str, days: int) -> None:
    """建立令牌，只在标准输出显示这一次。"""
    with application():
        found = _account(db.session(), login)
        if found.disabled_at is not None:
            raise Conflict(N_("该账号已停用，请先启用。"))
        if found.must_change_password:
            raise Conflict(N_("该账号的初始密码还没有改，请本人先登录修改；改好以前令牌不能使用。"))
        click.echo(create_token(SystemClock(), found.id, name=name, days=days))


@token.command("list")
@click.option("--account", "login", required=True, help="用户名")
def list_api_tokens(login: str) -> None:
    """列出账号的有效令牌：编号、用途、到期日。令牌本身无法再显示。"""
    with application():
        session = db.session()
        for found in list_tokens(session, SystemClock(), _account(session, login).id):
            click.echo(f"{found.id}\t{found.name}\t{found.expires_at:%Y-%m-%d}")


@token.command("revoke")
@click.option("--account", "login", required=True, help="用户名")
@click.argument("token_id", type=int)
def revoke_api_token(login: str, token_id: int) -> None:
    """撤销令牌，立即生效。"""
    with application():
        revoke_token(SystemClock(), _account(db.session(), login).id, token_id)
    click.echo("令牌已撤销。")


# -- helpers ----------------------------------------------------------------------------------


def _account(session: Session, login: str) -> Account:
    found = accounts.find_account(session, login)
    if found is None:
        raise NotFound(N_("没有这个账号：%(login)s"), login=login)
    return found


def _ask_password(from_stdin: bool) -> str:
    """Read the password from the first line of standard input, or ask for it twice."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(click.prompt("密码", hide_input=True, confirmation_prompt=True))


def _record(session: Session, clock: Clock, change: str, found: Account) -> None:
    event = Event(
        kind=EntryKind.ACCOUNT,
        payload={"change": change, "account": found.id, "person": found.person_id},
    )
    append(session, CHAIN, event, clock)
