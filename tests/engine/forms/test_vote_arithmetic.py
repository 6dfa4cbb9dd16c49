"""Quorum and majority: strict thresholds, 应到会 as denominator, totals that must add up."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.forms.votes import (
    ADMISSION_EXCLUSIONS,
    ELECTION_EXCLUSIONS,
    Attendance,
    Ballots,
    Outcome,
    Share,
    Threshold,
    Vote,
    VoteBase,
    attendance_in_words,
    check_attendance,
    check_vote,
    vote_in_words,
)

MAJORITY = Threshold(Share.MORE_THAN_HALF, VoteBase.DUE)


def meeting(due: int, present: int, quorum: Share = Share.MORE_THAN_HALF) -> Attendance:
    return Attendance(due, tuple(range(1, present + 1)), (), quorum)


def ballots(**counts: int) -> dict[str, int | None]:
    given = {"for": 0, "against": 0, "abstain": 0}
    given |= {name.replace("__", "."): count for name, count in counts.items()}
    given.setdefault("issued", given["for"] + given["against"] + given["abstain"])
    given.setdefault("collected", given["issued"])
    return dict(given)


def result(counts: dict[str, int | None], attendance: Attendance, **more: Any) -> Vote:
    options: dict[str, Any] = {"secret": True, "written_opinions": True, **more}
    vote, problems = check_vote(counts, attendance, MAJORITY, **options)
    assert vote is not None, problems
    return vote


def refused(
    counts: dict[str, int | None], attendance: Attendance, **more: Any
) -> dict[str, list[str]]:
    options: dict[str, Any] = {"secret": True, "written_opinions": True, **more}
    vote, problems = check_vote(counts, attendance, MAJORITY, **options)
    assert vote is None
    return problems


# --- thresholds ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("due", "least"), [(1, 1), (2, 2), (3, 2), (4, 3), (7, 4), (10, 6), (11, 6), (50, 26)]
)
def test_more_than_half_is_strict(due: int, least: int) -> None:
    assert Share.MORE_THAN_HALF.needed(due) == least
    assert not meeting(due, least - 1).quorate
    assert meeting(due, least).quorate


@pytest.mark.parametrize(
    ("share", "of", "least"),
    [
        (Share.HALF, 10, 5),
        (Share.HALF, 11, 6),
        (Share.TWO_THIRDS, 9, 6),
        (Share.TWO_THIRDS, 10, 7),
        (Share.FOUR_FIFTHS, 10, 8),
        (Share.FOUR_FIFTHS, 11, 9),
    ],
)
def test_other_shares_are_reached_not_exceeded(share: Share, of: int, least: int) -> None:
    assert share.needed(of) == least
    assert not meeting(of, least - 1, share).quorate
    assert meeting(of, least, share).quorate


@pytest.mark.parametrize("share", list(Share))
@given(of=st.integers(1, 10_000))
def test_needed_is_the_least_whole_number(share: Share, of: int) -> None:
    def reached(n: int) -> bool:
        match share:
            case Share.MORE_THAN_HALF:
                return 2 * n > of
            case Share.HALF:
                return 2 * n >= of
            case Share.TWO_THIRDS:
                return 3 * n >= 2 * of
            case Share.FOUR_FIFTHS:
                return 5 * n >= 4 * of

    assert reached(share.needed(of))
    assert not reached(share.needed(of) - 1)


def test_nobody_due_makes_no_meeting() -> None:
    assert not Attendance(0, (), (), Share.HALF).quorate


@pytest.mark.parametrize("text", ["", "half", "most_of_due", "half_of_all", "more_than_half_of_"])
def test_unknown_thresholds_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Threshold.parse(text)


def test_thresholds_are_read() -> None:
    assert Threshold.parse("more_than_half_of_due") == MAJORITY
    assert Threshold.parse("two_thirds_of_present") == Threshold(Share.TWO_THIRDS, VoteBase.PRESENT)


# --- attendance ---------------------------------------------------------------------------------


def attend(
    roll: int,
    present: list[int],
    excluded: list[tuple[int, str]] | None = None,
    *,
    approved: bool = True,
    reasons: tuple[Any, ...] = ADMISSION_EXCLUSIONS,
) -> tuple[Attendance | None, dict[str, list[str]]]:
    return check_attendance(
        set(range(1, roll + 1)),
        present,
        excluded or [],
        approved=approved,
        quorum=Share.MORE_THAN_HALF,
        reasons=reasons,
    )


def test_the_excluded_leave_the_denominator() -> None:
    attendance, _ = attend(10, [1, 2, 3, 4, 5], [(9, "abroad"), (10, "bedridden")])
    assert attendance is not None
    assert (attendance.due, attendance.present, attendance.needed) == (8, 5, 5)
    assert attendance.quorate
    data = attendance.as_data()
    assert data["excluded"][0] == {"person": 9, "reason": "abroad"}
    assert attendance_in_words(attendance) == (
        "应到 8 人（名册 10 人，减去 2 人），实到 5 人，达到法定人数（须超过 4 人）"
    )


@pytest.mark.parametrize(
    ("present", "excluded", "path", "said"),
    [
        ([1, 11], [], "11", "不在应到会名册"),
        ([1, 1], [], "1", "不止一次"),
        ([1], [(1, "abroad")], "1", "不止一次"),
        ([1], [(2, "abroad"), (2, "abroad")], "2", "不止一次"),
        ([1], [(12, "abroad")], "12", "不在应到会名册"),
        ([1], [(2, "busy")], "2", "规定的情形"),
        ([1], [(2, "")], "2", "规定的情形"),
        ([1], [(2, "retired_away")], "2", "规定的情形"),
        ([], [(n, "abroad") for n in range(1, 11)], "", "10 人全部减去"),
    ],
)
def test_attendance_refused(
    present: list[int], excluded: list[tuple[int, str]], path: str, said: str
) -> None:
    attendance, problems = attend(10, present, excluded)
    assert attendance is None
    assert said in "".join(problems[path])


def test_exclusions_need_consent() -> None:
    _, problems = attend(10, [1], [(2, "abroad")], approved=False)
    assert "有 1 人不计入" in problems["excluded_approved"][0]
    assert attend(10, [1], approved=False)[0] is not None


def test_elections_know_a_sixth_reason() -> None:
    assert len(ADMISSION_EXCLUSIONS) == 5
    assert len(ELECTION_EXCLUSIONS) == 6
    assert attend(10, [1], [(2, "retired_away")], reasons=ELECTION_EXCLUSIONS)[0] is not None


def test_an_empty_roll_is_refused() -> None:
    assert "没有应到会的人" in attend(0, [])[1][""][0]


# --- votes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("due", "present", "yes", "outcome"),
    [
        (10, 10, 5, Outcome.LOST),
        (10, 10, 6, Outcome.ADOPTED),
        (10, 6, 6, Outcome.ADOPTED),
        (10, 7, 5, Outcome.LOST),  # five of seven present are not more than half of ten due
        (11, 6, 6, Outcome.ADOPTED),
        (11, 11, 5, Outcome.LOST),
        (3, 2, 2, Outcome.ADOPTED),
        (3, 3, 1, Outcome.LOST),
        (50, 50, 25, Outcome.LOST),
        (50, 26, 26, Outcome.ADOPTED),
    ],
)
def test_the_denominator_is_who_is_due(due: int, present: int, yes: int, outcome: Outcome) -> None:
    counts = ballots(**{"for": yes, "against": present - yes})
    assert result(counts, meeting(due, present)).outcome is outcome


def test_written_opinions_count_as_votes_but_not_as_presence() -> None:
    counts = ballots(**{"for": 5, "against": 1, "written__for": 1})
    vote = result(counts, meeting(10, 6))
    assert vote.outcome is Outcome.ADOPTED
    assert vote_in_words(vote) == "赞成须 6 票，现 6 票（其中书面意见 1 票），通过"
    assert not meeting(10, 5).quorate


def test_a_share_of_those_present() -> None:
    threshold = Threshold(Share.MORE_THAN_HALF, VoteBase.PRESENT)
    vote, _ = check_vote(
        ballots(**{"for": 4, "against": 3}),
        meeting(10, 7),
        threshold,
        secret=True,
        written_opinions=False,
    )
    assert vote is not None
    assert (vote.needed, vote.outcome) == (4, Outcome.ADOPTED)


def test_without_quorum_there_is_no_vote() -> None:
    vote = result({}, meeting(10, 5))
    assert vote.outcome is Outcome.NO_QUORUM
    assert vote.as_data()["outcome"] == "no_quorum"
    problems = refused(ballots(**{"for": 5}), meeting(10, 5))
    assert "实到 5 人，不足法定人数 6 人" in problems[""][0]
    assert refused({"written.for": 1}, meeting(10, 5))
    assert result({"for": 0}, meeting(10, 5)).outcome is Outcome.NO_QUORUM


def test_a_lost_vote_in_words() -> None:
    vote = result(ballots(**{"for": 5, "against": 2}), meeting(10, 7))
    assert vote_in_words(vote) == "赞成须 6 票，现 5 票，未通过"
    assert attendance_in_words(meeting(10, 7)) == (
        "应到 10 人，实到 7 人，达到法定人数（须超过 5 人）"
    )
    assert attendance_in_words(meeting(10, 5)) == (
        "应到 10 人，实到 5 人，未达到法定人数（须超过 5 人），会议无效"
    )


@pytest.mark.parametrize(
    ("counts", "path", "said"),
    [
        ({"for": 8, "issued": 8}, "issued", "发出 8 张，多于实到的 7 人"),
        ({"for": 6, "issued": 6, "collected": 7}, "collected", "收回 7 张，多于发出的 6 张"),
        (
            {"for": 5, "against": 2, "abstain": 1, "issued": 7, "collected": 7},
            "for",
            "赞成 5、反对 2、弃权 1，合计 8 票，多于收回的 7 张",
        ),
        ({"for": 7, "written__for": 4}, "written.for", "合计 4 份，多于未到会的 3 人"),
    ],
)
def test_totals_that_do_not_add_up(counts: dict[str, int], path: str, said: str) -> None:
    assert said in refused(ballots(**counts), meeting(10, 7))[path][0]


@pytest.mark.parametrize(
    "counts",
    [
        {"for": 7, "issued": 7, "collected": 7},
        {"for": 5, "issued": 7, "collected": 6},
        {"for": 7, "written__for": 2, "written__against": 1},
    ],
)
def test_totals_on_the_border_add_up(counts: dict[str, int]) -> None:
    result(ballots(**counts), meeting(10, 7))


def test_spoilt_ballots_are_counted_and_said() -> None:
    vote = result(ballots(**{"for": 5, "issued": 7, "collected": 6}), meeting(10, 7))
    assert vote.invalid == 1
    assert "另有废票 1 张" in vote_in_words(vote)


@pytest.mark.parametrize("missing", ["for", "against", "abstain", "issued", "collected"])
def test_every_figure_is_asked_for(missing: str) -> None:
    counts = ballots(**{"for": 7})
    counts[missing] = None
    assert refused(counts, meeting(10, 7)) == {missing: ["请填写，没有的填 0。"]}


def test_raised_hands_need_no_ballots() -> None:
    counts: dict[str, int | None] = {"for": 6, "against": 1, "abstain": 0}
    vote = result(counts, meeting(10, 7), secret=False)
    assert vote.as_data()["issued"] is None
    assert (
        "合计 8 票，多于实到的 7 人"
        in refused({"for": 7, "against": 1, "abstain": 0}, meeting(10, 7), secret=False)["for"][0]
    )


def test_written_opinions_only_where_they_are_allowed() -> None:
    counts = ballots(**{"for": 6, "written__for": 1})
    assert (
        "不计书面意见" in refused(counts, meeting(10, 7), written_opinions=False)["written.for"][0]
    )


numbers = st.integers(0, 15)


@given(numbers, numbers, numbers, numbers, numbers, numbers, numbers, numbers)
def test_every_accepted_vote_is_arithmetically_sound(
    due: int, present: int, yes: int, no: int, abstain: int, issued: int, got: int, written: int
) -> None:
    assume(present <= due and due > 0)
    counts = ballots(
        **{"for": yes, "against": no, "abstain": abstain, "issued": issued, "collected": got}
    )
    counts["written.for"] = written
    attendance = meeting(due, present)
    vote, problems = check_vote(counts, attendance, MAJORITY, secret=True, written_opinions=True)
    assert (vote is None) is bool(problems)
    if vote is None:
        return
    if not attendance.quorate:
        assert vote.outcome is Outcome.NO_QUORUM
        assert yes + no + abstain + issued + got + written == 0
        return
    assert 2 * present > due
    assert yes + no + abstain <= got <= issued <= present
    assert written <= due - present
    assert vote.invalid == got - yes - no - abstain
    assert (vote.outcome is Outcome.ADOPTED) is (2 * (yes + written) > due)
    assert vote_in_words(vote)


def test_an_empty_count_is_empty() -> None:
    assert Ballots().empty
    assert Ballots(issued=0, collected=0).empty
    assert not Ballots(in_favour=1).empty
