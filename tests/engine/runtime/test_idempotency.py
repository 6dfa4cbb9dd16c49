"""A command id makes a repetition harmless: the same answer, one entry, no leak."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from engine.errors import GuichengError, InvalidInput
from engine.runtime import operations
from engine.runtime.commands import Done, ReusedCommand
from tests.factories import Desk, Matter, is_consistent, two_steps, withdrawable

Repeated = Callable[[Matter, UUID], Done]


def start_again(matter: Matter, command_id: UUID) -> Done:
    return matter.desk.start("two_steps", command_id=command_id, data={}).started or Done(0)


def by_task(command: Callable[..., Done], *arguments: Any) -> Repeated:
    """Return a command on the task that was open in the beginning, whatever has become of it."""
    seen: dict[int, int] = {}

    def run(matter: Matter, command_id: UUID) -> Done:
        task = seen.setdefault(matter.id, matter.tasks[0].id if matter.tasks else 0)
        return command(
            task,
            *arguments,
            actor=matter.desk.actor("secretary"),
            clock=matter.desk.clock,
            command_id=command_id,
        )

    return run


def prepared(desk: Desk, name: str) -> tuple[Matter, Repeated]:
    """Return a matter to which the command fits, and the command."""
    matter = desk.start(withdrawable() if name == "message" else two_steps())
    people = desk.town.people
    commands: dict[str, Repeated] = {
        "start": start_again,
        "complete": by_task(operations.complete_task, {"note": "一次"}),
        "claim": by_task(operations.claim_task),
        "unclaim": by_task(operations.unclaim_task),
        "delegate": by_task(operations.delegate_task, people["member"], "出差"),
        "send_back": by_task(operations.send_back, "apply", "请补正"),
        "message": lambda matter, key: matter.send("withdraw", command_id=key),
        "cancel": lambda matter, key: matter.cancel(command_id=key),
        "suspend": lambda matter, key: matter.suspend(command_id=key),
        "resume": lambda matter, key: matter.resume(command_id=key),
    }
    if name == "unclaim":
        matter.claim("apply")
    if name == "send_back":
        matter.complete("apply")
    if name == "resume":
        matter.suspend()
    return matter, commands[name]


COMMANDS = [
    "start",
    "complete",
    "claim",
    "unclaim",
    "delegate",
    "send_back",
    "message",
    "cancel",
    "suspend",
    "resume",
]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_second_submission_returns_the_same_and_writes_nothing(desk: Desk, name: str) -> None:
    matter, command = prepared(desk, name)
    command_id = uuid4()
    first = command(matter, command_id)
    made = Matter(desk, first.instance_id)
    entries, revision = made.kinds, made.row.revision
    for _ in range(2):
        again = command(matter, command_id)
        assert again.instance_id == first.instance_id
        assert again.ended == first.ended
        assert dict(again.opened) == dict(first.opened)
        assert again.replayed or name in {"claim", "unclaim"}
    assert (made.kinds, made.row.revision) == (entries, revision)
    is_consistent(made.id, desk.clock)


@pytest.mark.parametrize("name", COMMANDS)
def test_with_a_new_id_it_is_a_new_command(desk: Desk, name: str) -> None:
    matter, command = prepared(desk, name)
    first = command(matter, uuid4())
    try:
        second = command(matter, uuid4())
    except GuichengError:
        return
    if name == "start":
        assert second.instance_id != first.instance_id


@pytest.mark.parametrize(
    ("first", "between", "kinds"),
    [
        ("suspend", "resume", ["started", "suspended", "resumed"]),
        ("claim", "unclaim", ["started", "claimed", "unclaimed"]),
    ],
)
def test_a_late_repetition_does_not_undo_what_came_after(
    desk: Desk, first: str, between: str, kinds: list[str]
) -> None:
    matter, command = prepared(desk, first)
    command_id = uuid4()
    command(matter, command_id)
    if between == "resume":
        matter.resume()
    else:
        matter.unclaim("apply")
    assert command(matter, command_id).replayed
    assert matter.kinds == kinds


def test_another_person_with_the_same_id_learns_nothing(desk: Desk) -> None:
    package = two_steps()
    mine, other = desk.start(package), desk.start(package)
    command_id = uuid4()
    mine.complete("apply", command_id=command_id)
    with pytest.raises(ReusedCommand) as refused:
        other.complete("apply", by="deputy", command_id=command_id)
    assert str(mine.id) not in str(refused.value)
    assert mine.row.number not in str(refused.value)
    assert other.kinds == ["started"]
    is_consistent(other.id, desk.clock)


def test_another_person_who_may_do_nothing_is_refused_the_same_way(desk: Desk) -> None:
    matter = desk.start(two_steps())
    command_id = uuid4()
    matter.complete("apply", command_id=command_id)
    with pytest.raises(GuichengError) as refused:
        operations.claim_task(
            matter.task("approve"),
            actor=desk.actor("stranger"),
            clock=desk.clock,
            command_id=command_id,
        )
    assert matter.row.number not in str(refused.value)
    assert matter.kinds == ["started", "completed"]


def test_an_id_of_another_task_is_not_taken_for_this_one(desk: Desk) -> None:
    package = two_steps()
    first, second = desk.start(package), desk.start(package)
    command_id = uuid4()
    first.complete("apply", command_id=command_id)
    with pytest.raises(ReusedCommand):
        second.complete("apply", command_id=command_id)
    assert second.kinds == ["started"]


def test_an_id_of_another_command_on_the_same_task_is_not_taken_for_this_one(desk: Desk) -> None:
    matter = desk.start(two_steps())
    command_id = uuid4()
    matter.claim("apply", command_id=command_id)
    with pytest.raises(ReusedCommand):
        matter.complete("apply", command_id=command_id)
    assert matter.open == ["apply"]


def test_back_in_the_browser_and_another_person_chosen_is_not_the_same_start(desk: Desk) -> None:
    key = desk.deploy(two_steps("personal", subject="person"))
    command_id = uuid4()
    desk.start(key, subject="applicant", command_id=command_id)
    with pytest.raises(ReusedCommand):
        desk.start(key, subject="second_applicant", command_id=command_id)


def test_a_start_with_a_file_can_be_repeated(desk: Desk) -> None:
    from tests.engine.runtime.test_completing import upload

    package = two_steps()
    file, command_id = upload(desk, "secretary"), uuid4()
    first = desk.start(package, data={"files": [file]}, command_id=command_id)
    again = desk.start(package, data={"files": [file]}, command_id=command_id)
    assert again.id == first.id


def test_a_refused_command_may_be_given_again_with_its_id(desk: Desk) -> None:
    matter = desk.start(two_steps())
    command_id = uuid4()
    with pytest.raises(InvalidInput):
        matter.complete("apply", {"amount": "x"}, command_id=command_id)
    done = matter.complete("apply", {"amount": 1}, command_id=command_id)
    assert not done.replayed
