"""Several steps on one connection that happen together or not at all."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fhir_server.store import history
from fhir_server.store.apply import write_inside
from fhir_server.store.reads import Kind, fetch
from fhir_server.store.writing import Item, locking_keys, refuse_twice, trip

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence
    from datetime import datetime

    from fhir_server.context import Context
    from fhir_server.store.connections import Connection
    from fhir_server.store.rows import (
        Change,
        HistoryPage,
        Predicate,
        Statement,
        TableSet,
        Version,
        Written,
    )
    from fhir_server.store.tenants import Tenant, Tenants


class Transaction:
    """An open transaction; made by ``Store.transaction`` and of no use after it."""

    def __init__(self, connection: Connection, tenants: Tenants, tenant: Tenant) -> None:
        self._connection = connection
        self._tenants = tenants
        self._tenant = tenant

    def tables(self, tenant: str, type: str) -> TableSet:
        """Where a type of a tenant lives."""
        return self._tenants.of(tenant).layout.of(type)

    async def lock_criteria(self, hashes: Sequence[int]) -> None:
        """Hold these to the end; who asks for one that is held waits."""
        keys = sorted({_criteria_lock(self._tenant.name, value) for value in hashes})
        await trip(
            self._connection, [("SELECT pg_advisory_xact_lock(%s::bigint)", (k,)) for k in keys]
        )

    async def lock(self, keys: Sequence[tuple[str, str]]) -> None:
        """Lock the rows of these ids, as a write does and in its order, before they are read."""
        if steps := locking_keys(self._tenant.layout, keys):
            await trip(self._connection, steps)

    @asynccontextmanager
    async def trial(self) -> AsyncGenerator[None]:
        """What is written inside is seen inside, and undone at its end."""
        async with self._connection.transaction(force_rollback=True):
            yield

    async def read(
        self,
        context: Context,  # noqa: ARG002 - who asks is part of every call
        visible: Predicate,
        type: str,
        id: str,
    ) -> Version | None:
        """The current version, also where it is a deletion."""
        kind = Kind(type, self._tenant.layout.of(type), visible)
        return (await fetch(self._connection, kind, [id])).get(id)

    async def read_many(
        self,
        context: Context,  # noqa: ARG002
        visible: Mapping[str, Predicate],
        keys: Sequence[tuple[str, str]],
    ) -> dict[tuple[str, str], Version]:
        """The current versions of those that are known."""
        by_type: dict[str, list[str]] = defaultdict(list)
        for type, id in dict.fromkeys(keys):
            by_type[type].append(id)
        found: dict[tuple[str, str], Version] = {}
        for type, ids in by_type.items():
            kind = Kind(type, self._tenant.layout.of(type), visible[type])
            for id, version in (await fetch(self._connection, kind, ids)).items():
                found[type, id] = version
        return found

    async def vread(
        self, context: Context, visible: Predicate, type: str, id: str, vid: int
    ) -> Version | None:
        """One version, also where it is a deletion."""
        page = await self.instance_history(
            context, visible, type, id, since=None, at=None, count=1, before=vid + 1
        )
        return next((version for version in page.versions if version.vid == vid), None)

    async def instance_history(  # noqa: PLR0913 - what a history can be asked for
        self,
        context: Context,  # noqa: ARG002
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
        tables = self._tenant.layout.of(type)
        asked = history.Asked(since, at, count, before)
        return await history.of_instance(self._connection, tables, visible, (type, id), asked)

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
        context: Context,  # noqa: ARG002
        visible: Mapping[str, Predicate],
        *,
        since: datetime | None,
        at: tuple[datetime, datetime] | None,
        count: int,
        before: int | None,
    ) -> HistoryPage:
        """The versions of the types given, newest first."""
        asked = history.Asked(since, at, count, before)
        return await history.of_types(self._connection, self._tenant.layout, visible, asked)

    async def write(self, context: Context, changes: Sequence[Change]) -> list[Written]:
        """All or nothing, in the order given."""
        items = [Item(change, context.now) for change in changes]
        refuse_twice(items)
        return await write_inside(self._connection, self._tenant, items) if items else []

    async def search(
        self,
        context: Context,  # noqa: ARG002
        statement: Statement,
    ) -> Sequence[tuple[Any, ...]]:
        """The rows of a statement."""
        # Unprepared, so that it is planned for its values.
        cursor = await self._connection.execute(statement.text, statement.values, prepare=False)
        return await cursor.fetchall()


def _criteria_lock(tenant: str, value: int) -> int:
    """Advisory locks are the database's, so the tenant is part of the key."""
    digest = hashlib.blake2b(f"{tenant}/{value}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)
