"""`hestia jobs`: the background jobs of an installation."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from fhir_server import settings
from fhir_server.cli.console import console, fail, out, results
from fhir_server.cli.installation import connected, database_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fhir_server.settings import Settings
    from fhir_server.store.jobs import Jobs

AGENT = "hestia jobs"

jobs = typer.Typer(help="List, start, retry and cancel background jobs.", no_args_is_help=True)


@jobs.command("list")
def list_jobs(
    status: Annotated[
        str, typer.Option(help="Only these: todo, doing, succeeded, failed, cancelled.")
    ] = "",
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the jobs as JSON.")] = False,
) -> None:
    """The jobs, newest first."""

    async def work(queue: Jobs, _: Settings) -> None:
        found = await queue.list(status)
        if as_json:
            out(json.dumps([asdict(job) for job in found], indent=2))
            return
        table = Table("id", "task", "arguments", "tenant", "status", "attempts")
        for job in found:
            arguments = ", ".join(f"{name}={value}" for name, value in job.arguments.items())
            row = (str(job.id), job.task, arguments, job.tenant, job.status, str(job.attempts))
            table.add_row(*row)
        results.print(table)

    _with_queue(work)


@jobs.command()
def reindex(
    type: Annotated[str, typer.Argument(help="Resource type, such as Observation.")],
    tenant: Annotated[str, typer.Option(help="Default: the first tenant.")] = "",
) -> None:
    """Queue a job that makes the search rows of a type anew; it can be interrupted."""

    async def work(queue: Jobs, configured: Settings) -> None:
        from fhir_server.app import operator  # noqa: PLC0415 - a second to import
        from fhir_server.r4.definitions import definitions  # noqa: PLC0415

        chosen = tenant or configured.tenants[0]
        if chosen not in configured.tenants:
            fail(f"There is no tenant {chosen}; HESTIA_TENANTS lists {configured.tenants}")
        if type not in definitions().endpoint_types:
            fail(f"{type} is no resource type of FHIR R4")
        context = operator(chosen, AGENT)
        id = await queue.defer("reindex", context, {"type": type})
        if id is None:
            fail(f"A reindex of {type} waits already; see `hestia jobs list`")
        console.print(f"Job {id} is queued; `hestia jobs list` shows how it fares.")

    _with_queue(work)


@jobs.command()
def retry(id: Annotated[int, typer.Argument(help="Id of the job.")]) -> None:
    """Let a job run again."""

    async def work(queue: Jobs, _: Settings) -> None:
        await _known(queue, id)
        await queue.retry(id)
        console.print(f"Job {id} will run again.")

    _with_queue(work)


@jobs.command()
def cancel(id: Annotated[int, typer.Argument(help="Id of the job.")]) -> None:
    """Keep a waiting job from running; ask a running one to end."""

    async def work(queue: Jobs, _: Settings) -> None:
        await _known(queue, id)
        if not await queue.cancel(id):
            fail(f"Job {id} has ended already")
        console.print(f"Job {id} is cancelled.")

    _with_queue(work)


async def _known(queue: Jobs, id: int) -> None:
    if id not in {job.id for job in await queue.list()}:
        fail(f"There is no job {id}; `hestia jobs list` shows them")


def _with_queue(work: Callable[[Jobs, Settings], Awaitable[None]]) -> None:
    from fhir_server.app import now  # noqa: PLC0415 - a second to import
    from fhir_server.store.jobs import Jobs  # noqa: PLC0415

    first = settings.load(os.environ)
    configured = settings.load(connected(first, database_of(first)))

    async def run() -> None:
        # Nothing runs here: the tasks are known to the background worker alone.
        async with Jobs(configured.database_url, {}, now) as queue:
            await work(queue, configured)

    from procrastinate.exceptions import ConnectorException  # noqa: PLC0415

    try:
        asyncio.run(run())
    except ConnectorException:
        fail("The tables of the jobs cannot be used: `hestia doctor` says what is missing")
