"""Forms in a browser: filled in the way people do it, and handed in."""

from __future__ import annotations

from datetime import date

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PAPER

SENT = ".notice.done, .error-page, #errors"
"""What there is on a page that answers a form."""
LIVE = "[hx-post$='/live']"
"""What asks the server, while one types, what follows from the answers."""


def settle(page: Page) -> None:
    """Wait until the page has heard what follows from everything entered so far."""
    if not page.locator(LIVE).count():
        return
    with page.expect_request(lambda request: request.url.endswith("/live")) as asked:
        page.dispatch_event(f"form:has({LIVE})", "change")
    asked.value.response()
    page.wait_for_selector(".htmx-request", state="detached")


def set_day(page: Page, day: date) -> None:
    """Enter the day on which it took place."""
    if page.input_value("#occurred_on") == day.isoformat():
        return
    page.fill("#occurred_on", day.isoformat())
    settle(page)


def fill(page: Page, values: dict[str, list[str]], files: list[str]) -> None:
    """Fill in a form: what an answer brings into view is filled in after it."""
    waiting = dict(values)
    while shown := [name for name in waiting if _inputs(page, name).count()]:
        for name in shown:
            enter(_inputs(page, name), waiting.pop(name))
        if waiting:
            settle(page)
    for name in files:
        box = page.locator(
            f'input[type=file][name="files.{name}"], input[type=file][name$="{name}"]'
        )
        box.first.set_input_files(PAPER)
        expect(page.locator(f'[name="{name}"][type=checkbox]').first).to_be_checked()
    if values or files:
        settle(page)  # an answer of the server may move the button that is pressed next


def _inputs(page: Page, name: str) -> Locator:
    return page.locator(f'[name="{name}"]:visible')


def enter(inputs: Locator, values: list[str]) -> None:
    """Enter an answer into its inputs: boxes to tick, a list to choose from, or text."""
    first = inputs.first
    kind = first.evaluate("e => e.type || e.tagName.toLowerCase()")
    if kind in ("checkbox", "radio"):
        for index in range(inputs.count()):
            box = inputs.nth(index)
            wanted = box.get_attribute("value") in values
            if wanted != box.is_checked() and (wanted or kind == "checkbox"):
                box.set_checked(wanted)
    elif kind.startswith("select"):
        first.select_option(values)
    else:
        first.fill(values[0] if values else "")


def press(page: Page) -> None:
    """Hand the form in."""
    page.evaluate("document.body.dataset.before = '1'")  # what it says already does not count
    page.click(".foot .primary")
    page.wait_for_selector("body:not([data-before])")
    page.wait_for_selector(SENT)
