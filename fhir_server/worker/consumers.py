"""Runs the consumers of the change log, in commit order, for all tenants."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

import structlog

from fhir_server.r4.outcome import FhirError

if TYPE_CHECKING:
    from collections.abc import Sequence

LOOK_SECONDS = 5.0
"""How long to wait for news before looking all the same."""
PAUSE_SECONDS = 1.0

log = structlog.get_logger()


class Wakeup(Protocol):
    """News from the API workers."""

    async def wait(self, seconds: float) -> str | None:
        """The tenant that has changes, None when the time is over."""
        ...


class Counting(Protocol):
    """``store.store.Store``, as far as its consumers are concerned."""

    @property
    def wakeup(self) -> Wakeup:
        """News from the API workers."""
        ...

    async def count_changes(self, tenant: str) -> bool:
        """One batch; whether there may be more."""
        ...


async def consume(store: Counting, tenants: Sequence[str]) -> None:
    """Until cancelled; the database may go away and come back."""
    while True:
        try:
            for tenant in tenants:
                while await store.count_changes(tenant):
                    pass
            await store.wakeup.wait(LOOK_SECONDS)
        except FhirError as error:
            log.warning("consumers wait for the database", reason=str(error))
            await asyncio.sleep(PAUSE_SECONDS)
