"""Tables for a terminal: wide characters count double, and nothing is torn apart."""

from engine.checking.printing import broken, pad, table, width


def test_wide_characters_count_double() -> None:
    assert width("规则 R-1") == 8
    assert width("e\u0301") == 1
    assert pad("规则", 6) == "规则  "


def test_columns_stand_below_one_another() -> None:
    lines = list(table(("规则", "说明"), [("R-ADM-02", "晚了。"), ("一", "早了。")]))
    starts = {width(line[: line.index(word)]) for line, word in zip(lines[2:], "晚早", strict=True)}
    assert starts == {10}


def test_a_long_text_is_broken_between_characters_but_not_in_a_day() -> None:
    lines = broken("应当不晚于 2026-07-01 办理，实际办理得太晚了。", 16)
    assert all(width(line) <= 18 for line in lines)
    assert any("2026-07-01" in line for line in lines)
    assert not any(line.startswith(("，", "。")) for line in lines)
    assert broken("", 10) == [""]
