"""One matter of member admission from the application to the archive, in the browser, by all roles.

The answers are those of the package's scenario of the full path; everything goes through the pages
that people use, on a matter whose steps are entered with their true dates (补录).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from playwright.sync_api import expect
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from engine.clock import FixedClock, SystemClock
from engine.database import db
from engine.definitions.versions import active_version, load_definition
from engine.demo import matters
from engine.demo.playing import Play
from engine.directory.codes import MembershipStatus, OrganisationKind
from engine.directory.membership import statuses_on, timeline
from engine.directory.models import Account, Organisation, Person
from engine.forms.fields import Field, FieldKind
from engine.ledger.verify import Report, verify
from engine.runtime.models import Instance
from tests.browser.conftest import Site, Visiting, Visitor
from tests.browser.forms import fill, press, set_day

pytestmark = pytest.mark.browser

UNTIL = "none: to the end"


class BrowserPlay(Play):
    """A play whose steps are done by people at browsers."""

    visit: Visiting
    windows: dict[str, Visitor]
    checked: set[str]
    files: list[str]

    def login_of(self, person_id: int) -> str:
        return db.session.scalars(select(Account.login).where(Account.person_id == person_id)).one()

    def window(self, person_id: int) -> Visitor:
        """Return the person's browser window, signed in."""
        login = self.login_of(person_id)
        if login not in self.windows:
            size = "phone" if person_id == self.subject_id else "desktop"
            self.windows[login] = self.visit(size, login=login)
        return self.windows[login]

    def complete(  # type: ignore[override]
        self,
        element: str,
        data: Any,
        on: date,
        by: str | None,
        item: str | None = None,
        without: Sequence[str] = (),
    ) -> None:
        definition = self._definition()
        form = definition.form_of(element)
        own = self._resolved(data)
        self.files = []
        if self.instance_id is None:
            actor = self._actor(None)
            raw = self._raw(form, element, own, on, actor, None, without)
            visitor = self.window(actor.person_id)
            visitor.go(f"/start/{self.key}")
        else:
            task_id = self.task(element, item)
            actor = self._somebody(task_id)
            raw = self._raw(form, element, own, on, actor, task_id, without)
            visitor = self.window(actor.person_id)
            assert visitor.go(f"/tasks/{task_id}") == 200
        page = visitor.page
        set_day(page, on)
        fill(page, form.to_html(raw), self.files)
        role = f"{self.login_of(actor.person_id)}"
        if role not in self.checked:
            self.checked.add(role)
            visitor.check()
        press(page)
        assert page.locator("#errors").count() == 0, (element, page.locator("#errors").inner_text())
        expect(page.locator(".notice.done").first).to_be_visible()
        db.session.rollback()
        if self.instance_id is None:
            self.instance_id = db.session.scalars(
                select(Instance.id)
                .where(Instance.subject_id == self.subject_id)
                .order_by(Instance.id.desc())
            ).first()
        self.done.append(element)
        self.catch_up()

    def _attach(
        self, fields: Sequence[Field], raw: dict[str, Any], actor: Any, task_id: int | None
    ) -> None:
        """Note where a paper is to be handed in; the browser will upload it."""
        for item in fields:
            if item.kind is FieldKind.FILES and raw.pop(item.key, None):
                self.files.append(item.key)
            elif item.children and not item.key:
                self._attach(item.children, raw, actor, task_id)


def test_from_the_application_to_the_archive(visit: Visiting, site: Site) -> None:
    clock = SystemClock()
    with site.app.app_context():
        session = db.session()
        version = active_version(session, matters.KEY)
        assert version is not None
        definition = load_definition(session, version)
        person, place = _newcomer(session)
        plan = matters.Plan(person, place, UNTIL, 0)
        made, steps = matters.retell(
            definition,
            plan,
            FixedClock(clock.now()),
            "0" * 64,
            end=clock.today() - timedelta(days=1),
            make_play=BrowserPlay,
        )
        assert isinstance(made, BrowserPlay)
        play = made
        play.visit, play.windows, play.checked, play.files = visit, {}, set(), []
        for told in steps:
            day = matters.lawful_day(play, told, clock.today())
            assert day is not None, told.do.target
            play.complete(told.do.target, told.data, day, None, told.do.item, told.do.without)

        assert (play.instance().status, play.instance().outcome) == ("completed", "admitted")
        statuses = [row.status for row in timeline(db.session(), person)]
        assert statuses == ["none", "applicant", "activist", "prospect", "probationary", "full"]

        # Everybody sees what is theirs to see, on pages without a fault.
        subject = play.window(person)
        subject.go("/mine/")
        expect(subject.page.locator("main")).to_contain_text("转为正式党员")
        subject.check()
        for login, visitor in play.windows.items():
            if visitor is subject:
                continue
            assert visitor.go(f"/matters/{play.instance_id}") == 200, login
            visitor.check()
            break
        stranger = visit(login=site.logins["subject:first_talk"])
        assert stranger.go(f"/matters/{play.instance_id}") == 404
        db.session.rollback()
        with db.engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, psycopg.Connection)
            faults = [f for f in verify(driver, Report()) if f.chain_id == play.instance_id]
        assert faults == []


def _newcomer(session: Session) -> tuple[int, int]:
    """Return somebody without a matter, of a branch large enough for all roles."""
    large = (
        select(Person.organisation_id)
        .join(Organisation, Organisation.id == Person.organisation_id)
        .where(Organisation.kind == OrganisationKind.BRANCH)
        .group_by(Person.organisation_id)
        .order_by(func.count().desc())
        .limit(3)
    )
    busy = select(Instance.subject_id).where(Instance.subject_id.is_not(None))
    people = session.execute(
        select(Person.id, Person.organisation_id)
        .where(Person.organisation_id.in_(large), Person.id.not_in(busy))
        .order_by(Person.id)
    ).all()
    statuses = statuses_on(session, [p.id for p in people], SystemClock().today())
    return next(
        (row.id, row.organisation_id) for row in people if statuses[row.id] is MembershipStatus.NONE
    )
