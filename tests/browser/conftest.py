"""A real Chromium before a real server, on a database of its own with a few matters of the demo."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, FilePayload, Page, sync_playwright
from sqlalchemy import select
from werkzeug.serving import make_server

from engine.attachments.store import Store
from engine.clock import SystemClock
from engine.database import db, unit_of_work
from engine.demo import matters
from engine.demo.people import PASSWORD, create_demo_directory
from engine.directory.models import Account, Post
from engine.runtime.models import Instance, Task
from engine.settings import ROOT, Settings
from tests.databases import kept_database
from tests.shipped import deploy_shipped
from web import create_app

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SIZES = {"desktop": (1280, 860), "phone": (390, 844)}
EXPECTED = ("Failed to load resource", "htmx:sendAbort", "htmx:afterRequest")
"""Said in the console when an answer is a refusal, or a page is left while it still asks."""
WANTED = ("first_talk", "hold_admission_meeting", "examine_activist")
"""The steps at which the matters of these tests stand."""
SLIPS = {"examine_activist": {"first_talk": 5}}
"""A step of one of them came five days too late."""


@dataclass(frozen=True)
class Site:
    """The running site and what is in it."""

    url: str
    matters: dict[str, int]
    """Matter by the step it stands at."""
    tasks: dict[str, int]
    logins: dict[str, str]
    """The login of somebody who does the step; ``subject:<step>``: of whom it is about."""
    app: Flask


@pytest.fixture(scope="session")
def site(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Fill a database and serve it until the last browser test is over."""
    with kept_database(settings.data_dir, "browser", 3_000_000) as where:
        own = replace(settings, data_dir=tmp_path_factory.mktemp("site"), demo=True)
        app = create_app(own, where=where)
        with app.app_context():
            _fill(Store(own.data_dir / "attachments", own.attachment_max_bytes))
            found = _look_around()
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Site(f"http://127.0.0.1:{server.server_port}", *found, app)
        server.shutdown()
        thread.join(10)
        server.server_close()
        with app.app_context():
            db.engine.dispose()


def _fill(store: Store) -> None:
    clock = SystemClock()
    with unit_of_work() as session:
        deploy_shipped(session, clock)
        town = create_demo_directory(session, clock)
    every = matters.plans

    def few(*given: Any) -> list[Any]:
        plans = every(*given)
        chosen = [next(p for p in plans if p.until == step) for step in WANTED]
        return [replace(p, slips=SLIPS.get(p.until, {}), typed_later={}) for p in chosen]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matters, "plans", few)
        matters.create_demo_matters(town, clock, store, progress=lambda _: None)


def _look_around() -> tuple[dict[str, int], dict[str, int], dict[str, str]]:
    session = db.session()
    matters_at: dict[str, int] = {}
    tasks: dict[str, int] = {}
    logins: dict[str, str] = {}
    rows = session.execute(select(Account.person_id, Account.login))
    people = {row.person_id: row.login for row in rows}
    for task in session.scalars(select(Task).where(Task.state == "open").order_by(Task.id)):
        matter = session.get_one(Instance, task.instance_id)
        matters_at[task.element] = matter.id
        tasks[task.element] = task.id
        logins[f"subject:{task.element}"] = people[matter.subject_id or 0]
        for key in task.candidates:
            if key.startswith("p"):
                logins[task.element] = people[int(key[1:])]
                continue
            organisation, _, kind = key[1:].partition(":")
            holder = session.scalar(
                select(Post.person_id).where(
                    Post.organisation_id == int(organisation),
                    Post.kind == kind,
                    Post.until.is_(None),
                )
            )
            if holder in people:
                logins.setdefault(task.element, people[holder])
    return matters_at, tasks, logins


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser a module; it ends with it, and so does the event loop it needs."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Visitor:
    """A page of a browser, with whatever went wrong in it."""

    page: Page
    site: Site
    troubles: list[str]

    def go(self, path: str) -> int:
        """Open a page of the site; return the HTTP status."""
        response = self.page.goto(self.site.url + path)
        assert response is not None
        return response.status

    def sign_in(self, login: str) -> None:
        """Sign in with the password, as anybody does."""
        self.go("/login")
        self.page.fill("#login", login)
        self.page.fill("#password", PASSWORD)
        self.page.click("form:has(#password) button")
        self.page.wait_for_url("**/inbox")

    def check(self) -> None:
        """Fail on anything axe finds, on sideways scrolling, and on errors in the console."""
        self.page.evaluate(AXE.read_text())
        result = self.page.evaluate("rules => axe.run({runOnly: rules})", RULES)
        found = [
            f"{v['id']}: {v['help']} {[n['html'][:120] for n in v['nodes'][:3]]}"
            for v in result["violations"]
        ]
        assert not found, (self.page.url, found)
        wide = self.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide[0] <= wide[1], (self.page.url, wide)
        assert not self.troubles, (self.page.url, self.troubles)


Visiting = Callable[..., Visitor]


@pytest.fixture
def visit(chromium: Browser, site: Site) -> Iterator[Visiting]:
    """Open a fresh browser window: ``visit("phone", login=…, script=False, dark=True)``."""
    assert AXE.is_file(), "run: python -m web.assets"
    contexts: list[BrowserContext] = []

    def begin(
        size: str = "desktop", *, login: str = "", script: bool = True, dark: bool = False
    ) -> Visitor:
        width, height = SIZES[size]
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            java_script_enabled=script,
            color_scheme="dark" if dark else "light",
            locale="zh-CN",
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        visitor = Visitor(page, site, [])
        page.on("pageerror", lambda error: visitor.troubles.append(str(error)))
        page.on(
            "console",
            lambda message: (
                visitor.troubles.append(message.text)
                if message.type == "error" and not message.text.startswith(EXPECTED)
                else None
            ),
        )
        if login:
            visitor.sign_in(login)
        return visitor

    yield begin
    for context in contexts:
        context.close()


PAPER: FilePayload = {
    "name": "会议记录.pdf",
    "mimeType": "application/pdf",
    "buffer": b"%PDF-1.7\n%%EOF\n",
}
