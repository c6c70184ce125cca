"""The front of the store: the only class through which resources are read and written.

Each call takes the ``Context`` it is made for and the predicate of what its grant lets through.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast

import psycopg

from fhir_server.store import changelog, counts, history, reindex
from fhir_server.store.apply import ATTEMPTS, PAUSE_SECONDS, write_with_retries
from fhir_server.store.connections import SEARCHING, SHAPES, WRITING, Address, Connection, Lane
from fhir_server.store.failures import RETRIED, translated
from fhir_server.store.group import Groups
from fhir_server.store.reads import Kind, Reads
from fhir_server.store.tenants import Tenants
from fhir_server.store.transaction import Transaction
from fhir_server.store.wakeup import Wakeup
from fhir_server.store.writing import Item, refuse_twice

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
    from datetime import datetime

    from fhir_server.context import Context
    from fhir_server.store.rows import (
        Change,
        HistoryPage,
        IndexRows,
        Predicate,
        Statement,
        TableSet,
        Version,
        Written,
    )

T = TypeVar("T")

READING = 2
WRITERS = 2
"""Connections for point reads and for single writes: few, so that callers share statements."""


class Store:
    """One worker's store; made by ``open``."""

    def __init__(self, address: Address, tenants: Tenants, connections: int) -> None:
        generic = {"plan_cache_mode": "force_generic_plan", **SEARCHING}
        custom = {"plan_cache_mode": "force_custom_plan", **SEARCHING}
        self.tenants = tenants
        self._read_lane = Lane(address, READING, {"plan_cache_mode": "force_generic_plan"})
        self._write_lane = Lane(address, WRITERS, WRITING)
        self._walks = Lane(address, connections, generic, prepared=SHAPES)
        self._searches = Lane(address, connections, custom, prepared=SHAPES)
        self._transactions = Lane(address, connections, {})
        self._reads = Reads(self._read_lane, READING)
        self._groups = Groups(self._write_lane, WRITERS)
        self.wakeup = Wakeup(address)

    @classmethod
    async def open(cls, url: str, *, connections: int = 4, seconds: float = 30.0) -> Store:
        """Connect; ``seconds`` is what a statement may take.

        ``connections`` bounds the searches and the transactions that run at a time; a few more
        serve reads and single writes. FhirError 503 where the database cannot be reached.
        """
        address = Address(url, seconds)
        connection = await address.connect({})
        try:
            tenants = await Tenants.load(connection)
        finally:
            await connection.close()
        return cls(address, tenants, connections)

    async def close(self) -> None:
        """Close the connections; whoever still waits gets an answer first."""
        await self.wakeup.close()
        for lane in self._lanes():
            await lane.close()

    def tables(self, tenant: str, type: str) -> TableSet:
        """Where a type of a tenant lives; FhirError 404 where either is unknown."""
        return self.tenants.of(tenant).layout.of(type)

    async def read(
        self, context: Context, visible: Predicate, type: str, id: str
    ) -> Version | None:
        """The current version, also where it is a deletion; asked together with others."""
        tables = self.tables(context.tenant, type)
        return await self._reads.read(Kind(type, tables, visible), id)

    async def read_many(
        self,
        context: Context,
        visible: Mapping[str, Predicate],
        keys: Sequence[tuple[str, str]],
    ) -> dict[tuple[str, str], Version]:
        """The current versions of those that are known."""
        async with self._walks.connection() as connection:
            transaction = Transaction(connection, self.tenants, self.tenants.of(context.tenant))
            return await transaction.read_many(context, visible, keys)

    async def vread(
        self, context: Context, visible: Predicate, type: str, id: str, vid: int
    ) -> Version | None:
        """One version, also where it is a deletion."""
        current = await self.read(context, visible, type, id)
        if current is not None and current.vid == vid:
            return current
        page = await self.instance_history(
            context, visible, type, id, since=None, at=None, count=1, before=vid + 1
        )
        return next((version for version in page.versions if version.vid == vid), None)

    async def instance_history(  # noqa: PLR0913 - what a history can be asked for
        self,
        context: Context,
        visible: Predicate,
        type: str,
        id: str,
        *,
        since: datetime | None,
        at: tuple[datetime, datetime] | None,
        count: int,
        before: int | None,
    ) -> HistoryPage:
        """The versions of one resource, newest first."""
        tables = self.tables(context.tenant, type)
        asked = history.Asked(since, at, count, before)
        async with self._searches.connection() as connection:
            return await history.of_instance(connection, tables, visible, (type, id), asked)

    async def type_history(  # noqa: PLR0913
        self,
        context: Context,
        visible: Predicate,
        type: str,
        *,
        since: datetime | None,
        at: tuple[datetime, datetime] | None,
        count: int,
        before: int | None,
    ) -> HistoryPage:
        """The versions of a type, newest first."""
        return await self.system_history(
            context, {type: visible}, since=since, at=at, count=count, before=before
        )

    async def system_history(
        self,
        context: Context,
        visible: Mapping[str, Predicate],
        *,
        since: datetime | None,
        at: tuple[datetime, datetime] | None,
        count: int,
        before: int | None,
    ) -> HistoryPage:
        """The versions of the types given, newest first."""
        layout = self.tenants.of(context.tenant).layout
        asked = history.Asked(since, at, count, before)
        async with self._searches.connection() as connection:
            return await history.of_types(connection, layout, visible, asked)

    async def write(self, context: Context, changes: Sequence[Change]) -> list[Written]:
        """All or nothing; returns after the commit. A single change shares its commit.

        FhirError 412 where ``expect`` does not hold, 404 where a version to be replaced is not
        visible, 422 where PostgreSQL cannot hold a value.
        """
        tenant = self.tenants.of(context.tenant)
        items = [Item(change, context.now) for change in changes]
        if len(items) == 1:
            written = [await self._groups.write(tenant, items[0])]
        elif items:
            refuse_twice(items)
            outcomes = await write_with_retries(
                self._transactions, tenant, items, all_or_nothing=True
            )
            written = cast("list[Written]", outcomes)
        else:
            written = []
        self.wakeup.wake(context.tenant)
        return written

    async def search(
        self,
        context: Context,  # noqa: ARG002 - who asks is part of every call
        statement: Statement,
    ) -> Sequence[tuple[Any, ...]]:
        """The rows of a statement; FhirError 503 where it takes too long."""
        lane = self._walks if statement.generic else self._searches
        async with lane.connection() as connection:
            cursor = await connection.execute(statement.text, statement.values, prepare=True)
            return await cursor.fetchall()

    @asynccontextmanager
    async def transaction(self, context: Context) -> AsyncGenerator[Transaction]:
        """Commits at the end, or nothing where an exception ends it."""
        tenant = self.tenants.of(context.tenant)
        async with self._transactions.connection() as connection, connection.transaction():
            yield Transaction(connection, self.tenants, tenant)
        self.wakeup.wake(context.tenant)

    async def transact(self, context: Context, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """The same for work that can be done again: deadlocks and races are tried anew."""
        tenant = self.tenants.of(context.tenant)
        for attempt in range(1, ATTEMPTS + 1):
            connection = await self._transactions.raw()
            try:
                async with connection.transaction():
                    result = await work(Transaction(connection, self.tenants, tenant))
            except psycopg.Error as error:
                if not isinstance(error, RETRIED) or attempt == ATTEMPTS:
                    raise translated(error) or error from error
            else:
                self.wakeup.wake(context.tenant)
                return result
            finally:
                await self._transactions.give_back(connection)
            await asyncio.sleep(PAUSE_SECONDS * attempt)
        raise AssertionError  # the last attempt returns or raises

    @asynccontextmanager
    async def changes(
        self, tenant: str, consumer: str, *, limit: int = changelog.BATCH
    ) -> AsyncGenerator[changelog.Batch | None]:
        """The next rows of a consumer; its position moves when the block ends without an error.

        None while another process reads for the same consumer.
        """
        known = self.tenants.of(tenant)
        async with self._transactions.connection() as connection:
            await changelog.register(connection, known.layout, consumer)
            horizon = await known.horizon.find(connection, known.layout)
            async with connection.transaction():
                yield await changelog.take(connection, known.layout, consumer, horizon, limit)

    async def count_changes(self, tenant: str) -> bool:
        """One batch of the consumer that counts resources; whether there may be more."""
        async with self.changes(tenant, counts.CONSUMER) as batch:
            if batch is None:
                return False
            await counts.count(self.tenants.of(tenant).layout, batch)
            return batch.more

    async def counts(self, tenant: str) -> dict[str, int]:
        """Live resources by type, as far as the consumer has counted."""
        async with self.cold() as connection:
            return await counts.counted(connection, self.tenants.of(tenant).layout)

    async def lag(self, tenant: str) -> dict[str, int]:
        """How many changes each consumer has not handled yet."""
        async with self.cold() as connection:
            return await changelog.lag(connection, self.tenants.of(tenant).layout)

    async def reindex_begin(self, context: Context, type: str) -> None:
        """Start making the search rows of a type anew, or go on with a run under way."""
        layout = self.tenants.of(context.tenant).layout
        async with self._transactions.connection() as connection:
            await reindex.begin(connection, layout, type)

    async def reindex_batch(
        self, context: Context, type: str, rows_of: Callable[[bytes], IndexRows]
    ) -> int:
        """The next resources of a run; how many there were, 0 at its end."""
        layout = self.tenants.of(context.tenant).layout
        async with self._transactions.connection() as connection, connection.transaction():
            return await reindex.batch(connection, layout, type, rows_of)

    @asynccontextmanager
    async def cold(self) -> AsyncGenerator[Connection]:
        """A connection for what is asked rarely; for this package alone."""
        async with self._searches.connection() as connection:
            yield connection

    def _lanes(self) -> list[Lane]:
        lanes = [self._read_lane, self._write_lane, self._walks, self._searches]
        return [*lanes, self._transactions]
