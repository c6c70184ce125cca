"""Single writes of concurrent callers share one transaction, and one commit.

No timer holds a write back: what queued while the connections were busy goes next. An item that
cannot be written fails for its own caller alone; if PostgreSQL refuses the group as a whole, each
item is tried by itself.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg

from fhir_server.r4.outcome import FhirError
from fhir_server.store.apply import write_once, write_with_retries
from fhir_server.store.failures import connection_lost, translated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fhir_server.store.connections import Lane
    from fhir_server.store.rows import Written
    from fhir_server.store.tenants import Tenant
    from fhir_server.store.writing import Item, Key

MOST = 64


@dataclass(slots=True)
class Waiting:
    """An item and the caller that waits for it."""

    tenant: Tenant
    item: Item
    future: asyncio.Future[Written]


class Groups:
    """The single writes of one worker."""

    def __init__(self, lane: Lane, most_running: int) -> None:
        self._lane = lane
        self._most_running = most_running
        self._running = 0
        self._queue: deque[Waiting] = deque()
        self._busy: set[tuple[str, Key]] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def write(self, tenant: Tenant, item: Item) -> Written:
        """Write one item; returns after the commit."""
        future: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        self._queue.append(Waiting(tenant, item, future))
        self._start()
        return await asyncio.shield(future)

    def _start(self) -> None:
        if self._running < self._most_running:
            self._running += 1
            task = asyncio.create_task(self._drain())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _drain(self) -> None:
        try:
            while group := self._take():
                try:
                    await self._write(group)
                finally:
                    self._busy.difference_update((w.tenant.name, w.item.key) for w in group)
        finally:
            self._running -= 1
        if self._queue:
            self._start()

    def _take(self) -> list[Waiting]:
        """The next items of one tenant; of one resource only the first, and none under way."""
        group: list[Waiting] = []
        left: deque[Waiting] = deque()
        held: set[tuple[str, Key]] = set()
        while self._queue and len(group) < MOST:
            waiting = self._queue.popleft()
            key = waiting.tenant.name, waiting.item.key
            other = bool(group) and waiting.tenant is not group[0].tenant
            if other or key in self._busy or key in held:
                held.add(key)
                left.append(waiting)
            else:
                self._busy.add(key)
                group.append(waiting)
        left.extend(self._queue)
        self._queue = left
        return group

    async def _write(self, group: list[Waiting]) -> None:
        tenant = group[0].tenant
        try:
            outcomes = await write_once(self._lane, tenant, [w.item for w in group])
        except FhirError as error:
            _settle(group, [error] * len(group))
        except psycopg.Error as error:
            if connection_lost(error):
                # It may have committed or not: to try again could write it twice.
                _settle(group, [translated(error) or error] * len(group))
            else:
                await self._write_each(group)
        except BaseException as error:
            _settle(group, [error] * len(group))
            raise
        else:
            _settle(group, outcomes)

    async def _write_each(self, group: list[Waiting]) -> None:
        for waiting in group:
            outcomes: Sequence[Written | BaseException]
            try:
                outcomes = await write_with_retries(self._lane, waiting.tenant, [waiting.item])
            except Exception as error:  # noqa: BLE001 - it is handed to whoever waits
                outcomes = [error]
            _settle([waiting], outcomes)


def _settle(group: Sequence[Waiting], outcomes: Sequence[Written | BaseException]) -> None:
    for waiting, outcome in zip(group, outcomes, strict=True):
        if waiting.future.done():
            continue
        if isinstance(outcome, BaseException):
            waiting.future.set_exception(outcome)
            # The caller may be gone.
            waiting.future.exception()
        else:
            waiting.future.set_result(outcome)
