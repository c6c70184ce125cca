"""Both load clients on a real socket: what they count is what the server did."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from benchmarks.client import Load
from benchmarks.driver import drive
from benchmarks.outcome import ClientError
from benchmarks.script import Request, raw_request, write_script
from benchmarks.served import ServeError, fhir_server
from benchmarks.table import WORKLOADS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.measure import Row, Runner

BY_NAME = {workload.name: workload for workload in WORKLOADS}


def problems(row: Row) -> str:
    return "; ".join(row.problems)


@pytest.mark.parametrize("name", ["mixed", "transaction-20"])
def test_answers_are_counted_and_stored_counts_agree(
    start: Callable[..., Runner], client: str, name: str
) -> None:
    row = start(client).run(BY_NAME[name], 4)
    assert (row.failures, problems(row)) == (0, "")
    assert row.requests > 50
    assert row.median.rate > 50
    assert 0 < row.median.p50 <= row.median.p95 <= row.median.p99
    assert row.median.python_us


def test_creates_that_were_acknowledged_and_lost_fail_the_run(
    start: Callable[..., Runner], client: str
) -> None:
    row = start(client, "lost").run(BY_NAME["create"], 4)
    assert "were acknowledged and" in problems(row)


def test_reads_that_come_back_changed_fail_the_run(
    start: Callable[..., Runner], client: str
) -> None:
    row = start(client, "value").run(BY_NAME["read"], 4)
    assert row.failures == 0
    assert "came back with other status" in problems(row)


def test_error_answers_are_counted_as_failures(start: Callable[..., Runner], client: str) -> None:
    runner = start(client, "status")
    path = runner.folder / "reads"
    script = BY_NAME["read"].script(runner.target, runner.dataset)
    write_script(path, script.requests)
    outcome = drive(runner.driver, Load(runner.target.origin, path, 4, 1)).outcome
    assert outcome.status == pytest.approx(outcome.requests / 10, abs=6)
    assert outcome.good == outcome.requests - outcome.status


def test_connections_cut_off_are_counted_as_failures(
    start: Callable[..., Runner], client: str
) -> None:
    runner = start(client, "hangup")
    path = runner.folder / "reads"
    write_script(path, BY_NAME["read"].script(runner.target, runner.dataset).requests)
    outcome = drive(runner.driver, Load(runner.target.origin, path, 4, 1)).outcome
    assert outcome.failures > 0


def test_answers_without_what_they_must_hold_are_counted_as_failures(
    start: Callable[..., Runner], client: str
) -> None:
    runner = start(client)
    path = runner.folder / "metadata"
    write_script(path, [Request(raw_request(runner.target, "GET", "/metadata"))])
    load = Load(runner.target.origin, path, 2, 1, expect="transaction-response")
    outcome = drive(runner.driver, load).outcome
    assert outcome.wrong == outcome.requests > 0


def test_chunked_answers_are_read(start: Callable[..., Runner], client: str) -> None:
    row = start(client, "chunked").run(BY_NAME["search"], 4)
    assert (row.failures, problems(row)) == (0, "")


def test_nobody_listening_is_an_error(start: Callable[..., Runner], client: str) -> None:
    runner = start(client)
    path = runner.folder / "metadata"
    write_script(path, [Request(raw_request(runner.target, "GET", "/metadata"))])
    with pytest.raises(ClientError, match="unable to connect"):
        drive(runner.driver, Load("http://127.0.0.1:1", path, 2, 1))


def test_a_server_that_does_not_come_up_shows_what_it_said(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "raise SystemExit('no database')")
    with pytest.raises(ServeError, match="no database"), fhir_server(tmp_path, 1, command):
        pytest.fail("it came up")


def test_settings_of_the_shell_do_not_reach_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HESTIA_DATABASE_URL", "postgresql://precious")
    command = (sys.executable, "-c", "import os; raise SystemExit(sorted(os.environ))")
    with pytest.raises(ServeError) as caught, fhir_server(tmp_path, 1, command):
        pytest.fail("it came up")
    assert "HESTIA_PORT" in str(caught.value)
    assert "HESTIA_DATABASE_URL" not in str(caught.value)
