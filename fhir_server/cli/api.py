"""`hestia api`: one API worker; `hestia serve` starts several."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Annotated

import typer
import uvicorn
import uvloop

from fhir_server import settings
from fhir_server.cli.logs import configure
from fhir_server.cli.processes import shared_socket

if TYPE_CHECKING:
    from fhir_server.settings import Settings

KEEP_ALIVE_SECONDS = 75


def api_worker(
    lifeline: Annotated[
        int, typer.Option(hidden=True, help="Descriptor that closes when the parent ends.")
    ] = -1,
) -> None:
    """Run one API worker on HESTIA_HOST and HESTIA_PORT; several may share the port."""
    configured = settings.load(os.environ)
    configure(configured.log_level, configured.log_format)
    uvloop.run(_serve(configured, lifeline))


async def _serve(configured: Settings, lifeline: int) -> None:
    # Imported here: `hestia --help` and the supervisor need none of it, and it takes a second.
    from fhir_server.app import Application  # noqa: PLC0415

    server = uvicorn.Server(
        uvicorn.Config(
            Application(configured),
            http="httptools",
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
    )
    if lifeline >= 0:
        watch(lifeline, server)
    await server.serve([shared_socket(configured.host, configured.port)])


def watch(lifeline: int, server: uvicorn.Server) -> None:
    """Let the server end when the supervisor is gone."""

    def ended() -> None:
        asyncio.get_running_loop().remove_reader(lifeline)
        server.should_exit = True

    asyncio.get_running_loop().add_reader(lifeline, ended)
