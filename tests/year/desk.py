"""What people do in a year, through the REST interface and through nothing else.

A desk knows everybody's token and number. Nothing here looks into the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from engine.clock import ZONE, FixedClock
from engine.postgres import Addresses
from tests.web.api.conftest import Program
from web.api.directory import WORKBOOK

Ids = dict[str, int]


@dataclass
class Desk:
    """Everybody's programs, by the number that a person has in the committee's own lists."""

    app: Flask
    clock: FixedClock
    client: FlaskClient
    where: Addresses
    tokens: dict[str, str] = field(default_factory=dict)
    accounts: Ids = field(default_factory=dict)
    ids: Ids = field(default_factory=dict)
    requests: int = 0

    @property
    def today(self) -> date:
        """Return the day it is."""
        return self.clock.today()

    def morning_of(self, day: date) -> None:
        """Let it be ten o'clock of a day."""
        self.clock.set(datetime.combine(day, time(10), ZONE))

    def program(self, who: str) -> Program:
        """Return a program that acts for somebody."""
        self.requests += 1
        return Program(self.client, self.tokens[who])

    def people(self, codes: Iterable[str]) -> list[int]:
        """Return the ids of people."""
        return [self.ids[code] for code in codes]

    def get(self, who: str, path: str, **query: Any) -> Any:
        """Read something; return the body."""
        answer = self.program(who).get(path, query_string=query)
        assert answer.status_code == 200, f"{self.today} {who} GET {path}: {answer.text}"
        return answer.get_json()

    def pages(self, who: str, path: str, **query: Any) -> list[Any]:
        """Read a list to its end."""
        found: list[Any] = []
        cursor: str | None = None
        while True:
            more = {"cursor": cursor} if cursor else {}
            body = self.get(who, path, limit="100", **query, **more)
            found += body["items"]
            cursor = body["next_cursor"]
            if cursor is None:
                return found

    def post(self, who: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Do something; return the body, None where there is none."""
        answer = self.program(who).command(path, dict(body or {}))
        assert answer.status_code in (200, 201, 204), (
            f"{self.today} {who} POST {path} {body}: {answer.status_code} {answer.text}"
        )
        return answer.get_json(silent=True)

    def upload(self, who: str) -> list[int]:
        """Hand in a file; return what a form's field for files takes."""
        return [self.program(who).upload()]

    def bring_in(self, content: bytes) -> None:
        """Let the administrator import a workbook."""
        answer = self.program("administrator").post(
            "directory-imports", data=content, headers={"Content-Type": WORKBOOK}
        )
        assert answer.status_code == 200, f"{self.today}: {answer.text}"

    # -- matters ------------------------------------------------------------------------------

    def begin(
        self,
        process: str,
        place: str,
        who: str,
        element: str,
        data: Mapping[str, Any],
        day: date | None = None,
    ) -> Matter:
        """Do the first step of a matter, in the draft that the plan has started if there is one.

        Not in one that was left over: ``day`` lies in the period for which it has to be.
        """
        wanted = (process, self.ids[place], element)
        drafts = {
            task["instance_id"]: task["id"]
            for task in self.pages(who, "tasks")
            if (task["process"], task["organisation_id"], task["element"]) == wanted
        }
        if drafts:
            day = day or self.today
            year = self.get(who, f"organisations/{self.ids[place]}/duties", year=str(day.year))
            for duty in year["items"]:
                ours = duty["since"] <= day.isoformat() <= duty["until"]
                if ours and duty["draft_id"] in drafts:
                    matter = Matter(self, duty["draft_id"], {element: [drafts[duty["draft_id"]]]})
                    matter.do(element, who, **data)
                    return matter
        return self.start(process, place, who, data)

    def start(
        self,
        process: str,
        place: str,
        who: str,
        data: Mapping[str, Any],
        subject: str | None = None,
    ) -> Matter:
        """Start a matter with the data of its first step."""
        body = {"process": process, "organisation_id": self.ids[place], "data": dict(data)}
        if subject is not None:
            body["subject_id"] = self.ids[subject]
        done = self.post(who, "process-instances", body)
        matter = Matter(self, done["instance_id"], {})
        matter.note(done)
        return matter


@dataclass
class Matter:
    """A matter, and its open tasks by element."""

    desk: Desk
    id: int
    open: dict[str, list[int]]
    ended: bool = False

    def note(self, done: Mapping[str, Any]) -> None:
        """Remember what a command has opened."""
        for task in done["opened"]:
            self.open.setdefault(task["element"], []).append(task["id"])
        self.ended = done["ended"]

    def look(self, who: str) -> None:
        """See what somebody has to do in the matter."""
        for task in self.desk.pages(who, "tasks"):
            if task["instance_id"] == self.id:
                known = self.open.setdefault(task["element"], [])
                known += [task["id"]] if task["id"] not in known else []

    def do(self, element: str, who: str, **data: Any) -> None:
        """Complete a step of the day with these answers."""
        if not self.open.get(element):
            self.look(who)  # a timer may have opened it
        assert self.open.get(element), f"{self.desk.today} {element} is not open: {self.open}"
        self.complete(self.open[element].pop(0), who, **data)

    def complete(self, task: int, who: str, **data: Any) -> None:
        """Complete a task."""
        self.note(self.desk.post(who, f"tasks/{task}/complete", {"data": data}))

    def tasks_of(self, element: str, who: str) -> dict[int, int]:
        """Return the open tasks of a step with a task for each, by person."""
        rolls = self.desk.get(who, f"process-instances/{self.id}/rolls")["rolls"]
        (roll,) = (roll for roll in rolls if roll["element"] == element)
        self.open.pop(element, None)
        return {p["person_id"]: p["task_id"] for p in roll["people"] if p["task_id"]}
