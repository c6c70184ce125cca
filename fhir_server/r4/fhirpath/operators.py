"""The operators of FHIRPath. https://hl7.org/fhirpath/N1/#operations."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING

from fhir_server.r4.fhirpath import temporal
from fhir_server.r4.fhirpath.errors import FhirPathError
from fhir_server.r4.fhirpath.node import EMPTY, Node, Nodes, boolean, number, string
from fhir_server.r4.fhirpath.types import kind
from fhir_server.r4.fhirpath.values import (
    Quantity,
    calendar_unit,
    distinct,
    equal_collections,
    equivalent_collections,
    identity,
    order,
    quantity,
    quantity_node,
    single,
    text,
    truth,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Operator = Callable[[Nodes, Nodes], Nodes]

MAX_DIGITS = 200


def maybe(value: bool | None) -> Nodes:  # noqa: FBT001 - a constructor
    """A boolean, or nothing where it is unknown."""
    return EMPTY if value is None else boolean(value)


def _equal(left: Nodes, right: Nodes) -> Nodes:
    return maybe(equal_collections(left, right))


def _not_equal(left: Nodes, right: Nodes) -> Nodes:
    same = equal_collections(left, right)
    return EMPTY if same is None else boolean(not same)


def _equivalent(left: Nodes, right: Nodes) -> Nodes:
    return boolean(equivalent_collections(left, right))


def _not_equivalent(left: Nodes, right: Nodes) -> Nodes:
    return boolean(not equivalent_collections(left, right))


def _comparison(holds: Callable[[int], bool]) -> Operator:
    def compare(left: Nodes, right: Nodes) -> Nodes:
        a, b = single(left), single(right)
        known = None if a is None or b is None else order(a, b)
        return EMPTY if known is None else boolean(holds(known))

    return compare


def _and(left: Nodes, right: Nodes) -> Nodes:
    a, b = truth(left), truth(right)
    if a is False or b is False:
        return boolean(False)  # noqa: FBT003
    return EMPTY if a is None or b is None else boolean(True)  # noqa: FBT003


def _or(left: Nodes, right: Nodes) -> Nodes:
    a, b = truth(left), truth(right)
    if a or b:
        return boolean(True)  # noqa: FBT003
    return EMPTY if a is None or b is None else boolean(False)  # noqa: FBT003


def _xor(left: Nodes, right: Nodes) -> Nodes:
    a, b = truth(left), truth(right)
    return EMPTY if a is None or b is None else boolean(a != b)


def _implies(left: Nodes, right: Nodes) -> Nodes:
    a, b = truth(left), truth(right)
    if a is False or b is True:
        return boolean(True)  # noqa: FBT003
    return EMPTY if a is None or b is None else boolean(b)


def _union(left: Nodes, right: Nodes) -> Nodes:
    return distinct([*left, *right])


def _in(left: Nodes, right: Nodes) -> Nodes:
    item = single(left)
    if item is None:
        return EMPTY
    wanted = identity(item)
    return boolean(any(identity(node) == wanted for node in right))


def _contains(left: Nodes, right: Nodes) -> Nodes:
    return _in(right, left)


def _concatenate(left: Nodes, right: Nodes) -> Nodes:
    return (string((text(left) or "") + (text(right) or "")),)


def _add(left: Nodes, right: Nodes) -> Nodes:
    a, b = single(left), single(right)
    if a is None or b is None:
        return EMPTY
    if kind(a.type) == "string" and kind(b.type) == "string":
        return (string(str(a.value) + str(b.value)),)
    if kind(a.type) in {"date", "dateTime", "time"}:
        return _moved(a, b, 1)
    return _arithmetic(a, b, lambda x, y: x + y)


def _subtract(left: Nodes, right: Nodes) -> Nodes:
    a, b = single(left), single(right)
    if a is None or b is None:
        return EMPTY
    if kind(a.type) in {"date", "dateTime", "time"}:
        return _moved(a, b, -1)
    return _arithmetic(a, b, lambda x, y: x - y)


def _moved(moment: Node, by: Node, sign: int) -> Nodes:
    amount = quantity(by) if kind(by.type) == "quantity" else None
    unit = None if amount is None else calendar_unit(amount)
    if amount is None or unit not in _MOVES:
        raise FhirPathError(f"only a duration can be added to a {moment.type}")
    is_time = kind(moment.type) == "time"
    after = temporal.add(moment.value, amount.value * sign, unit, time=is_time)
    return EMPTY if after is None else (Node(after, moment.type, moment.path),)


_MOVES = frozenset({
    "year", "month", "week", "day", "hour", "minute", "second", "millisecond",
})  # fmt: skip


def _arithmetic(
    a: Node, b: Node, combine: Callable[[int | Decimal, int | Decimal], int | Decimal]
) -> Nodes:
    kinds = {kind(a.type), kind(b.type)}
    if kinds == {"number"}:
        return (number(_bounded(combine(a.value, b.value))),)
    if kinds == {"quantity"}:
        x, y = quantity(a), quantity(b)
        if x is None or y is None or (x.unit, x.system) != (y.unit, y.system):
            return EMPTY
        return (quantity_node(Decimal(combine(x.value, y.value)), x.unit, x.system),)
    raise FhirPathError(f"no arithmetic between {a.type} and {b.type}")


def _multiply(left: Nodes, right: Nodes) -> Nodes:
    a, b = single(left), single(right)
    if a is None or b is None:
        return EMPTY
    if kind(a.type) == kind(b.type) == "number":
        return (number(_bounded(a.value * b.value)),)
    return _scaled(a, b, divide=False)


def _divide(left: Nodes, right: Nodes) -> Nodes:
    a, b = single(left), single(right)
    if a is None or b is None:
        return EMPTY
    if kind(a.type) == kind(b.type) == "number":
        return EMPTY if b.value == 0 else (number(Decimal(a.value) / Decimal(b.value)),)
    return _scaled(a, b, divide=True)


def _scaled(a: Node, b: Node, *, divide: bool) -> Nodes:
    """Products and quotients of quantities, units beside each other."""
    if not {kind(a.type), kind(b.type)} <= {"number", "quantity"}:
        raise FhirPathError(f"no arithmetic between {a.type} and {b.type}")
    x, y = quantity(a), quantity(b)
    if x is None or y is None or (divide and y.value == 0):
        return EMPTY
    value = x.value / y.value if divide else x.value * y.value
    return (quantity_node(value, _unit(x, y, divide=divide), x.system or y.system),)


def _unit(x: Quantity, y: Quantity, *, divide: bool) -> str:
    if divide and x.unit == y.unit:
        return "1"
    if y.unit == "1":
        return x.unit
    if divide:
        return f"{x.unit}/{y.unit}"
    return y.unit if x.unit == "1" else f"{x.unit}.{y.unit}"


def _whole(divide: Callable[[Decimal, Decimal], Decimal]) -> Operator:
    def operate(left: Nodes, right: Nodes) -> Nodes:
        a, b = single(left), single(right)
        if a is None or b is None:
            return EMPTY
        if kind(a.type) != "number" or kind(b.type) != "number":
            raise FhirPathError(f"no arithmetic between {a.type} and {b.type}")
        if b.value == 0:
            return EMPTY
        result = divide(Decimal(a.value), Decimal(b.value))
        both_whole = isinstance(a.value, int) and isinstance(b.value, int)
        return (number(int(result) if both_whole else result),)

    return operate


def _quotient(a: Decimal, b: Decimal) -> Decimal:
    return (a / b).to_integral_value(ROUND_DOWN)


def _div(left: Nodes, right: Nodes) -> Nodes:
    found = _whole(_quotient)(left, right)
    return tuple(number(int(node.value)) for node in found)


def _bounded(value: int | Decimal) -> int | Decimal:
    if isinstance(value, int) and value.bit_length() > MAX_DIGITS * 4:
        raise FhirPathError(f"a number of more than {MAX_DIGITS} digits")
    return value


OPERATORS: dict[str, Operator] = {
    "=": _equal,
    "!=": _not_equal,
    "~": _equivalent,
    "!~": _not_equivalent,
    "<": _comparison(lambda known: known < 0),
    ">": _comparison(lambda known: known > 0),
    "<=": _comparison(lambda known: known <= 0),
    ">=": _comparison(lambda known: known >= 0),
    "and": _and,
    "or": _or,
    "xor": _xor,
    "implies": _implies,
    "|": _union,
    "in": _in,
    "contains": _contains,
    "&": _concatenate,
    "+": _add,
    "-": _subtract,
    "*": _multiply,
    "/": _divide,
    "div": _div,
    "mod": _whole(lambda a, b: a % b),
}
