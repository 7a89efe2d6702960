"""What a company computes from its measures: + - * /, numbers, parentheses, names. Pure.

Python reads the text; nothing of it is run. Sums are exact until the division; by nothing nothing
is divided: then there is no value.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal, DecimalException, localcontext
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
        at = getattr(error, "offset", None)
        where = f" at character {at}" if at else ""
        raise ExpressionError(f"no expression{where}: {text!r}") from None
    names = frozenset(_names(body, known, 0))
    if not names:
        raise ExpressionError("it names no measure")
    return Expression(names, body)


OPERATORS: dict[type[ast.operator], Callable[[Decimal, Decimal], Decimal]] = {
    ast.Add: add,
    ast.Sub: sub,
    ast.Mult: mul,
    ast.Div: truediv,
}


def _names(node: ast.expr, known: Collection[str], depth: int) -> set[str]:
    if depth > DEPTH_MAX:
        raise ExpressionError(f"parentheses within parentheses, more than {DEPTH_MAX} deep")
    match node:
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            return _names(left, known, depth + 1) | _names(right, known, depth + 1)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _names(operand, known, depth + 1)
        case ast.Constant(value=value) if type(value) in (int, float):
            if abs(Decimal(str(value))) > VALUE_MAX:
                raise ExpressionError(f"a number beyond {VALUE_MAX:.0e}{_at(node)}")
            return set()
        case ast.Name(id=name) if name in known:
            return {name}
        case ast.Name(id=name):
            raise ExpressionError(f"there is no measure {name!r}{_at(node)}")
        case _:
            raise ExpressionError(f"only + - * /, numbers and measures{_at(node)}")


def _at(node: ast.expr) -> str:
    return f", at character {node.col_offset + 1}"


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
