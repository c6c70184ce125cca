"""https://hl7.org/fhir/R4/http.html#update, #upsert and #concurrency."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from httpx import AsyncClient

P1 = {"resourceType": "Patient", "id": "p1"}


async def test_an_update_is_200_with_location_of_the_new_version(fhir: AsyncClient) -> None:
    await fhir.put("Patient/p1", json=P1)
    answer = await fhir.put("Patient/p1", json=P1 | {"active": True})
    assert answer.status_code == 200
    assert answer.headers["location"] == "http://test/fhir/Patient/p1/_history/2"
    assert answer.headers["etag"] == 'W/"2"'
    assert answer.headers["last-modified"] == "Sat, 21 Nov 2026 08:00:00 GMT"
    assert (await fhir.get("Patient/p1")).json()["active"] is True


async def test_update_as_create_is_201_with_location_at_the_address(fhir: AsyncClient) -> None:
    answer = await fhir.put("Patient/p1", json=P1)
    assert answer.status_code == 201
    assert answer.headers["location"] == "http://test/fhir/Patient/p1/_history/1"


async def test_a_resource_without_id_is_400(fhir: AsyncClient) -> None:
    answer = await fhir.put("Patient/p1", json={"resourceType": "Patient"})
    assert answer.status_code == 400
    assert answer.json()["issue"][0]["expression"] == ["Patient.id"]
    assert (await fhir.get("Patient/p1")).status_code == 404


async def test_an_id_other_than_that_of_the_address_is_400(fhir: AsyncClient) -> None:
    answer = await fhir.put("Patient/p1", json=P1 | {"id": "p2"})
    assert answer.status_code == 400
    assert answer.json()["issue"][0]["expression"] == ["Patient.id"]


async def test_a_resource_of_another_type_is_400(fhir: AsyncClient) -> None:
    answer = await fhir.put("Patient/p1", json={"resourceType": "Group", "id": "p1"})
    assert answer.status_code == 400


async def test_version_and_last_updated_in_the_resource_are_ignored(fhir: AsyncClient) -> None:
    meta = {"versionId": "44", "lastUpdated": "1999-01-01T00:00:00Z"}
    answer = await fhir.put("Patient/p1", json=P1 | {"meta": meta})
    assert answer.json()["meta"] == {
        "versionId": "1",
        "lastUpdated": "2026-11-21T08:00:00.125Z",
    }


async def test_other_metadata_is_replaced_as_submitted(fhir: AsyncClient) -> None:
    tag = {"system": "urn:t", "code": "a"}
    await fhir.put("Patient/p1", json=P1 | {"meta": {"tag": [tag], "source": "urn:a"}})
    answer = await fhir.put("Patient/p1", json=P1 | {"meta": {"source": "urn:b"}})
    meta = answer.json()["meta"]
    assert meta["source"] == "urn:b"
    assert "tag" not in meta


async def test_a_deleted_resource_is_brought_back_to_life_as_the_next_version(
    fhir: AsyncClient,
) -> None:
    await fhir.put("Patient/p1", json=P1)
    await fhir.delete("Patient/p1")
    answer = await fhir.put("Patient/p1", json=P1)
    assert answer.status_code == 201
    assert answer.headers["etag"] == 'W/"3"'


@pytest.mark.parametrize("tags", ['W/"1"', '"1"', 'W/"9", W/"1"', "*"])
async def test_if_match_with_the_current_version_updates(fhir: AsyncClient, tags: str) -> None:
    await fhir.put("Patient/p1", json=P1)
    answer = await fhir.put("Patient/p1", json=P1, headers={"If-Match": tags})
    assert (answer.status_code, answer.headers["etag"]) == (200, 'W/"2"')


@pytest.mark.parametrize("tags", ['W/"1"', 'W/"3"', 'W/"3", W/"4"', 'W/"abc"', 'W/"99999999999"'])
async def test_if_match_with_another_version_is_412_and_changes_nothing(
    fhir: AsyncClient, tags: str
) -> None:
    await fhir.put("Patient/p1", json=P1)
    await fhir.put("Patient/p1", json=P1)
    answer = await fhir.put("Patient/p1", json=P1 | {"active": True}, headers={"If-Match": tags})
    assert answer.status_code == 412
    assert "active" not in (await fhir.get("Patient/p1")).json()


@pytest.mark.parametrize("tags", ['W/"1"', "*"])
async def test_if_match_on_what_does_not_exist_is_412(fhir: AsyncClient, tags: str) -> None:
    answer = await fhir.put("Patient/p1", json=P1, headers={"If-Match": tags})
    assert answer.status_code == 412


@pytest.mark.parametrize("tags", ["1", "", 'W/"1" W/"2"', "W/1"])
async def test_if_match_that_is_no_list_of_tags_is_400(fhir: AsyncClient, tags: str) -> None:
    await fhir.put("Patient/p1", json=P1)
    answer = await fhir.put("Patient/p1", json=P1, headers={"If-Match": tags})
    assert answer.status_code == 400


async def test_if_none_match_any_creates_only(fhir: AsyncClient) -> None:
    headers = {"If-None-Match": "*"}
    assert (await fhir.put("Patient/p1", json=P1, headers=headers)).status_code == 201
    assert (await fhir.put("Patient/p1", json=P1, headers=headers)).status_code == 412


async def test_past_versions_cannot_be_updated(fhir: AsyncClient) -> None:
    await fhir.put("Patient/p1", json=P1)
    answer = await fhir.put("Patient/p1/_history/1", json=P1)
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize("id", ["p_1", "x" * 65])
async def test_an_address_with_what_cannot_be_an_id_is_404(fhir: AsyncClient, id: str) -> None:
    assert (await fhir.put(f"Patient/{id}", json=P1 | {"id": id})).status_code == 404


async def test_if_match_does_not_hold_for_what_is_deleted(fhir: AsyncClient) -> None:
    await fhir.put("Patient/p1", json={"resourceType": "Patient", "id": "p1"})
    await fhir.delete("Patient/p1")
    body = {"resourceType": "Patient", "id": "p1"}
    answer = await fhir.put("Patient/p1", json=body, headers={"If-Match": 'W/"2"'})
    assert answer.status_code == 412
    assert (await fhir.get("Patient/p1")).status_code == 410
