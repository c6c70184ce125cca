"""`hestia serve`: everything one machine needs, in one command."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import httpx
import typer

from fhir_server import settings
from fhir_server.cli.console import console, fail
from fhir_server.cli.installation import database_of, prepare
from fhir_server.cli.processes import Supervisor, reserve

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from pathlib import Path
    from socket import socket

    from fhir_server.settings import Settings

READY_SECONDS = 120
READY = "[bold]Hestia is ready on {origin}[/bold]   (Ctrl-C stops everything)"
REQUESTS = """
Five requests to try:
  curl '{origin}/fhir/metadata?_pretty=true'
  curl '{origin}/fhir/Patient?_count=2&_pretty=true'
  curl '{origin}/fhir/Patient?birthdate=lt1960&gender=female&_total=accurate&_count=3'
  curl '{origin}/fhir/Observation?code=http://loinc.org|4548-4&_sort=-date&_count=5'
  curl -X POST -H 'Content-Type: application/fhir+json' '{origin}/fhir/Patient' \\
       -d '{{"resourceType":"Patient","name":[{{"family":"Example"}}]}}'
"""


def serve(
    demo: Annotated[
        int, typer.Option(help="Load this many synthetic patients if there is no patient yet.")
    ] = 0,
) -> None:
    """Start the server: database, API workers, background worker.

    Runs until Ctrl-C. Options are HESTIA_ variables; `hestia config` lists them.
    """
    configured = settings.load(os.environ)
    with _alone(configured.home):
        held = _port(configured)
        database = database_of(configured)
        environment = prepare(configured, database)
        shutil.rmtree(configured.home / "metrics", ignore_errors=True)
        supervisor = Supervisor(environment, database)
        for number in range(1, configured.api_workers + 1):
            supervisor.add(f"API worker {number}", "api")
        supervisor.add("background worker", "worker")
        with held:
            supervisor.run(lambda: _announce(configured, environment, demo))


def _port(configured: Settings) -> socket:
    try:
        return reserve(configured.host, configured.port)
    except OSError as error:
        fail(
            f"Port {configured.port} on {configured.host} cannot be used: {error.strerror}. "
            "Stop the program that has it, or choose another with HESTIA_PORT."
        )


def _announce(configured: Settings, environment: Mapping[str, str], demo: int) -> None:
    def wait() -> None:
        if not _becomes_ready(configured):
            console.print("The server is not ready yet; see the messages above.", style="red")
            return
        console.print(READY.format(origin=configured.origin), highlight=False)
        if demo:
            subprocess.run(  # noqa: S603
                [sys.executable, "-m", "fhir_server.cli.main", "demo", "--patients", str(demo)],
                env=dict(environment),
                check=False,
            )
        text = REQUESTS.format(origin=configured.origin)
        console.print(text, highlight=False, soft_wrap=True)

    threading.Thread(target=wait, daemon=True).start()


def _becomes_ready(configured: Settings) -> bool:
    deadline = time.monotonic() + READY_SECONDS
    host = "127.0.0.1" if configured.host in {"0.0.0.0", "::"} else configured.host  # noqa: S104
    bracketed = f"[{host}]" if ":" in host else host
    while time.monotonic() < deadline:
        try:
            url = f"http://{bracketed}:{configured.port}/health/ready"
            if httpx.get(url, timeout=5).status_code == 200:
                return True
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    return False


@contextmanager
def _alone(home: Path) -> Generator[None]:
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock = (home / "serve.lock").open("a+")
    except OSError as error:
        fail(f"The data directory {home} cannot be used: {error}. Choose another with HESTIA_HOME.")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            fail(f"`hestia serve` already runs on {home} as process {lock.read().strip()}.")
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
