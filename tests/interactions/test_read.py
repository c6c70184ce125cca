"""https://hl7.org/fhir/R4/http.html#read and #cread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from httpx import AsyncClient


async def test_the_returned_resource_has_the_id_of_the_address(fhir: AsyncClient) -> None:
    await fhir.put("Patient/p1", json={"resourceType": "Patient", "id": "p1"})
    answer = await fhir.get("Patient/p1")
    assert answer.status_code == 200
    assert answer.json()["id"] == "p1"


async def test_etag_is_the_version_and_last_modified_is_meta_last_updated(
    fhir: AsyncClient,
) -> None:
    await fhir.put("Patient/p1", json={"resourceType": "Patient", "id": "p1"})
    answer = await fhir.get("Patient/p1")
    assert answer.headers["etag"] == 'W/"1"'
    assert answer.json()["meta"] == {
        "versionId": "1",
        "lastUpdated": "2026-11-21T08:00:00.125Z",
    }
    assert answer.headers["last-modified"] == "Sat, 21 Nov 2026 08:00:00 GMT"


async def test_an_unknown_resource_is_404_not_found(fhir: AsyncClient) -> None:
    answer = await fhir.get("Patient/nobody")
    assert answer.status_code == 404
    assert answer.json()["issue"][0]["code"] == "not-found"


async def test_a_deleted_resource_is_410_gone_with_the_version_of_the_deletion(
    fhir: AsyncClient,
) -> None:
    await fhir.put("Patient/p1", json={"resourceType": "Patient", "id": "p1"})
    await fhir.delete("Patient/p1")
    answer = await fhir.get("Patient/p1")
    assert answer.status_code == 410
    assert answer.headers["etag"] == 'W/"2"'
    assert answer.json()["issue"][0]["code"] == "deleted"


async def test_an_unknown_type_is_404(fhir: AsyncClient) -> None:
    answer = await fhir.get("Patients/p1")
    assert answer.status_code == 404
    assert answer.json()["issue"][0]["code"] == "not-supported"


async def test_parameters_has_no_endpoint(fhir: AsyncClient) -> None:
    assert (await fhir.get("Parameters/p1")).status_code == 404


@pytest.mark.parametrize("path", ["Patient/p1/", "Patient/p1"])
async def test_a_trailing_slash_makes_no_difference(fhir: AsyncClient, path: str) -> None:
    await fhir.put("Patient/p1", json={"resourceType": "Patient", "id": "p1"})
    assert (await fhir.get(path)).status_code == 200


async def test_ids_are_case_sensitive(fhir: AsyncClient) -> None:
    await fhir.put("Patient/abc", json={"resourceType": "Patient", "id": "abc"})
    assert (await fhir.get("Patient/ABC")).status_code == 404


@pytest.mark.parametrize(
    "name",
    ["p_1", "p%201", "x" * 65, "p%00", "%F0%9F%98%80"],
    ids=["underscore", "space", "65-characters", "nul", "emoji"],
)
async def test_what_cannot_be_an_id_is_404(fhir: AsyncClient, name: str) -> None:
    assert (await fhir.get(f"Patient/{name}")).status_code == 404


@pytest.mark.parametrize("tags", ['W/"1"', '"1"', 'W/"7", W/"1"', "*"])
async def test_if_none_match_with_the_current_version_is_304_without_body(
    fhir: AsyncClient, tags: str
) -> None:
    await fhir.put("Patient/p1", json={"resourceType": "Patient", "id": "p1"})
    answer = await fhir.get("Patient/p1", headers={"If-None-Match": tags})
    assert answer.status_code == 304
    assert answer.content == b""
    assert answer.headers["etag"] == 'W/"1"'


async def test_if_none_match_with_another_version_is_the_resource(fhir: AsyncClient) -> None:
    await fhir.put("Patient/p1", json={"resourceType": "Patient", "id": "p1"})
    answer = await fhir.get("Patient/p1", headers={"If-None-Match": 'W/"2"'})
    assert answer.status_code == 200


async def test_if_none_match_that_is_no_list_of_tags_is_400(fhir: AsyncClient) -> None:
    await fhir.put("Patient/p1", json={"resourceType": "Patient", "id": "p1"})
    answer = await fhir.get("Patient/p1", headers={"If-None-Match": "1"})
    assert answer.status_code == 400
    assert "If-None-Match" in answer.json()["issue"][0]["diagnostics"]


@pytest.mark.parametrize(
    ("since", "status"),
    [
        ("Sat, 21 Nov 2026 08:00:00 GMT", 304),
        ("Sat, 21 Nov 2026 08:00:01 GMT", 304),
        ("Sat, 21 Nov 2026 07:59:59 GMT", 200),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 304),
        ("not a date", 200),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 200),
        ("31 Dec 99999999999 00:00:00 GMT", 200),
    ],
    ids=["same second", "later", "earlier", "last of all", "no date", "overflow", "huge year"],
)
async def test_if_modified_since(fhir: AsyncClient, since: str, status: int) -> None:
    await fhir.put("Patient/p1", json={"resourceType": "Patient", "id": "p1"})
    answer = await fhir.get("Patient/p1", headers={"If-Modified-Since": since})
    assert answer.status_code == status


async def test_if_none_match_goes_before_if_modified_since(fhir: AsyncClient) -> None:
    await fhir.put("Patient/p1", json={"resourceType": "Patient", "id": "p1"})
    headers = {"If-None-Match": 'W/"9"', "If-Modified-Since": "Sat, 21 Nov 2026 09:00:00 GMT"}
    assert (await fhir.get("Patient/p1", headers=headers)).status_code == 200


async def test_head_is_a_get_without_body(fhir: AsyncClient) -> None:
    await fhir.put("Patient/p1", json={"resourceType": "Patient", "id": "p1"})
    whole = await fhir.get("Patient/p1")
    answer = await fhir.head("Patient/p1")
    assert answer.status_code == 200
    assert answer.content == b""
    for name in ("etag", "last-modified", "content-type", "content-length"):
        assert answer.headers[name] == whole.headers[name]
    assert (await fhir.head("Patient/nobody")).status_code == 404


@pytest.mark.parametrize("number", ["1.00", "1E-22", "1e2", "-0.0", "0.00000001", "12345.678900"])
async def test_a_decimal_comes_back_as_sent(fhir: AsyncClient, number: str) -> None:
    body = (
        '{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"x"},'
        '"valueQuantity":{"value":' + number + "}}"
    )
    headers = {"Content-Type": "application/fhir+json"}
    assert (await fhir.put("Observation/o1", content=body, headers=headers)).status_code == 201
    text = (await fhir.get("Observation/o1")).text.replace(" ", "")
    assert f'"value":{number}' in text
