"""The change log read in commit order, each row once.

Numbers are given out before they commit, so a row may turn up behind one that was read already.
A consumer therefore goes by windows of transactions that have all ended: from where it was to the
oldest that still runs, by number inside. Two versions of one resource stay in order, as the later
was written after the earlier had committed. The position moves in the transaction of the effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString, cast

from fhir_server.store.type_codes import TYPE_NAMES

if TYPE_CHECKING:
    from datetime import datetime

    from fhir_server.store.connections import Connection
    from fhir_server.store.layout import Layout
    from fhir_server.store.rows import Method

BATCH = 500


@dataclass(frozen=True, slots=True)
class Logged:
    """One version, as the change log has it; ``created`` when no live version stood there."""

    seq: int
    type: str
    id: str
    vid: int
    method: Method
    created: bool
    updated: datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """The next rows of one consumer, and the transaction in which it acts on them."""

    changes: tuple[Logged, ...]
    more: bool
    connection: Connection


async def register(connection: Connection, layout: Layout, consumer: str) -> None:
    """Make a consumer known; it starts with the first change of all."""
    text: LiteralString = (
        "INSERT INTO " + layout.name("consumer") + " (name, done, upper, seq, updated)"
        " VALUES (%s, '0', '0', 0, now()) ON CONFLICT DO NOTHING"
    )  # fmt: skip
    await connection.execute(text, (consumer,))


async def take(connection: Connection, layout: Layout, consumer: str, limit: int) -> Batch | None:
    """The next rows, and the position moved beyond them; None while another process is at it."""
    held = await _position(connection, layout, consumer)
    if held is None:
        return None
    done, upper, seq = held
    if done == upper:
        upper, seq = await _horizon(connection), 0
    rows = await _rows(connection, layout, (done, upper, seq), limit)
    full = len(rows) == limit
    after = (done, upper, rows[-1][0]) if full else (upper, upper, 0)
    text: LiteralString = (
        "UPDATE " + layout.name("consumer") + " SET done = %s::xid8, upper = %s::xid8, seq = %s,"
        " updated = now() WHERE name = %s"
    )  # fmt: skip
    await connection.execute(text, (str(after[0]), str(after[1]), after[2], consumer))
    return Batch(tuple(_logged(row) for row in rows), full, connection)


async def lag(connection: Connection, layout: Layout) -> dict[str, int]:
    """How many rows each consumer has not handled yet."""
    text: LiteralString = (
        "SELECT c.name, (SELECT count(*) FROM " + layout.name("change_log") + " l"
        " WHERE l.xid >= c.done AND (l.xid >= c.upper OR l.seq > c.seq)) FROM "
        + layout.name("consumer") + " c"
    )  # fmt: skip
    rows = await (await connection.execute(text)).fetchall()
    return {name: count for name, count in rows}  # noqa: C416 - rows are no pairs to dict()


async def _position(
    connection: Connection, layout: Layout, consumer: str
) -> tuple[int, int, int] | None:
    text: LiteralString = (
        "SELECT done::text::bigint, upper::text::bigint, seq FROM " + layout.name("consumer")
        + " WHERE name = %s FOR UPDATE SKIP LOCKED"
    )  # fmt: skip
    row = await (await connection.execute(text, (consumer,))).fetchone()
    return cast("tuple[int, int, int] | None", row)


async def _horizon(connection: Connection) -> int:
    """Every transaction below this number has ended."""
    text: LiteralString = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
    rows = await (await connection.execute(text)).fetchall()
    return int(rows[0][0])


async def _rows(
    connection: Connection, layout: Layout, window: tuple[int, int, int], limit: int
) -> list[tuple[Any, ...]]:
    done, upper, seq = window
    text: LiteralString = (
        "SELECT seq, type, id, vid, method, created, updated FROM " + layout.name("change_log")
        + " WHERE xid >= %s::xid8 AND xid < %s::xid8 AND seq > %s ORDER BY seq LIMIT %s"
    )  # fmt: skip
    cursor = await connection.execute(text, (str(done), str(upper), seq, limit))
    return await cursor.fetchall()


def _logged(row: tuple[Any, ...]) -> Logged:
    seq, type, *rest = row
    return Logged(seq, TYPE_NAMES[type], *rest)
