"""Small procedures, a branch with a few people, and matters to act on: tests read as sentences.

A :class:`Desk` is where people of the invented town do their work.
"""

from tests.bpmn_builder import Boundary, Call, Catch, Fork, Loop, Sub, Throw, Xor
from tests.bpmn_builder import Task as UserTask
from tests.factories.consistency import is_consistent
from tests.factories.procedures import (
    CONTACTS,
    FAULTY,
    faulty,
    parallel,
    procedure,
    receiver,
    round_trip,
    sender,
    two_steps,
    waiting,
    withdrawable,
)
from tests.factories.town import (
    LONG_AGO,
    Town,
    administrator_of_all,
    create_town,
    make_administrator,
)
from tests.factories.work import FILE, Desk, Matter

__all__ = [
    "CONTACTS",
    "FAULTY",
    "FILE",
    "LONG_AGO",
    "Boundary",
    "Call",
    "Catch",
    "Desk",
    "Fork",
    "Loop",
    "Matter",
    "Sub",
    "Throw",
    "Town",
    "UserTask",
    "Xor",
    "administrator_of_all",
    "create_town",
    "faulty",
    "is_consistent",
    "make_administrator",
    "parallel",
    "procedure",
    "receiver",
    "round_trip",
    "sender",
    "two_steps",
    "waiting",
    "withdrawable",
]
