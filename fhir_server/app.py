"""The composition root: settings in, applications out; nothing else wires packages together."""

from __future__ import annotations

import asyncio
import gc
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from time import time
from typing import TYPE_CHECKING, Any

import structlog

from fhir_server.context import Context
from fhir_server.interactions.engine import Engine, Rules
from fhir_server.interactions.ids import uuid7
from fhir_server.operations.table import dispatch
from fhir_server.r4.definitions import definitions
from fhir_server.r4.outcome import FhirError
from fhir_server.rest.asgi import Access, FhirApp, Hooks, fhir_app
from fhir_server.rest.metrics import Metrics
from fhir_server.rest.pages import Status, pages
from fhir_server.search.catalog import Catalog, Pages
from fhir_server.search.hashes import Hasher
from fhir_server.search.indexer import Indexer
from fhir_server.store.jobs import Jobs
from fhir_server.store.key_check import check_key
from fhir_server.store.store import Store
from fhir_server.validation.validator import Validator
from fhir_server.worker.consumers import consume
from fhir_server.worker.tasks import REINDEX, reindex
from smart_auth.grant import Everything

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping

    from fhir_server.interactions.audit import Event
    from fhir_server.settings import Settings

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

VERSION = "0.1.0"
METRICS_SECONDS = 1.0

log = structlog.get_logger()


def now() -> datetime:
    """The instant of a request: aware, UTC, in milliseconds."""
    return datetime.fromtimestamp(int(time() * 1000) / 1000, UTC)


def operator(tenant: str, agent: str) -> Context:
    """The operator at the command line of this machine, who may do everything."""
    moment = now()
    return Context(tenant, Everything(), moment, agent, uuid7(moment))


def engines(settings: Settings, store: Store) -> dict[str, Engine]:
    """One engine per tenant, sharing all that does not depend on the tenant."""
    known = definitions()
    hasher = Hasher(settings.derived_key("index"))
    validator = Validator(settings.validation)
    page_key = settings.derived_key("pages")
    made: dict[str, Engine] = {}
    for tenant in settings.tenants:
        base = f"{settings.origin}{base_path(settings, tenant)}"
        page = Pages(page_key, settings.page_size, settings.max_page_size)
        made[tenant] = Engine(
            store=store,
            catalog=Catalog(known, hasher, base, page),
            indexer=Indexer(known, hasher, base),
            validate=validator.validate,
            audit=audited if settings.log_level == "debug" else unheard,
            dispatch=dispatch,
            types=frozenset(known.endpoint_types),
            rules=Rules(
                referential_integrity=settings.referential_integrity,
                conditional_delete_limit=1000 if settings.conditional_delete_multiple else 1,
                lenient=settings.unknown_parameters == "lenient",
            ),
        )
    return made


def base_path(settings: Settings, tenant: str) -> str:
    """Where a tenant is served; the first one without its name."""
    return "/fhir" if tenant == settings.tenants[0] else f"/t/{tenant}/fhir"


def audited(event: Event) -> None:
    """The audit trail until it is one of AuditEvents: a log line that names no patient."""
    log.debug(
        "audit",
        interaction=event.interaction,
        status=event.status,
        type=event.type,
        tenant=event.context.tenant,
        agent=event.context.agent,
        request_id=event.context.request_id,
    )


def unheard(event: Event) -> None:
    """No line per interaction is wanted."""


def failed(access: Access) -> None:
    """One line per request that failed inside."""
    if access.fault:
        accessed(access)


def accessed(access: Access) -> None:
    """One line per request that failed inside, and per any request at level debug."""
    line = log.error if access.fault else log.debug
    line(
        "request",
        request_id=access.request_id,
        tenant=access.tenant,
        agent=access.agent,
        method=access.method,
        interaction=access.interaction,
        type=access.type,
        status=access.status,
        milliseconds=round(access.seconds * 1000, 1),
        sent=access.sent,
        **({"fault": access.fault} if access.fault else {}),
    )


class Application:
    """An API worker: /fhir and /t/… by the bare application, all else by FastAPI."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._metrics = Metrics(settings.home / "metrics")
        self._pages = pages(self._status, self._metrics, version=VERSION, origin=settings.origin)
        self._fhir: FhirApp | None = None
        self._store: Store | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the worker's life."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif self._fhir is not None and scope["type"] == "http" and _is_fhir(scope["path"]):
            await self._fhir(scope, receive, send)
        else:
            await self._pages(scope, receive, send)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """The store open and the FHIR application there."""
        settings = self._settings
        told = accessed if settings.log_level == "debug" else failed
        hooks = Hooks(clock=now, log=told, observe=self._metrics.observe)
        async with opened(settings) as store:
            self._store = store
            self._fhir = fhir_app(
                engines(settings, store),
                default=settings.tenants[0],
                hooks=hooks,
                max_body=settings.max_body,
            )
            # What exists now lives as long as the worker: the collector may leave it alone.
            gc.collect()
            gc.freeze()
            gc.set_threshold(50_000, 20, 50)
            async with asyncio.TaskGroup() as tasks:
                writing = tasks.create_task(self._write_metrics())
                yield
                writing.cancel()

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        async with self.running():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _write_metrics(self) -> None:
        while True:
            self._metrics.write()
            await asyncio.sleep(METRICS_SECONDS)

    async def _status(self) -> Status:
        if self._store is None:
            return Status({"store": "not open yet"})
        return await status(self._store, self._settings)


async def status(store: Store, settings: Settings) -> Status:
    """What health and landing page show."""
    try:
        counts = await store.counts(settings.tenants[0])
    except FhirError as error:
        return Status({"database": error.issues[0].diagnostics})
    return Status({"database": "ok"}, counts)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncGenerator[Store]:
    """The store of an installation, its key checked; closed in the end."""
    await asyncio.to_thread(check_key, settings.database_url, settings.fingerprint)
    store = await Store.open(
        settings.database_url,
        connections=settings.database_connections,
        seconds=settings.statement_timeout,
    )
    try:
        yield store
    finally:
        await store.close()


async def background(settings: Settings) -> None:
    """The background worker: consumers of the change log and jobs, until cancelled."""
    async with (
        opened(settings) as store,
        jobs(settings, store) as queue,
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(consume(store, settings.tenants))
        tasks.create_task(queue.run())


def jobs(settings: Settings, store: Store) -> Jobs:
    """The queue of background jobs, with its tasks."""
    engine = engines(settings, store)[settings.tenants[0]]
    tasks = {REINDEX: reindex(store, engine.indexer.rows, engine.seal.open)}
    return Jobs(settings.database_url, tasks, now)


def _is_fhir(path: str) -> bool:
    return path.startswith(("/fhir", "/t/"))
