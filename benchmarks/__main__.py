"""`python -m benchmarks`: load a FHIR server and hold the figures against this machine's limits."""

from __future__ import annotations

import json
import shlex
import sys
import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from benchmarks import dataset, machine, report
from benchmarks.api import Api, ApiError
from benchmarks.driver import HINT, find_driver
from benchmarks.limits import Limits, measure_limits
from benchmarks.measure import Runner, Timing
from benchmarks.options import Options, parse_options
from benchmarks.outcome import ClientError
from benchmarks.postgres import PostgresError
from benchmarks.served import SERVE, Served, ServeError, fhir_server
from benchmarks.table import WORKLOADS, Workload
from benchmarks.target import Target, TargetError, parse_target, require_permission

if TYPE_CHECKING:
    from collections.abc import Generator

    from benchmarks.driver import Driver

FAILURES = (
    *(ApiError, ClientError, PostgresError, ServeError, TargetError),
    *(dataset.SeedError, OSError),
)


def main() -> int:
    """Exit code 0, 1 when an answer was wrong or the run broke off, 2 for a wrong option."""
    options = parse_options()
    console = Console(stderr=False, width=None if sys.stdout.isatty() else 150)
    try:
        run = _run(options, console)
    except FAILURES as error:
        console.print(f"[red]{type(error).__name__}[/red]: {error}", highlight=False)
        return 1
    console.print(report.limits_table(run.limits))
    console.print(report.table(run))
    for row in run.rows:
        for problem in row.problems:
            console.print(f"[red]{row.workload} x{row.connections}[/red]: {problem}")
    if options.compare:
        console.print(report.comparison(run, json.loads(options.compare.read_text())))
    console.print(f"written to {report.write_json(run, options.output)}")
    return 1 if run.failed else 0


def _run(options: Options, console: Console) -> report.Run:
    workloads = _chosen(options)
    began = datetime.now(tz=UTC).isoformat(timespec="seconds")  # noqa: TID251
    driver = find_driver(options.client)
    if driver.wrk is None and options.client == "auto":
        console.print(f"[yellow]{HINT}[/yellow]")
    timing = Timing(options.seconds, options.repeat, options.warm)
    with tempfile.TemporaryDirectory(prefix="hestia-bench-") as folder, _target(options) as found:
        target, served = found
        limits = _limits(options, driver, timing, workloads, Path(folder))
        api = Api(target)
        try:
            console.print(f"seeding {options.patients} patients into {target.base}")
            stored = dataset.seed(api, options.patients)
            runner = Runner(target, driver, timing, Path(folder), api, stored, served)
            for workload in workloads:
                for width in workload.connections:
                    row = runner.run(workload, width)
                    console.print(f"{row.workload} x{width}: {row.median.rate:,.0f}/s")
        finally:
            api.close()
    return report.Run(
        began=began,
        command=shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]]),
        client=driver.name,
        target="another server" if options.url else f"this checkout, {options.workers} worker(s)",
        machine=machine.facts(limits.postgres),
        limits=limits,
        rows=runner.rows,
    )


def _chosen(options: Options) -> list[Workload]:
    names = [workload.name for workload in WORKLOADS]
    unknown = set(options.only) - set(names)
    if unknown:
        raise SystemExit(f"no workload {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    return [row for row in WORKLOADS if not options.only or row.name in options.only]


def _limits(
    options: Options, driver: Driver, timing: Timing, workloads: list[Workload], folder: Path
) -> Limits:
    if not options.limits:
        return Limits()
    widths = sorted({w for row in workloads if row.unit == "requests" for w in row.connections})
    return measure_limits(driver, timing, folder, widths, options.workers)


@contextmanager
def _target(options: Options) -> Generator[tuple[Target, Served | None]]:
    if options.url:
        target = parse_target(options.url, options.headers)
        require_permission(target, owned=options.owned)
        yield target, None
        return
    with tempfile.TemporaryDirectory(prefix="hestia-bench-home-") as home:
        command = options.server or SERVE
        settings = dict(options.settings)
        with fhir_server(Path(home), options.workers, command, settings) as served:
            yield Target("http", "127.0.0.1", served.port, "/fhir", options.headers), served


if __name__ == "__main__":
    raise SystemExit(main())
