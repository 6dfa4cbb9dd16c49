"""The list in which figures counted from records are frozen (指标): prefilled, only to be scored.

What is known of each figure comes from whoever counts (``context.variables[INDICATORS]``); people
may set another score, with a reason. The kept row holds the figure, its day, the records behind it,
the score that was reckoned and the one that counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from engine.errors import N_
from engine.forms.fields import INDICATORS, Field, FormContext

KEPT: Final = (
    "indicator",
    "title",
    "unit",
    "value",
    "of",
    "weight",
    "calculated",
    "as_of",
    "first",
    "last",
    "sources",
)
"""What a kept row says besides ``score`` and, of a changed one, ``reason`` and ``author``."""


def known_rows(variables: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the figures as they were counted, in the order of the procedure."""
    rows: Sequence[Mapping[str, Any]] = (variables.get(INDICATORS) or {}).get("rows", ())
    return rows


def start_scores(scope: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Return a row for each figure, with the score that was reckoned."""
    return [
        {"indicator": row["indicator"], "value": row["value"], "score": row["calculated"]}
        for row in known_rows(scope)
    ] or None


def frozen_rows(
    field: Field,
    rows: Sequence[Mapping[str, Any]],
    name: str,
    context: FormContext,
    refuse: Callable[..., None],
) -> list[dict[str, Any]]:
    """Return the rows to keep: every figure, whether it was sent or not.

    A figure that people saw otherwise, a score out of bounds, or one that was changed without a
    reason is refused.
    """
    known = known_rows(context.variables)
    author = (context.variables.get(INDICATORS) or {}).get("author")
    given = {row.get("indicator"): row for row in rows}
    if len(given) < len(rows) or not given.keys() <= {row["indicator"] for row in known}:
        refuse(name, N_("指标有重复，或者不是本流程的指标，请刷新页面后重新填写。"))
    found = []
    for index, row in enumerate(known):
        here = f"{name}-{index}"
        said = given.get(row["indicator"], {})
        seen = said.get("value")
        if seen is not None and seen != row["value"]:
            refuse(
                f"{here}.score",
                N_("“%(title)s”按记录为 %(value)s，与所填的 %(seen)s 不同；请刷新页面后核对。"),
                title=row["title"],
                value=row["value"],
                seen=seen,
            )
        was = row.get("was", {})
        score = said.get("score")
        score = was.get("score", row["calculated"]) if score is None else score
        kept = {key: row[key] for key in KEPT if row.get(key) is not None} | {"score": score}
        if not 0 <= score <= row["weight"]:
            refuse(f"{here}.score", N_("得分须在 0 至 %(most)s 之间。"), most=row["weight"])
        elif score != row["calculated"]:
            reason = (said.get("reason") or "").strip()
            if score == was.get("score") and reason in ("", was.get("reason")):
                # Corrected was something else: who changed the score, and why, stays.
                found.append(kept | {"reason": was["reason"], "author": was.get("author")})
                continue
            if not reason:
                refuse(
                    f"{here}.reason",
                    N_("得分与按记录计算的 %(score)s 不同，请写明调整的理由。"),
                    score=row["calculated"],
                )
            kept |= {"reason": reason, "author": author}
        found.append(kept)
    return found


def in_words(row: Mapping[str, Any], person: Callable[[int], str]) -> str:
    """Say a kept row in a sentence: the figure, its score, and by whom it was changed."""
    text = f"{row['value']} {row.get('unit', '')}".strip()
    if row.get("of"):
        text += N_("（应有 %s）") % row["of"]
    text += N_("，得分 %(score)s（满分 %(weight)s）") % {
        "score": row["score"],
        "weight": row["weight"],
    }
    if "reason" in row:
        text += N_("；按记录计算 %(old)s，%(who)s 调整：%(why)s") % {
            "old": row["calculated"],
            "who": person(row["author"]) if row.get("author") else "—",
            "why": row["reason"],
        }
    return text
