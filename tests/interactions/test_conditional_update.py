"""https://hl7.org/fhir/R4/http.html#cond-update."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from httpx import AsyncClient

MRN = {"system": "urn:mrn", "value": "1"}
PATIENT = {"resourceType": "Patient", "identifier": [MRN]}
ADDRESS = "Patient?identifier=urn:mrn|1"


async def test_no_match_without_id_creates(fhir: AsyncClient) -> None:
    answer = await fhir.put(ADDRESS, json=PATIENT)
    assert answer.status_code == 201
    id = answer.json()["id"]
    assert answer.headers["location"] == f"http://test/fhir/Patient/{id}/_history/1"


async def test_no_match_with_id_is_an_update_as_create(fhir: AsyncClient) -> None:
    answer = await fhir.put(ADDRESS, json=PATIENT | {"id": "mine"})
    assert answer.status_code == 201
    assert answer.headers["location"] == "http://test/fhir/Patient/mine/_history/1"


async def test_no_match_with_the_id_of_another_resource_is_409(fhir: AsyncClient) -> None:
    await fhir.put("Patient/mine", json={"resourceType": "Patient", "id": "mine"})
    answer = await fhir.put(ADDRESS, json=PATIENT | {"id": "mine"})
    assert answer.status_code == 409
    assert (await fhir.get("Patient/mine")).headers["etag"] == 'W/"1"'


@pytest.mark.parametrize("id", [{}, {"id": "p1"}], ids=["without id", "with its id"])
async def test_one_match_is_updated(fhir: AsyncClient, id: dict[str, str]) -> None:
    await fhir.put("Patient/p1", json=PATIENT | {"id": "p1"})
    answer = await fhir.put(ADDRESS, json=PATIENT | {"active": True} | id)
    assert answer.status_code == 200
    assert answer.headers["location"] == "http://test/fhir/Patient/p1/_history/2"
    assert (await fhir.get("Patient/p1")).json()["active"] is True


async def test_one_match_with_another_id_is_400(fhir: AsyncClient) -> None:
    await fhir.put("Patient/p1", json=PATIENT | {"id": "p1"})
    answer = await fhir.put(ADDRESS, json=PATIENT | {"id": "p2"})
    assert answer.status_code == 400


async def test_several_matches_are_412(fhir: AsyncClient) -> None:
    for id in ("p1", "p2"):
        await fhir.put(f"Patient/{id}", json=PATIENT | {"id": id})
    answer = await fhir.put(ADDRESS, json=PATIENT)
    assert answer.status_code == 412
    assert answer.json()["issue"][0]["code"] == "multiple-matches"


async def test_if_match_without_a_match_is_412_and_creates_nothing(fhir: AsyncClient) -> None:
    answer = await fhir.put(ADDRESS, json=PATIENT, headers={"If-Match": 'W/"1"'})
    assert answer.status_code == 412
    assert "entry" not in (await fhir.get("_history")).json()


async def test_if_match_holds_for_the_match(fhir: AsyncClient) -> None:
    await fhir.put("Patient/p1", json=PATIENT | {"id": "p1"})
    refused = await fhir.put(ADDRESS, json=PATIENT, headers={"If-Match": 'W/"4"'})
    assert refused.status_code == 412
    done = await fhir.put(ADDRESS, json=PATIENT, headers={"If-Match": 'W/"1"'})
    assert done.status_code == 200


@pytest.mark.parametrize(
    "query", ["", "?", "?_format=json", "?identifier=", "?shoe-size=44", "?_id=p1&identifier="]
)
async def test_without_criteria_that_can_be_searched_by_it_is_400(
    fhir: AsyncClient, query: str
) -> None:
    answer = await fhir.put(f"Patient{query}", json=PATIENT)
    assert answer.status_code == 400
