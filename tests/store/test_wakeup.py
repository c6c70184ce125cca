from __future__ import annotations

import asyncio

import pytest

from fhir_server.store.store import Store
from tests.store.building import context, put

pytestmark = [pytest.mark.anyio, pytest.mark.own_database]


async def test_a_consumer_elsewhere_hears_of_a_write(store: Store, database: str) -> None:
    listener = await Store.open(database)
    assert await listener.wakeup.wait(0.05) is None
    heard = asyncio.create_task(listener.wakeup.wait(10))
    await store.write(context("second"), [put("Patient", "a")])
    assert await heard == "second"
    await listener.close()
