"""What a company computes from its measures: + - * /, numbers, parentheses, names. Pure.

Python reads the text; nothing of it is run. Sums are exact until the division; by nothing nothing
is divided: then there is no value.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal, DecimalException, localcontext
from keyword import iskeyword
from operator import add, mul, sub, truediv

LENGTH_MAX = 500
DEPTH_MAX = 40
DIGITS = 28
VALUE_MAX = Decimal(10) ** 20


class ExpressionError(ValueError):
    """The text cannot be computed; says where and why."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A text that can be computed, and the measures that it names."""

    names: frozenset[str]
    _body: ast.expr

    def value(self, measures: Mapping[str, Decimal]) -> Decimal | None:
        """Compute it; None where it divides by nothing or is too large to be told."""
        try:
            with localcontext(prec=DIGITS):
                value = _value(self._body, measures)
        except DecimalException:
            return None
        return value if abs(value) <= VALUE_MAX else None


def parse(text: str, known: Collection[str]) -> Expression:
    """Return the expression.

    Raises:
        ExpressionError: it is no expression, or names a measure that there is not.

    """
    if len(text) > LENGTH_MAX:
        raise ExpressionError(f"at most {LENGTH_MAX} characters")
    try:
        body = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        at = _strange(text) or _refused_at(error, text)
        where = f" at character {at}" if at else ""
        raise ExpressionError(f"no expression{where}: {text!r}") from None
    names = frozenset(_names(body, text, known, 0))
    if not names:
        raise ExpressionError("it names no measure")
    return Expression(names, body)


# Blanks, a number, a name, signs that Python knows in pairs, and whatever else there is.
WORD = re.compile(
    r"(?P<blank>[ \t\f\r\n]+|#[^\r\n]*|\\\r?\n)"
    r"|(?P<number>\.?\d(?:[eE][+-](?=\d)|[\w.])*)"
    r"|(?P<name>[^\W\d]\w*)"
    r"|(?P<sign>\*\*|//|[<>=!:]=|.)",
    re.DOTALL,
)


def _strange(text: str) -> int | None:
    """Return which character, from 1 on, begins the first word that cannot stand where it does.

    One after the last where something is missing, and the parenthesis that nothing closes. None:
    all stand in an order that can be computed.
    """
    told, still_open, wants_value = text.rstrip(), list[int](), True
    for word in WORD.finditer(told, len(text) - len(text.lstrip())):
        at, said = word.start() + 1, word.group()
        if word.lastgroup == "blank":
            continue
        if word.lastgroup != "sign":
            if not wants_value or iskeyword(said):
                return at
            wants_value = False
        elif wants_value and said == "(":
            still_open.append(at)
        elif not wants_value and said == ")" and still_open:
            still_open.pop()
        elif not wants_value and said in {"+", "-", "*", "/"}:
            wants_value = True
        elif not (wants_value and said == "-"):
            return at
    if wants_value:
        return len(told) + 1
    return still_open[-1] if still_open else None


def _refused_at(error: BaseException, text: str) -> int | None:
    """Return which character of the whole text Python could not read on from, if it says so."""
    if not isinstance(error, SyntaxError) or not error.lineno or not error.offset:
        return None
    return _before(error.lineno, text) + error.offset


def _before(line: int, text: str) -> int:
    """Return how many characters of the text stand before a line of what was read of it."""
    begun = len(text) - len(text.lstrip())
    ends = [begun, *(one.end() for one in re.finditer(r"\r\n|\r|\n", text) if one.end() > begun)]
    return ends[min(line, len(ends)) - 1]


OPERATORS: dict[type[ast.operator], Callable[[Decimal, Decimal], Decimal]] = {
    ast.Add: add,
    ast.Sub: sub,
    ast.Mult: mul,
    ast.Div: truediv,
}


def _names(node: ast.expr, text: str, known: Collection[str], depth: int) -> set[str]:
    if depth > DEPTH_MAX:
        raise ExpressionError(f"parentheses within parentheses, more than {DEPTH_MAX} deep")
    match node:
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            return _names(left, text, known, depth + 1) | _names(right, text, known, depth + 1)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _names(operand, text, known, depth + 1)
        case ast.Constant(value=value) if type(value) in (int, float):
            if abs(Decimal(str(value))) > VALUE_MAX:
                raise ExpressionError(f"a number beyond {VALUE_MAX:.0e}{_at(node, text)}")
            return set()
        case ast.Name(id=name) if name in known:
            return {name}
        case ast.Name(id=name):
            raise ExpressionError(f"there is no measure {name!r}{_at(node, text)}")
        case _:
            where = _at(node, text, _strange(text))
            raise ExpressionError(f"only + - * /, numbers and measures{where}")


def _at(node: ast.expr, text: str, character: int | None = None) -> str:
    """Say at which character it is wrong: where the node begins, unless that is known better."""
    if character is None:
        line = _before(node.lineno, text)
        # Python counts the bytes of UTF-8 in a line.
        character = line + len(text[line:].encode()[: node.col_offset].decode()) + 1
    return f", at character {character}"


def _value(node: ast.expr, measures: Mapping[str, Decimal]) -> Decimal:
    match node:
        case ast.BinOp(left=left, op=op, right=right):
            return OPERATORS[type(op)](_value(left, measures), _value(right, measures))
        case ast.UnaryOp(operand=operand):
            return -_value(operand, measures)
        case ast.Name(id=name):
            return measures.get(name, Decimal(0))
        case ast.Constant(value=value):
            return Decimal(str(value))
        case _:
            raise AssertionError(node)  # `parse` has refused it.
