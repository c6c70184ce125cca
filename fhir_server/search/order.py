"""The order of results, and where in it a page begins.

https://hl7.org/fhir/R4/search.html#_sort

Every order ends with ``rid``, so that no two rows are equal in it. Missing values come last,
whichever way the others go. Without ``_sort`` the newest leading date comes first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, LiteralString

from fhir_server.r4.outcome import unknown_parameter
from fhir_server.search.kind import Key
from fhir_server.search.types.table import TYPES
from fhir_server.store.rows import Fragment

if TYPE_CHECKING:
    from fhir_server.r4.definitions import Definitions
    from fhir_server.search.kind import Scope
    from fhir_server.search.request import SearchRequest

DATE = "s.date_lo"
UPDATED = "s.updated"
UNDATED: LiteralString = "'-infinity'"
"""``s.date_lo`` of a resource without a leading date."""


@dataclass(frozen=True, slots=True)
class OrderKey:
    """One key of an order."""

    key: Key
    descending: bool


@dataclass(frozen=True, slots=True)
class Order:
    """``walk`` is the column along which an index gives the rows in order, empty for none.

    ``undated_last``: along the index the rows without a date come first, in the order last.
    """

    keys: tuple[OrderKey, ...]
    walk: LiteralString = ""
    undated_last: bool = False

    @property
    def descending(self) -> bool:
        """Whether ``rid``, the last key, goes down: it goes with the column of a walk."""
        return bool(self.walk) and self.keys[0].descending


@dataclass(frozen=True, slots=True)
class Position:
    """A row's place in an order: its keys as text, None where missing, and its rid."""

    keys: tuple[str | None, ...]
    rid: int


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of the results: ``limit`` rows after a position, or the last before one."""

    limit: int
    position: Position | None = None
    backward: bool = False


NEWEST_FIRST = Order((OrderKey(Key(DATE, type="timestamptz", column=DATE), descending=True),), DATE)


def order_of(request: SearchRequest, scope: Scope, definitions: Definitions) -> Order:
    """The order that ``_sort`` asks for; 400 where the index cannot sort by a parameter."""
    if not request.sort:
        return NEWEST_FIRST
    keys: list[OrderKey] = []
    for sort in request.sort:
        make = TYPES[sort.parameter.kind].sort
        key = make(sort.parameter, sort.descending, scope, definitions) if make else None
        if key is None:
            raise unknown_parameter(
                f"Parameter '_sort': {sort.parameter.code!r} cannot be sorted by"
            )
        keys.append(OrderKey(key, sort.descending))
    return _walked(keys)


def _walked(keys: list[OrderKey]) -> Order:
    first = keys[0].key.column
    if len(keys) > 1 or not first:
        return Order(tuple(keys))
    if first == DATE and not keys[0].descending:
        return Order(tuple(keys), DATE, undated_last=True)
    only = Key(first, type="timestamptz", column=first)
    return Order((OrderKey(only, keys[0].descending),), first)


def order_by(
    order: Order, names: list[LiteralString], rid: LiteralString = "rid", *, backward: bool
) -> LiteralString:
    """ORDER BY over the columns that hold the keys, and ``rid``."""
    terms: list[LiteralString] = []
    for name, key in zip(names, order.keys, strict=True):
        down = key.descending is not backward
        direction: LiteralString = " DESC" if down else " ASC"
        if not order.walk:
            direction += " NULLS FIRST" if backward else " NULLS LAST"
        terms.append(name + direction)
    terms.append(rid + (" DESC" if order.descending is not backward else " ASC"))
    return " ORDER BY " + ", ".join(terms)


def beyond(
    order: Order, names: list[LiteralString], window: Window, rid: LiteralString = "rid"
) -> Fragment:
    """What holds of the rows after (or, backward, before) the window's position."""
    position = window.position
    if position is None:
        return Fragment("true")
    if order.walk and not order.undated_last:
        less = order.descending is not window.backward
        operator: LiteralString = " < " if less else " > "
        text: LiteralString = (
            "(" + names[0] + ", " + rid + ")" + operator + "(%s::timestamptz, %s::bigint)"
        )
        return Fragment(text, (position.keys[0], position.rid))
    return _beyond_keys(order, names, window, position)


def _beyond_keys(
    order: Order, names: list[LiteralString], window: Window, position: Position
) -> Fragment:
    """A row is beyond if the first key that differs is."""
    alternatives: list[LiteralString] = []
    values: list[object] = []
    equal: LiteralString = ""
    equal_values: list[object] = []
    for name, key, value in zip(names, order.keys, position.keys, strict=True):
        cast: LiteralString = "%s::" + key.key.type
        step = _step(name, cast, value, down=key.descending, backward=window.backward)
        alternatives.append("(" + equal + step.text + ")")
        values += [*equal_values, *step.values]
        equal += name + " IS NOT DISTINCT FROM " + cast + " AND "
        equal_values.append(value)
    last: LiteralString = "rid < %s::bigint" if window.backward else "rid > %s::bigint"
    alternatives.append("(" + equal + last + ")")
    values += [*equal_values, position.rid]
    return Fragment("(" + " OR ".join(alternatives) + ")", tuple(values))


def _step(
    name: LiteralString, cast: LiteralString, value: str | None, *, down: bool, backward: bool
) -> Fragment:
    if value is None:
        # Missing values are the last: nothing comes after, everything else before.
        return Fragment(name + " IS NOT NULL" if backward else "false")
    if backward:
        operator: LiteralString = " > " if down else " < "
        return Fragment(name + operator + cast, (value,))
    operator = " < " if down else " > "
    return Fragment("(" + name + operator + cast + " OR " + name + " IS NULL)", (value,))
