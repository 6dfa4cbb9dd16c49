"""Read what a rule checks: the keys of ``rules.toml`` that belong to each kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Final

from engine.compliance.check_table import CheckTable
from engine.compliance.kinds.among import Among
from engine.compliance.kinds.attendance import Attendance
from engine.compliance.kinds.count import Count
from engine.compliance.kinds.deadline import Deadline
from engine.compliance.kinds.document import Document, Paper
from engine.compliance.kinds.expression import Holds
from engine.compliance.kinds.frozen import Frozen
from engine.compliance.kinds.gap import Gap
from engine.compliance.kinds.majority import Majority
from engine.compliance.kinds.once import Once
from engine.compliance.kinds.order import Alternatives, Order
from engine.compliance.kinds.pairs import Pairs
from engine.compliance.kinds.rectified import Rectified
from engine.compliance.kinds.recurrence import Recurrence
from engine.compliance.kinds.roll import Roll
from engine.compliance.kinds.separation import Part, Separation
from engine.compliance.kinds.spans import Length
from engine.compliance.kinds.wait import Wait
from engine.compliance.rules import Check, Element, Field
from engine.definitions.reading import Table, did_you_mean
from engine.forms.codes import ADMISSION_EXCLUSIONS, ELECTION_EXCLUSIONS

REASONS: Final[Mapping[str, tuple[str, ...]]] = {
    "admission": tuple(reason.value for reason in ADMISSION_EXCLUSIONS),
    "election": tuple(reason.value for reason in ELECTION_EXCLUSIONS),
}
"""Lists of reasons to be left out of 应到会 (domain/14 §5)."""


def _deadline(given: CheckTable) -> Check:
    warn = given.start("warn_from") if "warn_from" in given.table else None
    within = given.length("within")
    if within is None:
        given.table.error("missing-key", "缺少“within”", "请写明期限 within = { months = 1 }")
    return Deadline(
        given.start(),
        within or Length(),
        given.expression("reason"),
        given.length("or_within"),
        warn,
        given.words("must"),
    )


def _wait(given: CheckTable) -> Check:
    return Wait(
        given.start(),
        given.length("after") or Length(),
        given.table.flag("full"),
        given.words("must"),
    )


def _alternatives(text: str) -> Alternatives:
    return tuple(Element(name.strip()) for name in text.split("|"))


def _order(given: CheckTable) -> Check:
    before: dict[str, tuple[Alternatives, ...]] = {}
    value = given.table.raw("after")
    names = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    if names:
        before[""] = tuple(_alternatives(str(name)) for name in names)
    for earlier, group in chain_of(given.table):
        for step in group:
            before[Element(step)] = tuple(_alternatives(name) for name in earlier)
    if not before:
        given.table.error("missing-key", "缺少“after”", "请写明在哪个环节之后 after = …")
    return Order(
        before,
        given.table.flag("strict"),
        given.condition("after_where", tuple(e for group in before.get("", ()) for e in group)),
        given.words("after_words"),
    )


def chain_of(table: Table) -> list[tuple[list[str], list[str]]]:
    """Return the groups of a ``chain`` in pairs: what goes before, and what follows it."""
    value = table.raw("chain")
    if value is None:
        return []
    if not isinstance(value, list) or not all(
        isinstance(group, list) and all(isinstance(name, str) for name in group) for group in value
    ):
        table.error("wrong-type", "“chain”应当是环节列表的列表", '例如 chain = [["a"], ["b", "c"]]')
        return []
    return list(pairwise(value))


def _recurrence(given: CheckTable) -> Check:
    return Recurrence(
        given.elements_of("records"),
        given.start(),
        given.length("every") or Length(),
        given.elements_of("until"),
        given.amount("at_least"),
        given.amount("in_last_months"),
        given.words("what"),
    )


def _count(given: CheckTable) -> Check:
    return Count(
        given.fields("people"),
        given.amount("least"),
        given.amount("most"),
        given.table.texts("status"),
        given.table.flag("unrestricted"),
        given.table.flag("not_subject"),
        given.table.texts("posts"),
        given.words("what"),
    )


def _attendance(given: CheckTable) -> Check:
    return Attendance(
        given.fields("attendance"), given.share("share"), given.fields("vote", required=False)
    )


def _majority(given: CheckTable) -> Check:
    base = given.table.text("of", "due")
    if base not in ("due", "present"):
        given.fault("of", f"“of”的值“{base}”不认识", did_you_mean(base, ["due", "present"]))
    return Majority(
        given.fields("vote"),
        given.share("share"),
        base == "present",
        given.switch("written", True),
        given.table.flag("secret"),
        given.table.flag("tally"),
        given.fields("attendance", required=False),
    )


def _roll(given: CheckTable) -> Check:
    reasons = given.table.text("reasons", "admission")
    if reasons not in REASONS:
        given.fault("reasons", f"“{reasons}”不认识", did_you_mean(reasons, sorted(REASONS)))
    return Roll(given.fields("attendance"), REASONS.get(reasons, ()))


def _document(given: CheckTable) -> Check:
    conditions = {
        name: given.compile("only_if", source) for name, source in given.named("only_if").items()
    }
    papers = [
        Paper(given.field(name), title, only_if=conditions.get(name))
        for name, title in given.named("filled").items()
    ]
    ticked = given.table.raw("ticked")
    if ticked is not None and not (
        isinstance(ticked, Mapping) and all(isinstance(v, Mapping) for v in ticked.values())
    ):
        given.fault("ticked", "“ticked”应当是清单字段和选项的表", "ticked = { field = { … } }")
        ticked = None
    for name, options in (ticked or {}).items():
        papers += [
            Paper(given.field(name), str(title), option, conditions.get(option))
            for option, title in options.items()
        ]
    if not papers:
        given.table.error("missing-key", "缺少“filled”或者“ticked”", "请写明要有哪些内容或者材料")
    return Document(tuple(papers))


def _separation(given: CheckTable) -> Check:
    one = [Part(given.field(name), title) for name, title in given.named("one").items()]
    others = []
    for name, title in given.named("others").items():
        at = given.field(name).element
        # A part in a later step is looked at when that step is done; its own field is meant then.
        field = given.field(name) if at is None else given.field(name.split(".", 1)[1])
        others.append(Part(field, title, str(at or "")))
    if len(one) != 1 or not others:
        given.table.error(
            "missing-key",
            "“one”应当恰有一项，“others”至少一项",
            '例如 one = { "step.field" = "…" }',
        )
        one = one or [Part(Field("subject"), "")]
    return Separation(one[0], tuple(others))


def _expression(given: CheckTable) -> Check:
    that = given.required("that")
    numbers = {
        name: expression
        for name, source in given.named("numbers").items()
        if (expression := given.compile("numbers", source)) is not None
    }
    met, not_met = given.words("met", None), given.words("not_met", None)
    for key, sentence in (("met", met), ("not_met", not_met)):
        try:
            sentence % dict.fromkeys(numbers, "")
        except (KeyError, ValueError, TypeError):
            given.fault(
                key, f"“{key}”里的 %(…)s 和 numbers 对不上", "请只写 numbers 中有的，百分号写成 %%"
            )
    return Holds(that, met, not_met, numbers)


def _rectified(given: CheckTable) -> Check:
    return Rectified(given.field(given.table.text("items") or "items"))


def _indicators(given: CheckTable) -> Check:
    asks = given.table.text("asks", "sources")
    if asks not in ("sources", "changes"):
        given.fault("asks", f"“asks”的值“{asks}”不认识", "可写 sources（依据）或 changes（改动）")
    return Frozen(given.field(given.table.text("rows") or "rows"), asks == "changes")


def _once(given: CheckTable) -> Check:
    return Once(given.table.text("role"), given.fields("same"), given.words("what"))


def _gap(given: CheckTable) -> Check:
    days = given.amount("days")
    if days is None:
        given.table.error("missing-key", "缺少“days”", "请写明天数 days = …")
    return Gap(days or 0)


def _among(given: CheckTable) -> Check:
    return Among(
        given.fields("each"),
        given.fields("among", required=False),
        given.fields("less", required=False),
        next(iter(given.elements_of("recorded_at")), None),
        next(iter(given.elements_of("listed_at")), None),
        given.words("what"),
        given.words("must"),
    )


def _pairs(given: CheckTable) -> Check:
    return Pairs(
        given.field(given.table.text("talks")),
        given.table.text("one"),
        given.table.text("other"),
        given.field(given.table.text("committee")),
        given.field(given.table.text("members")) if "members" in given.table else None,
        next(iter(given.elements_of("listed_at")), None),
        given.table.text("on", ""),
        given.table.flag("one_way"),
        given.words("what"),
    )


READERS: Final[Mapping[str, Callable[[CheckTable], Check]]] = {
    "deadline": _deadline,
    "wait": _wait,
    "order": _order,
    "recurrence": _recurrence,
    "count": _count,
    "attendance": _attendance,
    "majority": _majority,
    "roll": _roll,
    "document": _document,
    "separation": _separation,
    "expression": _expression,
    "gap": _gap,
    "rectification": _rectified,
    "among": _among,
    "pairs": _pairs,
    "indicators": _indicators,
    "once": _once,
}
"""How each kind is read, by the word in ``rules.toml``; ``all`` is made of several."""
