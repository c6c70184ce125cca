"""Background jobs on PostgreSQL, run by procrastinate.

https://procrastinate.readthedocs.io/

A job carries the tenant, the grant and the agent it was queued with: it may do what they may.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self, cast

from procrastinate import App, PsycopgConnector, RetryStrategy
from procrastinate.exceptions import AlreadyEnqueued

from fhir_server.context import Context
from smart_auth.grant import Everything, Grant, PatientCompartment

if TYPE_CHECKING:
    from procrastinate.jobs import Job as Queued

Handler = Callable[[Context, Mapping[str, Any]], Awaitable[None]]

_Arguments = dict[str, Any]

ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Job:
    """A job as operators see it; ``arguments`` are those of its task, without the context."""

    id: int
    task: str
    status: str
    attempts: int
    tenant: str
    agent: str
    arguments: Mapping[str, Any]


class Jobs:
    """The queue of an installation; ``handlers`` are the tasks by name.

    ``clock`` gives the instant at which a job acts. Open it as a context manager.
    """

    def __init__(
        self, url: str, handlers: Mapping[str, Handler], clock: Callable[[], datetime]
    ) -> None:
        connector = PsycopgConnector(
            conninfo=url, kwargs={"options": "-c search_path=hestia,public"}, min_size=1, max_size=4
        )
        self._app = App(connector=connector)
        self._clock = clock
        for name, handler in handlers.items():
            self._register(name, handler)

    async def __aenter__(self) -> Self:
        """Connect."""
        await self._app.open_async()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self._app.close_async()

    async def defer(self, task: str, context: Context, arguments: Mapping[str, Any]) -> int | None:
        """Queue a job; None where the same one waits already."""
        same = f"{task}:{context.tenant}:{sorted(arguments.items())}"
        deferrer = self._app.configure_task(task, queueing_lock=same, lock=same)
        try:
            return await deferrer.defer_async(
                tenant=context.tenant,
                grant=_written(context.grant),
                agent=context.agent,
                request_id=context.request_id,
                arguments=dict(arguments),
            )
        except AlreadyEnqueued:
            return None

    async def list(self, status: str = "") -> list[Job]:
        """The jobs, newest first; ``status`` as procrastinate names it."""
        found = await self._app.job_manager.list_jobs_async(status=status or None)
        return sorted((_shown(job) for job in found), key=lambda job: -job.id)

    async def retry(self, id: int) -> None:
        """Let a job run again, now."""
        await self._app.job_manager.retry_job_by_id_async(id, datetime.fromtimestamp(0, UTC))

    async def cancel(self, id: int) -> bool:
        """Keep a waiting job from running, ask a running one to end; whether there was one."""
        return await self._app.job_manager.cancel_job_by_id_async(id, abort=True)

    async def run(self, *, until_empty: bool = False) -> None:
        """Run jobs until cancelled, or until none is left."""
        await self._app.run_worker_async(
            wait=not until_empty, install_signal_handlers=False, listen_notify=not until_empty
        )

    def _register(self, name: str, handler: Handler) -> None:
        async def run(
            tenant: str,
            grant: dict[str, str],
            agent: str,
            request_id: str,
            arguments: dict[str, Any],
        ) -> None:
            context = Context(tenant, _read(grant), self._clock(), agent, request_id)
            await handler(context, arguments)

        retry = RetryStrategy(max_attempts=ATTEMPTS, exponential_wait=2)
        self._app.task(name=name, retry=retry)(run)


def _written(grant: Grant) -> dict[str, Any]:
    return {} if isinstance(grant, Everything) else {"patient": grant.patient}


def _read(grant: Mapping[str, str]) -> Grant:
    return PatientCompartment(grant["patient"]) if grant else Everything()


def _shown(job: Queued) -> Job:
    kwargs = cast("Mapping[str, Any]", job.task_kwargs)
    return Job(
        id=job.id or 0,
        task=job.task_name,
        status=job.status or "",
        attempts=job.attempts,
        tenant=str(kwargs.get("tenant", "")),
        agent=str(kwargs.get("agent", "")),
        arguments=kwargs.get("arguments", {}),
    )
