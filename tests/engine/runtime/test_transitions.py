"""What follows from a step, asked of the pure functions: no database, no web."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.calendars.functions import date_functions
from engine.calendars.notices import shipped_table
from engine.clock import FixedClock, start_of_day
from engine.definitions.package import At, Lane, Who, load_package
from engine.definitions.versions import Definition, build_definition
from engine.errors import ExpressionFault, InvalidInput, NotAllowed, TaskClosed
from engine.runtime import conditions, transitions
from engine.runtime.lanes import Candidates, find_candidates
from engine.runtime.matters import Matter, OpenedTask, Outcome, StatusChange, Transition, World
from tests.package_builder import DIAGRAM, add, diagram, flow, good_files, good_package, swap

BRANCH, COMMITTEE, COUNTY = 1, 2, 3
SUBJECT, MEMBER = 101, 102


class Organisations:
    """A branch below a committee that approves, below a county."""

    above: Mapping[int, int] = {BRANCH: COMMITTEE, COMMITTEE: COUNTY}

    def approving(self, organisation_id: int) -> int | None:
        """Only the committee approves."""
        return COMMITTEE if organisation_id in {BRANCH, COMMITTEE} else None

    def parent(self, organisation_id: int) -> int | None:
        """Return the organisation directly above."""
        return self.above.get(organisation_id)


def world(today: str = "2026-06-20") -> World:
    """Return the world on a day."""
    day = date.fromisoformat(today)
    clock = FixedClock(start_of_day(day))
    return World(clock, date_functions(shipped_table(), day), Organisations())


@cache
def definition() -> Definition:
    """Return the good package, ready to run."""
    return build_definition(good_package())


def begin(on: str = "2026-06-01", what: Definition | None = None) -> Transition:
    """Start a matter."""
    return transitions.begin(
        what or definition(),
        organisation_id=BRANCH,
        subject_id=SUBJECT,
        started_on=date.fromisoformat(on),
        world=world(),
    )


def task(transition: Transition, element: str) -> OpenedTask:
    """Return the task that a transition opened."""
    return next(opened for opened in transition.opened if opened.element == element)


def complete(
    matter: Matter, uid: UUID, on: str, data: Mapping[str, Any] | None = None, today: str = ""
) -> Transition:
    """Complete a task."""
    day = date.fromisoformat(on)
    return transitions.complete(matter, uid, data or {}, day, world(today or "2026-06-20"))


def applied() -> Transition:
    """A matter whose application was handed in on 1 June."""
    begun = begin()
    return complete(begun.matter, task(begun, "apply").uid, "2026-06-01")


AGREE = {"review_decision": "agree", "review_contacts": [MEMBER]}


def reviewed(today: str = "2026-06-04") -> Transition:
    """… and whose review agreed on 3 June; the wait of five days is still on."""
    before = applied()
    return complete(before.matter, task(before, "review").uid, "2026-06-03", AGREE, today)


# --- beginning and completing -------------------------------------------------------------------


def test_a_beginning_opens_the_first_task() -> None:
    begun = begin()
    assert [opened.element for opened in begun.opened] == ["apply"]
    first = begun.opened[0]
    assert first.candidates == Candidates("applicant", (f"p{SUBJECT}",), BRANCH)
    assert (first.not_before, first.due_on, first.item) == (date(2026, 6, 1), None, None)
    assert begun.stage == "applying"
    assert [wait.name for wait in begun.subscriptions] == ["withdraw"]
    assert not begun.completed


def test_completing_opens_what_follows_with_its_days() -> None:
    after = applied()
    review = task(after, "review")
    assert (review.earliest_on, review.due_on) == (date(2026, 6, 2), date(2026, 7, 1))
    assert review.candidates.principals == (f"o{BRANCH}:secretary",)
    assert review.candidates.excluded == SUBJECT
    assert review.step.number == "02"
    assert after.stage == "reviewing"
    assert "apply" in [passed.element for passed in after.passed]
    assert after.subscriptions == (), "the first stage is over, with its message"


def test_the_matter_given_is_not_changed() -> None:
    begun = begin()
    snapshot = begun.matter.snapshot
    complete(begun.matter, task(begun, "apply").uid, "2026-06-01")
    assert begun.matter.snapshot == snapshot
    again = complete(begun.matter, task(begun, "apply").uid, "2026-06-02")
    assert [opened.element for opened in again.opened] == ["review"]


def test_people_chosen_in_a_step_act_in_the_lane_of_their_role() -> None:
    after = reviewed()
    assert after.participants == {"contacts": (MEMBER,)}
    assert after.matter.participants == {"contacts": (MEMBER,)}
    assert task(after, "check").candidates == Candidates("contacts", (f"p{MEMBER}",), BRANCH)


def test_another_lane_stands_in_when_nobody_has_the_role() -> None:
    before = applied()
    data = {"review_decision": "agree"}
    after = complete(before.matter, task(before, "review").uid, "2026-06-03", data, "2026-06-04")
    candidates = task(after, "check").candidates
    assert candidates.lane == "branch"
    assert candidates.principals == (f"o{BRANCH}:secretary",)


def test_a_wait_is_a_timer_and_fires_by_the_clock() -> None:
    after = reviewed()
    assert [timer.element for timer in after.timers] == ["wait"]
    assert after.timers[0].due_at == start_of_day(date(2026, 6, 8))
    assert transitions.fire(after.matter, world("2026-06-07")) is None
    fired = transitions.fire(after.matter, world("2026-06-08"))
    assert fired is not None
    assert fired.still_open == {task(after, "check").uid.bytes}
    assert not fired.completed
    done = complete(fired.matter, task(after, "check").uid, "2026-06-09")
    assert done.completed


def test_effects_come_after_their_element() -> None:
    after = reviewed("2026-06-20")
    done = complete(after.matter, task(after, "check").uid, "2026-06-09")
    assert done.effects == (
        StatusChange(SUBJECT, "applicant", date(2026, 6, 3), "become_applicant"),
        Outcome("agreed", "同意", "become_applicant"),
    )
    assert done.outcome == Outcome("agreed", "同意", "become_applicant")
    assert done.status_changes == done.effects[:1]
    assert done.completed


def test_an_effect_without_since_counts_from_the_step_that_caused_it() -> None:
    files = good_files()
    text = swap(files["process.toml"].decode(), "since = \"on['review']\"\n", "")
    what = build_definition(load_package(files | {"process.toml": text.encode()}))
    after = replace(reviewed("2026-06-20").matter, definition=what)
    opened = transitions.look(after, world()).opened[0]
    done = complete(after, opened.uid, "2026-06-11")
    assert done.status_changes[0].since == date(2026, 6, 11)


def test_an_effect_of_a_late_timer_counts_from_the_day_it_was_due() -> None:
    files = good_files()
    text = swap(files["process.toml"].decode(), "since = \"on['review']\"\n", "")
    what = build_definition(load_package(files | {"process.toml": text.encode()}))
    matter = replace(reviewed().matter, definition=what)
    checked = complete(matter, transitions.look(matter, world("2026-06-04")).opened[0].uid,
                       "2026-06-04", today="2026-06-04")  # fmt: skip
    fired = transitions.fire(checked.matter, world("2026-06-19"))
    assert fired is not None
    assert fired.status_changes[0].since == date(2026, 6, 8)


def test_a_condition_keeps_an_effect_back() -> None:
    before = applied()
    refused = complete(
        before.matter, task(before, "review").uid, "2026-06-03", {"review_decision": "refuse"}
    )
    assert refused.completed
    assert refused.effects == ()


# --- days ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on", "said"),
    [
        ("2026-06-21", "今天"),
        ("2026-05-31", "2026-06-01"),
        ("2026-06-01", "2026-06-02"),
    ],
)
def test_a_day_on_which_it_cannot_have_happened(on: str, said: str) -> None:
    """In the future; before the step it follows; before the first lawful day."""
    before = applied()
    with pytest.raises(InvalidInput) as refusal:
        complete(before.matter, task(before, "review").uid, on, AGREE)
    assert said in refusal.value.fields["occurred_on"][0]


def test_the_first_step_is_not_before_the_start() -> None:
    begun = begin("2026-06-05")
    with pytest.raises(InvalidInput):
        complete(begun.matter, task(begun, "apply").uid, "2026-06-04")


@given(
    start=st.dates(date(2025, 1, 1), date(2026, 1, 1)),
    steps=st.lists(st.integers(-40, 60), min_size=2, max_size=2),
)
def test_days_never_run_backwards(start: date, steps: list[int]) -> None:
    """Whatever days are tried, a step is accepted exactly when it does not precede the last."""
    matter, opened = (begun := begin(start.isoformat())).matter, begun.opened[0]
    day, data = start, [{}, AGREE]
    for number, (distance, values) in enumerate(zip(steps, data, strict=True)):
        tried = date.fromordinal(day.toordinal() + distance)
        allowed = tried >= day if number == 0 else tried > day
        try:
            after = complete(matter, opened.uid, tried.isoformat(), values, "2026-12-31")
        except InvalidInput:
            assert not allowed
            return
        assert allowed
        matter, opened, day = after.matter, after.opened[0], tried
        assert opened.not_before == tried


def test_a_limit_that_is_no_date_is_a_fault() -> None:
    files = good_files()
    text = swap(files["process.toml"].decode(), "add_months(on['apply'], 1)", "'soon'")
    what = build_definition(load_package(files | {"process.toml": text.encode()}))
    begun = begin(what=what)
    with pytest.raises(ExpressionFault):
        complete(begun.matter, begun.opened[0].uid, "2026-06-01")


# --- other commands -----------------------------------------------------------------------------


def test_a_task_that_is_not_open() -> None:
    after = applied()
    for uid in (begin().opened[0].uid, uuid4()):
        with pytest.raises(TaskClosed):
            complete(after.matter, uid, "2026-06-03")
        with pytest.raises(TaskClosed):
            transitions.send_back(after.matter, uid, "apply", b"", world())


def test_sending_back_opens_the_earlier_step_again() -> None:
    begun = begin()
    after = complete(begun.matter, begun.opened[0].uid, "2026-06-01")
    back = transitions.send_back(
        after.matter, task(after, "review").uid, "apply", begun.matter.snapshot, world()
    )
    assert [opened.element for opened in back.opened] == ["apply"]
    assert back.opened[0].uid == begun.opened[0].uid
    assert (back.closed, back.effects) == ((), ())
    assert [wait.name for wait in back.subscriptions] == ["withdraw"]
    again = complete(back.matter, back.opened[0].uid, "2026-06-04")
    assert task(again, "review").not_before == date(2026, 6, 4)


def test_sending_back_only_where_the_package_allows() -> None:
    after = reviewed()
    with pytest.raises(NotAllowed):
        transitions.send_back(
            after.matter, task(after, "check").uid, "apply", begin().matter.snapshot, world()
        )
    before = applied()
    with pytest.raises(NotAllowed):  # a snapshot in which the step is not open
        transitions.send_back(
            before.matter, task(before, "review").uid, "apply", before.matter.snapshot, world()
        )


def test_a_task_that_is_open_then_too_is_opened_anew() -> None:
    """Two tasks in parallel; one sends back to the other: both have to be done again."""
    text = good_files()["process.toml"].decode()
    body = swap(text, 'form = "check"', 'form = "check"\nsend_back = ["recheck"]')
    body += '\n[[step]]\nelement = "recheck"\ntitle = "再核对"\nform = "check"\n'
    change = add(
        '<userTask id="recheck" name="再核对"/>',
        flow("fork_check", "recheck"),
        flow("recheck", "join_check"),
    )
    place = "<flowNodeRef>check</flowNodeRef>"
    drawing = swap(swap(DIAGRAM, *change), place, place + place.replace("check", "recheck"))
    files = good_files() | {"process.toml": body.encode(), "tiny_review.bpmn": diagram(drawing)}
    what = build_definition(load_package(files))
    begun = begin(what=what)
    after = complete(begun.matter, begun.opened[0].uid, "2026-06-01")
    forked = complete(after.matter, after.opened[0].uid, "2026-06-03", AGREE, "2026-06-04")
    rechecked = complete(
        forked.matter, task(forked, "recheck").uid, "2026-06-04", today="2026-06-04"
    )
    check = task(forked, "check")
    assert rechecked.still_open == {check.uid.bytes}
    back = transitions.send_back(
        rechecked.matter, check.uid, "recheck", forked.matter.snapshot, world("2026-06-04")
    )
    assert {opened.element for opened in back.opened} == {"check", "recheck"}
    assert back.still_open == frozenset()


def test_a_message_that_is_waited_for() -> None:
    begun = begin()
    day = date(2026, 6, 2)
    after = transitions.deliver(begun.matter, "withdraw", {}, day, world())
    assert after is not None
    assert after.completed
    assert after.closed == (begun.opened[0].uid,)
    assert after.opened == ()


def test_a_message_that_nobody_waits_for() -> None:
    assert transitions.deliver(applied().matter, "withdraw", {}, date(2026, 6, 2), world()) is None
    assert transitions.deliver(begin().matter, "unknown", {}, date(2026, 6, 2), world()) is None


def test_a_message_from_the_future() -> None:
    with pytest.raises(InvalidInput):
        transitions.deliver(begin().matter, "withdraw", {}, date(2026, 6, 21), world())


def test_cancelling_takes_everything_back() -> None:
    after = reviewed()
    gone = transitions.cancel(after.matter, world())
    assert gone.closed == (task(after, "check").uid,)
    assert (gone.opened, gone.timers, gone.subscriptions, gone.effects) == ((), (), (), ())
    assert gone.matter.snapshot == b""


def test_looking_changes_nothing() -> None:
    after = reviewed()
    seen = transitions.look(after.matter, world("2026-06-04"))
    assert [opened.uid for opened in seen.opened] == [task(after, "check").uid]
    assert seen.effects == ()
    assert seen.timers == after.timers


def test_a_task_is_restored_once_for_its_form_and_its_completion() -> None:
    before = applied()
    uid = task(before, "review").uid
    prepared = transitions.prepare(before.matter, uid, world())
    assert prepared.facts["on"]["apply"] == "2026-06-01"
    assert prepared.facts["subject"] == SUBJECT
    after = transitions.complete(
        before.matter, uid, AGREE, date(2026, 6, 3), world("2026-06-04"), prepared=prepared
    )
    assert [opened.element for opened in after.opened] == ["check"]


def test_a_field_left_out_forgets_what_was_there() -> None:
    """A field that is hidden in a later round must not keep the value of the first."""
    begun = begin()
    after = complete(begun.matter, begun.opened[0].uid, "2026-06-01")
    agreed = complete(after.matter, after.opened[0].uid, "2026-06-03", AGREE, "2026-06-04")
    facts = transitions.prepare(agreed.matter, agreed.opened[0].uid, world()).facts
    assert facts["review_decision"] == "agree"
    back = transitions.complete(
        after.matter, after.opened[0].uid, {}, date(2026, 6, 3), world("2026-06-04")
    )
    assert back.completed, "nothing was decided, so the default flow is taken"


def test_who_may_be_the_subject() -> None:
    conditions.check_start(definition(), "none")
    with pytest.raises(InvalidInput) as refusal:
        conditions.check_start(definition(), "full")
    assert "subject" in refusal.value.fields


# --- lanes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "organisation"),
    [
        (At.ORGANISATION, BRANCH),
        (At.PARENT, COMMITTEE),
        (At.APPROVING, COMMITTEE),
        (At.ABOVE_APPROVING, COUNTY),
    ],
)
def test_where_the_posts_of_a_lane_are(at: At, organisation: int) -> None:
    lane = Lane("x", "某", Who.POSTS, posts=("secretary", "organiser"), at=at)
    found = find_candidates(
        lane,
        {"x": lane},
        organisation_id=BRANCH,
        subject_id=None,
        participants={},
        directory=Organisations(),
    )
    assert found.organisation_id == organisation
    assert found.principals == (f"o{organisation}:secretary", f"o{organisation}:organiser")


def test_a_lane_whose_organisation_does_not_exist_has_nobody() -> None:
    lane = Lane("x", "某", Who.POSTS, posts=("secretary",), at=At.ABOVE_APPROVING)
    found = find_candidates(
        lane,
        {"x": lane},
        organisation_id=COUNTY,
        subject_id=None,
        participants={},
        directory=Organisations(),
    )
    assert (found.principals, found.organisation_id) == ((), None)


def test_another_lane_may_act_too() -> None:
    branch = Lane("branch", "支部", Who.POSTS, posts=("secretary",), not_subject=True)
    own = Lane("own", "本人", Who.SUBJECT, also=("branch",))
    found = find_candidates(
        own,
        {"own": own, "branch": branch},
        organisation_id=BRANCH,
        subject_id=SUBJECT,
        participants={},
        directory=Organisations(),
    )
    assert found.principals == (f"p{SUBJECT}", f"o{BRANCH}:secretary")
    assert found.lane == "own"


def test_a_candidate_holds_a_principal_and_is_not_excluded() -> None:
    found = Candidates("x", ("o1:secretary",), 1, excluded=SUBJECT)
    assert found.include(MEMBER, {"p102", "o1:secretary"})
    assert not found.include(MEMBER, {"p102"})
    assert not found.include(SUBJECT, {"o1:secretary"})
