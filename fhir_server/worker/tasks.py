"""The tasks that background jobs run, by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from fhir_server.r4.json import decode

if TYPE_CHECKING:
    from fhir_server.context import Context
    from fhir_server.r4.json import Json
    from fhir_server.store.rows import IndexRows

REINDEX = "reindex"

log = structlog.get_logger()

Task = Callable[["Context", Mapping[str, Any]], Awaitable[None]]


class Reindexing(Protocol):
    """``store.store.Store``, as far as this is concerned."""

    async def reindex_begin(self, context: Context, type: str) -> None:
        """Start, or go on with a run under way."""
        ...

    async def reindex_batch(
        self, context: Context, type: str, rows_of: Callable[[bytes], IndexRows]
    ) -> int:
        """The next resources; 0 at the end."""
        ...


def reindex(
    store: Reindexing,
    rows: Callable[[Json], IndexRows],
    opened: Callable[[Json, Context], Json],
) -> Task:
    """A task that makes the search rows of ``arguments["type"]`` anew.

    ``opened`` unseals what is stored, ``rows`` is the indexer.
    """

    async def run(context: Context, arguments: Mapping[str, Any]) -> None:
        type, done = str(arguments["type"]), 0
        await store.reindex_begin(context, type)
        while count := await store.reindex_batch(
            context, type, lambda body: rows(opened(decode(body), context))
        ):
            done += count
            log.info("reindex", tenant=context.tenant, type=type, done=done)

    return run
