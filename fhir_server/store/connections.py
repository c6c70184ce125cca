"""Connections that a worker holds for its life, in lanes by what they are used for.

No pool stands between: a lane hands out the connection that was used last, opens another while it
may, and replaces one that died. Nothing is reset on return, as only this package uses them.
"""

from __future__ import annotations

import asyncio
import select
from collections import deque
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.pq import TransactionStatus

from fhir_server.store.failures import GONE, translated, unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

Connection = psycopg.AsyncConnection[tuple[Any, ...]]

WAIT_SECONDS = 30.0
CONNECT_SECONDS = 10

WRITING = {"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off"}
"""Writes find rows by key. A plan made while a table was empty must not scan it when it is full."""

SEARCHING = {"enable_seqscan": "off"}
"""Nor must a search read a table from end to end because few rows are expected in it."""

SHAPES = 500
"""Prepared statements of searches per connection: clients can make up any number of shapes."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the database is, and what each connection asks of it."""

    url: str
    seconds: float
    """Seconds that a statement may take."""

    async def connect(self, settings: Mapping[str, str]) -> Connection:
        """One connection; FhirError 503 where none can be had."""
        chosen = {
            "statement_timeout": str(int(self.seconds * 1000)),
            "timezone": "UTC",
            "application_name": "hestia",
            **settings,
        }
        options = " ".join(f"-c {name}={value}" for name, value in chosen.items())
        making = asyncio.ensure_future(
            psycopg.AsyncConnection.connect(
                self.url, autocommit=True, options=options, connect_timeout=CONNECT_SECONDS
            )
        )
        try:
            return await asyncio.shield(making)
        except asyncio.CancelledError:
            # Cancelled while it is made, psycopg would leave it open.
            with suppress(psycopg.Error):
                await (await making).close()
            raise
        except GONE:
            raise unavailable("The database is not reachable; try again") from None


def _hung_up(connection: Connection) -> bool:
    """Whether the server said anything while nobody asked: that it ends the connection."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


class Lane:
    """Up to ``size`` connections with the same settings."""

    def __init__(
        self,
        address: Address,
        size: int,
        settings: Mapping[str, str],
        *,
        prepared: int | None = None,
    ) -> None:
        """``prepared`` statements are kept per connection, None: all there are."""
        self._address = address
        self._settings = settings
        self._prepared = prepared
        self._idle: list[Connection] = []
        self._unopened = size
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection]:
        """One for the caller alone; psycopg's errors leave as FhirError where they are known."""
        connection = await self._take()
        try:
            yield connection
        except psycopg.Error as error:
            answer = translated(error)
            if answer is None:
                raise
            raise answer from error
        finally:
            await self._give_back(connection)

    async def raw(self) -> Connection:
        """One for the caller alone, who calls ``give_back`` and translates errors itself."""
        return await self._take()

    async def give_back(self, connection: Connection) -> None:
        """Return what ``raw`` gave."""
        await self._give_back(connection)

    def ready(self) -> bool:
        """Whether a connection can be had without waiting."""
        return bool(self._idle) or self._unopened > 0

    async def close(self) -> None:
        """Close those that nobody uses."""
        for connection in self._idle:
            await connection.close()
        self._idle.clear()

    async def _take(self) -> Connection:
        while not self.ready():
            future = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            try:
                await asyncio.wait_for(future, WAIT_SECONDS)
            except TimeoutError:
                raise unavailable("Too many requests wait for the database") from None
            except asyncio.CancelledError:
                if future.done() and not future.cancelled():
                    self._wake()
                raise
        while self._idle:
            connection = self._idle.pop()
            if not _hung_up(connection):
                return connection
            self._unopened += 1
            await connection.close()
        self._unopened -= 1
        try:
            connection = await self._address.connect(self._settings)
        except BaseException:
            self._unopened += 1
            self._wake()
            raise
        connection.prepared_max = self._prepared
        return connection

    async def _give_back(self, connection: Connection) -> None:
        if connection.closed or connection.info.transaction_status != TransactionStatus.IDLE:
            # Whatever is left of a transaction ends with its connection.
            self._unopened += 1
            self._wake()
            await connection.close()
            return
        self._idle.append(connection)
        self._wake()

    def _wake(self) -> None:
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(None)
                return
