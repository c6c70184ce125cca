"""https://hl7.org/fhir/R4/http.html#ops."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from httpx import AsyncClient, Response

P1 = {"resourceType": "Patient", "id": "p1"}


async def _write(fhir: AsyncClient, kind: str, prefer: str) -> Response:
    headers = {"Prefer": prefer} if prefer else {}
    if kind == "create":
        return await fhir.post("Patient", json=P1, headers=headers)
    if kind == "update":
        return await fhir.put("Patient/p1", json=P1, headers=headers)
    await fhir.put("Patient/p1", json=P1)
    content = '[{"op":"add","path":"/active","value":true}]'
    headers |= {"Content-Type": "application/json-patch+json"}
    return await fhir.patch("Patient/p1", content=content, headers=headers)


@pytest.mark.parametrize("kind", ["create", "update", "patch"])
async def test_return_minimal_has_no_body_but_the_headers(fhir: AsyncClient, kind: str) -> None:
    answer = await _write(fhir, kind, "return=minimal")
    assert answer.is_success
    assert answer.content == b""
    assert "location" in answer.headers
    assert "content-location" not in answer.headers
    assert "etag" in answer.headers


@pytest.mark.parametrize("prefer", ["", "return=representation", "respond-async", "return=other"])
@pytest.mark.parametrize("kind", ["create", "update", "patch"])
async def test_return_representation_is_the_resource_and_the_default(
    fhir: AsyncClient, kind: str, prefer: str
) -> None:
    answer = await _write(fhir, kind, prefer)
    assert answer.json()["resourceType"] == "Patient"
    assert answer.headers["content-location"] == answer.headers["location"]


@pytest.mark.parametrize(
    "prefer", ["return=OperationOutcome", "handling=strict; return=OperationOutcome"]
)
@pytest.mark.parametrize("kind", ["create", "update", "patch"])
async def test_return_operation_outcome_is_an_outcome_without_errors(
    fhir: AsyncClient, kind: str, prefer: str
) -> None:
    answer = await _write(fhir, kind, prefer)
    assert answer.is_success
    body = answer.json()
    assert body["resourceType"] == "OperationOutcome"
    assert {issue["severity"] for issue in body["issue"]} <= {"information", "warning"}


async def test_a_failure_has_an_outcome_whatever_is_preferred(fhir: AsyncClient) -> None:
    headers = {"Prefer": "return=minimal"}
    answer = await fhir.put("Patient/p2", json=P1, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"
