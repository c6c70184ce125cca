"""From a SearchRequest to SQL: a shape chosen by the class of the query, never by its values.

The shapes and what each was measured at are in docs/search.md. All of them end alike: the rids of
one page, in order, joined to the resources' text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, LiteralString

from fhir_server.search import shapes, walks
from fhir_server.search.kind import FENCE
from fhir_server.search.order import DATE, order_by, order_of
from fhir_server.search.types.table import TYPES
from fhir_server.store.rows import Fragment, Statement

if TYPE_CHECKING:
    from fhir_server.r4.definitions import Definitions
    from fhir_server.search.kind import Condition, Scope
    from fhir_server.search.order import Order, Window
    from fhir_server.search.request import SearchRequest
    from fhir_server.store.rows import Predicate


@dataclass(frozen=True, slots=True)
class Visible:
    """What a grant lets through: its predicate, and the one patient it is about if it is."""

    predicate: Predicate
    patient: int | None = None


def compile_page(
    request: SearchRequest,
    scope: Scope,
    definitions: Definitions,
    visible: Visible,
    window: Window,
) -> Statement:
    """One page: id, vid, updated, method, text, rid, then the sort keys as text."""
    order = order_of(request, scope, definitions)
    query = _query(request, scope, visible)
    body, generic = _page(query, order, window)
    names: list[LiteralString] = ["c.k" + digit for digit in shapes.DIGITS[: len(order.keys)]]
    keys: LiteralString = "".join([", " + name + "::text" for name in names])
    # Row by row: a plan made for any limit would rather read all resources at once.
    text: LiteralString = (
        "WITH c AS MATERIALIZED (" + body.text + ") SELECT r.id, r.vid, r.updated, r.method,"
        " r.text, c.rid" + keys + " FROM c CROSS JOIN LATERAL (SELECT f.id, f.vid, f.updated,"
        " f.method, coalesce(f.raw, f.body::text) AS text FROM " + scope.tables.resource
        + " f WHERE f.rid = c.rid OFFSET 0) r"
        + order_by(order, names, "c.rid", backward=window.backward)
    )  # fmt: skip
    return Statement(text, body.values, generic)


def compile_ids(
    request: SearchRequest,
    scope: Scope,
    definitions: Definitions,
    visible: Visible,
    window: Window,
) -> Statement:
    """The ids alone of one page, in no order."""
    order = order_of(request, scope, definitions)
    body, generic = _page(_query(request, scope, visible), order, window)
    text: LiteralString = (
        "WITH c AS MATERIALIZED (" + body.text + ") SELECT r.id FROM c CROSS JOIN LATERAL"
        " (SELECT f.id FROM " + scope.tables.resource + " f WHERE f.rid = c.rid OFFSET 0) r"
    )  # fmt: skip
    return Statement(text, body.values, generic)


def compile_count(request: SearchRequest, scope: Scope, visible: Visible) -> Statement:
    """How many resources match."""
    query = _query(request, scope, visible)
    hot = query.hot_alone()
    if hot is not None and len(hot.tokens) == 1:
        text: LiteralString = "SELECT count(*) FROM " + scope.tables.hot + " WHERE h = %s::bigint"
        return Statement(text, hot.tokens, generic=True)
    source = shapes.source(query) or shapes.everything(query)
    filters = query.filters()
    return Statement(
        # All rows that match are wanted, so the planner may join as it likes.
        "SELECT count(*) FROM (" + source.text + ") s WHERE " + filters.text.replace(FENCE, ""),
        (*source.values, *filters.values),
        generic=False,
    )


def conditions(request: SearchRequest, scope: Scope) -> tuple[Condition, ...]:
    """What must hold of a search row, at least one condition per criterion."""
    found: list[Condition] = []
    for criterion in request.criteria:
        kind = TYPES[criterion.parameter.kind]
        how = kind.by_type if criterion.target else kind.modifiers[criterion.modifier]
        if how is not None:
            condition = how.compare(criterion, scope)
            found.extend(condition.parts or (condition,))
    return tuple(found)


def _query(request: SearchRequest, scope: Scope, visible: Visible) -> shapes.Query:
    return shapes.Query(
        tables=scope.tables,
        conditions=conditions(request, scope),
        predicate=Fragment(
            visible.predicate.text.replace("{t}", "s"), tuple(visible.predicate.values)
        ),
        patient=visible.patient,
    )


def _page(query: shapes.Query, order: Order, window: Window) -> tuple[Fragment, bool]:
    """The rids and keys of a page, and whether one plan serves all values."""
    newest_first = order.walk == DATE and not order.undated_last
    patient = query.only_patient()
    if not order.walk or query.by_id() or (patient is not None and not newest_first):
        return shapes.sorted_rows(query, order, window), False
    if patient is not None:
        return shapes.patient_walk(query, patient, order, window), True
    hot = query.hot_alone() if newest_first else None
    if hot is not None:
        return shapes.hot_walk(query, hot, order, window), True
    if not query.conditions and not order.undated_last:
        # Not one plan for all: which way is best depends on the limit.
        return walks.walk(query, order, window), False
    return _filtered(query, order, window), False


def _filtered(query: shapes.Query, order: Order, window: Window) -> Fragment:
    """A page of a walk that has to leave rows out."""
    open_end = any(c.since_short for c in query.conditions)
    if query.bounded(order.walk) and not order.undated_last and not open_end:
        return walks.walk(query, order, window)
    if shapes.strong_source(query) is not None:
        return shapes.sorted_rows(query, order, window)
    hot = query.hot_one() if order.walk == DATE else None
    if hot is not None:
        stretch = walks.along_hot(query, hot, order, window)
    else:
        stretch = walks.along_type(query, order, window)
    return walks.bounded(query, order, window, stretch)
