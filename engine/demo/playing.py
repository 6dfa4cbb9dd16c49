"""Play the scenarios of a package on the database, with real people in the roles of the cast.

The demo fills its matters this way, and the tests prove that the commands come to what the
scenarios say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from engine.attachments.models import Attachment
from engine.clock import ZONE, FixedClock
from engine.database import db, unit_of_work
from engine.definitions.versions import Definition, active_version, load_definition
from engine.demo.balloting import hold_on_paper
from engine.directory.actors import Actor, load_actor
from engine.errors import NotRunning, TaskClosed
from engine.forms.fields import Field, FieldKind
from engine.forms.schema import FormSchema
from engine.lint.cast import deep_merge
from engine.lint.play import drop_default, item_key
from engine.runtime import operations, transitions
from engine.runtime.commands import Done
from engine.runtime.lanes import person_principal
from engine.runtime.models import Instance, Task, Timer
from engine.runtime.people import form_context
from engine.runtime.store import lock_task
from engine.runtime.world import make_world, matter_of


@dataclass
class Play:
    """A matter that is being played by people of the directory."""

    key: str
    clock: FixedClock
    organisation_id: int
    subject_id: int | None
    ids: Mapping[str, int]
    """Person or organisation by its name in the cast (``@name``)."""
    defaults: Mapping[str, Mapping[str, Any]]
    """Form data by step, laid under what an action says itself."""
    file_sha256: str
    """The file that is handed in wherever a form asks for one; it has to be in the store."""
    instance_id: int | None = None
    done: list[str] = field(default_factory=list)

    def complete(
        self,
        element: str,
        data: Mapping[str, Any],
        on: date,
        by: str | None,
        item: str | None = None,
        without: Sequence[str] = (),
    ) -> Done:
        """Complete the open task of ``element``; the first one starts the matter.

        ``without`` names fields whose defaults are left out.
        """
        own = self._resolved(data)
        actor = self._actor(by)
        if self.instance_id is None:
            raw = self._raw(
                self._definition().form_of(element), element, own, on, actor, None, without
            )
            done = operations.start_instance(
                self.key,
                raw,
                organisation_id=self.organisation_id,
                subject_id=self.subject_id,
                actor=actor,
                clock=self.clock,
                occurred_on=on,
            )
            self.instance_id = done.instance_id
        else:
            task_id = self.task(element, item, by)
            actor = actor if by is not None else self._somebody(task_id)
            form = self._definition().form_of(element)
            raw = self._raw(form, element, own, on, actor, task_id, without)
            for ballot in form.ballots:
                if (wanted := raw.pop(ballot.key, None)) is not None:
                    hold_on_paper(task_id, ballot.key, wanted, actor=actor, clock=self.clock)
            done = operations.complete_task(
                task_id, raw, actor=actor, clock=self.clock, occurred_on=on
            )
        self.done.append(element)
        self.catch_up()
        return done

    def send_back(self, element: str, to: str, by: str | None) -> Done:
        """Send the matter back from the open task of ``element``."""
        task_id = self.task(element, None, by)
        actor = self._actor(by) if by is not None else self._somebody(task_id)
        done = operations.send_back(task_id, to, "请补正后再报。", actor=actor, clock=self.clock)
        self.catch_up()
        return done

    def come(self, element: str, person: str, on: date, by: str, *, left: bool) -> Done:
        """Add a person to a step with a task for each, or take them off its list."""
        if self.instance_id is None:
            raise NotRunning
        change = operations.remove_participant if left else operations.add_participant
        done = change(
            self.instance_id,
            element,
            self.ids[person],
            "组织关系有变化。",
            actor=self._actor(by),
            clock=self.clock,
            occurred_on=on,
        )
        self.catch_up()
        return done

    def message(
        self,
        key: str,
        data: Mapping[str, Any],
        on: date,
        by: str | None,
        without: Sequence[str] = (),
    ) -> Done:
        """Send a message to the matter."""
        if self.instance_id is None:
            raise NotRunning
        actor = self._actor(by)
        action = self._definition().package.messages[key]
        raw: dict[str, Any] = {}
        if action.form:
            form = self._definition().forms[action.form]
            raw = self._raw(form, key, self._resolved(data), on, actor, None, without)
        done = operations.send_message(
            self.instance_id, key, raw, actor=actor, clock=self.clock, occurred_on=on
        )
        self.catch_up()
        return done

    def set_clock(self, day: date) -> None:
        """Move the clock; timers that are due then fire."""
        self.clock.set(day)
        self.catch_up()

    def next_timer(self) -> date | None:
        """Return the day of the next waiting timer."""
        moments = db.session.scalars(
            select(Timer.due_at).where(Timer.instance_id == self.instance_id)
        ).all()
        return min(moments).astimezone(ZONE).date() if moments else None

    # --- what it has come to ---------------------------------------------------------------------

    def instance(self) -> Instance:
        """Return the matter's row."""
        found: Instance = db.session.execute(
            select(Instance)
            .where(Instance.id == self.instance_id)
            .execution_options(populate_existing=True)
        ).scalar_one()
        return found

    def open_tasks(self) -> Sequence[Task]:
        """Return the open tasks."""
        return db.session.scalars(
            select(Task)
            .where(Task.instance_id == self.instance_id, Task.state == "open")
            .order_by(Task.id)
            .execution_options(populate_existing=True)
        ).all()

    def task(self, element: str, item: str | None = None, by: str | None = None) -> int:
        """Return the id of the open task of ``element``, one's own before others'.

        Raises TaskClosed.
        """
        if item is not None:
            item = item_key(item, self.ids)
        found = [t for t in self.open_tasks() if t.element == element and item in {None, t.item}]
        own = None if by is None else person_principal(self.ids[by])
        if found:
            return int(min(found, key=lambda task: task.item != own).id)
        if self.instance_id is not None and self.instance().status != "active":
            raise NotRunning
        raise TaskClosed

    # --- inside ----------------------------------------------------------------------------------

    def _definition(self) -> Definition:
        session = db.session()
        version_id = (
            self.instance().version_id if self.instance_id else active_version(session, self.key)
        )
        assert version_id is not None
        return load_definition(session, version_id)

    def _actor(self, name: str | None) -> Actor:
        person_id = self.ids[name] if name is not None else self.subject_id
        return load_actor(db.session(), person_id=person_id, day=self.clock.today())

    def _somebody(self, task_id: int) -> Actor:
        """Return somebody who may do the task."""
        session = db.session()
        for key in session.get_one(Task, task_id).candidates:
            if key.startswith("p"):
                return load_actor(session, person_id=int(key[1:]), day=self.clock.today())
            organisation, _, kind = key[1:].partition(":")
            holder = session.scalar(
                text(
                    "SELECT person_id FROM post WHERE organisation_id = :o AND kind = :k"
                    " AND since <= :day AND (until IS NULL OR until >= :day) ORDER BY id LIMIT 1"
                ),
                {"o": int(organisation), "k": kind, "day": self.clock.today()},
            )
            if holder is not None:
                return load_actor(session, person_id=holder, day=self.clock.today())
        raise TaskClosed

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: self._resolved(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._resolved(inner) for inner in value]
        if isinstance(value, (date, datetime)):
            return value.isoformat()
        if isinstance(value, str) and value.startswith("@"):
            return self.ids[value[1:]]
        return value

    def _raw(
        self,
        form: FormSchema,
        place: str,
        own: Mapping[str, Any],
        on: date,
        actor: Actor,
        task_id: int | None,
        without: Sequence[str] = (),
    ) -> dict[str, Any]:
        """Return what to hand in: the defaults, without what this way through the form hides."""
        defaults = self._resolved(self.defaults.get(place, {}))
        raw = deep_merge({k: v for k, v in defaults.items() if k in form.keys - {*without}}, own)
        self._attach(form.fields, raw, actor, task_id)
        with unit_of_work() as session:
            context = self._context(session, on, actor, task_id)
            while any([drop_default(raw, path, own) for path in form.hidden(raw, context)]):  # noqa: C419
                pass  # what is left may hide more
        return raw

    def _context(self, session: Session, on: date, actor: Actor, task_id: int | None) -> Any:
        world = make_world(session, self.clock)
        if task_id is not None and (row := lock_task(session, task_id)) is not None:
            matter = matter_of(session, row)
            facts = transitions.prepare(matter, row.uid, world).facts
            return form_context(
                session, world, matter, on, actor, instance_id=row.instance_id, facts=facts
            )
        transition = transitions.begin(
            self._definition(),
            organisation_id=self.organisation_id,
            subject_id=self.subject_id,
            started_on=on,
            world=world,
        )
        return form_context(
            session, world, transition.matter, on, actor, instance_id=self.instance_id
        )

    def _attach(
        self, fields: Sequence[Field], raw: dict[str, Any], actor: Actor, task_id: int | None
    ) -> None:
        """Hand in a real file wherever the data names one."""
        for item in fields:
            if item.kind is FieldKind.FILES and raw.get(item.key):
                document = item.props.get("document") or item.label
                raw[item.key] = [
                    hand_in(document, self.file_sha256, actor.person_id, task_id, self.clock.now())
                ]
            elif item.children:
                inner = raw.get(item.key) if item.key else raw
                for part in inner if isinstance(inner, list) else [inner]:
                    if isinstance(part, dict):
                        self._attach(item.children, part, actor, task_id)

    def catch_up(self) -> None:
        """Let the timers fire that are due by the clock."""
        if self.instance_id is not None:
            while operations.fire_timers(self.instance_id, clock=self.clock) is not None:
                pass


def hand_in(document: str, sha256: str, by: int, task_id: int | None, now: datetime) -> int:
    """Upload a file that is stored already, as a person does before a step; return its id."""
    with unit_of_work() as session:
        attachment = Attachment(
            instance_id=None,
            task_id=task_id,
            document=document,
            name=f"{document}.pdf",
            sha256=sha256,
            uploaded_by=by,
            uploaded_at=now,
        )
        session.add(attachment)
        session.flush()
        return int(attachment.id)
