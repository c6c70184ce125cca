"""Mathematical functions. https://hl7.org/fhirpath/N1/#math."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from fhir_server.r4.fhirpath.errors import FhirPathError
from fhir_server.r4.fhirpath.functions.signature import Function
from fhir_server.r4.fhirpath.node import EMPTY, Nodes, number
from fhir_server.r4.fhirpath.types import kind
from fhir_server.r4.fhirpath.values import decimal, integer, quantity, quantity_node, single

if TYPE_CHECKING:
    from collections.abc import Callable

    from fhir_server.r4.fhirpath.scope import Scope


def _on_number(answer: Callable[[Decimal], int | Decimal | None]) -> Callable[..., Nodes]:
    def implement(focus: Nodes, _: Scope) -> Nodes:
        value = decimal(focus)
        result = None if value is None else answer(Decimal(value))
        return EMPTY if result is None else (number(result),)

    return implement


def _whole(rounding: str) -> Callable[[Decimal], int]:
    return lambda value: int(value.to_integral_value(rounding))


def _absolute(focus: Nodes, _: Scope) -> Nodes:
    node = single(focus)
    if node is not None and kind(node.type) == "quantity":
        amount = quantity(node)
        if amount is None:
            return EMPTY
        return (quantity_node(abs(amount.value), amount.unit, amount.system),)
    value = decimal(focus)
    return EMPTY if value is None else (number(abs(value)),)


def _round(focus: Nodes, _: Scope, precision: Nodes = EMPTY) -> Nodes:
    value, places = decimal(focus), integer(precision) or 0
    if value is None:
        return EMPTY
    if not 0 <= places <= 30:
        raise FhirPathError("a precision is between 0 and 30")
    rounded = Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return (number(rounded),)


def _log(focus: Nodes, _: Scope, base: Nodes) -> Nodes:
    value, of = decimal(focus), decimal(base)
    if value is None or of is None or value <= 0 or of <= 0 or of == 1:
        return EMPTY
    # Twenty digits hide the last digits' error of the quotient: log base 2 of 16 is 4.
    return (number(_trimmed(Decimal(value).ln() / Decimal(of).ln())),)


def _power(focus: Nodes, _: Scope, exponent: Nodes) -> Nodes:
    value, by = decimal(focus), decimal(exponent)
    if value is None or by is None:
        return EMPTY
    if abs(by) > 10_000:
        raise FhirPathError("an exponent of more than 10000")
    if value < 0 and by != int(by):
        return EMPTY
    result = Decimal(value) ** Decimal(by)
    whole = isinstance(value, int) and isinstance(by, int) and by >= 0
    return (number(int(result) if whole else result),)


def _trimmed(value: Decimal) -> Decimal:
    return round(value, 20).normalize() + Decimal("0.0")


FUNCTIONS = {
    "abs": Function(_absolute),
    "ceiling": Function(_on_number(_whole(ROUND_CEILING))),
    "floor": Function(_on_number(_whole(ROUND_FLOOR))),
    "truncate": Function(_on_number(_whole(ROUND_DOWN))),
    "exp": Function(_on_number(lambda value: value.exp())),
    "ln": Function(_on_number(lambda value: value.ln() if value > 0 else None)),
    "sqrt": Function(_on_number(lambda value: value.sqrt() if value >= 0 else None)),
    "round": Function(_round, ("value",), optional=1),
    "log": Function(_log, ("value",)),
    "power": Function(_power, ("value",)),
}
