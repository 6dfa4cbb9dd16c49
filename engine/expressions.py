"""The one expression language: gateways, timers, loops, rules and forms all come here.

It is a small, closed subset of Python. It is parsed once, checked node by node against a list of
what is allowed, and compiled to a function of its names; evaluation only calls that function. There
is no attribute access, no ``* ** %``, no comprehension, no lambda and no call but to the functions
listed below, so an expression can neither reach outside its variables nor grow without bound.

Whatever goes wrong, in compiling or in evaluating, is an :class:`~engine.errors.ExpressionFault`.
"""

from __future__ import annotations

import ast
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from engine.errors import N_, ExpressionFault, GuichengError

MAX_SOURCE: Final = 2_000
"""Longest expression, in characters."""
MAX_NODES: Final = 200
"""Most syntax nodes in one expression."""
MAX_BRACKETS: Final = 20
"""Deepest nesting of brackets; checked before parsing, because parsers recurse."""
MAX_DIGITS: Final = 15
"""Most digits of a number, so that every number is exact as a float too."""
MAX_TEXT_NUMBER: Final = 40
"""Longest text that ``int()`` and ``float()`` read."""
MAX_ROUND: Final = 6
"""Most decimal places that ``round()`` keeps."""

NO_FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType({})


class _Refused(Exception):
    """Carries a sentence from a core function or a check to the place that knows the source."""

    def __init__(self, template: str, /, **params: object) -> None:
        self.template = template
        self.params = params
        super().__init__(template)


# --- the core functions -------------------------------------------------------------------------

_Scalar = (str, int, float, bool, type(None))


def _text(value: object = "") -> str:
    # Text of a container would be quoted at every level and could double in size each time.
    if not isinstance(value, _Scalar):
        raise _Refused(N_("str() 只能转换文字和数字"))
    return "" if value is None else str(value)


def _integer(value: object = 0) -> int:
    if isinstance(value, str) and len(value) > MAX_TEXT_NUMBER:
        raise _Refused(N_("int() 读取的文字超过 %(limit)s 个字符"), limit=MAX_TEXT_NUMBER)
    if not isinstance(value, (str, int, float)):
        raise _Refused(N_("int() 只能转换文字和数字"))
    return int(value)


def _number(value: object = 0.0) -> float:
    if isinstance(value, str) and len(value) > MAX_TEXT_NUMBER:
        raise _Refused(N_("float() 读取的文字超过 %(limit)s 个字符"), limit=MAX_TEXT_NUMBER)
    if not isinstance(value, (str, int, float)):
        raise _Refused(N_("float() 只能转换文字和数字"))
    number = float(value)
    if not math.isfinite(number):
        raise _Refused(N_("float() 的结果不是有限的数"))
    return number


def _round(value: float, places: int = 0) -> float:
    if not isinstance(places, int) or not 0 <= places <= MAX_ROUND:
        raise _Refused(N_("round() 只能保留 0 至 %(limit)s 位小数"), limit=MAX_ROUND)
    return round(value, places) if places else round(value)


def _items(values: tuple[object, ...]) -> Iterable[object]:
    if len(values) == 1 and isinstance(values[0], (list, tuple)):
        return values[0]
    return values


def any_of(*values: object) -> bool:
    """Tell whether at least one of the values (or of the items of one list) is true."""
    return any(_items(values))


def all_of(*values: object) -> bool:
    """Tell whether all of the values (or all items of one list) are true."""
    return all(_items(values))


def present(value: object) -> bool:
    """Tell whether something was filled in: neither missing nor empty text, list or table."""
    return not (value is None or (isinstance(value, (str, list, tuple, dict)) and not value))


def distinct(*lists: object) -> list[object]:
    """Return the different items of one or several lists, in their order; nothing for None."""
    found: list[object] = []
    for given in lists:
        if given is not None and not isinstance(given, (list, tuple)):
            raise _Refused(N_("distinct() 只能合并列表"))
        found += given or ()
    if not all(isinstance(item, _Scalar) for item in found):
        raise _Refused(N_("distinct() 只能合并列表"))
    return list(dict.fromkeys(found))


def share_of(share: object, whole: object) -> int:
    """Return the largest whole number within a share of ``whole``: a third of ten is three."""
    if not isinstance(share, str) or not _SHARE.fullmatch(share) or not isinstance(whole, int):
        raise _Refused(N_("share_of() 要写成 share_of('1/3', 10) 的样子"))
    above, below = map(int, share.split("/"))
    return whole * above // below


_SHARE = re.compile(r"[0-9]{1,4}/[1-9][0-9]{0,3}")

_SEPARATED = r"[ -]?"
_PERSONAL: Final = re.compile(
    r"(?<![0-9])(?:"
    rf"[1-9][0-9]{{5}}{_SEPARATED}[12][0-9]{{7}}{_SEPARATED}[0-9]{{3}}[0-9Xx]"  # identity number
    r"|[1-9][0-9]{14}"  # identity number of the first generation
    rf"|1[3-9][0-9]{_SEPARATED}[0-9]{{4}}{_SEPARATED}[0-9]{{4}}"  # mobile telephone
    r")(?![0-9])"
)


def personal_numbers(value: object = "") -> int:
    """Count the identity and mobile telephone numbers in a text, full-width digits included."""
    return len(_PERSONAL.findall(unicodedata.normalize("NFKC", _text(value))))


CORE_FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType(
    {
        "len": len,
        "min": min,
        "max": max,
        "abs": abs,
        "round": _round,
        "str": _text,
        "int": _integer,
        "float": _number,
        "bool": bool,
        "any_of": any_of,
        "all_of": all_of,
        "present": present,
        "personal_numbers": personal_numbers,
        "distinct": distinct,
        "share_of": share_of,
    }
)
"""Functions that every expression has. They are pure and bounded by the size of their input."""

DATE_FUNCTIONS: Final = frozenset(
    {
        "add_days",
        "add_months",
        "add_years",
        "workdays_after",
        "next_day",
        "days_between",
        "months_between",
        "age_on",
        "latest",
        "earliest",
        "today",
    }
)
"""Names of the functions that :func:`engine.calendars.functions.date_functions` supplies."""

FUNCTION_NAMES: Final = frozenset(CORE_FUNCTIONS) | DATE_FUNCTIONS


# --- the expression -----------------------------------------------------------------------------


class Expression:
    """A checked, compiled expression. Immutable; shared between threads.

    ``names`` are its free variables, ``dates`` the elements whose dates it asks for (as
    ``on["element"]`` or ``"element" in on``), ``functions`` the names of the functions it calls.
    """

    __slots__ = ("_call", "_order", "_supplied", "dates", "functions", "names", "source")

    def __init__(
        self,
        source: str,
        names: frozenset[str],
        dates: frozenset[str],
        functions: frozenset[str],
        call: Callable[..., object],
    ) -> None:
        self.source = source
        self.names = names
        self.dates = dates
        self.functions = functions
        self._order = tuple(sorted(names))
        self._supplied = tuple(sorted(functions & DATE_FUNCTIONS))
        self._call = call

    def __repr__(self) -> str:
        return f"Expression({self.source!r})"

    def evaluate(
        self,
        variables: Mapping[str, Any],
        functions: Mapping[str, Callable[..., Any]] = NO_FUNCTIONS,
    ) -> object:
        """Return the value of the expression for these variables.

        A variable that is missing is ``None``. ``functions`` supplies the date functions; it can
        neither add nor replace others, and variables never hide a function.

        Raises ExpressionFault when the values do not suit: something still missing, text compared
        with a number, a missing key, a division by zero, a function not supplied.
        """
        get = variables.get
        try:
            if self._supplied:
                return self._call(
                    *[get(name) for name in self._order],
                    *[functions[name] for name in self._supplied],
                )
            return self._call(*[get(name) for name in self._order])
        except Exception as error:
            raise self._explain(error, variables, functions) from error

    def _explain(
        self,
        error: Exception,
        variables: Mapping[str, Any],
        functions: Mapping[str, Callable[..., Any]],
    ) -> ExpressionFault:
        """Turn what Python said into a sentence that names the value to look at."""
        if isinstance(error, ExpressionFault):
            return error
        if isinstance(error, GuichengError):
            return _fault(N_("计算失败：%(detail)s"), self.source, detail=str(error))
        if isinstance(error, _Refused):
            return _fault(error.template, self.source, **error.params)
        absent = [name for name in self._supplied if name not in functions]
        if absent:
            return _fault(N_("这里不能使用函数 %(names)s"), self.source, names="、".join(absent))
        missing = [name for name in self._order if variables.get(name) is None]
        if isinstance(error, (TypeError, AttributeError)) and missing:
            return _fault(N_("%(names)s 还没有值，无法计算"), self.source, names="、".join(missing))
        if isinstance(error, KeyError):
            key = str(error.args[0] if error.args else "")[:80]
            happened = variables.get("on")
            if key in self.dates and not (isinstance(happened, Mapping) and key in happened):
                return _fault(N_("环节 %(key)s 还没有发生，没有日期"), self.source, key=key)
            return _fault(N_("找不到 %(key)s 这一项"), self.source, key=key)
        if isinstance(error, IndexError):
            return _fault(N_("序号超出了列表的长度"), self.source)
        if isinstance(error, ZeroDivisionError):
            return _fault(N_("除数为零"), self.source)
        if isinstance(error, TypeError):
            return _fault(N_("类型不合，文字、数字和列表不能混在一起计算或比较"), self.source)
        if isinstance(error, (RecursionError, MemoryError, OverflowError)):
            return _fault(N_("数值或嵌套过大，无法计算"), self.source)
        if isinstance(error, ValueError):
            return _fault(N_("取值不合要求（例如文字不是数字，或列表是空的）"), self.source)
        return _fault(N_("计算失败（%(kind)s）"), self.source, kind=type(error).__name__)


def compile_expression(source: str) -> Expression:
    """Check and compile an expression; the same source gives the same object.

    Line breaks count as blanks. Raises ExpressionFault, with the reason in Chinese, for anything
    outside the language and for anything too large.
    """
    # Looked at before the cache is asked: an unhashable source must not escape as a TypeError.
    if not isinstance(source, str):
        raise _fault(N_("表达式必须是文字"), "")
    if len(source) > MAX_SOURCE:
        raise _fault(
            N_("表达式有 %(length)s 个字符，最多 %(limit)s 个，请拆分或简化"),
            source,
            length=len(source),
            limit=MAX_SOURCE,
        )
    return _compile(source)


def _fault(template: str, source: str, **params: object) -> ExpressionFault:
    shown = source if len(source) <= 120 else source[:117] + "…"
    return ExpressionFault(template + N_("。表达式：%(source)s"), source=shown, **params)


# --- compiling ----------------------------------------------------------------------------------

_STRING = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"")
_NUMBER = re.compile(r"(?<![A-Za-z0-9_.])[0-9.]*[0-9][A-Za-z0-9_.]*")
_PLAIN_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_FOREIGN_CONSTANTS = {"true": "True", "false": "False", "null": "None", "none": "None"}

_ALLOWED: Final = (
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.BinOp,
    ast.Add, ast.Sub, ast.Div, ast.FloorDiv, ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE,
    ast.Gt, ast.GtE, ast.In, ast.NotIn, ast.Is, ast.IsNot, ast.Name, ast.Load, ast.Constant,
    ast.Subscript, ast.List, ast.Tuple, ast.Dict, ast.IfExp, ast.Call,
)  # fmt: skip

_WORDS: Final[Mapping[type[ast.AST], str]] = {
    ast.Attribute: N_('点号取属性，请改用 x["键"]'),
    ast.Mult: N_("乘号 *"),
    ast.Pow: N_("乘方 **"),
    ast.Mod: N_("取余 %"),
    ast.Lambda: N_(" lambda"),
    ast.NamedExpr: N_("赋值 :="),
    ast.JoinedStr: N_(" f 字符串"),
    ast.ListComp: N_("推导式"),
    ast.SetComp: N_("推导式"),
    ast.DictComp: N_("推导式"),
    ast.GeneratorExp: N_("推导式"),
    ast.Starred: N_("星号参数"),
    ast.keyword: N_("按名称传递的参数"),
    ast.Slice: N_("切片"),
    ast.Set: N_("集合"),
    ast.Await: N_("await"),
    ast.Yield: N_("yield"),
    ast.YieldFrom: N_("yield"),
}


@lru_cache(maxsize=8192)
def _compile(source: str) -> Expression:
    text = re.sub(r"[\r\n\t]", " ", source).strip()
    try:
        _check_text(text)
        tree = _parse(text)
        names, functions, dates = _check_tree(tree)
        return Expression(source, names, dates, functions, _build(tree, names, functions))
    except _Refused as refusal:
        raise _fault(refusal.template, source, **refusal.params) from None


def _check_text(text: str) -> None:
    """Refuse by the letter what would cost the parser too much or make it warn."""
    if not text:
        raise _Refused(N_("表达式是空的"))
    if "\\" in text:
        raise _Refused(N_("不能使用反斜杠"))
    bare = _STRING.sub("''", text)
    if "#" in bare:
        raise _Refused(N_("不能写注释"))
    depth = 0
    for letter in bare:
        if letter in "([{":
            depth += 1
            if depth > MAX_BRACKETS:
                raise _Refused(N_("括号嵌套超过 %(limit)s 层"), limit=MAX_BRACKETS)
        elif letter in ")]}":
            depth -= 1
    if depth != 0:
        raise _Refused(N_("括号不成对"))
    for match in _NUMBER.finditer(bare):
        if not _PLAIN_NUMBER.fullmatch(match[0]):
            raise _Refused(N_("数字 %(number)s 的写法不对，只能是整数或小数"), number=match[0][:40])
        if len(match[0]) > MAX_DIGITS:
            raise _Refused(N_("数字最多 %(limit)s 位"), limit=MAX_DIGITS)


def _parse(text: str) -> ast.Expression:
    try:
        return ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise _Refused(N_("写法有误，请检查引号、括号、比较符号和逗号")) from None


def _walk(tree: ast.AST) -> Iterator[ast.AST]:
    for count, node in enumerate(ast.walk(tree)):
        # Operators and contexts are nodes too, but weigh nothing.
        if count > 3 * MAX_NODES:
            raise _Refused(N_("表达式过于复杂，请拆分或简化"))
        yield node


def _check_tree(tree: ast.Expression) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    names: set[str] = set()
    functions: set[str] = set()
    dates: set[str] = set()
    called: set[int] = set()
    weight = 0
    for node in _walk(tree):
        if not isinstance(node, _ALLOWED):
            what = _WORDS.get(type(node), f" {type(node).__name__} ")
            raise _Refused(N_("不能使用%(what)s"), what=what)
        weight += isinstance(node, ast.expr)
        if isinstance(node, ast.Call):
            functions.add(_check_call(node))
            called.add(id(node.func))
        elif isinstance(node, ast.Constant):
            if not isinstance(node.value, _Scalar):
                raise _Refused(N_("不能使用%(what)s"), what=type(node.value).__name__)
        elif isinstance(node, ast.Compare):
            _check_compare(node)
            dates.update(_asked_in_on(node))
        elif isinstance(node, ast.Dict) and any(key is None for key in node.keys):
            raise _Refused(N_("不能使用%(what)s"), what="**")
        elif isinstance(node, ast.Name) and id(node) not in called:
            names.add(_check_name(node.id))
        elif isinstance(node, ast.Subscript):
            _check_subscript(node)
            if (
                isinstance(node.value, ast.Name)
                and node.value.id == "on"
                and isinstance(node.slice, ast.Constant)
                and isinstance(node.slice.value, str)
            ):
                dates.add(node.slice.value)
    if weight > MAX_NODES:
        raise _Refused(N_("表达式过于复杂，请拆分或简化"))
    return frozenset(names), frozenset(functions), frozenset(dates)


def _check_call(node: ast.Call) -> str:
    if not isinstance(node.func, ast.Name):
        raise _Refused(N_("只能调用规定的函数"))
    name = node.func.id
    if name not in FUNCTION_NAMES:
        raise _Refused(
            N_("没有函数 %(name)s，可用的有：%(known)s"),
            name=name[:40],
            known="、".join(sorted(FUNCTION_NAMES)),
        )
    return name


def _check_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise _Refused(
            N_("名称 %(name)s 只能由英文字母、数字和下划线组成，且以字母开头"), name=name
        )
    if name in FUNCTION_NAMES:
        raise _Refused(N_("%(name)s 是函数，不能当作变量"), name=name)
    if name in _FOREIGN_CONSTANTS:
        right = _FOREIGN_CONSTANTS[name]
        raise _Refused(N_("%(name)s 请写成 %(right)s"), name=name, right=right)
    return name


def _check_compare(node: ast.Compare) -> None:
    values = [node.left, *node.comparators]
    for operator, left, right in zip(node.ops, values, values[1:], strict=False):
        # Identity of text and numbers is an accident of the interpreter.
        if isinstance(operator, (ast.Is, ast.IsNot)) and not (
            isinstance(right, ast.Constant)
            and (right.value is None or isinstance(right.value, bool))
            and not isinstance(left, ast.Constant)
        ):
            raise _Refused(N_("is 只能比较变量与 None、True、False，其余请用 =="))


def _asked_in_on(node: ast.Compare) -> Iterator[str]:
    values = [node.left, *node.comparators]
    for operator, left, right in zip(node.ops, values, values[1:], strict=False):
        if (
            isinstance(operator, (ast.In, ast.NotIn))
            and isinstance(right, ast.Name)
            and right.id == "on"
            and isinstance(left, ast.Constant)
            and isinstance(left.value, str)
        ):
            yield left.value


def _check_subscript(node: ast.Subscript) -> None:
    # Python itself warns about most of these when it compiles them.
    if isinstance(node.value, (ast.Constant, ast.List, ast.Tuple)):
        raise _Refused(N_("方括号取值只能用在变量、函数结果或 {…} 之后"))


def _build(
    tree: ast.Expression, names: frozenset[str], functions: frozenset[str]
) -> Callable[..., object]:
    """Compile the tree as the body of a function of its variables and supplied functions."""
    parameters = [*sorted(names), *sorted(functions & DATE_FUNCTIONS)]
    function = ast.Lambda(
        args=ast.arguments(
            posonlyargs=[ast.arg(arg=name) for name in parameters],
            args=[],
            kwonlyargs=[],
            kw_defaults=[],
            defaults=[],
        ),
        body=tree.body,
    )
    whole = ast.fix_missing_locations(ast.Expression(body=function))
    scope: dict[str, Any] = {"__builtins__": {}}
    scope.update((name, CORE_FUNCTIONS[name]) for name in functions if name in CORE_FUNCTIONS)
    try:
        code = compile(whole, "<expression>", "eval")
        # Safe: every node was checked above, and the scope holds nothing but listed functions.
        built: Callable[..., object] = eval(code, scope)  # noqa: S307
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise _Refused(N_("写法有误，请检查引号、括号、比较符号和逗号")) from None
    return built
