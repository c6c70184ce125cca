"""Runs one workload: warm-up, repetitions, medians, and whether the answers stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.api import ApiError
from benchmarks.client import Load
from benchmarks.dataset import SeedError
from benchmarks.driver import drive
from benchmarks.percentiles import median
from benchmarks.processes import usage
from benchmarks.script import write_script

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.api import Api
    from benchmarks.dataset import Dataset
    from benchmarks.driver import Driven, Driver
    from benchmarks.outcome import Outcome
    from benchmarks.processes import Usage
    from benchmarks.script import Script
    from benchmarks.served import Served
    from benchmarks.table import Workload
    from benchmarks.target import Target

STRIDE = 7919  # a prime: repetitions start at different places of the cycle


@dataclass(frozen=True, slots=True)
class Timing:
    """How long one repetition takes (whole seconds) and how many there are."""

    seconds: int
    repeat: int
    warm: int


@dataclass(frozen=True, slots=True)
class Repetition:
    """One timed run; CPU in microseconds per unit, latencies in milliseconds."""

    rate: float
    p50: float
    p95: float
    p99: float
    client_us: float
    python_us: float | None = None
    postgres_us: float | None = None
    others: float | None = None
    worker_mb: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A workload at one width: medians, failures, and what was wrong with the answers."""

    workload: str
    connections: int
    unit: str
    limit: str
    median: Repetition
    spread: tuple[float, float]
    requests: int
    failures: int
    problems: tuple[str, ...] = ()


@dataclass(slots=True)
class Runner:
    """What every workload of a run shares."""

    target: Target
    driver: Driver
    timing: Timing
    folder: Path
    api: Api
    dataset: Dataset
    served: Served | None = None
    rows: list[Row] = field(default_factory=list[Row])

    def run(self, workload: Workload, connections: int) -> Row:
        """Load the server with one workload and check what it answered."""
        script = workload.script(self.target, self.dataset)
        path = self.folder / "requests"
        write_script(path, script.requests)
        before = self._counts(script)
        outcomes: list[Outcome] = []
        repetitions: list[Repetition] = []
        for number in range(-1, self.timing.repeat):
            seconds = self.timing.warm if number < 0 else self.timing.seconds
            start = (number + 1) * STRIDE
            load = Load(self.target.origin, path, connections, seconds, start, script.expect)
            driven, used = self._drive(load)
            outcomes.append(driven.outcome)
            if number >= 0:
                repetitions.append(repetition(driven, used, script.units))
        problems = self._added(script, before, outcomes, connections)
        if not all(one.rate for one in repetitions):
            problems.append("no request was answered in time: take more --seconds")
        row = Row(
            workload.name,
            connections,
            workload.unit,
            workload.limit,
            medians(repetitions),
            (min(r.rate for r in repetitions), max(r.rate for r in repetitions)),
            sum(outcome.requests for outcome in outcomes),
            sum(outcome.failures for outcome in outcomes),
            (*problems, *self._checked(workload)),
        )
        self.rows.append(row)
        return row

    def _drive(self, load: Load) -> tuple[Driven, Usage | None]:
        before = self.served.sample() if self.served else None
        driven = drive(self.driver, load)
        after = self.served.sample() if self.served else None
        return driven, usage(before, after) if before and after else None

    def _counts(self, script: Script) -> int:
        return sum(self.api.count(type_) for type_ in script.counted)

    def _added(
        self, script: Script, before: int, outcomes: list[Outcome], connections: int
    ) -> list[str]:
        """Whether the server holds as many more resources as it acknowledged.

        Requests cut off at the end of a run may be stored without our having seen the answer:
        one per connection and run.
        """
        if not script.counted:
            return []
        cut_off = connections * len(outcomes) * max(script.added, 1)
        acknowledged = script.added * sum(outcome.good for outcome in outcomes)
        acknowledged += sum(outcome.created - outcome.deleted for outcome in outcomes)
        added = self._counts(script) - before
        slack = cut_off if acknowledged or added else 0
        low = acknowledged if script.added or not slack else acknowledged - cut_off
        if low <= added <= acknowledged + slack:
            return []
        return [f"{acknowledged} resources were acknowledged and {added} were added"]

    def _checked(self, workload: Workload) -> list[str]:
        try:
            return workload.check(self.api, self.dataset)
        except (ApiError, SeedError) as error:
            return [str(error)]


def repetition(driven: Driven, used: Usage | None, units: int) -> Repetition:
    """One run's figures per unit."""
    outcome = driven.outcome
    done = max(outcome.good, 1) * units
    rate = outcome.good * units / outcome.seconds
    client_us = 1e6 * driven.client_cpu / done
    times = (rate, outcome.p50, outcome.p95, outcome.p99, client_us)
    if used is None:
        return Repetition(*times)
    others = used.busy - used.python - used.postgres - driven.client_cpu
    return Repetition(
        *times,
        python_us=1e6 * used.python / done,
        postgres_us=1e6 * used.postgres / done,
        others=max(others, 0) / outcome.seconds,
        worker_mb=used.workers_mb[0] if used.workers_mb else None,
    )


def medians(repetitions: list[Repetition]) -> Repetition:
    """The median of each figure by itself."""

    def of(name: str) -> float | None:
        return median(getattr(one, name) for one in repetitions)

    return Repetition(
        of("rate") or 0.0,
        of("p50") or 0.0,
        of("p95") or 0.0,
        of("p99") or 0.0,
        of("client_us") or 0.0,
        of("python_us"),
        of("postgres_us"),
        of("others"),
        of("worker_mb"),
    )
