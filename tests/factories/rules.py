"""Texts of small rules, for ``rules.toml`` beside a small procedure."""

from __future__ import annotations


def in_time(rule: str, step: str, *, days: int = 10, more: str = "") -> str:
    """Return a rule: the step is done within so many days of ``apply``. ``more`` adds lines."""
    return f"""
[[rule]]
id = "{rule}"
title = "按时办理"
title_en = "Worked on in time"
kind = "deadline"
step = "{step}"
from = "apply"
from_words = "收到申请"
from_words_en = "the application was received"
within = {{ days = {days} }}
must = "办理"
must_en = "work on it"
{more}
"""


def at_least_three(rule: str, step: str) -> str:
    """Return a rule: the step's ``amount`` is three or more."""
    return f"""
[[rule]]
id = "{rule}"
title = "数量不少于三"
title_en = "At least three"
kind = "expression"
step = "{step}"
that = "amount >= 3"
numbers = {{ amount = "amount" }}
met = "数量 %(amount)s。"
met_en = "Amount %(amount)s."
not_met = "数量 %(amount)s，少于三。"
not_met_en = "Amount %(amount)s, less than three."
"""
