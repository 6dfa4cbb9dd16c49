"""People at their telephones: fill in forms, and press at the same moment."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

from playwright.sync_api import expect
from sqlalchemy import select

from engine.compliance.models import Finding
from engine.database import db
from engine.directory.models import Account, Person
from engine.ledger.models import LedgerEntry
from engine.runtime.models import Instance, Task
from tests.browser import forms
from tests.browser.conftest import Site, Visitor

SHOTS = os.environ.get("GUICHENG_SHOTS", "")
"""A folder for pictures of what people see; none are taken without it."""


def shoot(visitor: Visitor, name: str) -> None:
    """Take a picture, where somebody asked for some."""
    if SHOTS:
        visitor.page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


def look(visitor: Visitor, name: str, *, narrow: bool = True) -> None:
    """Check a page for faults, also on the narrowest telephone."""
    shoot(visitor, name)
    visitor.check()
    if narrow:
        visitor.page.set_viewport_size({"width": 360, "height": 740})
        wide = visitor.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide[0] <= wide[1], (visitor.page.url, wide)
        visitor.page.set_viewport_size({"width": 390, "height": 844})


def open_form(visitor: Visitor, path: str, day: date, values: dict[str, list[str]]) -> None:
    """Open a form, enter the day and the answers."""
    page = visitor.page
    assert visitor.go(path) == 200
    forms.set_day(page, day)
    forms.fill(page, values, [])


def add_row(visitor: Visitor, name: str) -> None:
    """Add a row to a list; the page is drawn anew with what was typed."""
    rows = visitor.page.locator(f"#f-{name} .item")
    before = rows.count()
    visitor.page.click(f"#f-{name} button[name=_add]")
    expect(rows).to_have_count(before + 1)


def press(visitor: Visitor) -> None:
    """Hand the form in."""
    forms.press(visitor.page)


def hand_in(
    visitor: Visitor, path: str, day: date, values: dict[str, list[str]], shot: str = ""
) -> None:
    """Fill in a form and hand it in; it is taken."""
    open_form(visitor, path, day, values)
    if shot:
        look(visitor, shot)
    press(visitor)
    page = visitor.page
    assert page.locator("#errors").count() == 0, page.locator("#errors").inner_text()
    expect(page.locator(".notice.done").first).to_be_visible()


def press_at_once(visitors: list[Visitor], selector: str, until: str = forms.SENT) -> None:
    """Press in several windows without waiting for one another."""
    for visitor in visitors:
        visitor.page.evaluate(
            """selector => { document.body.dataset.before = '1';
                 setTimeout(() => document.querySelector(selector).click(), 50); }""",
            selector,
        )
    for visitor in visitors:
        visitor.page.wait_for_selector("body:not([data-before])")
        visitor.page.wait_for_selector(until)


class Branch:
    """A branch of the demo with its people's logins, and the matter that the test is about."""

    def __init__(self, site: Site, key: str) -> None:
        self.site = site
        with site.app.app_context():
            rows = db.session.execute(
                select(Account.login, Account.person_id, Person.organisation_id)
                .join(Person, Person.id == Account.person_id)
                .where(Account.login.like(f"{key}.%"))
            ).all()
            db.session.rollback()
        self.key = key
        self.people: dict[str, int] = {row.login.split(".")[1]: row.person_id for row in rows}
        self.organisation: int = rows[0].organisation_id
        self.matter = 0

    def login(self, who: str) -> str:
        """Return a login by its last part."""
        return f"{self.key}.{who}"

    def find_matter(self) -> None:
        """Remember the matter of the branch that was started last."""
        with self.site.app.app_context():
            self.matter = (
                db.session.scalars(
                    select(Instance.id)
                    .where(Instance.organisation_id == self.organisation)
                    .order_by(Instance.id.desc())
                ).first()
                or 0
            )
            db.session.rollback()
        assert self.matter

    def task(self, element: str, who: str = "") -> str:
        """Return the address of the open task; of ``who``, where each has one."""
        wanted = [Task.element == element, Task.state == "open", Task.instance_id == self.matter]
        if who:
            wanted.append(Task.item == f"p{self.people[who]}")
        with self.site.app.app_context():
            found = db.session.scalars(select(Task.id).where(*wanted)).all()
            db.session.rollback()
        assert len(found) == 1, (element, who, found)
        return f"/tasks/{found[0]}"

    def recorded(self, element: str, kind: str = "completed") -> int:
        """Return how often a step is in the record of the matter."""
        with self.site.app.app_context():
            found = db.session.scalars(
                select(LedgerEntry.seq).where(
                    LedgerEntry.chain_id == self.matter,
                    LedgerEntry.element == element,
                    LedgerEntry.kind == kind,
                )
            ).all()
            db.session.rollback()
        return len(found)

    def now(self) -> tuple[str, str | None, set[str]]:
        """Return state and outcome of the matter, and the rules that it has broken."""
        with self.site.app.app_context():
            matter = db.session.get_one(Instance, self.matter)
            broken = db.session.scalars(
                select(Finding.rule).where(
                    Finding.instance_id == self.matter, Finding.outcome == "not_met"
                )
            )
            found = matter.status, matter.outcome, set(broken)
            db.session.rollback()
        return found
