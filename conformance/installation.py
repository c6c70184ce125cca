"""A server of our own for a suite: started as an operator would, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

import httpx

if TYPE_CHECKING:
    from types import TracebackType

START_SECONDS = 120
STOP_SECONDS = 60
CHECKOUT = Path(__file__).resolve().parent.parent


class Installation:
    """``hestia serve`` on a free port of this machine, its data gone with it.

    ``settings`` are further HESTIA_ variables. As a context manager it is ready on entry.
    """

    def __init__(self, **settings: str) -> None:
        self.port = _free_port()
        self.home = Path(tempfile.mkdtemp(prefix="hestia-"))
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("HESTIA_")}
        self.environment = inherited | {
            "HESTIA_HOME": str(self.home),
            "HESTIA_PORT": str(self.port),
            "PYTHONPATH": str(CHECKOUT),
        }
        self.environment |= {f"HESTIA_{name.upper()}": value for name, value in settings.items()}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def origin(self) -> str:
        """Such as http://localhost:41234."""
        return f"http://localhost:{self.port}"

    @property
    def url(self) -> str:
        """The FHIR base."""
        return f"{self.origin}/fhir"

    @property
    def log(self) -> Path:
        """What the server has said."""
        return self.home / "serve.log"

    @property
    def pid(self) -> int:
        """The process of ``hestia serve``; workers are its children."""
        if self._process is None:
            raise RuntimeError("the server was not started")
        return self._process.pid

    def command(self, *arguments: str) -> list[str]:
        """A ``hestia`` command line."""
        return [sys.executable, "-m", "fhir_server.cli.main", *arguments]

    def start(self) -> float:
        """Start it and wait until it is ready; the seconds that took."""
        began = time.monotonic()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603
                self.command("serve"),
                env=self.environment,
                cwd=CHECKOUT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() - began > START_SECONDS:
                self.stop()
                raise RuntimeError(f"the server does not start:\n{self.log.read_text()[-4000:]}")
            time.sleep(0.05)
        return time.monotonic() - began

    def stop(self) -> None:
        """End it as Ctrl-C would."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def _ready(self) -> bool:
        try:
            return httpx.get(f"{self.origin}/health/ready", timeout=5).status_code == 200
        except httpx.TransportError:
            return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
