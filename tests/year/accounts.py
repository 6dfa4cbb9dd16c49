"""Sign-ins and tokens, as whoever keeps the installation gives them out at its terminal."""

from __future__ import annotations

from sqlalchemy import select

from engine.cli.accounts import create_first
from engine.database import db, unit_of_work
from engine.directory.models import Account, Organisation, Person
from engine.directory.tokens import create_token
from tests.year.desk import Desk

_LONGEST = 366


def enter_administrator(desk: Desk) -> None:
    """Make the topmost organisation and its administrator, as `guicheng account first` does."""
    with unit_of_work() as session:
        made = create_first(
            session,
            desk.clock,
            "administrator",
            "a quiet river bends",
            name="管平",
            organisation="和风县委",
        )
        account, person = made.id, made.person_id
    desk.ids["administrator"] = person
    desk.accounts["administrator"] = account
    _give_token(desk, "administrator")


def enter_people(desk: Desk) -> None:
    """Learn the ids of everything in the directory; give a token to everybody who has none."""
    session = db.session()
    desk.ids |= {
        row.code: row.id for row in session.execute(select(Organisation.code, Organisation.id))
    }
    for row in session.execute(
        select(Person.code, Person.id).where(Person.code.is_not(None))
    ).all():
        if row.code in desk.tokens:
            continue
        desk.ids[row.code] = row.id
        with unit_of_work() as unit:
            # Nobody signs in with a password here, so none is hashed.
            account = Account(
                person_id=row.id,
                login=row.code.lower(),
                password_hash="-",
                created_at=desk.clock.now(),
            )
            unit.add(account)
            unit.flush()
            desk.accounts[row.code] = account.id
        _give_token(desk, row.code)


def renew_tokens(desk: Desk) -> None:
    """Give everybody a new token: none lasts longer than a year."""
    for who in desk.accounts:
        _give_token(desk, who)


def _give_token(desk: Desk, who: str) -> None:
    desk.tokens[who] = create_token(desk.clock, desk.accounts[who], name="年度", days=_LONGEST)
