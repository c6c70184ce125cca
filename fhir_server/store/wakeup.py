"""Tells consumers in other processes that there are changes, a few times a second at most.

NOTIFY inside a write would make all commits of the database queue for one lock, so a worker
notifies after its commits, by a connection of its own. A lost notification costs nothing but the
time until the consumer next looks by itself.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import psycopg

from fhir_server.r4.outcome import FhirError

if TYPE_CHECKING:
    from fhir_server.store.connections import Address, Connection

CHANNEL = "hestia_changes"
PAUSE_SECONDS = 0.1


class Wakeup:
    """Both ends: ``wake`` after a write, ``wait`` in a consumer."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._tenants: set[str] = set()
        self._task: asyncio.Task[None] | None = None
        self._connection: Connection | None = None

    def wake(self, tenant: str) -> None:
        """There are changes of this tenant."""
        self._tenants.add(tenant)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._notify())

    async def wait(self, seconds: float) -> str | None:
        """The tenant of the next notification, None after so many seconds without one."""
        if self._connection is None or self._connection.closed:
            self._connection = await self._address.connect({})
            await self._connection.execute("LISTEN " + CHANNEL)
        try:
            async for notice in self._connection.notifies(timeout=seconds, stop_after=1):
                return notice.payload
        except psycopg.OperationalError:
            await asyncio.sleep(seconds)
        return None

    async def close(self) -> None:
        """Send what is left, and close."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._connection is not None:
            await self._connection.close()

    async def _notify(self) -> None:
        try:
            connection = await self._address.connect({})
        except FhirError:
            return
        try:
            again: set[str] = set()
            while self._tenants or again:
                tenants, self._tenants = self._tenants, set()
                for tenant in tenants | again:
                    await connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, tenant))
                # Once more, for a consumer that found transactions still running.
                again = tenants
                await asyncio.sleep(PAUSE_SECONDS)
        except psycopg.OperationalError:
            return
        finally:
            await connection.close()
