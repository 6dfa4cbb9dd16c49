"""Tell whether two conditions can never hold together, as far as their text shows it."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from itertools import product

Clause = tuple[ast.expr, ...]
"""Conditions that all have to hold."""

MAX_CLAUSES = 64


def disjoint(one: str, other: str) -> bool:
    """Return True when two conditions are certain to exclude each other, False when unsure."""
    try:
        first, second = _clauses(_parse(one)), _clauses(_parse(other))
    except SyntaxError:
        return True  # said elsewhere: the expression does not compile
    if first is None or second is None:
        return False
    return all(any(_contradict(a, b) for a, b in product(x, y)) for x, y in product(first, second))


def _parse(source: str) -> ast.expr:
    return ast.parse(" ".join(source.split()), mode="eval").body


def _clauses(node: ast.expr, negated: bool = False) -> Sequence[Clause] | None:
    """Return a condition as alternatives of clauses; None when it is too involved."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return _clauses(node.operand, not negated)
    if isinstance(node, ast.BoolOp):
        parts = [_clauses(value, negated) for value in node.values]
        if any(part is None for part in parts):
            return None
        if isinstance(node.op, ast.Or) is not negated:
            return [clause for part in parts for clause in part or ()]
        found: list[Clause] = [()]
        for part in parts:
            found = [left + right for left, right in product(found, part or ())]
            if len(found) > MAX_CLAUSES:
                return None
        return found
    return [(_negate(node),)] if negated else [(node,)]


_OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}


def _negate(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        return ast.Compare(node.left, [_OPPOSITE[type(node.ops[0])]()], node.comparators)
    return ast.UnaryOp(ast.Not(), node)


def _contradict(a: ast.expr, b: ast.expr) -> bool:
    if ast.dump(_negate(a)) == ast.dump(b) or ast.dump(_negate(b)) == ast.dump(a):
        return True
    one, other = _values(a), _values(b)
    if one is not None and other is not None and one[0] == other[0]:
        return one[1].isdisjoint(other[1])
    return _ranges_apart(a, b)


def _values(node: ast.expr) -> tuple[str, frozenset[object]] | None:
    """Return what a condition is about and the values it allows: ``x == 1``, ``x in [1, 2]``."""
    if not isinstance(node, ast.Compare) or len(node.ops) != 1:
        return None
    left, right, operator = node.left, node.comparators[0], node.ops[0]
    if isinstance(operator, ast.Eq):
        if isinstance(left, ast.Constant):
            left, right = right, left
        if isinstance(right, ast.Constant):
            return ast.dump(left), frozenset({right.value})
    if isinstance(operator, ast.In) and isinstance(right, (ast.List, ast.Tuple)):
        values = [e.value for e in right.elts if isinstance(e, ast.Constant)]
        if len(values) == len(right.elts):
            return ast.dump(left), frozenset(values)
    return None


def _ranges_apart(a: ast.expr, b: ast.expr) -> bool:
    one, other = _bound(a), _bound(b)
    if one is None or other is None or one[0] != other[0]:
        return False
    for (_, operator, value), (_, against, limit) in ((one, other), (other, one)):
        if operator in {"<", "<="} and against in {">", ">="}:
            return value < limit or (value == limit and (operator, against) != ("<=", ">="))
        if operator == "==" and against in {"<", "<=", ">", ">="}:
            holds = {
                "<": value < limit,
                "<=": value <= limit,
                ">": value > limit,
                ">=": value >= limit,
            }
            return not holds[against]
    return False


_SIGNS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
}


def _bound(node: ast.expr) -> tuple[str, str, float] | None:
    if not isinstance(node, ast.Compare) or len(node.ops) != 1:
        return None
    sign, right = _SIGNS.get(type(node.ops[0])), node.comparators[0]
    if sign is None or not isinstance(right, ast.Constant):
        return None
    value = right.value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return ast.dump(node.left), sign, float(value)
