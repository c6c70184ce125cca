"""The change log read in order, each row once.

Numbers are given out before they commit, so a row may turn up behind one that was read already.
A consumer therefore reads up to a number below which nothing can turn up any more: one that had
been given out when the newest of those transactions began that have all ended since. Rows of one
resource are in the order of its versions, as each is numbered under the lock of the resource.
Reading by windows of transaction numbers would not do: a transaction may begin early, wait for
a lock, and write the later version. The position moves in the transaction of the effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString

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


class Horizon:
    """Up to which number of one tenant's change log everything has ended; kept in memory."""

    def __init__(self) -> None:
        self._safe = 0
        self._next: tuple[int, int] | None = None

    async def find(self, connection: Connection, layout: Layout) -> int:
        """The newest such number; outside a transaction, which would hold itself back."""
        given = await _numbers(connection, layout)
        oldest, newest = await _transactions(connection)
        if self._next is not None and oldest >= self._next[1]:
            self._safe, self._next = max(self._safe, self._next[0]), None
        if oldest == newest:
            self._safe, self._next = given, None
        elif self._next is None:
            self._next = given, newest
        return self._safe


async def register(connection: Connection, layout: Layout, consumer: str) -> None:
    """Make a consumer known; it starts with the first change of all."""
    text: LiteralString = (
        "INSERT INTO " + layout.name("consumer") + " (name, seq, updated)"
        " VALUES (%s, 0, now()) ON CONFLICT DO NOTHING"
    )  # fmt: skip
    await connection.execute(text, (consumer,))


async def take(
    connection: Connection, layout: Layout, consumer: str, horizon: int, limit: int
) -> Batch | None:
    """The next rows, and the position moved beyond them; None while another process is at it."""
    position: LiteralString = (
        "SELECT seq FROM " + layout.name("consumer") + " WHERE name = %s FOR UPDATE SKIP LOCKED"
    )
    held = await (await connection.execute(position, (consumer,))).fetchone()
    if held is None:
        return None
    text: LiteralString = (
        "SELECT seq, type, id, vid, method, created, updated FROM " + layout.name("change_log")
        + " WHERE seq > %s AND seq <= %s ORDER BY seq LIMIT %s"
    )  # fmt: skip
    rows = await (await connection.execute(text, (held[0], horizon, limit))).fetchall()
    move: LiteralString = (
        "UPDATE " + layout.name("consumer") + " SET seq = %s, updated = now() WHERE name = %s"
    )
    if rows:
        await connection.execute(move, (rows[-1][0], consumer))
    return Batch(tuple(_logged(row) for row in rows), len(rows) == limit, connection)


async def lag(connection: Connection, layout: Layout) -> dict[str, int]:
    """How many rows each consumer has not handled yet."""
    text: LiteralString = (
        "SELECT c.name, (SELECT count(*) FROM " + layout.name("change_log") + " l"
        " WHERE l.seq > c.seq) FROM " + layout.name("consumer") + " c"
    )  # fmt: skip
    rows = await (await connection.execute(text)).fetchall()
    return {name: count for name, count in rows}  # noqa: C416 - rows are no pairs to dict()


async def _numbers(connection: Connection, layout: Layout) -> int:
    """The newest number given out."""
    text: LiteralString = (
        "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM "
        + layout.name("change_log_seq_seq")
    )
    rows = await (await connection.execute(text)).fetchall()
    return int(rows[0][0])


async def _transactions(connection: Connection) -> tuple[int, int]:
    """The number of the oldest transaction that runs, and of the next one."""
    text: LiteralString = (
        "SELECT pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint"
        " FROM pg_current_snapshot() AS s"
    )
    rows = await (await connection.execute(text)).fetchall()
    return rows[0][0], rows[0][1]


def _logged(row: tuple[Any, ...]) -> Logged:
    seq, type, *rest = row
    return Logged(seq, TYPE_NAMES[type], *rest)
