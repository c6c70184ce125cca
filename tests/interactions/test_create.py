"""https://hl7.org/fhir/R4/http.html#create and #ccreate."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from httpx import AsyncClient

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
MRN = {"system": "urn:mrn", "value": "1"}


async def test_201_with_location_of_the_new_id_and_version(fhir: AsyncClient) -> None:
    answer = await fhir.post("Patient", json={"resourceType": "Patient"})
    assert answer.status_code == 201
    id = answer.json()["id"]
    assert answer.headers["location"] == f"http://test/fhir/Patient/{id}/_history/1"
    assert answer.headers["etag"] == 'W/"1"'
    assert answer.headers["last-modified"] == "Sat, 21 Nov 2026 08:00:00 GMT"


async def test_the_server_sets_id_version_and_last_updated(fhir: AsyncClient) -> None:
    answer = await fhir.post("Patient", json={"resourceType": "Patient", "active": True})
    body = answer.json()
    assert UUID7.fullmatch(body["id"])
    assert body["meta"] == {"versionId": "1", "lastUpdated": "2026-11-21T08:00:00.125Z"}
    assert (await fhir.get(f"Patient/{body['id']}")).json() == body


@pytest.mark.parametrize("id", ["mine", "not an id!"])
async def test_an_id_in_the_resource_is_ignored(fhir: AsyncClient, id: str) -> None:
    answer = await fhir.post("Patient", json={"resourceType": "Patient", "id": id})
    assert answer.status_code == 201
    assert answer.json()["id"] != id


async def test_version_and_last_updated_in_the_resource_are_ignored_the_rest_of_meta_is_kept(
    fhir: AsyncClient,
) -> None:
    meta = {
        "versionId": "9",
        "lastUpdated": "1999-01-01T00:00:00Z",
        "source": "urn:lab",
        "profile": ["http://example.org/p"],
        "security": [{"system": "urn:s", "code": "R"}],
        "tag": [{"system": "urn:t", "code": "a"}],
    }
    answer = await fhir.post("Patient", json={"resourceType": "Patient", "meta": meta})
    kept = {name: meta[name] for name in ("source", "profile", "security", "tag")}
    assert answer.json()["meta"] == kept | {
        "versionId": "1",
        "lastUpdated": "2026-11-21T08:00:00.125Z",
    }


async def test_a_resource_of_another_type_is_400(fhir: AsyncClient) -> None:
    answer = await fhir.post("Patient", json={"resourceType": "Practitioner"})
    assert answer.status_code == 400
    assert answer.json()["issue"][0]["expression"] == ["resourceType"]


async def test_a_resource_that_breaks_basic_rules_is_400_with_every_issue(
    fhir: AsyncClient,
) -> None:
    body = {"resourceType": "Patient", "birthDate": "yesterday", "shoeSize": 44}
    answer = await fhir.post("Patient", json=body)
    assert answer.status_code == 400
    places = [issue["expression"] for issue in answer.json()["issue"]]
    assert ["Patient.birthDate"] in places
    assert len(places) == 2


async def test_if_none_exist_without_match_creates(fhir: AsyncClient) -> None:
    answer = await fhir.post(
        "Patient",
        json={"resourceType": "Patient", "identifier": [MRN]},
        headers={"If-None-Exist": "identifier=urn:mrn|1"},
    )
    assert answer.status_code == 201
    assert "/_history/1" in answer.headers["location"]


async def test_if_none_exist_with_one_match_ignores_the_post_and_is_200_with_its_headers(
    fhir: AsyncClient,
) -> None:
    first = await fhir.post("Patient", json={"resourceType": "Patient", "identifier": [MRN]})
    answer = await fhir.post(
        "Patient",
        json={"resourceType": "Patient", "identifier": [MRN], "active": True},
        headers={"If-None-Exist": "identifier=urn:mrn|1"},
    )
    assert answer.status_code == 200
    assert answer.json() == first.json()
    assert answer.headers["location"] == first.headers["location"]
    assert answer.headers["etag"] == 'W/"1"'


async def test_if_none_exist_with_several_matches_is_412(fhir: AsyncClient) -> None:
    for _ in range(2):
        await fhir.post("Patient", json={"resourceType": "Patient", "identifier": [MRN]})
    answer = await fhir.post(
        "Patient",
        json={"resourceType": "Patient"},
        headers={"If-None-Exist": "identifier=urn:mrn|1"},
    )
    assert answer.status_code == 412
    assert answer.json()["issue"][0]["code"] == "multiple-matches"


@pytest.mark.parametrize("criteria", ["shoe-size=44", "", "?", "_format=json", "identifier="])
async def test_if_none_exist_that_is_no_search_is_400(fhir: AsyncClient, criteria: str) -> None:
    answer = await fhir.post(
        "Patient", json={"resourceType": "Patient"}, headers={"If-None-Exist": criteria}
    )
    assert answer.status_code == 400


async def test_a_deleted_resource_is_no_match(fhir: AsyncClient) -> None:
    first = await fhir.post("Patient", json={"resourceType": "Patient", "identifier": [MRN]})
    await fhir.delete(f"Patient/{first.json()['id']}")
    answer = await fhir.post(
        "Patient",
        json={"resourceType": "Patient", "identifier": [MRN]},
        headers={"If-None-Exist": "identifier=urn:mrn|1"},
    )
    assert answer.status_code == 201
