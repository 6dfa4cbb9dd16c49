"""Accounts: logins, passwords (argon2id), and the brake on guessing them.

Commands here open their own unit of work. Nothing in this room ever logs a login or an address.
"""

from __future__ import annotations

import hashlib
import math
import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.database import unit_of_work
from engine.directory.codes import Language
from engine.directory.models import Account, LoginAttempt, WebSession
from engine.errors import N_, Conflict, GuichengError, InvalidInput, NotFound, Translatable

SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 200

LOGIN: Final = re.compile(r"[\w.@-]{2,64}")

FREE_FAILURES = {"login": 5, "address": 20}
"""Failures in a row before waiting begins. Many people may share one address."""
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=15)
FORGET_AFTER = timedelta(hours=24)
"""Failures older than this count no more."""

_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""Of drawn passwords: none that are taken for one another on paper."""

_hasher = PasswordHasher()
_drawn_hasher = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1)
"""For passwords drawn by lot: nobody can try 2⁷⁹ of them, so they need no slow hash. The first
login stores them in the usual form."""


class LoginRefused(GuichengError):
    """Login and password do not fit together, or the account is disabled; which, nobody learns."""

    code = "login_refused"
    default = N_("用户名或密码不正确，或账号已停用。请核对后重试；忘记密码请联系管理员。")


class LoginThrottled(GuichengError):
    """Too many failures in a row. ``seconds`` says how long to wait."""

    code = "login_throttled"
    default = N_("登录失败次数过多，请在 %(wait)s后再试。")

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        minutes = math.ceil(seconds / 60)
        wait = (
            Translatable(N_("%(count)s 秒"), {"count": seconds})
            if seconds <= 90
            else Translatable(N_("%(count)s 分钟"), {"count": minutes})
        )
        super().__init__(None, wait=wait)


# -- passwords --------------------------------------------------------------------------------


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password."""
    return _hasher.hash(unicodedata.normalize("NFKC", password))


def hash_drawn_password(password: str) -> str:
    """Return a quick hash of a password that was drawn by lot with at least 75 bits."""
    return _drawn_hasher.hash(unicodedata.normalize("NFKC", password))


def draw_password(login: str) -> str:
    """Draw a password of 79 bits that can be read off paper: ``k7mw-p3qx-ab4d-9fhe``."""
    while True:
        groups = ("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))
        password = "-".join(groups)
        if login not in password and len(set(password)) > 4:
            return password


def verify_password(password_hash: str, password: str) -> bool:
    """Say whether the password fits the hash."""
    try:
        return _hasher.verify(password_hash, unicodedata.normalize("NFKC", password))
    except (VerificationError, InvalidHashError):
        return False


def check_new_password(password: str, login: str, field: str = "password") -> None:
    """Raise InvalidInput unless the password may be used: long enough, and not the login."""
    plain = unicodedata.normalize("NFKC", password).casefold()
    if len(password) < SHORTEST_PASSWORD:
        raise InvalidInput({field: [N_("密码至少 10 个字符，建议用几个词组成的短句。")]})
    if len(password) > LONGEST_PASSWORD:
        raise InvalidInput({field: [N_("密码不能超过 200 个字符。")]})
    if normal_login(login) in plain or len(set(plain)) < 4:
        raise InvalidInput(
            {field: [N_("密码过于简单：不能包含用户名，也不能只重复少数几个字符。")]}
        )


def check_login(login: str) -> None:
    """Raise InvalidInput unless a login can be typed on any keyboard and read out."""
    if not LOGIN.fullmatch(normal_login(login)):
        raise InvalidInput({"login": [N_("用户名只能用 2 至 64 个字母、数字或 . _ - @。")]})


def normal_login(login: str) -> str:
    """Return the one form in which a login is stored and compared."""
    return unicodedata.normalize("NFKC", login).strip().casefold()


@lru_cache(maxsize=1)
def _nobody() -> str:
    """Return a hash to try when there is no account, so that both cases take the same time."""
    return hash_password("nobody has this password")


# -- accounts ---------------------------------------------------------------------------------


def create_account(
    session: Session,
    *,
    person_id: int,
    login: str,
    password: str,
    clock: Clock,
    first: bool = False,
) -> Account:
    """Give a person an account; ``first``: with a password to be changed at the first login.

    Raises InvalidInput, Conflict.
    """
    login = normal_login(login)
    if not login:
        raise InvalidInput({"login": [N_("请填写用户名。")]})
    check_new_password(password, login)
    if session.scalar(select(Account.id).where(Account.login == login)) is not None:
        raise InvalidInput({"login": [N_("该用户名已被使用，请换一个。")]})
    if session.scalar(select(Account.id).where(Account.person_id == person_id)) is not None:
        raise Conflict(N_("此人已有账号，无需再建。"))
    made = Account(
        person_id=person_id,
        login=login,
        password_hash=hash_password(password),
        language=Language.CHINESE,
        must_change_password=first,
        created_at=clock.now(),
    )
    session.add(made)
    session.flush()
    return made


def get_account(session: Session, account_id: int, *, lock: bool = False) -> Account:
    """Return the account. Raises NotFound."""
    found = session.get(Account, account_id, with_for_update=lock or None)
    if found is None:
        raise NotFound()
    return found


def find_account(session: Session, login: str) -> Account | None:
    """Return the account with this login, enabled or not."""
    statement = select(Account).where(Account.login == normal_login(login))
    return session.scalars(statement).one_or_none()


def set_preferences(
    clock: Clock,
    account_id: int,
    *,
    language: str | None = None,
    large_print: bool | None = None,
) -> None:
    """Keep how a person wants the pages shown. Raises NotFound, InvalidInput."""
    if language is not None and language not in list(Language):
        raise InvalidInput({"language": [N_("不支持该语言。")]})
    with unit_of_work() as session:
        account = get_account(session, account_id, lock=True)
        if language is not None:
            account.language = language
        if large_print is not None:
            account.large_print = large_print


def change_password(
    clock: Clock, account_id: int, old: str, new: str, *, keep_session: int | None = None
) -> None:
    """Change one's own password and end all other sessions. Raises InvalidInput."""
    with unit_of_work() as session:
        account = get_account(session, account_id, lock=True)
        if not verify_password(account.password_hash, old):
            raise InvalidInput({"old": [N_("原密码不正确。")]})
        _check_other(old, new)
        set_password(session, account, new, clock=clock, keep_session=keep_session, field="new")


def change_first_password(
    clock: Clock, account_id: int, new: str, *, keep_session: int | None = None
) -> None:
    """Replace a password that somebody else has given; only while it has to be changed.

    The present one is not asked for again: it opened this session. Raises InvalidInput, Conflict.
    """
    with unit_of_work() as session:
        account = get_account(session, account_id, lock=True)
        if not account.must_change_password:
            raise Conflict(N_("初始密码已经改过。要再次修改，请到“账号与登录”办理。"))
        if verify_password(account.password_hash, new):
            raise InvalidInput({"new": [_SAME]})
        set_password(session, account, new, clock=clock, keep_session=keep_session, field="new")


_SAME: Final = N_("新密码不能与现在的密码相同。")


def _check_other(old: str, new: str) -> None:
    if unicodedata.normalize("NFKC", old) == unicodedata.normalize("NFKC", new):
        raise InvalidInput({"new": [_SAME]})


def set_password(
    session: Session,
    account: Account,
    password: str,
    *,
    clock: Clock,
    keep_session: int | None = None,
    field: str = "password",
    first: bool = False,
) -> None:
    """Set a password and end the sessions that were opened with the old one.

    ``first``: somebody else has set it, so it has to be changed at the next login.
    """
    check_new_password(password, account.login, field)
    account.password_hash = hash_password(password)
    account.must_change_password = first
    end_sessions(session, account.id, clock=clock, but=keep_session)
    session.flush()


def end_sessions(
    session: Session, account_id: int, *, clock: Clock, but: int | None = None
) -> None:
    """Revoke the open web sessions of an account."""
    open_ones = select(WebSession).where(
        WebSession.account_id == account_id, WebSession.revoked_at.is_(None)
    )
    for found in session.scalars(open_ones):
        if found.id != but:
            found.revoked_at = clock.now()
    session.flush()


# -- signing in -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Attempt:
    account_id: int | None
    password_hash: str


def authenticate(clock: Clock, login: str, password: str, *, address: str = "") -> int:
    """Return the id of the account that login and password belong to.

    The attempt is counted as a failure before the password is looked at, in a transaction of its
    own, so that many guesses at once are braked like guesses in a row. Success forgets the
    failures of the login; those of the address fade with time.

    Raises LoginThrottled, LoginRefused.
    """
    keys = _keys(login, address)
    with unit_of_work() as session:
        wait = _count_failure(session, keys, clock.now())
        row = session.execute(
            select(Account.id, Account.password_hash).where(
                Account.login == normal_login(login), Account.disabled_at.is_(None)
            )
        ).one_or_none()
    if wait:
        raise LoginThrottled(wait)
    attempt = _Attempt(row.id, row.password_hash) if row else _Attempt(None, _nobody())
    right = verify_password(attempt.password_hash, password[: 4 * LONGEST_PASSWORD])
    if not right and _hasher.check_needs_rehash(attempt.password_hash):
        verify_password(_nobody(), password)  # a quick hash must not tell that the account exists
    if attempt.account_id is None or not right:
        raise LoginRefused()
    with unit_of_work() as session:
        _forgive(session, keys)
        if _hasher.check_needs_rehash(attempt.password_hash):
            account = get_account(session, attempt.account_id, lock=True)
            account.password_hash = hash_password(password)
    return attempt.account_id


def _keys(login: str, address: str) -> dict[str, str]:
    """Return the keys to count under, as digests: the table holds no logins, no addresses."""
    plain = {"login": normal_login(login), "address": address}
    return {
        kind: hashlib.sha256(f"{kind}:{value}".encode()).hexdigest()
        for kind, value in plain.items()
        if value
    }


def _count_failure(session: Session, keys: dict[str, str], now: datetime) -> int:
    """Count a failure under each key, or return the seconds to wait, counting nothing."""
    blank: list[dict[str, Any]] = [
        {"key": key, "failures": 0, "last_failure_at": now} for key in sorted(keys.values())
    ]
    session.execute(upsert(LoginAttempt).values(blank).on_conflict_do_nothing())
    rows = {
        row.key: row
        for row in session.scalars(
            select(LoginAttempt)
            .where(LoginAttempt.key.in_(keys.values()))
            .order_by(LoginAttempt.key)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    }
    waits = [_wait(kind, rows[key], now) for kind, key in keys.items()]
    if longest := max(waits):
        return longest
    for row in rows.values():
        expired = now - row.last_failure_at > FORGET_AFTER
        row.failures = 1 if expired else row.failures + 1
        row.last_failure_at = now
    session.flush()
    return 0


def _wait(kind: str, row: LoginAttempt, now: datetime) -> int:
    """Return the seconds until the next attempt under a key: 30 s, doubling up to 15 minutes."""
    passed = now - row.last_failure_at
    beyond = row.failures - FREE_FAILURES[kind]
    if beyond < 0 or passed > FORGET_AFTER:
        return 0
    wait = min(FIRST_WAIT * int(2 ** min(beyond, 16)), LONGEST_WAIT)
    return max(0, math.ceil((wait - passed).total_seconds()))


def _forgive(session: Session, keys: dict[str, str]) -> None:
    """Forget the failures of the login, and take this attempt off the address again."""
    session.execute(delete(LoginAttempt).where(LoginAttempt.key == keys.get("login", "")))
    if "address" in keys:
        row = session.get(LoginAttempt, keys["address"], with_for_update=True)
        if row is not None:
            row.failures = max(0, row.failures - 1)


def forget_old_attempts(session: Session, *, clock: Clock) -> int:
    """Delete counters whose failures no longer count; return how many. A periodic job calls it."""
    old = clock.now() - FORGET_AFTER
    gone = session.scalars(
        delete(LoginAttempt).where(LoginAttempt.last_failure_at < old).returning(LoginAttempt.key)
    ).all()
    return len(gone)
