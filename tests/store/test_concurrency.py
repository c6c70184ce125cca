"""Two workers and 32 callers on a few ids: nothing lost, nothing doubled, nothing left behind."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import pytest

from fhir_server.r4.outcome import FhirError
from fhir_server.store.store import Store
from tests.store.building import ALL, NOW, ask, context, delete, post, put, rows, vids

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from fhir_server.store.changelog import Logged
    from fhir_server.store.rows import Change, IndexRows, Written
    from fhir_server.store.transaction import Transaction

pytestmark = [pytest.mark.anyio, pytest.mark.own_database]

CALLERS = 32
ROUNDS = 12


@pytest.fixture
async def workers(database: str) -> AsyncGenerator[list[Store]]:
    stores = [await Store.open(database), await Store.open(database)]
    yield stores
    for store in stores:
        await store.close()


async def writes(store: Store, change: Change) -> bool:
    """Whether the change was made; if not, because its version is not the current one."""
    try:
        await store.write(context(), [change])
    except FhirError as error:
        if error.status != 412:
            raise
        return False
    return True


def marked(mark: int) -> IndexRows:
    """Rows in every search table that name one version."""
    index = rows(mark, mark + 1)
    index.hot = [mark]
    index.strings = [(1, str(mark))]
    index.periods = [(mark, NOW, NOW)]
    return index


async def test_overlapping_writes_lose_nothing(workers: list[Store]) -> None:
    keys = [("Observation", "a"), ("Observation", "b"), ("Patient", "c"), ("Basic", "d")]
    acknowledged: list[tuple[str, str, int, int]] = []

    async def caller(number: int) -> None:
        dice = random.Random(number)  # noqa: S311
        for turn in range(ROUNDS):
            store = dice.choice(workers)
            mark = (number * ROUNDS + turn + 1) * 10
            chosen = dice.sample(keys, dice.choice([1, 1, 1, 2, 4]))
            changes = [
                delete(*key)
                if dice.random() < 0.1
                else put(*key, text=str(mark), index=marked(mark))
                for key in chosen
            ]
            for key, w in zip(chosen, await store.write(context(), changes), strict=True):
                if w.changed:
                    acknowledged.append((*key, w.vid, mark))

    await asyncio.gather(*map(caller, range(CALLERS)))
    for type, id in keys:
        written = sorted(vid for t, i, vid, _ in acknowledged if (t, i) == (type, id))
        assert written == list(range(1, len(written) + 1))
        assert await vids(workers[0], type, id) == written[::-1]
    await search_rows_are_those_of_current_versions(workers[0])
    await change_log_is_complete_and_in_order(workers[1], acknowledged)


async def search_rows_are_those_of_current_versions(store: Store) -> None:
    for table in ("observation", "patient", "other"):
        current = await ask(
            store,
            f"SELECT rid, body ->> 'text' FROM t_default.{table} WHERE body IS NOT NULL",
        )
        expected = sorted((rid, int(mark)) for rid, mark in current)
        for asked in (
            "SELECT rid, idx[1] FROM t_default.{}_search",
            "SELECT rid, h FROM t_default.{}_hot",
            "SELECT rid, v::bigint FROM t_default.{}_string",
            "SELECT rid, h FROM t_default.{}_period",
        ):
            assert sorted(await ask(store, asked.format(table))) == expected


async def everything_logged(store: Store, limit: int = 50) -> list[Logged]:
    """What a consumer reads until nothing is left; other databases may hold the horizon back."""
    read: list[Logged] = []
    left = 1
    while left:
        async with store.changes("default", "test", limit=limit) as batch:
            assert batch is not None
            read += batch.changes
        left = (await store.lag("default"))["test"]
    return read


async def change_log_is_complete_and_in_order(
    store: Store, acknowledged: list[tuple[str, str, int, int]]
) -> None:
    read = [(c.type, c.id, c.vid) for c in await everything_logged(store)]
    assert sorted(read) == sorted((t, i, v) for t, i, v, _ in acknowledged)
    for key in {(t, i) for t, i, _ in read}:
        versions = [v for t, i, v in read if (t, i) == key]
        assert versions == sorted(versions)


async def test_of_those_who_expect_the_same_version_one_wins(workers: list[Store]) -> None:
    await workers[0].write(context(), [put("Patient", "a")])

    async def caller(number: int) -> int:
        won = 0
        for expect in range(1, 11):
            change = put("Patient", "a", expect=expect, text=str(number))
            store = workers[number % 2]
            won += await writes(store, change)
            # Whoever lost did so because the version is there.
            version = await store.read(context(), ALL, "Patient", "a")
            assert version is not None
            assert version.vid > expect
        return won

    assert sum(await asyncio.gather(*map(caller, range(16)))) == 10
    assert await vids(workers[0], "Patient", "a") == list(range(11, 0, -1))


async def test_racing_to_bring_an_id_into_being_succeeds_for_all(workers: list[Store]) -> None:
    async def caller(number: int) -> list[Written]:
        return await workers[number % 2].write(context(), [put("Patient", f"p{number // 8}")])

    written = [w for (w,) in await asyncio.gather(*map(caller, range(CALLERS)))]
    assert sum(w.created for w in written) == 4
    for id in range(4):
        assert await vids(workers[0], "Patient", f"p{id}") == list(range(8, 0, -1))


async def test_only_one_of_those_who_expect_none_creates(workers: list[Store]) -> None:
    async def caller(number: int) -> bool:
        return await writes(workers[number % 2], put("Patient", "a", expect=0))

    assert sum(await asyncio.gather(*map(caller, range(CALLERS)))) == 1


async def test_the_same_criteria_create_once(workers: list[Store]) -> None:
    async def caller(number: int) -> None:
        async with workers[number % 2].transaction(context()) as transaction:
            await transaction.lock_criteria([77, 12])
            found = await ask_inside(transaction)
            if not found:
                await transaction.write(
                    context(), [post("Patient", f"made-by-{number}", index=rows(77))]
                )

    async def ask_inside(transaction: Transaction) -> list[tuple[Any, ...]]:
        return await ask(
            transaction, "SELECT rid FROM t_default.patient_search WHERE idx @> '{77}'"
        )

    await asyncio.gather(*map(caller, range(CALLERS)))
    assert len(await ask(workers[0], "SELECT rid FROM t_default.patient")) == 1


async def test_bundles_that_overlap_in_any_order_all_commit(workers: list[Store]) -> None:
    ids = [f"id-{n}" for n in range(20)]

    async def caller(number: int) -> None:
        dice = random.Random(number)  # noqa: S311

        async def work(transaction: Transaction) -> list[Written]:
            chosen = dice.sample(ids, 10)
            return await transaction.write(
                context(), [put(dice.choice(["Patient", "Basic"]), id) for id in chosen]
            )

        for _ in range(3):
            await workers[number % 2].transact(context(), work)

    await asyncio.gather(*map(caller, range(16)))
    logged = await ask(workers[0], "SELECT count(*) FROM t_default.change_log")
    assert logged == [(16 * 3 * 10,)]
    gaps = """
        SELECT count(*) FROM (SELECT rid, count(*) AS n, max(vid) AS newest
        FROM t_default.change_log GROUP BY rid) v WHERE n <> newest"""
    assert await ask(workers[0], gaps) == [(0,)]


async def test_a_transaction_that_fails_leaves_nothing(workers: list[Store]) -> None:
    store = workers[0]

    async def fail() -> None:
        async with store.transaction(context()) as transaction:
            await transaction.write(context(), [put("Patient", "a"), put("Basic", "b")])
            assert await transaction.read(context(), ALL, "Patient", "a") is not None
            raise ArithmeticError

    with pytest.raises(ArithmeticError):
        await fail()
    assert await store.read(context(), ALL, "Patient", "a") is None
    assert await ask(store, "SELECT count(*) FROM t_default.change_log") == [(0,)]


async def test_a_change_that_commits_late_is_not_skipped(workers: list[Store]) -> None:
    store = workers[0]

    async def seen() -> list[str]:
        async with store.changes("default", "test") as batch:
            assert batch is not None
            return [change.id for change in batch.changes]

    async with store.transaction(context()) as transaction:
        await transaction.write(context(), [put("Patient", "slow")])
        await store.write(context(), [put("Patient", "fast")])
        assert await seen() == []
    assert [change.id for change in await everything_logged(store)] == ["slow", "fast"]
    assert await seen() == []


async def test_live_resources_are_counted_once(workers: list[Store]) -> None:
    store = workers[0]
    await store.write(context(), [put("Patient", "a"), put("Patient", "b"), put("Basic", "c")])
    await store.write(context(), [put("Patient", "a"), delete("Patient", "b")])
    await store.write(context(), [put("Patient", "b")])
    await store.write(context(), [delete("Basic", "c")])

    async def count(store: Store) -> None:
        await store.count_changes("default")
        while (await store.lag("default"))["counts"]:
            await store.count_changes("default")

    await asyncio.gather(*(count(store) for store in workers * 4))
    assert await store.counts("default") == {"Patient": 2}
