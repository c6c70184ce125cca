"""How often a write goes to the database and back, counted on the wire."""

from __future__ import annotations

import asyncio
import socket
import tempfile
import threading
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from fhir_server.store.store import Store
from fhir_server.store.wakeup import PAUSE_SECONDS
from tests.store.building import ALL, context, delete, post, put, rows

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator
    from pathlib import Path

    from fhir_server.store.embedded import Embedded

pytestmark = pytest.mark.anyio


class Wire:
    """Passes bytes between a store and PostgreSQL and counts the changes of direction."""

    def __init__(self, server: Path) -> None:
        self.server = server
        self.trips = 0
        self.sockets: list[socket.socket] = []
        self.threads: list[threading.Thread] = []

    @contextmanager
    def listening(self) -> Generator[str]:
        with tempfile.TemporaryDirectory() as folder:
            listener = self._socket()
            listener.bind(f"{folder}/.s.PGSQL.5432")
            listener.listen()
            self._start(self._accept, listener)
            yield folder
            for open_socket in self.sockets:
                with suppress(OSError):
                    open_socket.shutdown(socket.SHUT_RDWR)
            for thread in self.threads:
                thread.join()
            for open_socket in self.sockets:
                open_socket.close()

    def _socket(self) -> socket.socket:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sockets.append(made)
        return made

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments)
        self.threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                below, _ = listener.accept()
                above = self._socket()
                self.sockets.append(below)
                above.connect(str(self.server))
                answered = [True]
                self._start(self._ask, below, above, answered)
                self._start(self._answer, above, below, answered)

    def _ask(self, below: socket.socket, above: socket.socket, answered: list[bool]) -> None:
        with suppress(OSError):
            while data := below.recv(1 << 20):
                self.trips += answered[0]
                answered[0] = False
                above.sendall(data)

    def _answer(self, above: socket.socket, below: socket.socket, answered: list[bool]) -> None:
        with suppress(OSError):
            while data := above.recv(1 << 20):
                answered[0] = True
                below.sendall(data)


@asynccontextmanager
async def counted(postgres: Embedded, database: str) -> AsyncGenerator[tuple[Store, Wire]]:
    wire = Wire(postgres.sockets / ".s.PGSQL.5432")
    with wire.listening() as folder:
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
        for change in (put("Patient", "a"), put("Patient", "a"), delete("Patient", "a")):
            # Two, and two of the wake-up's own connection; those of the write before are over.
            await asyncio.sleep(4 * PAUSE_SECONDS)
            before = wire.trips
            await store.write(context(), [change])
            assert wire.trips - before <= 4


async def test_reads_that_come_together_are_asked_together(
    postgres: Embedded, database: str
) -> None:
    async with counted(postgres, database) as (store, wire):
        before = wire.trips
        ids = [f"w{n % 7}" for n in range(64)]
        found = await asyncio.gather(*(store.read(context(), ALL, "Patient", id) for id in ids))
        assert [version.id for version in found if version] == ids
        assert wire.trips - before <= 4
