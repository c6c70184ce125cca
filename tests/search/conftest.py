"""Fixtures of the searches."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from fhir_server.store.store import Store
from tests.database import clone
from tests.search.shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from fhir_server.store.embedded import Embedded


@pytest.fixture
def shelf(store: Store) -> Shelf:
    """An empty tenant to put resources into and search."""
    return Shelf(store)


@pytest.fixture(scope="module")
async def library(postgres: Embedded, request: pytest.FixtureRequest) -> AsyncGenerator[Shelf]:
    """The ``RESOURCES`` of a test module, put into one database in order; only to be read."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    module: str = request.module.__name__.rpartition(".")[2]
    with clone(postgres, f"{module}_{worker}") as url:
        store = await Store.open(url)
        shelf = Shelf(store)
        for resource in request.module.RESOURCES:
            await shelf.add(resource)
        yield shelf
        await store.close()
