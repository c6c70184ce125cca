"""Makes the search rows of a type anew from what is stored, batch by batch, resumable.

Each batch is a transaction that moves the position, so an interrupted run goes on where it was,
and searches see every resource at any time, by its old rows or by its new ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString

from fhir_server.store import statements
from fhir_server.store.arrays import Row, parameters, patients, plain
from fhir_server.store.rows import Change, Predicate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fhir_server.store.connections import Connection
    from fhir_server.store.layout import Layout
    from fhir_server.store.rows import IndexRows

BATCH = 200


async def begin(connection: Connection, layout: Layout, type: str) -> None:
    """Start a type from its first resource, unless a run of it is under way."""
    text: LiteralString = (
        "INSERT INTO " + layout.name("reindexing") + " (type, after, done)"
        " VALUES (%s, 0, 0) ON CONFLICT DO NOTHING"
    )  # fmt: skip
    await connection.execute(text, (layout.of(type).type,))


async def batch(
    connection: Connection, layout: Layout, type: str, rows_of: Callable[[bytes], IndexRows]
) -> int:
    """The next resources of a run, inside a transaction; how many there were, 0 at its end."""
    tables = layout.of(type)
    position: LiteralString = (
        "SELECT after FROM " + layout.name("reindexing") + " WHERE type = %s FOR UPDATE"
    )
    held = await (await connection.execute(position, (tables.type,))).fetchone()
    if held is None:
        return 0
    wanted: LiteralString = (
        "SELECT rid, id, vid, updated, coalesce(raw, body::text) FROM " + tables.resource
        + " WHERE rid > %s AND type = %s AND method <> 'DELETE' ORDER BY rid LIMIT %s FOR UPDATE"
    )  # fmt: skip
    found = await (await connection.execute(wanted, (held[0], tables.type, BATCH))).fetchall()
    if not found:
        text: LiteralString = "DELETE FROM " + layout.name("reindexing") + " WHERE type = %s"
        await connection.execute(text, (tables.type,))
        return 0
    await _replace(connection, layout, type, found, rows_of)
    moved: LiteralString = (
        "UPDATE " + layout.name("reindexing") + " SET after = %s, done = done + %s WHERE type = %s"
    )
    await connection.execute(moved, (found[-1][0], len(found), tables.type))
    return len(found)


async def _replace(
    connection: Connection,
    layout: Layout,
    type: str,
    found: Sequence[tuple[Any, ...]],
    rows_of: Callable[[bytes], IndexRows],
) -> None:
    tables = layout.of(type)
    rids = plain(row[0] for row in found)
    await connection.execute(statements.unindex(tables), [rids] * 5)
    rows = [_row(tables.type, type, row, rows_of) for row in found]
    await connection.execute(statements.reindex(tables), parameters(rows))


def _row(code: int, type: str, row: tuple[Any, ...], rows_of: Callable[[bytes], IndexRows]) -> Row:
    rid, id, vid, updated, text = row
    index = rows_of(text.encode())
    change = Change(type, id, "PUT", "", "", False, index, None, Predicate())  # noqa: FBT003
    pat, pats = patients(index)
    return Row(change, code, rid, vid, updated, is_new=False, created=False, pat=pat, pats=pats)
