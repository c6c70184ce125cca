"""Walks along an index in the order of the results, for queries that leave rows out.

A walk stops early where matches are dense. Where they are not it must not go on for ever: it
looks at so many rows and then gives way to an index that finds the matches wherever they are.
Rows of long duration (an open period) match dates far after they begin, so a walk that is bounded
by date fetches them apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, LiteralString

from fhir_server.search.order import DATE, UNDATED, Order, beyond, order_by
from fhir_server.search.shapes import (
    COLUMNS,
    both,
    date_bounds,
    held,
    in_search,
    sorted_rows,
    source,
)
from fhir_server.store.rows import Fragment

if TYPE_CHECKING:
    from datetime import datetime

    from fhir_server.search.kind import Condition
    from fhir_server.search.order import Window
    from fhir_server.search.shapes import Query

BOUND = 2000
"""How many rows a walk that leaves rows out looks at before it gives way."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """The rows that a bounded walk looks at: in order with ``k1``, and just counted."""

    rows: Fragment
    counted: Fragment
    bound: int


def walk(query: Query, order: Order, window: Window) -> Fragment:
    """Along the type's rows in order, as far as it takes."""
    where = both([query.filters(), _after(order, window, "s"), _bounds(query, order, order.walk)])
    by = order_by(order, [order.walk], "s.rid", backward=window.backward)
    text: LiteralString = (
        "SELECT s.rid, " + order.walk + " AS k1 FROM " + query.tables.search + " s WHERE "
        + where.text + by + " LIMIT %s"
    )  # fmt: skip
    return Fragment(text, (*where.values, window.limit))


def along_type(query: Query, order: Order, window: Window) -> Stretch:
    """A stretch of the type's rows."""
    bound = max(BOUND, 2 * window.limit)
    where = both([query.of_type(), _after(order, window, "s"), _bounds(query, order, order.walk)])
    rest: LiteralString = (
        " FROM " + query.tables.search + " s WHERE " + where.text
        + order_by(order, [order.walk], "s.rid", backward=window.backward) + " LIMIT %s"
    )  # fmt: skip
    values = (*where.values, bound)
    rows: LiteralString = "SELECT " + COLUMNS + ", " + order.walk + " AS k1" + rest
    return Stretch(Fragment(rows, values), Fragment("SELECT s.rid" + rest, values), bound)


def along_hot(query: Query, hot: Condition, order: Order, window: Window) -> Stretch:
    """A stretch of the rows that hold one hot value."""
    bound = max(BOUND, 2 * window.limit)
    where = both([_after(order, window, "h"), _bounds(query, order, "h.date_lo")])
    counted: LiteralString = (
        "SELECT h.rid, h.date_lo FROM " + query.tables.hot + " h WHERE h.h = %s::bigint AND "
        + where.text + order_by(order, ["h.date_lo"], "h.rid", backward=window.backward)
        + " LIMIT %s"
    )  # fmt: skip
    values = (hot.tokens[0], *where.values, bound)
    # Row by row, so that it can stop as soon as the page is full.
    rows: LiteralString = (
        "SELECT h.rid, h.date_lo AS k1, s.type, s.pat, s.pats, s.date_lo, s.date_hi, s.updated,"
        " s.idx FROM (" + counted + ") h CROSS JOIN LATERAL (SELECT " + COLUMNS + " FROM "
        + query.tables.search + " s WHERE s.rid = h.rid OFFSET 0) s"
    )  # fmt: skip
    return Stretch(Fragment(rows, values), Fragment(counted, values), bound)


def bounded(query: Query, order: Order, window: Window, stretch: Stretch) -> Fragment:
    """The page from a stretch; where it ends too early for that, from all that match."""
    if order.undated_last and _is_undated(window) and not window.backward:
        return _undated(query, order, window)
    filters = query.filters()
    found: LiteralString = (
        "SELECT s.rid, s.k1 FROM (" + stretch.rows.text + ") s WHERE " + filters.text
        + order_by(order, ["s.k1"], "s.rid", backward=window.backward) + " LIMIT %s"
    )  # fmt: skip
    state: LiteralString = (
        "SELECT CASE WHEN (SELECT count(*) FROM w) >= %s THEN 'full'"
        " WHEN (SELECT count(*) FROM (" + stretch.counted.text + ") c) >= %s THEN 'more'"
        " ELSE 'end' END AS is"
    )  # fmt: skip
    parts = _parts(query, order, window)
    text: LiteralString = (
        "WITH w AS MATERIALIZED (" + found + "), o AS MATERIALIZED (" + state + ")"
        " SELECT rid, k1 FROM w WHERE (SELECT o.is FROM o) <> 'more'"
        + "".join([" UNION ALL SELECT * FROM (" + part.text + ") p" for part in parts])
    )  # fmt: skip
    values = (
        *stretch.rows.values, *filters.values, window.limit,
        window.limit, *stretch.counted.values, stretch.bound,
        *(value for part in parts for value in part.values),
    )  # fmt: skip
    return Fragment(text, values)


def _parts(query: Query, order: Order, window: Window) -> list[Fragment]:
    """What else may belong to the page: beside the stretch, after it, or instead of it."""
    forward_down = order.descending and not window.backward
    parts = [_when("o.is = 'more'", _all(query, order, window))]
    long = next((c for c in query.conditions if c.since_short and c.long_token), None)
    if order.walk == DATE and long is not None:
        gate: LiteralString = "o.is = 'end'" if forward_down else "o.is <> 'more'"
        parts.append(_when(gate, _long(query, order, window, long)))
    if order.undated_last and (not window.backward or _is_undated(window)):
        gate = "o.is <> 'more'" if window.backward else "o.is = 'end'"
        parts.append(_when(gate, _undated(query, order, window)))
    return parts


def _when(gate: LiteralString, part: Fragment) -> Fragment:
    """The planner tests a condition without columns once, and skips the part if it fails."""
    text: LiteralString = (
        "SELECT * FROM (" + part.text + " OFFSET 0) g WHERE (SELECT " + gate + " FROM o)"
    )
    return Fragment(text, part.values)


def _all(query: Query, order: Order, window: Window) -> Fragment:
    """The page from all rows: those that an index finds, sorted, or else an endless walk."""
    start = source(query)
    if start is None and not order.undated_last:
        after = beyond(order, [order.walk], window, "s.rid")
        where = both([query.filters(), after])
        by = order_by(order, [order.walk], "s.rid", backward=window.backward)
        text: LiteralString = (
            "SELECT s.rid, " + order.walk + " AS k1 FROM " + query.tables.search + " s WHERE "
            + where.text + by + " LIMIT %s"
        )  # fmt: skip
        return Fragment(text, (*where.values, window.limit))
    return sorted_rows(query, order, window, start)


def _long(query: Query, order: Order, window: Window, long: Condition) -> Fragment:
    """Rows of long duration that begin before the stretch does."""
    older = Fragment("s.date_lo < %s", (_since_short(query),))
    mark = Fragment("s.idx @> ARRAY[%s::bigint]", (long.long_token,))
    return sorted_rows(query, order, window, in_search(query, both([mark, *held(query), older])))


def _undated(query: Query, order: Order, window: Window) -> Fragment:
    """Rows without a date, by rid."""
    position = window.position
    where = [query.filters(), Fragment(DATE + " = " + UNDATED)]
    if position is not None and _is_undated(window):
        side: LiteralString = "s.rid < %s" if window.backward else "s.rid > %s"
        where.append(Fragment(side, (position.rid,)))
    text: LiteralString = (
        "SELECT s.rid, NULL::timestamptz AS k1 FROM " + query.tables.search + " s WHERE "
        + both(where).text + order_by(order, [DATE], "s.rid", backward=window.backward)
        + " LIMIT %s"
    )  # fmt: skip
    return Fragment(text, (*both(where).values, window.limit))


def _is_undated(window: Window) -> bool:
    return window.position is not None and window.position.keys[0] is None


def _after(order: Order, window: Window, alias: LiteralString) -> Fragment:
    """Beyond the window's position along the index; the undated rows are taken apart."""
    column: LiteralString = alias + order.walk.removeprefix("s")
    if not order.undated_last:
        return beyond(order, [column], window, alias + ".rid")
    dated = Fragment(column + " > " + UNDATED)
    if _is_undated(window):
        return dated
    along = Order(order.keys, order.walk)
    return both([dated, beyond(along, [column], window, alias + ".rid")])


def _bounds(query: Query, order: Order, column: LiteralString) -> Fragment:
    """Where along a walk the matches can only lie, rows of long duration aside."""
    if order.walk != DATE:
        return both([Fragment(c.text, c.values) for c in query.conditions if c.updated])
    bounds = date_bounds(query, column)
    short = _since_short(query)
    if short is not None:
        bounds.append(Fragment(column + " >= %s", (short,)))
    return both(bounds)


def _since_short(query: Query) -> datetime | None:
    return max((c.since_short for c in query.conditions if c.since_short), default=None)
