"""Several steps on one connection that happen together or not at all."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from fhir_server.store.apply import write_inside
from fhir_server.store.reads import Kind, fetch
from fhir_server.store.writing import Item, locking, refuse_twice, trip

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fhir_server.context import Context
    from fhir_server.store.connections import Connection
    from fhir_server.store.rows import Change, Predicate, Statement, TableSet, Version, Written
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

    async def lock(self, context: Context, changes: Sequence[Change]) -> None:
        """Lock the rows that the changes will touch, before they are read."""
        items = [Item(change, context.now) for change in changes]
        if steps := locking(self._tenant.layout, items):
            await trip(self._connection, steps)

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
