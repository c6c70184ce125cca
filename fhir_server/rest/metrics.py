"""Counts and latencies per interaction, summed over the workers of one machine.

https://prometheus.io/docs/instrumenting/exposition_formats/

A worker counts in plain lists, which costs less than a microsecond, and writes its numbers to a
file once a second; whoever is asked for /metrics adds up the files. The file of a worker that has
ended stays, so counters never fall.
"""

from __future__ import annotations

import json
import os
from bisect import bisect_left
from typing import TYPE_CHECKING, cast

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from prometheus_client.metrics_core import Metric

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds in seconds."""

_WIDTH = len(BUCKETS) + 2
"""Per interaction and status: requests per bucket (the last one open), then seconds in all."""


class Metrics:
    """The counters of one worker; ``folder`` is shared by the workers of the machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / f"{os.getpid()}.json"
        self._cells: dict[tuple[str, int], list[float]] = {}

    def observe(self, interaction: str, status: int, seconds: float) -> None:
        """Count one request."""
        cell = self._cells.get((interaction, status))
        if cell is None:
            cell = self._cells[interaction, status] = [0] * _WIDTH
        cell[bisect_left(BUCKETS, seconds)] += 1
        cell[-1] += seconds

    def write(self) -> None:
        """Put the numbers where the other workers find them."""
        self._folder.mkdir(parents=True, exist_ok=True)
        rows = [[*key, *cell] for key, cell in self._cells.items()]
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps({"memory": resident_memory(), "rows": rows}))
        fresh.replace(self._file)

    def exposition(self, gauges: Mapping[str, tuple[str, float]]) -> bytes:
        """All workers' numbers in Prometheus' text format; ``gauges``: name → (help, value)."""
        self.write()
        registry = CollectorRegistry()
        registry.register(_Collected(self._folder, gauges))
        return generate_latest(registry)


class _Collected:
    def __init__(self, folder: Path, gauges: Mapping[str, tuple[str, float]]) -> None:
        self._folder = folder
        self._gauges = gauges

    def collect(self) -> Iterable[Metric]:
        cells, memory = _sum(self._folder)
        requests = CounterMetricFamily(
            "hestia_requests", "FHIR requests.", labels=("interaction", "status")
        )
        seconds = HistogramMetricFamily(
            "hestia_request_seconds", "Time to answer.", labels=("interaction", "status")
        )
        for (interaction, status), cell in sorted(cells.items()):
            labels = (interaction, str(status))
            requests.add_metric(labels, sum(cell[:-1]))
            seconds.add_metric(labels, _cumulated(cell[:-1]), cell[-1])
        resident = GaugeMetricFamily(
            "hestia_worker_memory_bytes", "Resident memory of an API worker.", labels=("pid",)
        )
        for pid, size in memory:
            resident.add_metric((pid,), size)
        yield from (requests, seconds, resident)
        for name, (text, value) in self._gauges.items():
            yield GaugeMetricFamily(name, text, value=value)


def _sum(folder: Path) -> tuple[dict[tuple[str, int], list[float]], list[tuple[str, float]]]:
    cells: dict[tuple[str, int], list[float]] = {}
    memory: list[tuple[str, float]] = []
    for file in sorted(folder.glob("*.json")):
        numbers = json.loads(file.read_text())
        if _runs(int(file.stem)):
            memory.append((file.stem, float(numbers["memory"])))
        for interaction, status, *values in cast("list[list[float]]", numbers["rows"]):
            cell = cells.setdefault((str(interaction), int(status)), [0.0] * _WIDTH)
            for index, value in enumerate(values):
                cell[index] += value
    return cells, memory


def _cumulated(counts: Sequence[float]) -> list[tuple[str, float]]:
    total = 0.0
    buckets: list[tuple[str, float]] = []
    for bound, count in zip((*map(str, BUCKETS), "+Inf"), counts, strict=True):
        total += count
        buckets.append((bound, total))
    return buckets


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def resident_memory() -> int:
    """Bytes of resident memory of this process, 0 where the system does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - once a second
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
