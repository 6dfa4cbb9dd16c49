"""Parameters: what may be declared, what is a lawful value, and which value counts where."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.compliance.parameter_reading import read_parameters
from engine.compliance.parameters import (
    Level,
    Parameter,
    ParameterType,
    ParameterView,
    Setting,
    ancestry_of,
    settings_by_place,
)
from engine.definitions.reading import Report
from engine.errors import InvalidInput

DAY = date(2026, 6, 1)
BRANCH, COMMITTEE, COUNTY = 12, 4, 1


def days(**more: object) -> Parameter:
    """Return a parameter of whole days, 7 by default."""
    return Parameter(
        **{  # type: ignore[arg-type]
            "name": "gap_days",
            "title": "天数",
            "type": ParameterType.DAYS,
            "default": 7,
            "level": Level.APPROVING,
            "minimum": 0,
            "maximum": 30,
            **more,
        }
    )


def setting(place: int, value: int, since: date, until: date | None = None) -> Setting:
    return Setting("gap_days", place, f"第{place}组织", value, since, until, "文件")


def view(*settings: Setting) -> ParameterView:
    """Return what a branch sees; settings come in the order in which they were made."""
    return ParameterView(
        {"gap_days": days()}, settings_by_place(reversed(settings)), ancestry_of("/1/4/12/")
    )


def test_the_default_counts_where_nobody_set_anything() -> None:
    found = view().value("gap_days", DAY)
    assert (found.value, found.origin, found.organisation_id) == (7, "default", None)


def test_the_nearest_organisation_with_a_value_wins() -> None:
    found = view(setting(COUNTY, 10, DAY), setting(COMMITTEE, 3, DAY)).value("gap_days", DAY)
    assert (found.value, found.origin, found.organisation_id) == (3, "organisation", COMMITTEE)
    assert (found.since, found.reason, found.organisation_name) == (DAY, "文件", "第4组织")


def test_a_value_of_somebody_else_does_not_count() -> None:
    assert view(setting(99, 3, DAY)).value("gap_days", DAY).value == 7


@pytest.mark.parametrize(
    ("offset", "value"),
    [(-1, 7), (0, 3), (9, 3), (10, 7)],
    ids=["before", "first", "last", "after"],
)
def test_a_value_counts_on_both_end_days_only(offset: int, value: int) -> None:
    seen = view(setting(COMMITTEE, 3, DAY, DAY + timedelta(days=9)))
    assert seen.value("gap_days", DAY + timedelta(days=offset)).value == value


def test_a_value_for_a_while_lies_over_the_lasting_one() -> None:
    seen = view(setting(COMMITTEE, 3, DAY), setting(COMMITTEE, 5, DAY, DAY))
    assert seen.value("gap_days", DAY).value == 5
    assert seen.value("gap_days", DAY + timedelta(days=1)).value == 3


def test_all_values_by_name_as_expressions_see_them() -> None:
    assert view(setting(COUNTY, 10, DAY)).values(DAY) == {"gap_days": 10}


@given(st.lists(st.tuples(st.sampled_from([BRANCH, COMMITTEE, COUNTY, 99]), st.integers(0, 30),
                          st.integers(-40, 40), st.one_of(st.none(), st.integers(0, 40)))),
       st.integers(-60, 60))  # fmt: skip
def test_what_counts_is_the_nearest_ancestor_s_newest(
    rows: list[tuple[int, int, int, int | None]], offset: int
) -> None:
    made = [
        setting(place, value, since := DAY + timedelta(days=start),
                None if length is None else since + timedelta(days=length))
        for place, value, start, length in rows
    ]  # fmt: skip
    day = DAY + timedelta(days=offset)
    found = view(*made).value("gap_days", day)
    for place in (BRANCH, COMMITTEE, COUNTY):
        holding = [s for s in made if s.organisation_id == place and s.holds_on(day)]
        if holding:
            latest = max(s.since for s in holding)
            wanted = [s for s in holding if s.since == latest][-1]
            assert (found.organisation_id, found.value) == (place, wanted.value)
            return
    assert found.origin == "default"


@pytest.mark.parametrize("value", [-1, 31, True, "7", 1.5, None])
def test_numbers_outside_the_bounds_and_other_things_are_refused(value: object) -> None:
    with pytest.raises(InvalidInput):
        days().check(value)


@pytest.mark.parametrize("value", [0, 30])
def test_the_bounds_themselves_are_lawful(value: int) -> None:
    assert days().check(value) == value


@pytest.mark.parametrize(
    ("parameter", "text", "value"),
    [
        (days(), " 12 ", 12),
        (days(type=ParameterType.BOOL, default=True), "false", False),
        (days(type=ParameterType.CHOICE, choices={"due": "应到"}, default="due"), "due", "due"),
        (days(type=ParameterType.FRACTION, default="1/3", minimum="0/1", maximum="1/3"),
         "3/9", "1/3"),
        (days(type=ParameterType.DATE, default="2026-05-18", minimum="2026-05-11", maximum=None),
         "2026-05-11", "2026-05-11"),
    ],
)  # fmt: skip
def test_what_is_typed_becomes_the_stored_value(
    parameter: Parameter, text: str, value: object
) -> None:
    assert parameter.from_text(text) == value


@pytest.mark.parametrize(
    ("parameter", "text"),
    [
        (days(), ""),
        (days(), "七"),
        (days(), "٧"),
        (days(type=ParameterType.BOOL, default=True), "yes"),
        (days(type=ParameterType.CHOICE, choices={"due": "应到"}, default="due"), "all"),
        (days(type=ParameterType.FRACTION, default="1/3", minimum=None, maximum="1/3"), "1/2"),
        (days(type=ParameterType.FRACTION, default="1/3", minimum=None, maximum=None), "1/0"),
        (days(type=ParameterType.FRACTION, default="1/3", minimum=None, maximum=None), "4/3"),
        (days(type=ParameterType.DATE, default="2026-05-18", minimum="2026-05-11", maximum=None),
         "2026-05-10"),
        (days(type=ParameterType.DATE, default="2026-05-18", minimum=None, maximum=None),
         "2026-02-30"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(parameter: Parameter, text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parameter.from_text(text)
    assert list(refused.value.fields) == ["value"]


# --- declarations ----------------------------------------------------------------------------


def read(text: str) -> tuple[dict[str, Parameter], list[str]]:
    report = Report("parameters.toml")
    found = read_parameters(text.encode(), report)
    return found, [problem.code for problem in report.problems]


LAWFUL = """
[[parameter]]
key = "gap_days"
title = "天数"
type = "days"
default = 7
min = 0
level = "approving"
"""


def test_a_declaration_is_read() -> None:
    found, problems = read(LAWFUL + "\nunverified = true\nnote = '未核对'\n")
    assert not problems
    assert found["gap_days"].unverified
    assert (found["gap_days"].minimum, found["gap_days"].maximum) == (0, None)


def test_a_day_may_be_written_as_toml_writes_days() -> None:
    found, problems = read(
        '[[parameter]]\nkey = "switch"\ntitle = "切换日"\ntype = "date"\ndefault = 2026-05-18\n'
        "min = 2026-05-11\n"
    )
    assert not problems
    assert found["switch"].default == "2026-05-18"
    assert found["switch"].level is Level.NONE


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (LAWFUL.replace("default = 7", ""), "missing-key"),
        (LAWFUL.replace("default = 7", "default = -1"), "parameter-value"),
        (LAWFUL.replace("default = 7", 'default = "七"'), "parameter-value"),
        (LAWFUL.replace("min = 0", "min = 8"), "parameter-value"),
        (LAWFUL.replace('"days"', '"dayz"'), "unknown-value"),
        (LAWFUL.replace('"approving"', '"village"'), "unknown-value"),
        (LAWFUL.replace('"days"', '"choice"'), "choices-mismatch"),
        (LAWFUL.replace('"gap_days"', '"Gap days"'), "wrong-type"),
        (LAWFUL + "\nmaximal = 3\n", "unknown-key"),
        (LAWFUL + LAWFUL, "duplicate-parameter"),
    ],
)
def test_faulty_declarations_are_named(text: str, code: str) -> None:
    assert code in read(text)[1]


def test_a_package_s_parameter_is_stored_under_its_own_name() -> None:
    assert days(process="member_admission").key == "member_admission.gap_days"
    assert days().key == "gap_days"
