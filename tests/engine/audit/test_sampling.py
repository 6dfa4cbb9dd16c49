"""A sample is drawn by a public rule, stands in the ledger first, and can be drawn again."""

from __future__ import annotations

import hashlib
from datetime import date
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.audit.sampling import (
    SampleWish,
    Strata,
    _packed,
    _unpacked,
    draw,
    draw_sample,
    list_samples,
    population_digest,
    population_of,
    show_sample,
)
from engine.audit.wanted import MatterFilter
from engine.clock import FixedClock
from engine.errors import InvalidInput, NotAllowed, NotFound
from engine.ledger.models import LedgerChain, LedgerEntry
from engine.runtime.models import Instance
from engine.runtime.views import MatterStatus
from tests.played import Played, play_admission

SERIES = st.sampled_from(["FZ-2025", "FZ-2026", "ZX-2026"])
NUMBERS = st.lists(
    st.tuples(SERIES, st.integers(1, 20_000)).map(lambda n: f"{n[0]}-{n[1]:04d}"), unique=True
)


@given(NUMBERS)
def test_a_population_in_little_room_is_the_same_population(numbers: list[str]) -> None:
    assert sorted(_unpacked(_packed(numbers))) == sorted(numbers)


@given(st.text("abc0123456789-_", min_size=4), NUMBERS, st.integers(1, 50))
def test_the_order_of_the_population_does_not_matter(
    seed: str, numbers: list[str], size: int
) -> None:
    taken = draw(seed, numbers, size)
    assert taken == draw(seed, sorted(numbers, reverse=True), size)
    assert len(taken) == min(size, len(numbers)) and set(taken) <= set(numbers)
    assert draw(seed, numbers, size + 1)[:size] == taken


def test_the_rule_is_what_the_documentation_says() -> None:
    numbers = [f"FZ-2026-{n:04d}" for n in range(1, 9)]
    expected = sorted(
        numbers, key=lambda n: hashlib.sha256(b"agreed" + b"\n" + n.encode()).hexdigest()
    )
    assert draw("agreed", numbers, 3) == expected[:3]
    assert (
        population_digest({"b": ["2"], "a": ["1"]}) == hashlib.sha256(b"a\t1\nb\t2\n").hexdigest()
    )


@pytest.fixture
def county(session: Session, clock: FixedClock) -> Played:
    """A matter, and twenty more like it that have ended."""
    played = play_admission(session, clock, until="file_activist")
    known = session.get_one(Instance, played.instance_id)
    kept = {
        column.name: getattr(known, column.name)
        for column in Instance.__table__.columns
        if column.name not in ("id", "serial", "snapshot")
    }
    for serial in range(101, 121):
        session.add(Instance(**{**kept, "serial": serial, "status": "completed"}))
    session.flush()
    return played


OWN = ("strata", "size")
"""What is said of the sample itself; the rest says which matters are wanted."""


def sample(played: Played, by: str = "auditor", seed: str | None = "agreed", **wish: object) -> int:
    return draw_sample(
        SampleWish(
            MatterFilter(**{key: wish.pop(key) for key in tuple(wish) if key not in OWN}),  # type: ignore[arg-type]
            **wish,  # type: ignore[arg-type]
        ),
        actor=played.actor(by),
        clock=played.clock,
        seed=seed,
    )


def test_same_seed_and_population_same_sample(county: Played) -> None:
    first, second = sample(county, size=4), sample(county, size=4)
    other = sample(county, size=4, seed="another")
    me = county.actor("auditor")
    one, two, three = (show_sample(county.session, me, seq) for seq in (first, second, other))
    assert one.strata == two.strata and one.digest == two.digest == three.digest
    assert one.strata[0].taken != three.strata[0].taken
    assert (one.population, one.taken) == (21, 4)
    assert [s.seq for s in list_samples(county.session, me)] == [other, second, first]


def test_the_record_is_enough_to_draw_it_again(county: Played) -> None:
    seq = sample(county, size=3, seed=None, strata=Strata.STATUS)
    me = county.actor("auditor")
    found = show_sample(county.session, me, seq)
    population = population_of(county.session, me, seq)
    assert population_digest(population) == found.digest
    assert {s.name: len(population[s.name]) for s in found.strata} == {
        s.name: s.population for s in found.strata
    }
    assert {s.name for s in found.strata} == {"进行中", "已办结"}
    for stratum in found.strata:
        assert list(stratum.taken) == draw(found.seed, population[stratum.name], 3)
    assert len(found.seed) == 32


def test_filters_and_strata(county: Played) -> None:
    me = county.actor("auditor")

    def drawn(**wish: object) -> dict[str, int]:
        found = show_sample(county.session, me, sample(county, **wish))
        return {stratum.name: stratum.population for stratum in found.strata}

    assert drawn(status=MatterStatus.ACTIVE) == {"": 1}
    assert drawn(process="member_admission", strata=Strata.PROCESS) == {"发展党员": 21}
    assert sum(drawn(strata=Strata.ORGANISATION).values()) == 21
    (name,) = drawn(strata=Strata.PROCESS_ORGANISATION)
    assert name.startswith("发展党员 · ")
    with pytest.raises(InvalidInput):
        drawn(since=date(2030, 1, 1))
    with pytest.raises(InvalidInput):
        drawn(process="other")


def test_who_may_draw_and_see(county: Played) -> None:
    seq = sample(county)
    for name in ("applicant", "administrator", "contact_a"):
        with pytest.raises(NotAllowed):
            sample(county, name)
        with pytest.raises(NotAllowed):
            show_sample(county.session, county.actor(name), seq)
    with pytest.raises(NotFound):
        show_sample(county.session, county.actor("secretary"), seq)
    with pytest.raises(NotAllowed):
        sample(county, "secretary", organisation_id=county.ids["county"])
    own = show_sample(
        county.session, county.actor("secretary"), sample(county, "secretary", size=2)
    )
    assert own.organisation_id == county.ids["branch"]


@pytest.mark.parametrize(
    ("seed", "wish"),
    [("abc", {}), ("a b c d", {}), ("x" * 65, {}), ("good", {"size": 0}), ("good", {"size": 2001})],
)
def test_what_is_refused_leaves_nothing(county: Played, seed: str, wish: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        sample(county, seed=seed, **wish)
    assert list_samples(county.session, county.actor("auditor")) == ()


def test_a_double_click_draws_once(county: Played) -> None:
    command = uuid4()
    drawn = {
        draw_sample(
            SampleWish(), actor=county.actor("auditor"), clock=county.clock, command_id=command
        )
        for _ in range(2)
    }
    assert len(drawn) == 1
    entries = county.session.scalars(
        select(LedgerEntry.seq)
        .join(LedgerChain, LedgerChain.id == LedgerEntry.chain_id)
        .where(LedgerChain.name == "audit")
    ).all()
    assert len(entries) == 1
