"""A procedure with a secret ballot, and people who vote in it: tests read as sentences."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from engine.ballots.models import BallotBox, BallotVoter
from engine.database import db
from engine.definitions.package import Package, load_package
from engine.directory.actors import load_actor
from engine.runtime import balloting
from tests.factories import Desk, UserTask, procedure

GRADES = ("excellent", "qualified", "basic", "unqualified")
QUESTIONS: Sequence[Mapping[str, Any]] = (
    {
        "type": "radio",
        "key": "grade",
        "label": "等次",
        "values": [{"value": g, "label": g} for g in GRADES],
        "validate": {"required": True},
        "properties": {"about": "members"},
    },
    {
        "type": "radio",
        "key": "work",
        "label": "对支部工作是否满意",
        "values": [{"value": v, "label": v} for v in ("yes", "no", "abstain")],
        "validate": {"required": True},
    },
    {
        "type": "checklist",
        "key": "wishes",
        "label": "今后重点",
        "values": [{"value": v, "label": v} for v in ("study", "service", "meetings")],
        "properties": {"most": "2"},
    },
)


def ballot_package(
    key: str = "review",
    *,
    questions: Sequence[Mapping[str, Any]] = QUESTIONS,
    **properties: str | None,
) -> Package:
    """Return ``prepare``, ``vote`` (its form holds the ballot ``questionnaire``), ``finish``.

    A property that is None is left out of the form.
    """
    body = [UserTask("prepare"), UserTask("vote"), UserTask("finish")]
    plain = procedure(key, body, steps={"finish": 'send_back = ["vote", "prepare"]'})
    files = dict(plain.files)
    manifest = files["process.toml"].decode()
    head, tail = manifest.split('element = "vote"')
    tail = tail.replace('form = "entry"', 'form = "vote"', 1)
    files["process.toml"] = f'{head}element = "vote"{tail}'.encode()
    form = {
        "schemaVersion": 16,
        "type": "default",
        "id": "vote",
        "components": [
            {
                "type": "group",
                "key": "questionnaire",
                "label": "民主测评",
                "properties": {
                    name: said
                    for name, said in {"domain": "ballot", "min_size": "2", **properties}.items()
                    if said is not None
                },
                "components": list(questions),
            },
            {"type": "textfield", "key": "remark", "label": "说明"},
        ],
    }
    files["forms/vote.form"] = json.dumps(form, ensure_ascii=False).encode()
    return load_package(files)


class Booth:
    """The open ballot of one matter of the desk's branch."""

    def __init__(self, desk: Desk, package: Package | None = None) -> None:
        self.desk = desk
        self.matter = desk.start(package or ballot_package())
        self.matter.complete("prepare")
        self.task = self.matter.task("vote")

    @property
    def box(self) -> BallotBox:
        """The box as the database has it now."""
        found: BallotBox = db.session.scalars(
            select(BallotBox)
            .where(BallotBox.task_id == self.task, BallotBox.state != "void")
            .execution_options(populate_existing=True)
        ).one()
        return found

    def lines(self) -> dict[int, BallotVoter]:
        """The roll by person."""
        rows = db.session.scalars(
            select(BallotVoter)
            .where(BallotVoter.box_id == self.box.id)
            .execution_options(populate_existing=True)
        )
        return {row.person_id: row for row in rows}

    def choices(self, grade: str = "qualified", **more: Sequence[str]) -> dict[str, Sequence[str]]:
        """Return a ballot that gives everybody the same grade."""
        filled: dict[str, Sequence[str]] = {}
        for question in self.box.paper["questions"]:
            for value, _ in question["items"]:
                filled[f"{question['key']}.{value}"] = [grade]
            if question["key"] == "work":
                filled["work"] = ["yes"]
        return {**filled, **more}

    def cast(self, who: str | int, grade: str = "qualified", **more: Sequence[str]) -> str:
        """Let somebody of the town vote; return the receipt."""
        person = self.desk.town.people[who] if isinstance(who, str) else who
        actor = load_actor(db.session(), person_id=person, day=self.desk.clock.today())
        return balloting.cast_ballot(
            self.box.id,
            self.choices(grade, **more),
            secret=f"the sign-in of {person}",
            actor=actor,
            clock=self.desk.clock,
        )

    def totals(self, collected: int, invalid: int, grade: str = "qualified") -> dict[str, int]:
        """Return totals of paper ballots on which everybody has the same grade."""
        given = {"0.collected": collected, "0.invalid": invalid}
        for question in self.box.paper["questions"]:
            names = [v for v, _ in question["items"]] or [""]
            for place in names:
                for value, _ in question["options"]:
                    name = ".".join(filter(None, ("0", question["key"], place, value)))
                    given[name] = collected - invalid if value in (grade, "yes") else 0
        return given
