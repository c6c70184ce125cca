"""Request ids, access log, metrics, failures, tenants: what surrounds an interaction.

https://hl7.org/fhir/R4/http.html#custom
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from httpx import AsyncClient

    from fhir_server.rest.asgi import Access

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
P1 = {"resourceType": "Patient", "id": "p1"}


async def test_every_answer_has_a_request_id(fhir: AsyncClient) -> None:
    ids = {(await fhir.get(path)).headers["x-request-id"] for path in ("metadata", "foo", "Foo/1")}
    assert len(ids) == 3
    assert all(UUID7.fullmatch(id) for id in ids)


async def test_the_clients_request_id_comes_back_as_correlation_id(fhir: AsyncClient) -> None:
    answer = await fhir.get("metadata", headers={"X-Request-Id": "theirs-1"})
    assert answer.headers["x-correlation-id"] == "theirs-1"
    assert UUID7.fullmatch(answer.headers["x-request-id"])


async def test_a_request_id_that_is_no_token_is_not_echoed(fhir: AsyncClient) -> None:
    answer = await fhir.get("metadata", headers={"X-Request-Id": "a b\tc"})
    assert "x-correlation-id" not in answer.headers


async def test_header_lines_of_the_same_name_are_one_list(fhir: AsyncClient) -> None:
    await fhir.put("Patient/p1", json=P1)
    lines = [("If-Match", 'W/"1"'), ("If-Match", 'W/"9"')]
    assert (await fhir.put("Patient/p1", json=P1, headers=lines)).status_code == 200


async def test_each_request_is_logged_once_without_ids_or_values(
    connect: Callable[..., AsyncClient],
) -> None:
    lines: list[Access] = []
    fhir = connect(log=lines.append)
    await fhir.put("Patient/p1", json=P1)
    await fhir.get("Patient?family=Secret")
    await fhir.get("Patient/unknown")
    seen = [(x.method, x.interaction, x.type, x.status, x.tenant) for x in lines]
    assert seen == [
        ("PUT", "update", "Patient", 201, "default"),
        ("GET", "search-type", "Patient", 200, "default"),
        ("GET", "read", "Patient", 404, "default"),
    ]
    assert "Secret" not in repr(lines)
    assert "p1" not in repr(lines)


async def test_metrics_are_told_the_interaction_status_and_time(
    connect: Callable[..., AsyncClient],
) -> None:
    told: list[tuple[str, int, float]] = []

    def observe(interaction: str, status: int, seconds: float) -> None:
        told.append((interaction, status, seconds))

    fhir = connect(observe=observe)
    await fhir.get("Patient/p1")
    await fhir.get("nowhere/at/all")
    assert [values[:2] for values in told] == [("read", 404), ("unknown", 404)]
    assert all(0 <= seconds < 60 for _, _, seconds in told)


async def test_an_unexpected_failure_is_500_and_tells_nothing_of_the_data(
    connect: Callable[..., AsyncClient],
) -> None:
    lines: list[Access] = []

    def broken(resource: Any, context: Any) -> Any:
        del context
        raise ZeroDivisionError(f"cannot handle {resource}")

    fhir = connect(validate=broken, log=lines.append)
    answer = await fhir.post("Patient", json=P1 | {"name": [{"family": "Secret"}]})
    assert answer.status_code == 500
    request_id = answer.headers["x-request-id"]
    assert request_id in answer.json()["issue"][0]["diagnostics"]
    assert "Secret" not in answer.text
    [line] = lines
    assert line.request_id == request_id
    assert "ZeroDivisionError" in line.fault
    assert "Secret" not in line.fault


async def test_tenants_see_their_own_resources_only(
    connect: Callable[..., AsyncClient],
) -> None:
    first, second = connect(), connect(tenant="second")
    await first.put("Patient/p1", json=P1)
    assert (await second.get("Patient/p1")).status_code == 404
    created = await second.put("Patient/p1", json=P1 | {"active": True})
    assert created.headers["location"] == "http://test/t/second/fhir/Patient/p1/_history/1"
    assert "active" not in (await first.get("Patient/p1")).json()
    assert len((await first.get("_history")).json()["entry"]) == 1
    assert len((await first.get("Patient")).json()["entry"]) == 1


@pytest.mark.parametrize("path", ["/t/nobody/fhir/Patient/p1", "/t/fhir", "/fhirx", "/t/default"])
async def test_what_is_no_service_base_is_404(fhir: AsyncClient, path: str) -> None:
    answer = await fhir.get(f"http://test{path}")
    assert answer.status_code == 404


async def test_reads_writes_and_refusals_are_audited_once_each(
    connect: Callable[..., AsyncClient],
) -> None:
    events: list[Any] = []
    fhir = connect(audit=events.append)
    await fhir.put("Patient/p1", json=P1)
    await fhir.get("Patient/p1")
    await fhir.get("Patient?family=Secret")
    await fhir.delete("Patient/p1")
    await fhir.get("Patient/p1")
    seen = [(e.interaction, e.type, e.id, e.vid, e.status) for e in events]
    assert seen == [
        ("update", "Patient", "p1", 1, 201),
        ("read", "Patient", "p1", 1, 200),
        ("search-type", "Patient", "", 0, 200),
        ("delete", "Patient", "p1", 2, 204),
        ("read", "Patient", "p1", 0, 410),
    ]
    assert events[2].query == ("family",)
    assert "Secret" not in repr(events)
