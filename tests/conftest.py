"""Fixtures that every test may ask for."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING

import pytest

from fhir_server.store.store import Store
from tests.database import clone, cluster, prepare_folder

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from fhir_server.store.embedded import Embedded

_numbers = itertools.count(1)


def pytest_configure() -> None:
    prepare_folder()


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session")
def postgres() -> Embedded:
    """The cluster of this run; tests that stop it make one of their own."""
    return cluster()


@pytest.fixture
def database(postgres: Embedded) -> Generator[str]:
    """The URL of a migrated database with the tenants ``default`` and ``second``."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    with clone(postgres, f"test_{worker}_{next(_numbers)}") as url:
        yield url


@pytest.fixture
async def store(database: str) -> AsyncGenerator[Store]:
    """The real store on a database of the test's own."""
    store = await Store.open(database)
    yield store
    await store.close()
