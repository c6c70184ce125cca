"""The SQL shapes of a search: where the rows come from, and how they are brought in order.

Each shape gives ``rid, k1, …`` of one page. ``s`` is a row of the search table throughout. A
subquery with OFFSET 0 keeps the planner from turning a filter into the place to start from;
docs/search.md has what happens without.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, LiteralString

from fhir_server.search.order import DATE, beyond, order_by
from fhir_server.store.rows import Fragment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fhir_server.search.kind import Condition
    from fhir_server.search.order import Order, Window
    from fhir_server.store.rows import TableSet

COLUMNS: LiteralString = "s.rid, s.type, s.pat, s.pats, s.date_lo, s.date_hi, s.updated, s.idx"
DIGITS: list[LiteralString] = ["1", "2", "3", "4", "5", "6", "7", "8"]
# A constant, so that the planner knows how many there are also in a plan for all values.
_SEVERAL: LiteralString = "'-1'::bigint"
K1: list[LiteralString] = ["k1"]


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for, and where; ``patient`` is the only one whose rows are visible."""

    tables: TableSet
    conditions: tuple[Condition, ...]
    predicate: Fragment
    patient: int | None

    def filters(self) -> Fragment:
        """Everything that must hold of a row."""
        return both([self.of_type(), self.predicate, *self.conditions])

    def of_type(self) -> Fragment:
        """That the row is of the type asked for, where other types share the table."""
        if not self.tables.shared:
            return Fragment("")
        return Fragment("s.type = %s::smallint", (self.tables.type,))

    def by_id(self) -> bool:
        """Whether the request names ids."""
        return any(c.few and c.rows is not None for c in self.conditions)

    def bounded(self, column: LiteralString) -> bool:
        """Whether each condition only says where along a walk by this column the matches lie."""
        if column == DATE:
            return all(c.since or c.until or c.since_short for c in self.conditions)
        return all(c.updated for c in self.conditions)

    def only_patient(self) -> int | None:
        """The one patient in whose compartment all matches lie, if there is one."""
        if self.patient is not None:
            return self.patient
        return next((c.patients[0] for c in self.conditions if len(c.patients) == 1), None)

    def hot_alone(self) -> Condition | None:
        """The condition, if it is the only one and a walk along hot rows answers it."""
        if len(self.conditions) == 1 and self.conditions[0].hot and not self.predicate.text:
            return self.conditions[0]
        return None

    def hot_one(self) -> Condition | None:
        """A condition on one hot value, to walk along while others filter."""
        if self.predicate.text:
            return None
        return next((c for c in self.conditions if c.hot and len(c.tokens) == 1), None)


def hot_walk(query: Query, hot: Condition, order: Order, window: Window) -> Fragment:
    """Along the hot rows of one value; of several, the first of each, merged."""
    after = beyond(order, ["h.date_lo"], window, "h.rid")
    by = order_by(order, ["h.date_lo"], "h.rid", backward=window.backward)
    table = query.tables.hot
    if len(hot.tokens) == 1:
        text: LiteralString = (
            "SELECT h.rid, h.date_lo AS k1 FROM " + table + " h WHERE h.h = %s::bigint AND "
            + after.text + by + " LIMIT %s"
        )  # fmt: skip
        return Fragment(text, (hot.tokens[0], *after.values, window.limit))
    text = (
        "SELECT DISTINCT m.rid, m.k1 FROM unnest(%s::bigint[]) v(h) CROSS JOIN LATERAL"
        " (SELECT h.rid, h.date_lo AS k1 FROM " + table + " h WHERE h.h = v.h AND "
        + after.text + by + " LIMIT %s) m"
        + order_by(order, ["m.k1"], "m.rid", backward=window.backward) + " LIMIT %s"
    )  # fmt: skip
    return Fragment(text, (list(hot.tokens), *after.values, window.limit, window.limit))


def patient_walk(query: Query, patient: int, order: Order, window: Window) -> Fragment:
    """Along one patient's rows, and those of several patients among which this one is."""
    after = both([beyond(order, [DATE], window, "s.rid"), *date_bounds(query, DATE)])
    filters = query.filters()
    source = _of_patient(query, patient, after)
    by = order_by(order, ["date_lo"], backward=window.backward)
    text: LiteralString = (
        "SELECT s.rid, s.date_lo AS k1 FROM (" + source.text + by + " OFFSET 0) s WHERE "
        + filters.text + order_by(order, K1, backward=window.backward) + " LIMIT %s"
    )  # fmt: skip
    return Fragment(text, (*source.values, *filters.values, window.limit))


def sorted_rows(
    query: Query, order: Order, window: Window, start: Fragment | None = None
) -> Fragment:
    """All matches from where few are expected to be, sorted."""
    start = start or strong_source(query) or source(query) or everything(query)
    names: list[LiteralString] = ["k" + digit for digit in DIGITS[: len(order.keys)]]
    keys: LiteralString = ", ".join(
        [key.key.text + " AS " + name for key, name in zip(order.keys, names, strict=True)]
    )
    key_values = tuple(value for key in order.keys for value in key.key.values)
    filters = query.filters()
    after = beyond(order, names, window)
    text: LiteralString = (
        "SELECT rid, " + ", ".join(names) + " FROM (SELECT s.rid, " + keys + " FROM ("
        + start.text + " OFFSET 0) s WHERE " + filters.text + " OFFSET 0) y WHERE "
        + after.text + order_by(order, names, backward=window.backward) + " LIMIT %s"
    )  # fmt: skip
    values = (*key_values, *start.values, *filters.values, *after.values, window.limit)
    return Fragment(text, values)


def strong_source(query: Query) -> Fragment | None:
    """Rows to start from that are few by the nature of what is asked; None if none are."""
    few = [c for c in query.conditions if c.few]
    by_id = next((c.rows for c in few if c.rows is not None), None)
    if by_id is not None:
        return in_search(query, Fragment("s.rid IN (" + by_id.text + ")", by_id.values))
    patient = query.only_patient()
    if patient is not None:
        union = _of_patient(query, patient, Fragment("true"))
        text: LiteralString = "SELECT * FROM (" + union.text + ") s WHERE true"
        return Fragment(text, union.values)
    return in_search(query, both([Fragment(c.text, c.values) for c in few])) if few else None


def source(query: Query) -> Fragment | None:
    """Rows to start from that some index finds, few or many; None if only a walk is left."""
    strong = strong_source(query)
    if strong is not None:
        return strong
    tokens = held(query)
    if tokens:
        return in_search(query, both(tokens))
    rows = next((c.rows for c in query.conditions if c.rows is not None), None)
    if rows is not None:
        return in_search(query, Fragment("s.rid IN (" + rows.text + ")", rows.values))
    updated = [Fragment(c.text, c.values) for c in query.conditions if c.updated]
    return in_search(query, both([query.of_type(), *updated])) if updated else None


def held(query: Query) -> list[Fragment]:
    """Which hashes the matches hold, as far as the conditions say."""
    exact = [Fragment(c.text, c.values) for c in query.conditions if c.tokens]
    needed = [
        Fragment("s.idx && %s::bigint[]", (list(c.needs),)) for c in query.conditions if c.needs
    ]
    return exact + needed


def everything(query: Query) -> Fragment:
    """All rows of the type."""
    return in_search(query, both([query.of_type()]))


def in_search(query: Query, where: Fragment) -> Fragment:
    """Rows of the search table."""
    text: LiteralString = "SELECT " + COLUMNS + " FROM " + query.tables.search + " s WHERE "
    return Fragment(text + where.text, where.values)


def both(parts: Sequence[Fragment | Condition]) -> Fragment:
    """Where all of them hold; those without text always do."""
    kept = [part for part in parts if part.text]
    if not kept:
        return Fragment("true")
    text: LiteralString = " AND ".join([part.text for part in kept])
    return Fragment(text, tuple(value for part in kept for value in part.values))


def date_bounds(query: Query, column: LiteralString) -> list[Fragment]:
    """Where the leading date of all matches lies, as far as the conditions say."""
    since = [Fragment(column + " >= %s", (c.since,)) for c in query.conditions if c.since]
    until = [Fragment(column + " < %s", (c.until,)) for c in query.conditions if c.until]
    return since + until


def _of_patient(query: Query, patient: int, after: Fragment) -> Fragment:
    """A union without ORDER BY, so that one put behind it can be merged from the two indexes."""
    text: LiteralString = (
        "SELECT " + COLUMNS + " FROM " + query.tables.search + " s WHERE s.pat = %s::bigint AND "
        + after.text + " UNION ALL SELECT " + COLUMNS + " FROM " + query.tables.search
        + " s WHERE s.pat = " + _SEVERAL + " AND s.idx @> ARRAY[%s::bigint] AND " + after.text
    )  # fmt: skip
    return Fragment(text, (patient, *after.values, patient, *after.values))
