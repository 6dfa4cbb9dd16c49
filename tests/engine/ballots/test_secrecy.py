"""Somebody has a dump, the logs, the raw pages and the write-ahead log, and wants to know.

The attacks are those of the decision on secret ballots. Each would succeed on a table with one row
a ballot.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text

from engine import sealing
from engine.ballots.errors import AlreadyVoted
from engine.ballots.models import BallotBox
from engine.ballots.paper import Paper, check_choices, decode, encode
from engine.ballots.receipts import receipt_code
from engine.database import db, unit_of_work
from engine.directory.actors import load_actor
from engine.directory.models import Membership, Person
from engine.runtime import balloting
from tests.ballot_builder import GRADES, Booth
from tests.engine.conftest import Live
from tests.factories import LONG_AGO
from tests.races import at_once

VOTERS = 12


def crowd(live: Live, count: int = VOTERS) -> None:
    """Add full members to the town's branch until so many have a vote."""
    town = live.desk.town
    with unit_of_work() as session:
        for number in range(count - 4):
            person = Person(
                name=f"党员{number}", organisation_id=town.branch, created_at=live.clock.now()
            )
            session.add(person)
            session.flush()
            session.add(
                Membership(
                    person_id=person.id,
                    status="full",
                    since=LONG_AGO,
                    organisation_id=town.branch,
                    recorded_at=live.clock.now(),
                )
            )


class Observed:
    """An open ballot in which all have voted, each in a way of his own, in a known order."""

    def __init__(self, live: Live) -> None:
        self.live = live
        crowd(live)
        self.booth = Booth(live.desk)
        self.box = self.booth.box
        self.order = list(reversed(self.booth.lines()))
        self.grades = {who: GRADES[n % 4] for n, who in enumerate(self.order)}
        self.entries = self.count("ledger_entry")
        self.codes = {who: self.booth.cast(who, self.grades[who]) for who in self.order}
        db.session.rollback()

    def count(self, table: str) -> int:
        return int(db.session.scalar(text(f"SELECT count(*) FROM {table}")) or 0)

    def plain(self, who: int) -> bytes:
        """What this voter's paper is in bytes, before it is sealed."""
        paper = Paper.from_data(self.box.paper)
        choices, _ = check_choices(paper, self.booth.choices(self.grades[who]))
        code = receipt_code(self.box.uid, f"the sign-in of {who}")
        return encode(paper, choices, paper.categories[0], code)

    def dump(self) -> str:
        """Return all tables as text, a row a line: what pg_dump holds, in the order of the pages.

        The program itself is of an older release than the server of a test may be.
        """
        lines = []
        with psycopg.connect(self.live.where.owner) as owner:
            for (table,) in owner.execute(
                "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'm')"
                " AND relnamespace = 'public'::regnamespace ORDER BY relname"
            ).fetchall():
                with owner.cursor().copy(
                    sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))
                ) as copy:
                    data = b"".join(map(bytes, copy)).decode()
                lines += [f"{table}\t{line}" for line in data.splitlines()]
        return "\n".join(lines)


@pytest.fixture
def observed(live: Live) -> Observed:
    return Observed(live)


def test_a_dump_of_the_open_box_shows_neither_choices_nor_codes(observed: Observed) -> None:
    dump = observed.dump().lower()
    assert f"{observed.box.uid}" in dump
    for who in observed.order:
        assert observed.plain(who).hex() not in dump
        assert observed.plain(who)[12:].hex() not in dump
        assert observed.codes[who].lower() not in dump
        assert receipt_code(observed.box.uid, f"the sign-in of {who}").hex() not in dump


def test_nothing_else_was_written_when_somebody_voted(observed: Observed) -> None:
    assert observed.count("ledger_entry") == observed.entries
    assert observed.count("draft") == 0
    kinds = db.session.execute(
        text(
            "SELECT table_name, data_type FROM information_schema.columns"
            " WHERE table_name LIKE 'ballot%' AND data_type LIKE 'time%'"
        )
    ).all()
    assert kinds == []


def test_no_transaction_number_joins_a_voter_and_one_ballot(observed: Observed) -> None:
    tables = db.session.scalars(
        text(
            "SELECT relname FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
    ).all()
    of_voters = {
        row.x: row.person_id
        for row in db.session.execute(
            text("SELECT xmin::text AS x, person_id FROM ballot_voter WHERE box_id = :b"),
            {"b": observed.box.id},
        )
    }
    assert len(of_voters) == VOTERS
    beside = defaultdict(set)
    for table in tables:
        rows = db.session.execute(
            text(f"SELECT xmin::text AS x FROM {table} WHERE xmin::text = ANY(:xs)"),
            {"xs": list(of_voters)},
        )
        for row in rows:
            beside[row.x].add(table)
    last = of_voters[max(of_voters, key=int)]
    for x, who in of_voters.items():
        # The last voter's transaction wrote the box, with everybody's envelopes in it.
        assert beside[x] == ({"ballot_voter", "ballot_box"} if who == last else {"ballot_voter"})
    assert len(observed.booth.box.sealed) == VOTERS * (
        Paper.from_data(observed.box.paper).length + sealing.OVERHEAD
    )


def test_even_with_the_key_one_look_into_the_box_shows_no_order(live: Live) -> None:
    crowd(live, 6)
    places = set()
    paper = None
    for attempt in range(40):
        booth = Booth(live.desk)
        for who in booth.lines():
            booth.cast(who, "basic")
        last = list(booth.lines())[-1]
        paper = paper or Paper.from_data(booth.box.paper)
        size = paper.length + sealing.OVERHEAD
        sealed = booth.box.sealed
        opened = sealing.unseal(
            [sealed[at : at + size] for at in range(0, len(sealed), size)], booth.box.uid
        )
        code = receipt_code(booth.box.uid, f"the sign-in of {last}")
        places.add([decode(paper, one).code for one in opened].index(code))
        if len(places) == len(opened):
            break
        assert attempt < 39, places
    assert len(places) == 6


def test_after_the_count_old_pages_and_the_log_of_writes_open_nothing(observed: Observed) -> None:
    box, uid = observed.box.id, observed.box.uid
    with psycopg.connect(observed.live.where.owner, autocommit=True) as owner:
        # Every version of the box that was ever written, as whoever has the disk reads it.
        owner.execute("CHECKPOINT")
        relations = owner.execute(
            "SELECT pg_relation_filepath(c.oid) FROM pg_class c WHERE c.relname IN"
            " ('ballot_box', 'ballot_voter', 'ledger_entry')"
            " OR c.oid = (SELECT reltoastrelid FROM pg_class WHERE relname = 'ballot_box')"
        ).fetchall()
        pages = b"".join(
            owner.execute("SELECT pg_read_binary_file(%s)", (path,)).fetchone()[0]
            for (path,) in relations
        )
        written = owner.execute(
            "SELECT pg_read_binary_file('pg_wal/' || name) FROM pg_ls_waldir()"
            " WHERE name ~ '^[0-9A-F]{24}$' ORDER BY name DESC LIMIT 2"
        ).fetchall()
    found = pages + b"".join(row[0] for row in written)
    assert uid.bytes in found  # it is the right place to look
    for who in observed.order:
        assert observed.plain(who) not in found
        assert receipt_code(uid, f"the sign-in of {who}") not in found
    snapshot = observed.booth.box.sealed
    balloting.close_ballot(
        box, actor=observed.live.desk.actor("secretary"), clock=observed.live.clock
    )
    size = Paper.from_data(observed.box.paper).length + sealing.OVERHEAD
    with pytest.raises(sealing.KeyMissing):
        sealing.unseal([snapshot[:size]], uid)


def test_a_dump_after_the_count_puts_no_code_beside_a_name_or_a_choice(observed: Observed) -> None:
    observed.booth.matter.complete("vote")
    closed = observed.booth.box
    assert closed.receipts == sorted(observed.codes.values())
    dump = observed.dump()
    for who, code in observed.codes.items():
        lines = [line for line in dump.splitlines() if code in line]
        # One line only, that of the box, and all codes stand in it in the order of the alphabet.
        assert len(lines) == 1 and lines[0].startswith("ballot_box\t")
        codes = re.findall(r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}", lines[0])
        assert codes == sorted(codes) and len(codes) == VOTERS
        (voter,) = re.findall(rf"^ballot_voter\t{closed.id}\t{who}\t.*$", dump, re.MULTILINE)
        assert voter.split("\t")[4:] == ["electronic", "2026-11-22", "f"]
    counts = closed.result["counts"]["grade"]
    assert {sum(line.values()) for line in counts.values()} == {VOTERS}


def caster(live: Live, booth: Booth, box: int, who: int, grade: str) -> Callable[[], str]:
    choices = booth.choices(grade)

    def cast() -> str:
        actor = load_actor(db.session(), person_id=who, day=live.clock.today())
        return balloting.cast_ballot(
            box, choices, secret=f"the sign-in of {who}", actor=actor, clock=live.clock
        )

    return cast


def test_two_windows_at_once_give_one_ballot(live: Live) -> None:
    booth = Booth(live.desk)
    box, who = booth.box.id, live.desk.town.people["member"]
    for _ in range(1):
        windows = [
            caster(live, booth, box, who, grade) for grade in ("excellent", "basic", "basic")
        ]
        results = at_once(live, *windows)
    assert sum(isinstance(result, str) for result in results) == 1
    assert sum(isinstance(result, AlreadyVoted) for result in results) == 2
    booth.matter.complete("vote")
    assert booth.box.result["collected"] == 1


def test_many_vote_at_once_and_one_closes(live: Live) -> None:
    crowd(live, 8)
    booth = Booth(live.desk)
    box = booth.box.id
    voters = [caster(live, booth, box, who, "qualified") for who in list(booth.lines())[:6]]
    secretary = live.desk.actor("secretary")
    db.session.rollback()
    results = at_once(
        live, *voters, lambda: balloting.close_ballot(box, actor=secretary, clock=live.clock)
    )
    cast = sum(isinstance(result, str) for result in results)
    closed = db.session.get(BallotBox, box, populate_existing=True)
    assert closed.state == "closed"
    assert closed.result["collected"] == cast == len(closed.receipts)
    assert closed.result["issued"] == 8
    lines = booth.lines().values()
    assert sum(line.way is not None for line in lines) == cast
