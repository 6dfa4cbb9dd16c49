"""Numbers that no row can have: every page says that there is nothing, none of them breaks."""

from __future__ import annotations

from urllib.parse import quote

from tests.web.conftest import World

HUGE = 10**20


def test_no_address_breaks_at_a_number_that_is_too_large(world: World) -> None:
    browser = world.sign_in("leader")
    addresses = set()
    for rule in world.app.url_map.iter_rules():
        numbers = [name for name, kind in rule._converters.items() if kind.regex == r"\d+"]
        if numbers and "GET" in (rule.methods or ()) and not rule.rule.startswith("/api"):
            given = {name: HUGE if name in numbers else "x" for name in rule.arguments}
            built = rule.rule
            for name, value in given.items():
                start = built.rindex("<", 0, built.index(f"{name}>"))
                built = built[:start] + str(value) + built[built.index(">", start) + 1 :]
            addresses.add(built)
    assert len(addresses) > 15
    for address in addresses:
        assert browser.get(quote(address)).status_code == 404, address


def test_no_query_breaks_at_one_either(world: World) -> None:
    browser = world.sign_in("leader")
    for path in (
        f"/inbox?organisation={HUGE}",
        f"/inbox/bulk?task={HUGE}",
        f"/start/leave_request?_subject={HUGE}&_organisation={HUGE}",
        f"/account/substitutions?organisation={HUGE}",
        f"/parameters/half_or_more?organisation={HUGE}",
    ):
        assert browser.get(path).status_code < 500, path
