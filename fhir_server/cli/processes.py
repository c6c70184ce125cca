"""Keeps the processes of one installation running: PostgreSQL, API workers, background worker."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from fhir_server.store.embedded import EmbeddedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import FrameType

LOOK_SECONDS = 0.1
STOP_SECONDS = 15.0
HEALTHY_SECONDS = 5.0
LONGEST_PAUSE = 10.0


class Database(Protocol):
    """The embedded PostgreSQL, or nothing to look after."""

    def start(self) -> str:
        """Start it unless it runs."""
        ...

    def stop(self) -> None:
        """Stop it."""
        ...

    def alive(self) -> bool:
        """Whether its process is there."""
        ...


@dataclass(slots=True)
class Child:
    """One process and how it fared."""

    name: str
    arguments: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = 0.0
    due: float = 0.0


class Supervisor:
    """Starts the children, restarts what dies, and ends them all on SIGINT or SIGTERM.

    Children inherit the read end of a pipe that nobody writes to (``--lifeline``): when the
    supervisor is killed the pipe closes, and they end themselves.
    """

    def __init__(self, environment: Mapping[str, str], database: Database | None) -> None:
        self._environment = dict(environment)
        self._database = database
        self._children: list[Child] = []
        self._stopping = False
        self._lifeline, self._held = os.pipe()
        os.set_inheritable(self._lifeline, True)  # noqa: FBT003 - positional only

    def add(self, name: str, *arguments: str) -> None:
        """A child that runs ``hestia`` with these arguments."""
        self._children.append(Child(name, arguments))

    def run(self, ready: Callable[[], None]) -> None:
        """Until a signal ends it; ``ready`` is called once all are started."""
        previous = {
            number: signal.signal(number, self._ask_to_stop)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            for child in self._children:
                self._start(child)
            ready()
            while not self._stopping:
                self._look()
                time.sleep(LOOK_SECONDS)
        finally:
            self._stop()
            for number, handler in previous.items():
                signal.signal(number, handler)

    @property
    def _tie(self) -> tuple[str, str]:
        return "--lifeline", str(self._lifeline)

    @property
    def stopping(self) -> bool:
        """Whether a signal has come."""
        return self._stopping

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._stopping = True

    def _look(self) -> None:
        if self._database is not None and not self._database.alive():
            _say("PostgreSQL has ended; starting it again")
            try:
                self._database.start()
            except EmbeddedError as error:
                # Its old processes may still be going: workers answer 503 until it is back.
                _say(f"{error}; trying again")
        now = time.monotonic()
        for child in self._children:
            if child.process is None:
                if now >= child.due:
                    self._start(child)
            elif (code := child.process.poll()) is not None:
                self._ended(child, code, now)

    def _ended(self, child: Child, code: int, now: float) -> None:
        lasted = now - child.started
        child.pause = 0.1 if lasted > HEALTHY_SECONDS else min(child.pause * 2 + 0.1, LONGEST_PAUSE)
        child.due = now + child.pause
        child.process = None
        _say(f"{child.name} has ended with {code}; starting it again in {child.pause:.1f} s")

    def _start(self, child: Child) -> None:
        child.started = time.monotonic()
        child.process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "fhir_server.cli.main", *child.arguments, *self._tie],
            env=self._environment,
            pass_fds=(self._lifeline,),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _stop(self) -> None:
        running = [child.process for child in self._children if child.process is not None]
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        os.close(self._held)
        os.close(self._lifeline)
        if self._database is not None:
            self._database.stop()


def reserve(host: str, port: int) -> socket.socket:
    """A socket that holds the port without listening, so that workers can share it.

    Raises OSError when another program has it.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    if port:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    return shared_socket(host, port)


def shared_socket(host: str, port: int) -> socket.socket:
    """A bound socket on a port that several workers share; the kernel spreads connections."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind((host, port))
    return bound


def _say(text: str) -> None:
    sys.stderr.write(f"hestia: {text}\n")
