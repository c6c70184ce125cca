"""Values out of collections: singletons, quantities, and how two items compare.

https://hl7.org/fhirpath/N1/#singleton-evaluation-of-collections
https://hl7.org/fhirpath/N1/#equality
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from fhir_server.r4.fhirpath import temporal, units
from fhir_server.r4.fhirpath.errors import FhirPathError
from fhir_server.r4.fhirpath.node import Node
from fhir_server.r4.fhirpath.types import kind

if TYPE_CHECKING:
    from fhir_server.r4.fhirpath.node import Nodes

UCUM = "http://unitsofmeasure.org"
_TEMPORAL = frozenset({"date", "dateTime"})


class Quantity(NamedTuple):
    """A number with a unit; ``system`` is None for calendar words and for units without code."""

    value: Decimal
    unit: str
    system: str | None


def single(nodes: Nodes) -> Node | None:
    """The only item; FhirPathError if there are several."""
    if len(nodes) > 1:
        raise FhirPathError(f"a single item is needed, not {len(nodes)}")
    return nodes[0] if nodes else None


def truth(nodes: Nodes) -> bool | None:
    """A collection as a boolean: its only item if that is one, true for any other item."""
    node = single(nodes)
    if node is None:
        return None
    return bool(node.value) if kind(node.type) == "boolean" else True


def text(nodes: Nodes) -> str | None:
    """The only item as a string; dates and codes are strings too."""
    node = single(nodes)
    if node is None or node.value is None:
        return None
    if not isinstance(node.value, str):
        raise FhirPathError(f"a string is needed, not {node.type}")
    return node.value


def integer(nodes: Nodes) -> int | None:
    """The only item as an integer."""
    node = single(nodes)
    if node is None or node.value is None:
        return None
    if type(node.value) is not int:
        raise FhirPathError(f"an integer is needed, not {node.type}")
    return node.value


def decimal(nodes: Nodes) -> int | Decimal | None:
    """The only item as a number."""
    node = single(nodes)
    if node is None or node.value is None:
        return None
    if kind(node.type) != "number":
        raise FhirPathError(f"a number is needed, not {node.type}")
    return cast("int | Decimal", node.value)


def quantity(node: Node) -> Quantity | None:
    """A number or Quantity with its unit; None for what cannot be compared (a comparator)."""
    if kind(node.type) == "number":
        return Quantity(Decimal(node.value), "1", UCUM)
    value: Any = node.value
    if value.__class__ is not dict or value.get("value") is None or "comparator" in value:
        return None
    number = value["value"]
    if isinstance(number, str) or "code" not in value:
        return Quantity(Decimal(number), value.get("unit") or "1", None)
    return Quantity(Decimal(number), value["code"], value.get("system"))


def quantity_node(value: Decimal, unit: str, system: str | None) -> Node:
    """A System.Quantity."""
    parts: dict[str, Any] = {"value": value}
    parts |= {"unit": unit} if system is None else {"system": system, "code": unit}
    return Node(parts, "System.Quantity", "Quantity")


def calendar_unit(value: Quantity) -> str | None:
    """The calendar word of a duration, singular; also for the UCUM codes that mean the same."""
    if value.system is None:
        return value.unit.removesuffix("s")
    if value.system != UCUM:
        return None
    # 1 'month' is no UCUM code, but can only mean the calendar's.
    return _CALENDAR_CODES.get(value.unit, value.unit.removesuffix("s"))


_CALENDAR_CODES = {
    "wk": "week", "d": "day", "h": "hour", "min": "minute", "s": "second", "ms": "millisecond",
}  # fmt: skip


def order(left: Node, right: Node) -> int | None:
    """Below 0, 0 or above 0; None where that is unknown. FhirPathError for what has no order."""
    kinds = (kind(left.type), kind(right.type))
    if left.value is None or right.value is None:
        return None
    if "quantity" in kinds and set(kinds) <= {"quantity", "number"}:
        return _order_quantities(left, right)
    if set(kinds) <= _TEMPORAL:
        return _order_moments(temporal.moment(left.value), temporal.moment(right.value))
    if kinds == ("time", "time"):
        return _order_moments(temporal.time_of_day(left.value), temporal.time_of_day(right.value))
    if kinds[0] != kinds[1] or kinds[0] in {"boolean", "complex"}:
        raise FhirPathError(f"{left.type} and {right.type} cannot be compared")
    return (left.value > right.value) - (left.value < right.value)


def _order_moments(left: temporal.Moment | None, right: temporal.Moment | None) -> int | None:
    return None if left is None or right is None else temporal.compare(left, right)


def _order_quantities(left: Node, right: Node) -> int | None:
    a, b = quantity(left), quantity(right)
    if a is None or b is None:
        return None
    x, y = _commensurable(a, b)
    return None if x is None or y is None else (x > y) - (x < y)


def _commensurable(a: Quantity, b: Quantity) -> tuple[Decimal | None, Decimal | None]:
    """Both values in one unit, or None twice."""
    if a.unit == b.unit and a.system == b.system:
        return a.value, b.value
    sizes = (units.size(_unit(a)), units.size(_unit(b)))
    if sizes[0] is None or sizes[1] is None or sizes[0][0] != sizes[1][0]:
        return None, None
    return a.value * sizes[0][1], b.value * sizes[1][1]


def _unit(value: Quantity) -> str:
    if value.system is None:
        return value.unit.removesuffix("s") if value.unit != "s" else "s"
    return value.unit if value.system == UCUM else f"{value.system}|{value.unit}"


def equal(left: Node, right: Node) -> bool | None:
    """Whether two items are equal; None where that is unknown."""
    kinds = {kind(left.type), kind(right.type)}
    if kinds in ({"string"}, {"boolean"}, {"number"}):
        return left.value == right.value and (left.value is not None or left.extra == right.extra)
    if kinds <= _TEMPORAL or kinds in ({"time"}, {"quantity", "number"}):
        known = order(left, right)
        return None if known is None else known == 0
    if kinds == {"quantity"}:
        return _equal_quantities(left, right)
    if len(kinds) > 1:
        return False
    return left.value == right.value


def _equal_quantities(left: Node, right: Node) -> bool | None:
    if left.value == right.value:
        return True
    known = _order_quantities(left, right)
    return None if known is None else known == 0


def equal_collections(left: Nodes, right: Nodes) -> bool | None:
    """Same items in the same order; None if either is empty or an item's equality is unknown."""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    verdict: bool | None = True
    for a, b in zip(left, right, strict=True):
        same = equal(a, b)
        if same is False:
            return False
        verdict = verdict and same
    return verdict


def equivalent(left: Node, right: Node) -> bool:
    """Equal but for case, spaces, precision and the order of parts."""
    kinds = (kind(left.type), kind(right.type))
    if kinds == ("string", "string"):
        return _folded(left.value) == _folded(right.value)
    if kinds == ("number", "number"):
        return _same_to_least_precision(Decimal(left.value), Decimal(right.value))
    if kinds == ("quantity", "quantity"):
        return _equivalent_quantities(left, right)
    if kinds == ("complex", "complex"):
        return _plain(left.value) == _plain(right.value)
    return equal(left, right) is True


def equivalent_collections(left: Nodes, right: Nodes) -> bool:
    """The same items in any order."""
    if len(left) != len(right):
        return False
    rest = list(right)
    for a in left:
        match = next((b for b in rest if equivalent(a, b)), None)
        if match is None:
            return False
        rest.remove(match)
    return True


def _folded(value: str | None) -> str:
    return " ".join((value or "").lower().split())


def _same_to_least_precision(left: Decimal, right: Decimal) -> bool:
    places = min(_places(left), _places(right))
    return round(left, places) == round(right, places)


def _places(value: Decimal) -> int:
    return max(0, -cast("int", value.normalize().as_tuple().exponent))


def _equivalent_quantities(left: Node, right: Node) -> bool:
    a, b = quantity(left), quantity(right)
    if a is None or b is None:
        return left.value == right.value
    word = {"a": "year", "mo": "month"}
    a = a._replace(unit=word[a.unit], system=None) if a.unit in word else a
    b = b._replace(unit=word[b.unit], system=None) if b.unit in word else b
    x, y = _commensurable(a, b)
    return x is not None and y is not None and _same_to_least_precision(x, y)


def _plain(value: Any) -> Any:
    """A complex value for equivalence: no ids, strings folded, lists without order."""
    if value.__class__ is dict:
        return frozenset((k, _plain(v)) for k, v in value.items() if k != "id")
    if value.__class__ is list:
        return frozenset(_plain(item) for item in value)
    return _folded(value) if value.__class__ is str else value


def identity(node: Node) -> object:
    """A key under which equal items meet, for collections without duplicates."""
    of = kind(node.type)
    if node.value is None:
        return (of, _frozen(node.extra))
    if of in _TEMPORAL:
        return ("dateTime", temporal.moment(node.value) or node.value)
    if of == "quantity":
        measured = quantity(node)
        known = None if measured is None else units.size(_unit(measured))
        if measured is not None and known is not None:
            return (of, known[0], measured.value * known[1])
    return (of, _frozen(node.value))


def distinct(nodes: Nodes) -> list[Node]:
    """The items without duplicates, each where it first stood."""
    found: dict[object, Node] = {}
    for node in nodes:
        found.setdefault(identity(node), node)
    return list(found.values())


def _frozen(value: Any) -> object:
    if value.__class__ is dict:
        return frozenset((k, _frozen(v)) for k, v in value.items())
    if value.__class__ is list:
        return tuple(_frozen(item) for item in value)
    return value
