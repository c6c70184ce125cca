"""Conversion functions. https://hl7.org/fhirpath/N1/#conversion."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fhir_server.r4.fhirpath import temporal
from fhir_server.r4.fhirpath.functions.signature import Function
from fhir_server.r4.fhirpath.node import EMPTY, FALSE, TRUE, Node, Nodes, boolean, number, string
from fhir_server.r4.fhirpath.scope import Scope
from fhir_server.r4.fhirpath.types import kind
from fhir_server.r4.fhirpath.values import UCUM, quantity, quantity_node, single, text, truth

if TYPE_CHECKING:
    from collections.abc import Callable

    from fhir_server.r4.fhirpath.scope import Evaluate

    Convert = Callable[[Node], Node | None]

_TRUE = frozenset({"true", "t", "yes", "y", "1", "1.0"})
_FALSE = frozenset({"false", "f", "no", "n", "0", "0.0"})
_INTEGER = re.compile(r"[+-]?[0-9]{1,200}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?[0-9]{1,200}(\.[0-9]{1,200})?", re.ASCII)
_QUANTITY = re.compile(
    r"([+-]?[0-9]{1,200}(?:\.[0-9]{1,200})?)\s*(?:'([^']+)'|([a-zA-Z]+))?", re.ASCII
)
_CALENDAR = re.compile(r"(?:year|month|week|day|hour|minute|second|millisecond)s?")
_LONGEST = {"date": 10, "dateTime": 40}


def _to_boolean(node: Node) -> Node | None:
    of, value = kind(node.type), node.value
    if of == "boolean":
        return boolean(value)[0]
    word = str(value).lower() if of in {"string", "number"} else ""
    if word in _TRUE:
        return TRUE[0]
    return FALSE[0] if word in _FALSE else None


def _to_integer(node: Node) -> Node | None:
    of, value = kind(node.type), node.value
    if of == "boolean":
        return number(int(value))
    if of == "number":
        return number(value) if isinstance(value, int) else None
    if of == "string" and _INTEGER.fullmatch(value):
        return number(int(value))
    return None


def _to_decimal(node: Node) -> Node | None:
    of, value = kind(node.type), node.value
    if of == "boolean":
        return number(Decimal("1.0") if value else Decimal("0.0"))
    if of == "number" or (of == "string" and _DECIMAL.fullmatch(value)):
        return number(Decimal(value))
    return None


def _to_string(node: Node) -> Node | None:
    of, value = kind(node.type), node.value
    if of == "boolean":
        return string("true" if value else "false")
    if of == "number":
        return string(f"{value:f}" if isinstance(value, Decimal) else str(value))
    if of == "quantity":
        amount = quantity(node)
        if amount is None:
            return None
        unit = amount.unit if amount.system is None else f"'{amount.unit}'"
        return string(f"{amount.value:f} {unit}")
    return None if of == "complex" else string(value)


def _to_moment(wanted: str) -> Convert:
    type_ = "System.Date" if wanted == "date" else "System.DateTime"

    def convert(node: Node) -> Node | None:
        if kind(node.type) not in {"string", "date", "dateTime"}:
            return None
        value = node.value[:10] if wanted == "date" and kind(node.type) != "string" else node.value
        if len(value) > _LONGEST[wanted] or temporal.moment(value) is None:
            return None
        return Node(value, type_, type_)

    return convert


def _to_time(node: Node) -> Node | None:
    if kind(node.type) not in {"string", "time"} or temporal.time_of_day(node.value) is None:
        return None
    return Node(node.value, "System.Time", "System.Time")


def _to_quantity(node: Node) -> Node | None:
    of, value = kind(node.type), node.value
    if of in {"number", "quantity"}:
        amount = quantity(node)
        return None if amount is None else quantity_node(*amount)
    if of == "boolean":
        return quantity_node(Decimal(int(value)), "1", UCUM)
    found = _QUANTITY.fullmatch(value) if of == "string" else None
    if found is None or (found[3] and not _CALENDAR.fullmatch(found[3])):
        return None
    if found[3]:
        return quantity_node(Decimal(found[1]), found[3], None)
    return quantity_node(Decimal(found[1]), found[2] or "1", UCUM)


def _converter(convert: Convert) -> Callable[..., Nodes]:
    def implement(focus: Nodes, _: Scope) -> Nodes:
        node = single(focus)
        found = None if node is None or node.value is None else convert(node)
        return EMPTY if found is None else (found,)

    return implement


def _test(convert: Convert) -> Callable[..., Nodes]:
    def implement(focus: Nodes, _: Scope) -> Nodes:
        node = single(focus)
        if node is None:
            return EMPTY
        return boolean(node.value is not None and convert(node) is not None)

    return implement


def _to_quantity_in(focus: Nodes, scope: Scope, unit: Nodes = EMPTY) -> Nodes:
    """With a unit, toQuantity keeps only what is in it."""
    found = _converter(_to_quantity)(focus, scope)
    wanted = text(unit)
    if wanted is None or not found:
        return found
    value: Any = found[0].value
    return found if wanted in (value.get("code"), value.get("unit")) else EMPTY


def _iif(
    focus: Nodes,
    scope: Scope,
    criterion: Evaluate,
    then: Evaluate,
    otherwise: Evaluate | None = None,
) -> Nodes:
    inner = Scope(scope.run, focus, scope.index, scope.total)
    if truth(criterion(inner)):
        return then(inner)
    return EMPTY if otherwise is None else otherwise(inner)


_CONVERSIONS: dict[str, Convert] = {
    "Boolean": _to_boolean,
    "Integer": _to_integer,
    "Decimal": _to_decimal,
    "String": _to_string,
    "Date": _to_moment("date"),
    "DateTime": _to_moment("dateTime"),
    "Time": _to_time,
}
FUNCTIONS = {
    "iif": Function(_iif, ("criterion", "criterion", "criterion"), optional=1),
    "toQuantity": Function(_to_quantity_in, ("value",), optional=1),
    "convertsToQuantity": Function(_test(_to_quantity), ("value",), optional=1),
    **{f"to{name}": Function(_converter(convert)) for name, convert in _CONVERSIONS.items()},
    **{f"convertsTo{name}": Function(_test(convert)) for name, convert in _CONVERSIONS.items()},
}
