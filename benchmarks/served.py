"""Starts the server under test, or the bare hello, as processes of their own and ends them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import httpx

from benchmarks import processes

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 120
STOP_SECONDS = 30
NOTHING: Mapping[str, str] = MappingProxyType({})
SERVE = (sys.executable, "-m", "fhir_server.cli.main", "serve")


class ServeError(Exception):
    """The server did not come up."""


@dataclass(frozen=True, slots=True)
class Served:
    """A running server: its process, and the directory where its PostgreSQL keeps its data."""

    process: subprocess.Popen[bytes]
    port: int
    home: Path | None = None

    def sample(self) -> processes.Sample | None:
        """The processes of the server and of its own PostgreSQL, now."""
        return processes.sample((self.process.pid, *self._postmasters()))

    def _postmasters(self) -> list[int]:
        """PostgreSQL detaches itself, so its process is found by the file it leaves."""
        if self.home is None:
            return []
        files = self.home.glob("**/postmaster.pid")
        return [int(file.read_text().split("\n", 1)[0]) for file in files]


def free_port() -> int:
    """A loopback port that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def hello(workers: int) -> Generator[Served]:
    """The bare ASGI application on the HTTP server that ours runs on."""
    port = free_port()
    command = (
        *(sys.executable, "-m", "uvicorn", "benchmarks.hello:app", "--port", str(port)),
        *("--workers", str(workers), "--loop", "uvloop", "--http", "httptools"),
        *("--no-access-log", "--lifespan", "off", "--log-level", "warning"),
    )
    with _running(command, NOTHING, f"http://127.0.0.1:{port}/") as process:
        yield Served(process, port)


@contextmanager
def fhir_server(
    home: Path,
    workers: int,
    command: Sequence[str] = SERVE,
    environment: Mapping[str, str] = NOTHING,
) -> Generator[Served]:
    """Our server from the checkout, on a fresh directory and a free port."""
    port = free_port()
    settings = {
        **environment,
        "HESTIA_HOME": str(home),
        "HESTIA_PORT": str(port),
        "HESTIA_WORKERS": str(workers),
    }
    with _running(command, settings, f"http://127.0.0.1:{port}/fhir/metadata") as process:
        yield Served(process, port, home)


@contextmanager
def _running(
    command: Sequence[str], settings: Mapping[str, str], probe: str
) -> Generator[subprocess.Popen[bytes]]:
    # Settings of the caller's shell, such as a database, must never meet the benchmark's load.
    inherited = {name: value for name, value in os.environ.items() if name[:7] != "HESTIA_"}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(  # noqa: S603
            command,
            cwd=ROOT,
            env={**inherited, **settings},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            _wait_for(process, probe)
            yield process
        except ServeError as error:
            log.seek(0)
            raise ServeError(f"{error}\n{log.read().decode(errors='replace')[-2000:]}") from error
        finally:
            _stop(process)


def _wait_for(process: subprocess.Popen[bytes], probe: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServeError(f"the server ended with exit code {process.returncode}")
        with suppress(httpx.TransportError):
            if httpx.get(probe, timeout=10, trust_env=False).is_success:
                return
        time.sleep(0.1)
    raise ServeError(f"the server did not answer {probe} within {START_SECONDS} s")


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        # Our own session, so nothing but the server and its children is in the group.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
