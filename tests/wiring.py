"""The real application over a real store, as fixtures for tests of interactions and of HTTP."""

from __future__ import annotations

import itertools
import os
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest

from fhir_server.context import Context
from fhir_server.interactions.engine import Engine, Identity, Rules
from fhir_server.operations.table import dispatch
from fhir_server.r4.definitions import definitions
from fhir_server.rest.asgi import Caller, Hooks, fhir_app
from fhir_server.search.catalog import Catalog, Pages
from fhir_server.search.hashes import Hasher
from fhir_server.search.indexer import Indexer
from fhir_server.store.store import Store
from fhir_server.validation.validator import Validator
from smart_auth.grant import Everything, PatientCompartment
from tests.database import clone

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Mapping

    from fhir_server.interactions.audit import Event
    from fhir_server.store.embedded import Embedded

TENANTS = ("default", "second")
MAX_BODY = 10_000_000

_numbers = itertools.count(1)
_HASHER = Hasher(b"tests" * 6)
_VALIDATOR = Validator("structure")
# Deleting a few rows is faster than truncating seventy tables.
_EMPTIED = """
DO $$
DECLARE found record;
BEGIN
    FOR found IN
        SELECT schemaname, tablename FROM pg_tables
        WHERE schemaname LIKE 't\\_%' AND tablename NOT LIKE 'alembic%'
    LOOP
        EXECUTE format('DELETE FROM %I.%I', found.schemaname, found.tablename);
    END LOOP;
END $$
"""
_RULES = frozenset({"referential_integrity", "conditional_delete_limit", "lenient", "attempts"})


def _unheard(event: Event) -> None:
    del event


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 8, 0, 0, 125_000, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def base_url(tenant: str) -> str:
    return "http://test/fhir" if tenant == TENANTS[0] else f"http://test/t/{tenant}/fhir"


def engine_of(store: Store, tenant: str, **options: Any) -> Engine:
    """An engine as the application wires it; options name rules, page sizes and hooks."""
    rules = Rules(**{name: options[name] for name in options if name in _RULES})
    base = base_url(tenant)
    pages = Pages(b"p" * 32, options.get("page_size", 50), options.get("page_limit", 1000))
    catalog = Catalog(definitions(), _HASHER, base, pages)
    return Engine(
        store=store,
        catalog=catalog,
        indexer=Indexer(definitions(), _HASHER, base),
        validate=options.get("validate", _VALIDATOR.validate),
        audit=options.get("audit", _unheard),
        dispatch=dispatch,
        types=frozenset(definitions().endpoint_types),
        seal=options.get("seal", Identity()),
        rules=rules,
    )


@pytest.fixture(scope="session")
def shared_database(postgres: Embedded) -> Generator[str]:
    """One database for all tests here: hundreds of clones would keep the disk busy."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    with clone(postgres, f"wiring_{worker}_{next(_numbers)}") as url:
        yield url


@pytest.fixture
async def store(shared_database: str) -> AsyncIterator[Store]:
    """The real store, empty."""
    with psycopg.connect(shared_database, autocommit=True) as connection:
        connection.execute(_EMPTIED)
    store = await Store.open(shared_database)
    yield store
    await store.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def context(clock: Clock) -> Context:
    return Context("default", Everything(), clock.now, "test", "request-1")


@pytest.fixture
async def connect(store: Store, clock: Clock) -> AsyncIterator[Callable[..., httpx.AsyncClient]]:
    """Makes clients: ``connect(patient="p1", tenant="second", referential_integrity=True, …)``."""
    async with AsyncExitStack() as stack:

        def connected(
            *, patient: str | None = None, tenant: str = TENANTS[0], **options: Any
        ) -> httpx.AsyncClient:
            grant = Everything() if patient is None else PatientCompartment(patient)

            async def authenticate(header: Mapping[bytes, bytes]) -> Caller:
                del header
                return Caller(grant, "test")

            hooks = Hooks(clock, authenticate, options.get("log"), options.get("observe"))
            app = fhir_app(
                {name: engine_of(store, name, **options) for name in TENANTS},
                default=TENANTS[0],
                hooks=hooks,
                max_body=options.get("max_body", MAX_BODY),
            )
            client = httpx.AsyncClient(
                transport=httpx.ASGITransport(app, raise_app_exceptions=True),
                base_url=base_url(tenant) + "/",
            )
            stack.push_async_callback(client.aclose)
            return client

        yield connected


@pytest.fixture
def fhir(connect: Callable[..., httpx.AsyncClient]) -> httpx.AsyncClient:
    """A client that may do everything."""
    return connect()
