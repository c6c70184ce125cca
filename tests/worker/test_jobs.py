"""Background jobs: queued with their grant, run by procrastinate; reindexing is one of them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from fhir_server.context import Context
from fhir_server.r4.json import Json, decode
from fhir_server.store.jobs import Jobs
from fhir_server.store.rows import Change, IndexRows, Predicate, Statement
from fhir_server.worker.consumers import consume
from fhir_server.worker.tasks import REINDEX, reindex
from smart_auth.grant import Everything, Grant, PatientCompartment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fhir_server.store.store import Store

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ALL = Predicate()
RESOURCES = 450


def clock() -> datetime:
    return NOW


def context(grant: Grant | None = None) -> Context:
    return Context("default", grant or Everything(), NOW, "test", "r")


def rows_of(resource: Json) -> IndexRows:
    number = int(resource["id"])
    return IndexRows(
        pats=(number,),
        date_lo=NOW,
        date_hi=NOW,
        tokens=[number, 7],
        hot=[7],
        strings=[(1, resource["id"])],
        periods=[(2, NOW, NOW)],
    )


def opened(resource: Json, context: Context) -> Json:
    assert context.tenant == "default"
    return resource


def change(number: int) -> Change:
    head = f'{{"resourceType":"Basic","id":"{number}","meta":{{"versionId":"'
    index = rows_of({"id": str(number)})
    return Change("Basic", str(number), "PUT", head, '"}}', raw=False, index=index, expect=None,
                  visible=ALL)  # fmt: skip


async def table(store: Store, name: str) -> list[tuple[Any, ...]]:
    tables = store.tables("default", "Basic")
    text: Any = f"SELECT t.*::text FROM {getattr(tables, name)} t ORDER BY 1"
    return list(await store.search(context(), Statement(text, (), generic=False)))


SEARCHED = ("search", "hot", "number", "string", "period")


async def test_reindexing_makes_the_rows_that_writing_made(store: Store, database: str):
    await store.write(context(), [change(number) for number in range(1, RESOURCES + 1)])
    before = {name: await table(store, name) for name in SEARCHED}
    assert len(before["hot"]) == RESOURCES
    async with store.cold() as connection:
        for name in SEARCHED:
            text: Any = f"DELETE FROM {getattr(store.tables('default', 'Basic'), name)}"
            await connection.execute(text)
    tasks = {REINDEX: reindex(store, rows_of, opened)}
    async with Jobs(database, tasks, clock) as queue:
        assert await queue.defer(REINDEX, context(), {"type": "Basic"}) is not None
        await queue.run(until_empty=True)
        (job,) = await queue.list()
    assert job.status == "succeeded"
    assert {name: await table(store, name) for name in SEARCHED} == before
    history = await store.instance_history(
        context(), ALL, "Basic", "1", since=None, at=None, count=5, before=None
    )
    assert [version.vid for version in history.versions] == [1]


async def test_an_interrupted_reindexing_goes_on_where_it_was(store: Store):
    await store.write(context(), [change(number) for number in range(1, RESOURCES + 1)])

    def rows(body: bytes) -> IndexRows:
        return rows_of(decode(body))

    await store.reindex_begin(context(), "Basic")
    assert await store.reindex_batch(context(), "Basic", rows) == 200
    await store.reindex_begin(context(), "Basic")
    counts = [await store.reindex_batch(context(), "Basic", rows) for _ in range(3)]
    assert counts == [200, 50, 0]


async def test_a_job_acts_with_the_grant_it_was_queued_with(database: str):
    seen: list[Context] = []

    async def look(context: Context, arguments: Mapping[str, Any]) -> None:
        assert arguments == {"a": 1}
        seen.append(context)

    async with Jobs(database, {"look": look}, clock) as queue:
        await queue.defer("look", context(PatientCompartment("p1")), {"a": 1})
        await queue.run(until_empty=True)
    assert [(c.grant, c.agent, c.now) for c in seen] == [(PatientCompartment("p1"), "test", NOW)]


async def test_the_same_job_waits_once_and_can_be_cancelled(database: str):
    async with Jobs(database, {}, clock) as queue:
        first = await queue.defer(REINDEX, context(), {"type": "Basic"})
        assert first is not None
        assert await queue.defer(REINDEX, context(), {"type": "Basic"}) is None
        assert await queue.defer(REINDEX, context(), {"type": "Patient"}) is not None
        assert await queue.cancel(first)
        assert [job.id for job in await queue.list("cancelled")] == [first]


async def test_a_failed_job_is_tried_again_later(database: str):
    async def fail(_: Context, arguments: Mapping[str, Any]) -> None:
        raise ValueError(arguments)

    async with Jobs(database, {"fail": fail}, clock) as queue:
        await queue.defer("fail", context(), {})
        await queue.run(until_empty=True)
        (job,) = await queue.list()
    assert (job.status, job.attempts) == ("todo", 1)


async def test_the_consumers_count_what_is_live(store: Store):
    await store.write(context(), [change(number) for number in range(1, 6)])
    work = asyncio.create_task(consume(store, ["default", "second"]))
    try:
        async with asyncio.timeout(20):
            while await store.counts("default") != {"Basic": 5}:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
    finally:
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
