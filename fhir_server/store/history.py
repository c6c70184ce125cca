"""Pages of versions, newest first.

https://hl7.org/fhir/R4/http.html#history
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, LiteralString

from fhir_server.store.arrays import plain
from fhir_server.store.rows import Fragment, HistoryPage, Version
from fhir_server.store.type_codes import TYPE_NAMES
from fhir_server.store.writing import trip

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from fhir_server.store.connections import Connection
    from fhir_server.store.layout import Layout
    from fhir_server.store.rows import Predicate, TableSet
    from fhir_server.store.writing import Step

CHUNK = 200
"""Rows of the change log looked at in one go when ``at`` may leave most of them out."""

_VERSION: LiteralString = (
    "v.rid, v.type, v.id, v.vid, v.updated, v.method, v.pat, v.pats, v.body, v.raw"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which versions: at or after an instant, current within a range, and how many of them."""

    since: datetime | None
    at: tuple[datetime, datetime] | None
    count: int
    before: int | None


async def of_instance(
    connection: Connection, tables: TableSet, visible: Predicate, key: tuple[str, str], asked: Asked
) -> HistoryPage:
    """The versions of one resource."""
    type, id = key
    where = _and([*_limits(asked), _visible(visible, "v")])
    text: LiteralString = (
        "SELECT v.vid, v.updated, v.method, coalesce(v.raw, v.body::text) FROM (SELECT v.* FROM ("
        "SELECT " + _VERSION + ", 'infinity'::timestamptz AS replaced FROM " + tables.resource
        + " v WHERE v.id = %s AND v.type = %s UNION ALL"
        " SELECT " + _VERSION + ", v.replaced FROM " + tables.resource + " f JOIN "
        + tables.history + " v ON v.rid = f.rid WHERE f.id = %s AND f.type = %s) v WHERE "
        + where.text + " ORDER BY v.vid DESC LIMIT %s) v ORDER BY v.vid DESC"
    )  # fmt: skip
    named = (id, tables.type)
    values = (*named, *named, *where.values, asked.count + 1)
    rows = await (await connection.execute(text, values, prepare=True)).fetchall()
    versions = [
        Version(type, id, vid, updated, method, (body or "").encode())
        for vid, updated, method, body in rows
    ]
    return _page([(version.vid, version) for version in versions], asked.count)


async def of_types(
    connection: Connection, layout: Layout, visible: Mapping[str, Predicate], asked: Asked
) -> HistoryPage:
    """The versions of all resources of these types."""
    found: list[tuple[int, Version]] = []
    chunk = asked.count + 1 if asked.at is None else max(asked.count + 1, CHUNK)
    while len(found) <= asked.count:
        rows = await _logged(connection, layout, visible, asked, chunk)
        found += await _with_bodies(connection, layout, rows, asked.at)
        if len(rows) < chunk:
            break
        asked = replace(asked, before=rows[-1][0])
    return _page(found, asked.count)


async def _logged(
    connection: Connection,
    layout: Layout,
    visible: Mapping[str, Predicate],
    asked: Asked,
    limit: int,
) -> list[tuple[Any, ...]]:
    where = [_of_types(layout, visible)]
    if asked.before is not None:
        where.append(Fragment("c.seq < %s", (asked.before,)))
    if asked.since is not None:
        where.append(Fragment("c.updated >= %s", (asked.since,)))
    if asked.at is not None:
        where.append(Fragment("c.updated < %s", (asked.at[1],)))
    condition = _and(where)
    text: LiteralString = (
        "SELECT c.seq, c.type, c.rid, c.id, c.vid, c.method, c.updated FROM "
        + layout.name("change_log") + " c WHERE " + condition.text
        + " ORDER BY c.seq DESC LIMIT %s"
    )  # fmt: skip
    cursor = await connection.execute(text, (*condition.values, limit), prepare=True)
    return await cursor.fetchall()


async def _with_bodies(
    connection: Connection,
    layout: Layout,
    rows: Sequence[tuple[Any, ...]],
    at: tuple[datetime, datetime] | None,
) -> list[tuple[int, Version]]:
    """The versions of log rows; without those that were replaced before ``at`` began."""
    by_set: dict[TableSet, list[tuple[int, int]]] = defaultdict(list)
    sets = layout.sets()
    for _, type, rid, _, vid, _, _ in rows:
        by_set[sets[layout.of(TYPE_NAMES[type]).resource]].append((rid, vid))
    steps: list[Step] = []
    for tables, pairs in by_set.items():
        keys = _keys(pairs)
        steps.append((_bodies(tables), [*keys, *keys]))
    lo = None if at is None else at[0]
    bodies: dict[tuple[int, int], str | None] = {}
    for result in await trip(connection, steps):
        for rid, vid, body, replaced in result:
            if lo is None or replaced is None or replaced > lo:
                bodies[rid, vid] = body
    return [
        (seq, Version(TYPE_NAMES[type], id, vid, updated, method, (body or "").encode()))
        for seq, type, rid, id, vid, method, updated in rows
        if (body := bodies.get((rid, vid), _ABSENT)) is not _ABSENT
    ]


_ABSENT = "absent"


def _bodies(tables: TableSet) -> LiteralString:
    keys: LiteralString = "unnest(%s::bigint[], %s::int[]) AS k (rid, vid)"
    return (
        "SELECT v.rid, v.vid, coalesce(v.raw, v.body::text), NULL::timestamptz FROM " + keys
        + " JOIN " + tables.resource + " v ON v.rid = k.rid AND v.vid = k.vid UNION ALL"
        " SELECT v.rid, v.vid, coalesce(v.raw, v.body::text), v.replaced FROM " + keys
        + " JOIN " + tables.history + " v ON v.rid = k.rid AND v.vid = k.vid"
    )  # fmt: skip


def _keys(pairs: Iterable[tuple[int, int]]) -> tuple[str, str]:
    rids, vids = zip(*pairs, strict=True)
    return plain(rids), plain(vids)


def _of_types(layout: Layout, visible: Mapping[str, Predicate]) -> Fragment:
    """Types with the same predicate share its condition."""
    by_predicate: dict[Predicate, list[int]] = defaultdict(list)
    for type, predicate in visible.items():
        by_predicate[predicate].append(layout.of(type).type)
    parts: list[LiteralString] = []
    values: list[object] = []
    for predicate, codes in by_predicate.items():
        condition = _visible(predicate, "c")
        # One type alone is compared by =, which the index on (type, seq) answers in order.
        named: LiteralString = "c.type = %s" if len(codes) == 1 else "c.type = ANY (%s::smallint[])"
        parts.append("(" + named + " AND " + condition.text + ")")
        values += [codes[0] if len(codes) == 1 else plain(codes), *condition.values]
    if not parts:
        return Fragment("false")
    return Fragment("(" + " OR ".join(parts) + ")", tuple(values))


def _limits(asked: Asked) -> list[Fragment]:
    limits: list[Fragment] = []
    if asked.since is not None:
        limits.append(Fragment("v.updated >= %s", (asked.since,)))
    if asked.at is not None:
        lo, hi = asked.at
        limits.append(Fragment("v.updated < %s AND v.replaced > %s", (hi, lo)))
    if asked.before is not None:
        limits.append(Fragment("v.vid < %s", (asked.before,)))
    return limits


def _visible(predicate: Predicate, table: LiteralString) -> Fragment:
    if not predicate.text:
        return Fragment("true")
    return Fragment("(" + predicate.text.replace("{t}", table) + ")", predicate.values)


def _and(fragments: Sequence[Fragment]) -> Fragment:
    return Fragment(
        " AND ".join([fragment.text for fragment in fragments]),
        tuple(value for fragment in fragments for value in fragment.values),
    )


def _page(found: Sequence[tuple[int, Version]], count: int) -> HistoryPage:
    """One more than ``count`` says that there is another page."""
    shown = found[:count]
    before = shown[-1][0] if len(found) > count and shown else None
    return HistoryPage(tuple(version for _, version in shown), before)
