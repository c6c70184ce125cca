"""CPU and memory of process trees, from /proc; nothing is measured where there is no /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Process:
    """One process: CPU in seconds since its start, resident memory in MB."""

    pid: int
    parent: int
    name: str
    cpu: float
    rss_mb: float

    @property
    def is_postgres(self) -> bool:
        """Whether this is a PostgreSQL server process."""
        return self.name.startswith("postgres")


@dataclass(frozen=True, slots=True)
class Sample:
    """The processes under some roots at one moment, and the machine's busy CPU seconds."""

    processes: Mapping[int, Process]
    busy: float


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds between two samples, and resident MB of the API workers at the second."""

    python: float
    postgres: float
    busy: float
    workers_mb: tuple[float, ...]


def sample(roots: Iterable[int]) -> Sample | None:
    """The trees below the roots now; None without /proc."""
    if not (PROC / "stat").exists():
        return None
    everything = {process.pid: process for process in _all()}
    kept: dict[int, Process] = {}
    for root in roots:
        for process in everything.values():
            if root in _lineage(process, everything):
                kept[process.pid] = process
    return Sample(kept, _busy())


def usage(before: Sample, after: Sample) -> Usage:
    """What was used in between; an API worker is a Python process that did its share of work."""
    python: dict[int, float] = {}
    postgres = 0.0
    for pid, process in after.processes.items():
        used = process.cpu - (before.processes[pid].cpu if pid in before.processes else 0.0)
        if process.is_postgres:
            postgres += used
        else:
            python[pid] = used
    total = sum(python.values())
    workers = [pid for pid, used in python.items() if used > 0.1 * total]
    sizes = tuple(sorted((after.processes[pid].rss_mb for pid in workers), reverse=True))
    return Usage(total, postgres, after.busy - before.busy, sizes)


def _lineage(process: Process, everything: Mapping[int, Process]) -> list[int]:
    line = [process.pid]
    while (parent := everything.get(process.parent)) is not None and parent.pid not in line:
        line.append(parent.pid)
        process = parent
    return line


def _all() -> Iterable[Process]:
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                text = (entry / "stat").read_text()
            except OSError:  # it ended while we looked
                continue
            yield _parse(text)


def _parse(text: str) -> Process:
    """Fields by proc_pid_stat(5); the name stands in brackets and may hold anything."""
    pid, rest = text.split(" (", 1)
    name, numbers = rest.rsplit(") ", 1)
    fields = numbers.split()
    cpu = (int(fields[11]) + int(fields[12])) / TICKS
    return Process(int(pid), int(fields[1]), name, cpu, int(fields[21]) * PAGE / 1e6)


def _busy() -> float:
    """Seconds of work of all cores: user, nice, system, irq, softirq."""
    fields = [int(word) for word in (PROC / "stat").read_text().split("\n", 1)[0].split()[1:]]
    return sum(fields[i] for i in (0, 1, 2, 5, 6)) / TICKS
