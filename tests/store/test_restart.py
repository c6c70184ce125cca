"""PostgreSQL goes away and comes back under load."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fhir_server.r4.outcome import FhirError
from fhir_server.store.embedded import Embedded, EmbeddedError
from fhir_server.store.migrate import migrate
from fhir_server.store.rows import Statement
from fhir_server.store.store import Store
from tests.database import FAST, HEAVY, MEMORY
from tests.store.building import ALL, context, post, put, vids

if TYPE_CHECKING:
    from collections.abc import Generator

pytestmark = [pytest.mark.anyio, pytest.mark.own_database]


@pytest.fixture
def own() -> Generator[Embedded]:
    """A cluster of the test's own; with the log written out, as it is to survive."""
    memory = MEMORY if Path(MEMORY).is_dir() else None
    home = Path(tempfile.mkdtemp(prefix="hestia-own-", dir=memory))
    settings = {name: value for name, value in FAST.items() if name != "full_page_writes"}
    embedded = Embedded(home, settings | {"synchronous_commit": "on"})
    yield embedded
    embedded.stop("immediate")
    shutil.rmtree(home)


async def test_nothing_acknowledged_is_lost_and_work_goes_on(own: Embedded) -> None:
    url = await asyncio.to_thread(own.start)
    await asyncio.to_thread(migrate, url, ["default"], HEAVY)
    store = await Store.open(url)
    acknowledged: dict[str, int] = {}
    refused: list[FhirError] = []
    over = asyncio.Event()

    async def caller(number: int) -> None:
        turn = 0
        while not over.is_set():
            turn += 1
            id = f"c{number}-{turn}"
            try:
                await store.write(context(), [post("Observation", id)])
                acknowledged[id] = 1
                (written,) = await store.write(context(), [put("Patient", f"p{number}")])
                acknowledged[f"p{number}"] = written.vid
                await store.read(context(), ALL, "Observation", id)
            except FhirError as error:
                refused.append(error)
                await asyncio.sleep(0.05)

    callers = [asyncio.create_task(caller(number)) for number in range(8)]
    for _ in range(2):
        await asyncio.sleep(0.4)
        await asyncio.to_thread(own.stop, "immediate")
        await asyncio.to_thread(own.start)
    await asyncio.sleep(0.4)
    over.set()
    await asyncio.gather(*callers)
    assert refused
    assert {error.status for error in refused} == {503}
    assert all(error.headers.get("Retry-After") for error in refused)
    for id, vid in acknowledged.items():
        if id.startswith("p"):
            found = await vids(store, "Patient", id)
            assert list(found) == list(range(len(found), 0, -1))
            assert len(found) >= vid
        else:
            assert await store.read(context(), ALL, "Observation", id) is not None
    await store.close()


async def test_a_store_that_lay_idle_over_a_restart_just_works(own: Embedded) -> None:
    url = await asyncio.to_thread(own.start)
    await asyncio.to_thread(migrate, url, ["default"], HEAVY)
    store = await Store.open(url)
    await store.write(context(), [put("Patient", "a")])
    assert await store.read(context(), ALL, "Patient", "a") is not None
    await asyncio.to_thread(own.stop)
    await asyncio.to_thread(own.start)
    (written,) = await store.write(context(), [put("Patient", "a")])
    assert written.vid == 2
    assert await store.read(context(), ALL, "Patient", "a") is not None
    await store.close()


def test_the_cluster_is_started_once_and_survives_a_crash(own: Embedded) -> None:
    first = own.start()
    assert own.start() == first
    assert Embedded(own.home).start() == first
    assert (own.data / "postmaster.pid").stat().st_mode & 0o077 == 0
    own.stop("immediate")
    assert not own.running()
    # What a crash of the machine leaves: the lock of a process that is gone.
    (own.data / "postmaster.pid").write_text("1\n")
    assert own.start() == first
    own.stop()
    own.stop()
    assert not own.alive()


def test_a_folder_with_something_else_in_it_is_left_alone(own: Embedded) -> None:
    own.data.mkdir()
    (own.data / "letter.txt").write_text("dear")
    with pytest.raises(EmbeddedError, match="move it away"):
        own.start()
    assert (own.data / "letter.txt").read_text() == "dear"


def test_a_path_too_long_for_a_socket_gets_a_short_one(own: Embedded) -> None:
    deep = Embedded(own.home / ("d" * 100), FAST)
    assert len(str(deep.sockets)) < 50
    deep.start()
    assert deep.running()
    deep.stop()
    deep.sockets.rmdir()


async def test_a_statement_that_takes_too_long_is_503(database: str) -> None:
    store = await Store.open(database, seconds=0.05)
    slow = Statement("SELECT pg_sleep(%s)", (5,), generic=False)
    with pytest.raises(FhirError) as refused:
        await store.search(context(), slow)
    assert (refused.value.status, refused.value.issues[0].code) == (503, "too-costly")
    assert await store.search(context(), Statement("SELECT 1", (), generic=False)) == [(1,)]
    await store.close()


async def test_a_database_that_is_not_there_is_503(own: Embedded) -> None:
    with pytest.raises(FhirError) as refused:
        await Store.open(own.url())
    assert refused.value.status == 503
