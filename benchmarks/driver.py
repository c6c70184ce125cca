"""Runs a load client as a child process: wrk where it is installed, else our own."""

from __future__ import annotations

import math
import resource
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.outcome import ClientError, Outcome, parse_outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.client import Load

HINT = "wrk is not installed (Debian: apt-get install wrk): using the client of our own"
CYCLE = Path(__file__).with_name("cycle.lua")


@dataclass(frozen=True, slots=True)
class Driver:
    """A load client: `name` as reported, `wrk` the program, or None for our own."""

    name: str
    wrk: str | None

    def command(self, load: Load) -> Sequence[str]:
        """The command that runs the load; wrk knows whole seconds only."""
        if self.wrk is None:
            return (
                *(sys.executable, "-m", "benchmarks.client", load.url, str(load.script)),
                *("--connections", str(load.connections), "--seconds", str(load.seconds)),
                *("--start", str(load.start), "--expect", load.expect),
            )
        return (
            *(self.wrk, "-t1", f"-c{load.connections}", f"-d{math.ceil(load.seconds)}s"),
            *("--timeout", "30s", "-s", str(CYCLE), load.url, "--"),
            *(str(load.script), str(load.start), load.expect),
        )


@dataclass(frozen=True, slots=True)
class Driven:
    """An outcome and the CPU seconds that the client itself took."""

    outcome: Outcome
    client_cpu: float


def find_driver(choice: str) -> Driver:
    """The client for `auto`, `wrk` or `own`; ClientError when wrk is asked for and absent."""
    path = shutil.which("wrk")
    if choice == "own" or (choice == "auto" and path is None):
        return Driver("own client (asyncio on uvloop)", None)
    if path is None:
        raise ClientError("wrk is not installed (Debian: apt-get install wrk)")
    version = subprocess.run([path, "-v"], capture_output=True, text=True, check=False)  # noqa: S603
    return Driver(" ".join(version.stdout.split()[:2]) or "wrk", path)


def drive(driver: Driver, load: Load) -> Driven:
    """Run one load to its end; ClientError when the client fails or hangs."""
    before = _children_cpu()
    try:
        done = subprocess.run(  # noqa: S603
            driver.command(load),
            capture_output=True,
            text=True,
            check=False,
            timeout=load.seconds + 60,
        )
    except subprocess.TimeoutExpired as error:
        raise ClientError(f"{driver.name} did not end in time") from error
    if done.returncode != 0:
        raise ClientError(f"{driver.name} failed: {(done.stderr or done.stdout)[-500:]}")
    return Driven(parse_outcome(done.stdout), _children_cpu() - before)


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
