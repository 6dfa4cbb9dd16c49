"""A matter of the database, written as a file, is judged as the database judges it."""

import json
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from engine.checking.exporting import export_matter
from engine.checking.judging import check_file
from engine.clock import FixedClock
from engine.compliance.results import Outcome
from engine.errors import NotFound
from engine.runtime.queries.conformance import matter_conformance
from tests.played import play_admission
from tests.shipped import PROCESSES


@pytest.mark.parametrize(
    "scenario",
    [
        "happy_path",
        "probation_extended",
        "sent_back",
        "transferred_in_education",
        "withdrawn_in_prospect",
        "approval_returned",
    ],
)
def test_a_matter_written_and_checked_says_what_was_stored(
    scenario: str, session: Session, clock: FixedClock, tmp_path: Path
) -> None:
    played = play_admission(session, clock, scenario=scenario)
    found = export_matter(session, played.instance_id)
    path = tmp_path / "matter.json"
    path.write_text(json.dumps(found, ensure_ascii=False), "utf-8")
    checked = check_file(path, PROCESSES, today=clock.today())
    broken = {result.rule.id for result in checked.results if result.outcome is Outcome.NOT_MET}
    assert broken == set(played.findings())
    assert [str(d.sentence) for d in checked.conformance.deviations] == []
    assert checked.conformance.fitness == 1


def test_what_was_done_here_follows_the_procedure(session: Session, clock: FixedClock) -> None:
    played = play_admission(session, clock)
    conformance = matter_conformance(session, played.instance_id)
    assert conformance is not None
    assert conformance.deviations == ()
    assert conformance.completed


def test_a_matter_that_is_not_there(session: Session) -> None:
    with pytest.raises(NotFound):
        export_matter(session, 999_999)
