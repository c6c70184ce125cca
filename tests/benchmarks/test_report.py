"""Percentiles, wrk's result line, ratios, and where load may go."""

from __future__ import annotations

import io
import json
import os
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from benchmarks import processes, report
from benchmarks.driver import Driven
from benchmarks.limits import Limits
from benchmarks.measure import Row, medians, repetition
from benchmarks.options import parse_options
from benchmarks.outcome import ClientError, Outcome, parse_outcome
from benchmarks.percentiles import median, percentile
from benchmarks.processes import Process, Sample
from benchmarks.target import TargetError, parse_target, require_permission

if TYPE_CHECKING:
    from pathlib import Path

WRK = """Running 3s test @ http://127.0.0.1:8080
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.77ms    1.01ms  21.03ms   94.26%
  55123 requests in 3.00s, 71.21MB read
  Non-2xx or 3xx responses: 3
Requests/sec:  18366.13
RESULT {"requests":55123,"seconds":3.001241,"p50":1.6,"p95":2.9,"p99":5.1,"status":3,"broken":1,\
"wrong":2,"created":7,"deleted":5}
"""
OUTCOME = Outcome(1000, 2.0, 1.0, 2.0, 3.0, status=10, broken=0, wrong=0, created=0, deleted=0)
LIMITS = Limits({32: 4950.0}, select=9900.0, copy=990.0, postgres="18.4")


@pytest.mark.parametrize(
    ("percent", "expected"), [(50, 50.0), (95, 95.0), (99, 99.0), (100, 100.0), (0, 1.0)]
)
def test_percentile_is_the_nearest_rank(percent: float, expected: float) -> None:
    assert percentile([float(n) for n in range(1, 101)], percent) == expected


def test_percentile_of_nothing_is_nought_and_of_one_is_itself() -> None:
    assert percentile([], 99) == 0.0
    assert percentile([4.5], 50) == 4.5


def test_median_leaves_out_what_was_not_measured() -> None:
    assert median([3.0, None, 1.0, 2.0]) == 2.0
    assert median([None]) is None


def test_wrk_output_is_parsed() -> None:
    outcome = parse_outcome(WRK)
    assert (outcome.requests, outcome.good, outcome.failures) == (55123, 55118, 6)
    assert (outcome.seconds, outcome.p50, outcome.p99) == (3.001241, 1.6, 5.1)


def test_output_without_a_result_is_an_error() -> None:
    with pytest.raises(ClientError, match="printed no result"):
        parse_outcome("unable to connect")


def test_figures_are_per_unit_and_leave_failures_out() -> None:
    used = processes.Usage(python=0.99, postgres=0.495, busy=3.485, workers_mb=(120.0, 90.0))
    figures = repetition(Driven(OUTCOME, client_cpu=1.0), used, units=20)
    assert figures.rate == 9900
    assert figures.python_us == pytest.approx(50)
    assert figures.postgres_us == pytest.approx(25)
    assert figures.others == pytest.approx(0.5)
    assert figures.worker_mb == 120.0


def row(rate: float, unit: str = "requests", failures: int = 0) -> Row:
    figures = medians([repetition(Driven(OUTCOME, 1.0), None, 1)])
    changed = type(figures)(rate, figures.p50, figures.p95, figures.p99, figures.client_us)
    return Row("read", 32, unit, "select", changed, (rate, rate), 10, failures)


def run(*rows: Row) -> report.Run:
    return report.Run("2026-01-01T00:00:00", "c", "wrk", "t", {"commit": "abc"}, LIMITS, rows)


def test_ratios_to_hello_at_the_same_width_and_to_the_database() -> None:
    one = row(2475.0)
    assert run(one).of_hello(one) == 0.5
    assert run(one).of_limit(one) == 0.25
    resources = row(2475.0, unit="resources")
    assert run(resources).of_hello(resources) is None


def test_a_run_with_a_failed_answer_has_failed() -> None:
    assert not run(row(1.0)).failed
    assert run(row(1.0), row(1.0, failures=1)).failed


def test_comparison_shows_the_ratio_to_the_earlier_run(tmp_path: Path) -> None:
    old = json.loads(report.write_json(run(row(1000.0)), tmp_path).read_text())
    screen = io.StringIO()
    Console(file=screen, width=120).print(report.comparison(run(row(1500.0)), old))
    assert "1.50" in screen.getvalue()


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/fhir", "http://[::1]/fhir"])
def test_load_on_this_machine_is_allowed(url: str) -> None:
    require_permission(parse_target(url), owned=False)


def test_load_on_another_machine_is_refused_unless_owned() -> None:
    target = parse_target("https://192.0.2.7/fhir/")
    with pytest.raises(TargetError, match="--i-own-this-server"):
        require_permission(target, owned=False)
    require_permission(target, owned=True)
    assert target.base == "https://192.0.2.7:443/fhir"


def test_what_is_no_http_url_is_refused() -> None:
    with pytest.raises(TargetError):
        parse_target("ftp://127.0.0.1/")


def test_quick_shortens_a_run() -> None:
    options = parse_options(["--quick", "--only", "read,create", "--header", "X-Key: a:b"])
    assert (options.seconds, options.repeat, options.patients) == (1, 1, 20)
    assert options.only == ("read", "create")
    assert options.headers == (("X-Key", "a:b"),)


def test_cpu_is_split_between_python_and_postgres_since_the_first_sample() -> None:
    before = Sample({1: Process(1, 0, "python", 5.0, 80.0)}, busy=100.0)
    after = Sample(
        {
            1: Process(1, 0, "python", 5.0, 80.0),
            2: Process(2, 1, "python", 1.5, 120.0),
            3: Process(3, 1, "postgres", 0.5, 30.0),
        },
        busy=103.0,
    )
    used = processes.usage(before, after)
    assert (used.python, used.postgres, used.busy) == (1.5, 0.5, 3.0)
    assert used.workers_mb == (120.0,)


def test_this_process_is_in_its_own_tree() -> None:
    found = processes.sample([os.getpid()])
    assert found is not None
    assert found.processes[os.getpid()].rss_mb > 10
