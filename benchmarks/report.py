"""The table on the screen, the JSON file, and the ratios between two runs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.limits import Limits
    from benchmarks.measure import Row


@dataclass(frozen=True, slots=True)
class Run:
    """Everything that a run found."""

    began: str
    command: str
    client: str
    target: str
    machine: dict[str, str | int | float]
    limits: Limits
    rows: Sequence[Row]

    @property
    def failed(self) -> bool:
        """Whether any answer was wrong."""
        return any(row.failures or row.problems for row in self.rows)

    def of_hello(self, row: Row) -> float | None:
        """Requests per second as a share of the bare hello at the same width."""
        bare = self.limits.hello.get(row.connections)
        return row.median.rate / bare if bare and row.unit == "requests" else None

    def of_limit(self, row: Row) -> float | None:
        """The rate as a share of the database limit that the workload is held against."""
        limit = self.limits.of(row.limit)
        return row.median.rate / limit if limit else None

    def as_json(self) -> dict[str, Any]:
        """The run with its ratios."""
        rows = [
            asdict(row) | {"of_hello": self.of_hello(row), "of_limit": self.of_limit(row)}
            for row in self.rows
        ]
        return asdict(self) | {"rows": rows, "failed": self.failed}


def write_json(run: Run, folder: Path) -> Path:
    """Write the run into the folder under the time it began."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{run.began.replace(':', '')}.json"
    path.write_text(json.dumps(run.as_json(), indent=1) + "\n")
    return path


def table(run: Run) -> Table:
    """Medians; CPU in microseconds per request or resource."""
    shown = Table(title=f"{run.target}, load by {run.client}")
    shown.add_column("workload")
    for name in ("conns", "rate/s", "p50 ms", "p95", "p99", "py us", "pg us", "client us"):
        shown.add_column(name, justify="right")
    for name in ("worker MB", "of hello", "of limit", "other cores", "errors"):
        shown.add_column(name, justify="right")
    for row in run.rows:
        figures = row.median
        limit = run.of_limit(row)
        shown.add_row(
            row.workload,
            str(row.connections),
            _figure(figures.rate),
            *(_figure(value) for value in (figures.p50, figures.p95, figures.p99)),
            _figure(figures.python_us),
            _figure(figures.postgres_us),
            _figure(figures.client_us),
            _figure(figures.worker_mb),
            _figure(run.of_hello(row)),
            "" if limit is None else f"{_figure(limit)} {row.limit}",
            _figure(figures.others),
            str(row.failures + len(row.problems)),
            style="red" if row.failures or row.problems else None,
        )
    return shown


def limits_table(limits: Limits) -> Table:
    """The limits that the shares refer to."""
    shown = Table(title="limits of this machine in this run")
    shown.add_column("limit")
    shown.add_column("per second", justify="right")
    for width, rate in limits.hello.items():
        shown.add_row(f"bare ASGI hello, {width} connections", _figure(rate))
    shown.add_row("pgbench, select by primary key, 8 clients", _figure(limits.select))
    shown.add_row("COPY of the same rows", _figure(limits.copy))
    return shown


def comparison(run: Run, old: dict[str, Any]) -> Table:
    """How this run's figures relate to an earlier run's; above 1 in rate is faster."""
    shown = Table(title=f"this run / {old['began']} ({old['machine']['commit']})")
    shown.add_column("workload")
    for name in ("conns", "rate", "p50", "p99", "py us", "pg us"):
        shown.add_column(name, justify="right")
    earlier = {(row["workload"], row["connections"]): row["median"] for row in old["rows"]}
    for row in run.rows:
        before = earlier.get((row.workload, row.connections))
        if before is None:
            continue
        now = asdict(row.median)
        names = ("rate", "p50", "p99", "python_us", "postgres_us")
        ratios = (_ratio(now[name], before[name]) for name in names)
        shown.add_row(row.workload, str(row.connections), *ratios)
    return shown


def _ratio(now: float | None, before: float | None) -> str:
    return f"{now / before:.2f}" if now is not None and before else ""


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
