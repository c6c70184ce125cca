"""https://hl7.org/fhir/R4/http.html#vread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from httpx import AsyncClient


async def _three_versions(fhir: AsyncClient) -> None:
    for active in (True, False):
        body = {"resourceType": "Patient", "id": "p1", "active": active}
        assert (await fhir.put("Patient/p1", json=body)).is_success
    assert (await fhir.delete("Patient/p1")).status_code == 204


@pytest.mark.parametrize(("vid", "active"), [("1", True), ("2", False)])
async def test_the_resource_has_the_id_and_version_of_the_address(
    fhir: AsyncClient, vid: str, active: bool
) -> None:
    await _three_versions(fhir)
    answer = await fhir.get(f"Patient/p1/_history/{vid}")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["id"], body["meta"]["versionId"], body["active"]) == ("p1", vid, active)
    assert answer.headers["etag"] == f'W/"{vid}"'
    assert answer.headers["last-modified"] == "Sat, 21 Nov 2026 08:00:00 GMT"


async def test_a_version_that_is_a_deletion_is_410_gone(fhir: AsyncClient) -> None:
    await _three_versions(fhir)
    assert (await fhir.get("Patient/p1/_history/3")).status_code == 410


@pytest.mark.parametrize("vid", ["4", "0", "01", "x", "99999999999999999999"])
async def test_a_version_that_is_not_known_is_404(fhir: AsyncClient, vid: str) -> None:
    await _three_versions(fhir)
    assert (await fhir.get(f"Patient/p1/_history/{vid}")).status_code == 404


async def test_head_of_a_version_has_no_body(fhir: AsyncClient) -> None:
    await _three_versions(fhir)
    answer = await fhir.head("Patient/p1/_history/1")
    assert (answer.status_code, answer.content) == (200, b"")
