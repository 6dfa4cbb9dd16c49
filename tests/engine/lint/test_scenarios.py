"""Scenarios: what they can say, and that what does not hold is said with its line."""

from __future__ import annotations

import pytest

from engine.errors import Problem
from tests.package_builder import AGREED, CAST, codes, good_files, lint, spoil, swap

AGREED_FILE = "scenarios/agreed.toml"


def play(text: str, **others: str) -> list[Problem]:
    """Lint the good package with one scenario (and others) in the place of its own."""
    files = good_files()
    del files[AGREED_FILE]
    files |= {f"scenarios/{name}.toml": other.encode() for name, other in others.items()}
    return lint(files | {"scenarios/story.toml": text.encode()})


def scenario(*actions: str, then: str = "", given: str = "clock = 2026-06-20") -> str:
    """Return a scenario after which ``then`` holds."""
    dos = "\n".join(f"[[do]]\n{action}" for action in actions)
    return f'title = "情形"\n[given]\n{given}\n{dos}\n[then]\n{then}\n'


APPLY = 'complete = "apply"\nby = "applicant"\non = 2026-06-01'
REVIEW = 'complete = "review"\nby = "secretary"\non = 2026-06-03'
CHECK = 'complete = "check"\nby = "member"\non = 2026-06-05'
REFUSED = REVIEW + '\ndata = {review_decision = "refuse"}'


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('outcome = "agreed"', 'outcome = "refused"', "outcome"),
        ('status = "completed"', 'status = "active"', "status"),
        ('steps = ["01", "02"]', 'steps = ["01"]', "steps"),
        ("since = 2026-06-03}", "since = 2026-06-04}", "2026-06-04"),
    ],
)
def test_then_does_not_hold(old: str, new: str, message: str) -> None:
    problems = spoil(AGREED_FILE, (old, new))
    assert codes(problems) == ["scenario-failed"]
    assert problems[0].line == AGREED.splitlines().index("[then]") + 1
    assert message in problems[0].message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('opened = ["check"]', 'opened = ["review"]', "opened"),
        ("due = {review = 2026-07-01}", "due = {review = 2026-07-02}", "2026-07-02"),
        ("earliest = {review = 2026-06-02}", "earliest = {review = 2026-06-03}", "2026-06-03"),
        ('because = "occurred_on"', 'because = "not_allowed"', "not_allowed"),
        ('by = "member"', 'by = "applicant"', "not_allowed"),
        ("on = 2026-06-05", "on = 2026-06-02", "2026-06-03"),
        ('complete = "check"', 'complete = "apply"', "check"),
        ('by = "member"', 'by = "stranger"', "stranger"),
    ],
)
def test_an_action_does_not_hold(old: str, new: str, message: str) -> None:
    problems = spoil(AGREED_FILE, (old, new))
    assert codes(problems) == ["scenario-failed"]
    line = problems[0].line
    assert line and AGREED.splitlines()[line - 1] == "[[do]]"
    changed = swap(AGREED, old, new).splitlines()
    assert new in "\n".join(changed[line : line + 5])
    assert message in problems[0].message


def test_what_should_be_refused_and_is_not() -> None:
    story = scenario(APPLY, 'refused = "review"\nby = "secretary"\non = 2026-06-03\nbecause = "x"')
    assert "却办成了" in play(story)[0].message


def test_a_refused_attempt_changes_nothing() -> None:
    attempts = [
        'refused = "review"\nby = "member"\nbecause = "not_allowed"',
        'refused = "review"\nby = "secretary"\non = 2026-06-21\nbecause = "occurred_on"',
        (
            'refused = "review"\nby = "secretary"\nwithout = ["review_decision"]\n'
            'because = "review_decision"'
        ),
        (
            'refused = "review"\nby = "secretary"\ndata = {review_contacts = ["@applicant"]}\n'
            'because = "review_contacts"'
        ),
        'refused = "review"\nby = "secretary"\ndata = {nonsense = 1}\nbecause = "nonsense"',
        'refused = "check"\nby = "member"\nbecause = "task_closed"',
        'refused = "review"\nto = "check"\nby = "secretary"\nbecause = "not_allowed"',
        'refused = "withdraw"\nby = "secretary"\nbecause = "not_allowed"',
    ]
    story = scenario(APPLY, *attempts, 'opened = ["review"]', then='status = "active"')
    assert play(story) == []


def test_who_may_not_start() -> None:
    stranger = 'refused = "apply"\nby = "secretary"\non = 2026-06-01\nbecause = "not_allowed"'
    assert play(scenario(stranger, APPLY, then='steps = ["01"]')) == []
    member = 'refused = "apply"\nby = "member"\non = 2026-06-01\nbecause = "subject"'
    given = 'clock = 2026-06-20\nsubject = "member"'
    assert play(scenario(member, given=given)) == []


def test_default_data_gives_way() -> None:
    """The default for contacts is hidden when the review refuses, and the reason is not."""
    assert play(scenario(APPLY, REFUSED, then='status = "completed"')) == []
    kept = REVIEW + '\ndata = {review_decision = "refuse", refusal = "年龄不足"}'
    assert play(scenario(APPLY, kept, then="membership = []")) == []


def test_data_of_its_own_is_never_dropped() -> None:
    story = scenario(APPLY, REVIEW + "\ndata = {reviewed = true}")
    assert "reviewed" in play(story)[0].message


def test_send_back() -> None:
    back = 'send_back = "review"\nto = "apply"\nby = "secretary"\nreason = "没有签名"'
    again = APPLY.replace("06-01", "06-02")
    story = scenario(APPLY, back, 'opened = ["apply"]', again, REVIEW, then='steps = ["01", "02"]')
    assert play(story) == []


def test_a_message() -> None:
    withdraw = 'message = "withdraw"\nby = "applicant"\non = 2026-06-02'
    not_yet = 'refused = "withdraw"\nby = "applicant"\nbecause = "conflict"'
    assert play(scenario(APPLY, not_yet)) == [], "the first stage is over at once"
    story = scenario(APPLY, withdraw)
    assert "conflict" in play(story)[0].message


def test_a_timer_waits_for_the_clock() -> None:
    """The wait of five days is over only when the clock says so."""
    story = scenario(
        APPLY,
        REVIEW,
        CHECK,
        'status = "active"\nmembership = "none"',
        "clock = 2026-06-07",
        'status = "active"',
        "clock = 2026-06-08",
        'status = "completed"\nmembership = "applicant"\nstage = "reviewing"',
        given="clock = 2026-06-05",
    )
    assert play(story) == []


def test_a_scenario_goes_on_from_another() -> None:
    first = scenario(APPLY, 'opened = ["review"]', REVIEW, CHECK)
    given = 'after = "first"\nuntil = "review"'
    assert play(scenario(REFUSED, then="membership = []", given=given), first=first) == []
    given = 'after = "first"\nuntil = "nothing"'
    assert "nothing" in play(scenario(REFUSED, given=given), first=first)[0].message
    given = 'after = "furst"\nuntil = "review"'
    problem = play(scenario(REFUSED, given=given), first=first)[0]
    assert "first" in problem.cure


def test_scenarios_that_go_on_in_a_circle() -> None:
    given = 'after = "story"\nuntil = "review"'
    assert codes(play(scenario(REVIEW, given=given))) == ["scenario-failed"]


def test_a_broken_beginning_is_said_once() -> None:
    first = scenario(APPLY.replace('"applicant"', '"member"'), REVIEW)
    given = 'after = "first"\nuntil = "review"'
    problems = play(scenario(REFUSED, given=given), first=first)
    assert [("first" in p.file, "没有办成" in p.message) for p in problems] == [
        (True, False),
        (False, True),
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('title = "x"\n[given]\nclock = 2026-01-01\n', 1),
        (scenario('complete = "apply"\nmessage = "withdraw"'), 4),
        (scenario('compleet = "apply"\nopened = []'), 5),
        (scenario('by = "applicant"'), 4),
        (scenario('refused = "apply"'), 4),
        (scenario('send_back = "review"'), 4),
        (scenario('complete = "apply"\non = "soon"'), 6),
        (scenario(APPLY, given='after = "x"'), 2),
    ],
)
def test_a_scenario_that_cannot_be_read(text: str, line: int) -> None:
    problems = play(text)
    assert problems
    assert {p.file for p in problems} == {"scenarios/story.toml"}
    assert problems[0].line == line


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('at = "branch"', 'at = "brunch"'),
        ('kind = "secretary"', 'kind = "secretery"'),
        ('name = "赵三"\nstatus = "full"', 'name = "赵三"\nstatus = "fool"'),
        ("[data.review]", "[data.revue]"),
        ('kind = "branch"', 'kind = "twig"'),
        ("[people.member]", "[people.branch]"),
        ('name = "赵三"', 'nom = "赵三"'),
    ],
)
def test_a_cast_that_cannot_be_read(old: str, new: str) -> None:
    assert CAST.count(old) >= 1
    files = good_files()
    files["scenarios/cast.toml"] = CAST.replace(old, new, 1).encode()
    problems = lint(files)
    assert {p.file for p in problems} == {"scenarios/cast.toml"}
    assert all(p.line for p in problems)


def test_scenarios_are_played_only_when_the_rest_is_sound() -> None:
    files = good_files()
    files["process.toml"] = swap(
        files["process.toml"].decode(), 'posts = ["secretary"]', 'posts = ["nobody"]'
    ).encode()
    assert codes(lint(files)) == ["post-unknown"]
