"""How often a write goes to the database and back, counted on the wire."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from fhir_server.store.store import Store
from tests.store.building import ALL, context, delete, post, put, rows

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from fhir_server.store.embedded import Embedded

pytestmark = pytest.mark.anyio


class Wire:
    """Passes bytes between a store and PostgreSQL and counts the changes of direction."""

    def __init__(self, server: Path) -> None:
        self.server = server
        self.trips = 0
        self.writers: list[asyncio.StreamWriter] = []
        self.passing: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def listening(self) -> AsyncGenerator[str]:
        with tempfile.TemporaryDirectory() as folder:
            listener = await asyncio.start_unix_server(self._accept, f"{folder}/.s.PGSQL.5432")
            yield folder
            listener.close()
            for task in self.passing:
                task.cancel()
            await asyncio.gather(*self.passing, return_exceptions=True)
            for writer in self.writers:
                writer.close()
            await asyncio.gather(
                *(writer.wait_closed() for writer in self.writers), return_exceptions=True
            )

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        below, above = await asyncio.open_unix_connection(str(self.server))
        self.writers += [writer, above]
        answered = [True]
        self.passing += [
            asyncio.create_task(self._pass(reader, above, answered, asking=True)),
            asyncio.create_task(self._pass(below, writer, answered, asking=False)),
        ]

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        answered: list[bool],
        *,
        asking: bool,
    ) -> None:
        while data := await reader.read(1 << 20):
            if asking and answered[0]:
                self.trips += 1
            answered[0] = not asking
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def counted(postgres: Embedded, database: str) -> AsyncGenerator[tuple[Store, Wire]]:
    wire = Wire(postgres.sockets / ".s.PGSQL.5432")
    async with wire.listening() as folder:
        store = await Store.open(database.split("?", maxsplit=1)[0] + f"?host={quote(folder)}")
        for n in range(7):  # statements are prepared, row numbers at hand
            await store.write(context(), [post("Observation", f"w{n}"), post("Patient", f"w{n}")])
            await store.write(context(), [put("Patient", "a")])
            await store.read(context(), ALL, "Patient", "a")
        await asyncio.sleep(0.5)  # the wake-up of consumers is over
        yield store, wire
        await store.close()


async def test_two_hundred_creates_take_one_round_trip_per_commit(
    postgres: Embedded, database: str
) -> None:
    async with counted(postgres, database) as (store, wire):
        changes = [post("Observation", f"o{n}", index=rows(n)) for n in range(200)]
        before = wire.trips
        await store.write(context(), changes)
        # One statement; large ones may be cut into pieces by the network, not by the store.
        assert wire.trips - before <= 2


async def test_a_bundle_of_two_hundred_creates_takes_at_most_eight_round_trips(
    postgres: Embedded, database: str
) -> None:
    async with counted(postgres, database) as (store, wire):
        changes = [
            post("Observation" if n % 2 else "Patient", f"o{n}", index=rows(n)) for n in range(200)
        ]
        before = wire.trips
        async with store.transaction(context()) as transaction:
            await transaction.write(context(), changes)
        assert 1 <= wire.trips - before <= 8


async def test_an_update_takes_two_round_trips_and_a_read_one(
    postgres: Embedded, database: str
) -> None:
    async with counted(postgres, database) as (store, wire):
        before = wire.trips
        await store.read(context(), ALL, "Patient", "a")
        assert wire.trips - before == 1
        before = wire.trips
        await store.write(context(), [put("Patient", "a")])
        assert wire.trips - before <= 3  # and the connection of the wake-up
        before = wire.trips
        await store.write(context(), [delete("Patient", "a")])
        assert wire.trips - before <= 3


async def test_reads_that_come_together_are_asked_together(
    postgres: Embedded, database: str
) -> None:
    async with counted(postgres, database) as (store, wire):
        before = wire.trips
        ids = [f"w{n % 7}" for n in range(64)]
        found = await asyncio.gather(*(store.read(context(), ALL, "Patient", id) for id in ids))
        assert [version.id for version in found if version] == ids
        assert wire.trips - before <= 4
