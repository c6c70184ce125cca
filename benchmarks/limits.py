"""The limits of this machine, measured in the same run as the figures that are held to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.client import Load
from benchmarks.driver import drive
from benchmarks.percentiles import median
from benchmarks.postgres import cluster
from benchmarks.script import Request, raw_request, write_script
from benchmarks.served import hello
from benchmarks.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from benchmarks.driver import Driver
    from benchmarks.measure import Timing


@dataclass(frozen=True, slots=True)
class Limits:
    """Per second: hello by connections, prepared selects by 8 clients, rows by COPY."""

    hello: Mapping[int, float] = field(default_factory=dict[int, float])
    select: float | None = None
    copy: float | None = None
    postgres: str | None = None

    def of(self, name: str) -> float | None:
        """The database limit by its name."""
        return {"select": self.select, "copy": self.copy}[name]


def measure_limits(
    driver: Driver, timing: Timing, folder: Path, connections: Iterable[int], workers: int
) -> Limits:
    """Measure all limits while nothing else of ours runs."""
    answers = _hello(driver, timing, folder, connections, workers)
    with cluster() as database:
        database.prepare()
        database.selects_per_second(timing.warm)
        repeat = range(timing.repeat)
        return Limits(
            hello=answers,
            select=median(database.selects_per_second(timing.seconds) for _ in repeat),
            copy=median(database.copied_per_second() for _ in repeat),
            postgres=database.version(),
        )


def _hello(
    driver: Driver, timing: Timing, folder: Path, connections: Iterable[int], workers: int
) -> dict[int, float]:
    found: dict[int, float] = {}
    with hello(workers) as served:
        target = Target("http", "127.0.0.1", served.port, "")
        script = folder / "hello"
        write_script(script, [Request(raw_request(target, "GET", "/"))])
        for width in connections:
            drive(driver, Load(target.origin, script, width, timing.warm))
            load = Load(target.origin, script, width, timing.seconds)
            runs = [drive(driver, load).outcome for _ in range(timing.repeat)]
            found[width] = median(run.good / run.seconds for run in runs) or 0.0
    return found
