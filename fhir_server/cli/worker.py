"""`hestia worker`: the background worker; `hestia serve` starts one."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from fhir_server import settings
from fhir_server.cli.logs import configure

if TYPE_CHECKING:
    from fhir_server.settings import Settings


def background_worker(
    lifeline: Annotated[
        int, typer.Option(hidden=True, help="Descriptor that closes when the parent ends.")
    ] = -1,
) -> None:
    """Run jobs and the consumers of the change log."""
    configured = settings.load(os.environ)
    configure(configured.log_level, configured.log_format)
    asyncio.run(_run(configured, lifeline))


async def _run(configured: Settings, lifeline: int) -> None:
    from fhir_server.app import background  # noqa: PLC0415 - takes a second to import

    loop = asyncio.get_running_loop()
    work = asyncio.create_task(background(configured))
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, work.cancel)
    if lifeline >= 0:
        loop.add_reader(lifeline, work.cancel)
    with suppress(asyncio.CancelledError):
        await work
