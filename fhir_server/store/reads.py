"""Reads by id: those that wait while a connection is busy are asked together.

No timer holds a read back. A lone read goes out at once; under load the reads of one type and
grant that came in meanwhile become one ``id = ANY``.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, LiteralString, cast

import psycopg

from fhir_server.store.arrays import quoted
from fhir_server.store.failures import connection_lost, translated
from fhir_server.store.rows import Version

if TYPE_CHECKING:
    from fhir_server.store.connections import Connection, Lane
    from fhir_server.store.rows import Method, Predicate, TableSet

COLUMNS: LiteralString = "f.id, f.vid, f.updated, f.method, coalesce(f.raw, f.body::text)"
MOST = 256
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)

_METHODS = {name.encode(): name for name in ("POST", "PUT", "PATCH", "DELETE")}
_Waiting = dict[str, "list[asyncio.Future[Version | None]]"]


@dataclass(frozen=True, slots=True)
class Kind:
    """Reads that one statement can answer."""

    type: str
    tables: TableSet
    visible: Predicate

    def statement(self) -> LiteralString:
        """Values: the type where the set is shared, ids, the predicate's."""
        of_type: LiteralString = "f.type = %s::smallint AND " if self.tables.shared else ""
        text = self.visible.text
        condition: LiteralString = " AND (" + text.replace("{t}", "f") + ")" if text else ""
        return (
            "SELECT " + COLUMNS + " FROM " + self.tables.resource + " f WHERE "
            + of_type + "f.id = ANY (%s::text[])" + condition
        )  # fmt: skip

    def values(self, ids: list[str]) -> list[object]:
        """The values of the statement."""
        types = [self.tables.type] if self.tables.shared else []
        return [*types, quoted(ids), *self.visible.values]


class Reads:
    """The reads of one worker."""

    def __init__(self, lane: Lane, most_running: int) -> None:
        self._lane = lane
        self._most_running = most_running
        self._running = 0
        self._waiting: dict[Kind, _Waiting] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._statements: dict[Kind, LiteralString] = {}

    async def read(self, kind: Kind, id: str) -> Version | None:
        """The current version, None where there is none that the predicate lets through."""
        future: asyncio.Future[Version | None] = asyncio.get_running_loop().create_future()
        queue = self._waiting.get(kind)
        if queue is None:
            queue = self._waiting[kind] = defaultdict(list)
        queue[id].append(future)
        if self._running < self._most_running:
            self._running += 1
            task = asyncio.create_task(self._drain())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def _drain(self) -> None:
        try:
            while self._waiting:
                kind = next(iter(self._waiting))
                waiting = self._take(kind)
                try:
                    found = await self._ask(kind, list(waiting))
                except Exception as error:  # noqa: BLE001 - it is handed to whoever waits
                    _fail(waiting, error)
                else:
                    for id, futures in waiting.items():
                        for future in futures:
                            if not future.done():
                                future.set_result(found.get(id))
        finally:
            self._running -= 1

    def _take(self, kind: Kind) -> _Waiting:
        waiting = self._waiting.pop(kind)
        if len(waiting) > MOST:
            first = dict(list(waiting.items())[:MOST])
            self._waiting[kind] = defaultdict(
                list, {id: futures for id, futures in waiting.items() if id not in first}
            )
            return first
        return waiting

    async def _ask(self, kind: Kind, ids: list[str]) -> dict[str, Version]:
        connection = await self._lane.raw()
        try:
            return await fetch(connection, kind, ids)
        except psycopg.Error as error:
            if not connection_lost(error):
                raise _answer(error) from error
        finally:
            await self._lane.give_back(connection)
        # A read can be asked again.
        connection = await self._lane.raw()
        try:
            return await fetch(connection, kind, ids)
        except psycopg.Error as error:
            raise _answer(error) from error
        finally:
            await self._lane.give_back(connection)


async def fetch(connection: Connection, kind: Kind, ids: list[str]) -> dict[str, Version]:
    """The versions by id, taken from the result without the driver's conversions."""
    cursor = connection.cursor(binary=True)
    await cursor.execute(kind.statement(), kind.values(ids), prepare=True)
    result = cursor.pgresult
    assert result is not None  # noqa: S101 - a SELECT has one
    found: dict[str, Version] = {}
    for i in range(result.ntuples):
        id = cast("bytes", result.get_value(i, 0)).decode()
        found[id] = Version(
            kind.type,
            id,
            int.from_bytes(cast("bytes", result.get_value(i, 1))),
            moment(cast("bytes", result.get_value(i, 2))),
            cast("Method", _METHODS[cast("bytes", result.get_value(i, 3))]),
            result.get_value(i, 4) or b"",
        )
    return found


def moment(value: bytes) -> datetime:
    """A timestamptz as it comes in binary: microseconds from the year 2000."""
    return EPOCH + timedelta(microseconds=int.from_bytes(value, signed=True))


def _answer(error: psycopg.Error) -> Exception:
    return translated(error) or error


def _fail(waiting: _Waiting, error: Exception) -> None:
    for futures in waiting.values():
        for future in futures:
            if not future.done():
                future.set_exception(error)
