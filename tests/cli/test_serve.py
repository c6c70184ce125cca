"""hestia serve: one command starts everything, keeps it running and ends it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.sync_api import sync_playwright

from conformance.installation import Installation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="module")
def server() -> Iterator[Installation]:
    with Installation(workers="2") as running:
        yield running


def children(pid: int) -> dict[int, str]:
    """Process id to command line of a process's children."""
    found: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(parent) == pid:
                found[int(entry.name)] = line
    return found


def workers(server: Installation) -> list[int]:
    return [pid for pid, line in children(server.pid).items() if " api " in line]


def wait_until(holds: Callable[[], bool], *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_the_server_answers_fhir_and_pages(server: Installation):
    assert httpx.get(f"{server.url}/metadata").json()["resourceType"] == "CapabilityStatement"
    assert "Hestia" in httpx.get(server.origin).text
    assert httpx.get(f"{server.origin}/metrics").status_code == 200


def test_a_person_finds_state_counts_and_a_way_to_the_data(server: Installation):
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    assert executable, "a browser is missing: .ci/prepare installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox", "--disable-background-networking"]
        )
        page = browser.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(server.origin)
        assert page.get_by_role("heading", name="Hestia").is_visible()
        assert page.get_by_role("status").inner_text() == "ready"
        style = "getComputedStyle(document.querySelector('header')).display"
        assert page.evaluate(style) == "flex"  # the style sheet is there: CSP lets it through
        page.get_by_role("link", name="/fhir/metadata").click()
        assert "CapabilityStatement" in page.content()
        assert complaints == []
        browser.close()


def test_what_is_written_is_read_from_every_worker(server: Installation):
    created = httpx.post(
        f"{server.url}/Patient",
        json={"resourceType": "Patient", "name": [{"family": "Shared"}]},
        headers={"Content-Type": "application/fhir+json"},
    )
    assert created.status_code == 201
    for _ in range(20):
        assert httpx.get(created.headers["location"]).status_code == 200


def test_a_killed_worker_is_started_again(server: Installation):
    before = workers(server)
    assert len(before) == 2
    os.kill(before[0], signal.SIGKILL)
    wait_until(lambda: len(workers(server)) == 2 and before[0] not in workers(server))
    wait_until(lambda: httpx.get(f"{server.origin}/health/ready").status_code == 200)


def test_a_killed_database_is_started_again(server: Installation):
    postmaster = int((server.home / "postgres" / "postmaster.pid").read_text().split()[0])
    os.kill(postmaster, signal.SIGKILL)
    wait_until(lambda: _created(server), seconds=60)


def _created(server: Installation) -> bool:
    answer = httpx.post(
        f"{server.url}/Basic",
        json={"resourceType": "Basic", "code": {"text": "x"}},
        headers={"Content-Type": "application/fhir+json"},
        timeout=30,
    )
    assert answer.status_code in {201, 503}
    return answer.status_code == 201


def test_a_second_server_on_the_same_home_is_refused(server: Installation):
    done = run(server, "serve", HESTIA_PORT="0")
    assert done.returncode == 1
    assert f"already runs on {server.home}" in " ".join(done.stderr.split())


def test_a_taken_port_is_named(server: Installation, tmp_path: Path):
    done = run(server, "serve", HESTIA_HOME=str(tmp_path))
    assert done.returncode == 1
    assert f"Port {server.port}" in done.stderr
    assert "HESTIA_PORT" in done.stderr


def test_an_option_that_does_not_exist_refuses_to_start(server: Installation):
    done = run(server, "serve", HESTIA_PROT="1")
    assert done.returncode == 1
    assert "HESTIA_PROT" in done.stderr


def test_doctor_finds_nothing_wrong_with_a_running_server(server: Installation):
    wait_until(lambda: httpx.get(f"{server.origin}/health/ready").status_code == 200)
    done = run(server, "doctor", "--json")
    findings = json.loads(done.stdout)
    assert [finding for finding in findings if finding["remedy"]] == []
    assert done.returncode == 0
    assert {"settings", "key", "schema", "consumers", "server"} <= {f["name"] for f in findings}


def test_doctor_says_what_to_do_about_a_foreign_key(server: Installation):
    done = run(server, "doctor", "--json", HESTIA_KEY="another key of more than 32 characters")
    wrong = [finding for finding in json.loads(done.stdout) if finding["remedy"]]
    assert [finding["name"] for finding in wrong] == ["key"]
    assert done.returncode == 1


def test_doctor_says_that_nothing_runs(server: Installation, tmp_path: Path):
    done = run(server, "doctor", "--json", HESTIA_HOME=str(tmp_path))
    wrong = {finding["name"]: finding["remedy"] for finding in json.loads(done.stdout)}
    assert wrong["database"] == "Run `hestia serve`"
    assert done.returncode == 1


def run(server: Installation, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        server.command(*arguments),
        env=server.environment | changes,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_it_ends_whole_and_starts_again_with_its_data():
    """Also when the supervisor is killed: its workers end, and the next start finds all."""
    server = Installation(workers="1")
    try:
        server.start()
        created = httpx.post(
            f"{server.url}/Patient",
            json={"resourceType": "Patient"},
            headers={"Content-Type": "application/fhir+json"},
        )
        pids = list(children(server.pid))
        os.kill(server.pid, signal.SIGKILL)
        wait_until(lambda: not [pid for pid in pids if _alive(pid)])
        server.stop()
        server.start()
        assert httpx.get(created.headers["location"]).status_code == 200
        pids = [server.pid, *children(server.pid)]
        server.stop()
        assert not [pid for pid in pids if _alive(pid)]
        assert not (server.home / "postgres" / "postmaster.pid").exists()
    finally:
        server.stop()
        shutil.rmtree(server.home)


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
