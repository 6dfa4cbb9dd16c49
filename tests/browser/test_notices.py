"""Notices, settings and channels at a desk and on a phone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import select, text

from engine.clock import SystemClock
from engine.database import db, unit_of_work
from engine.directory.codes import PostKind
from engine.directory.models import Account, Post
from engine.notifications.models import Delivery, Notice
from engine.notifications.sweeping import sweep_notices
from engine.settings import Settings
from tests.browser.conftest import Site, Visiting

pytestmark = pytest.mark.browser
BOTH = pytest.mark.parametrize("size", ["desktop", "phone"])


@pytest.fixture
def swept(site: Site) -> str:
    """All that ever happened is told anew, and a mail has failed; the administrator's login."""
    settings: Settings = site.app.extensions["guicheng"]
    site.app.extensions["guicheng"] = replace(settings, smtp_host="mail.example")
    with site.app.app_context():
        with unit_of_work() as session:
            session.execute(text("DELETE FROM notice"))
            session.execute(text("DELETE FROM notice_cursor"))
            session.execute(
                text(
                    "INSERT INTO notice_cursor (source, value, seen, horizon)"
                    " VALUES ('clock', 0, 0, 0),"
                    " ('task', (SELECT min(id) - 1 FROM task), 0, 0)"
                )
            )
        sweep_notices(replace(settings, smtp_host=""), SystemClock())
        chief = db.session.execute(
            select(Account.person_id, Account.login)
            .join(Post, Post.person_id == Account.person_id)
            .where(Post.kind == PostKind.ADMINISTRATOR)
            .limit(1)
        ).one()
        with unit_of_work() as session:
            session.execute(text("DELETE FROM notice_delivery"))
            now = datetime.now(UTC)
            session.add(
                Delivery(
                    key=UUID("7e7f4f3e-3c5a-4d5e-9a57-0b3f3f9d2c11"),
                    channel="mail",
                    person_id=chief.person_id,
                    state="dead",
                    attempts=7,
                    error="smtp_timeout",
                    next_at=now,
                    created_at=now,
                    lines=[],
                )
            )
        login: str = chief.login
        db.session.remove()
    return login


@BOTH
def test_the_pages_can_be_used_by_everybody(
    visit: Visiting, site: Site, swept: str, size: str
) -> None:
    visitor = visit(size, login=site.logins["hold_admission_meeting"])
    for path in ("/notices", "/notices?unread=1", "/notices/settings"):
        assert visitor.go(path) == 200
        visitor.check()
    administrator = visit(size, login=swept)
    assert administrator.go("/admin/channels") == 200
    administrator.check()


def test_a_line_is_followed_on_a_phone_without_javascript(
    visit: Visiting, site: Site, swept: str
) -> None:
    visitor = visit("phone", login=site.logins["hold_admission_meeting"], script=False)
    page = visitor.page
    before = int(page.locator(".bell b").inner_text())
    page.click(".bell")
    page.locator(".is-unread .what a").first.click()
    page.wait_for_url("**/tasks/*")
    visitor.go("/notices")
    left = page.locator(".bell b")
    assert (int(left.inner_text()) if left.count() else 0) == before - 1
    if before > 1:
        page.click("text=全部标为已读")
    assert page.locator(".bell b").count() == 0
    with site.app.app_context():
        assert db.session.scalars(select(Notice.id)).first() is not None
        db.session.remove()
