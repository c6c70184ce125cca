"""The landing page, health and metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from fhir_server.rest.metrics import Metrics
from fhir_server.rest.pages import Status, pages

if TYPE_CHECKING:
    from pathlib import Path

GOOD = Status({"database": "ok"}, {"Patient": 1234, "Observation": 5000, "Claim": 0}, {"size": 1})
BAD = Status({"database": "connection <refused>"})


def client(folder: Path, status: Status, caller: str = "127.0.0.1") -> httpx.AsyncClient:
    async def ask() -> Status:
        return status

    app = pages(ask, Metrics(folder), version="1.2.3", origin="http://fhir.example")
    transport = httpx.ASGITransport(app, client=(caller, 1))
    return httpx.AsyncClient(transport=transport, base_url="http://fhir.example")


async def test_the_landing_page_shows_state_counts_and_links(tmp_path: Path):
    page = await client(tmp_path, GOOD).get("/")
    assert page.status_code == 200
    assert ">ready<" in page.text
    assert '<a href="/fhir/Patient">Patient</a></td><td>1,234' in page.text
    assert "Claim" not in page.text
    assert "<strong>6,234</strong>" in page.text
    assert page.text.index("Observation</a>") < page.text.index("Patient</a>")


async def test_the_landing_page_allows_no_script_and_escapes(tmp_path: Path):
    page = await client(tmp_path, BAD).get("/")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "<script" not in page.text
    assert "connection &lt;refused&gt;" in page.text


async def test_health_answers_whatever_the_database_does(tmp_path: Path):
    answer = await client(tmp_path, BAD).get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "up"})


@pytest.mark.parametrize(("status", "code"), [(GOOD, 200), (BAD, 503)], ids=["good", "bad"])
async def test_ready_says_whether_requests_can_be_answered(
    tmp_path: Path, status: Status, code: int
):
    answer = await client(tmp_path, status).get("/health/ready")
    assert answer.status_code == code
    assert answer.json()["checks"] == status.checks


@pytest.mark.parametrize("path", ["/health/detailed", "/metrics"])
@pytest.mark.parametrize(
    ("caller", "code"),
    [("127.0.0.1", 200), ("::1", 200), ("10.0.0.7", 403), ("testclient", 403)],
)
async def test_details_are_for_callers_on_this_machine(
    tmp_path: Path, path: str, caller: str, code: int
):
    answer = await client(tmp_path, GOOD, caller).get(path)
    assert answer.status_code == code


async def test_metrics_count_the_resources(tmp_path: Path):
    answer = await client(tmp_path, GOOD).get("/metrics")
    assert "hestia_resources 6234.0" in answer.text
