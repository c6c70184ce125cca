"""https://hl7.org/fhir/R4/http.html#delete and #cdelete."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from httpx import AsyncClient

P1 = {"resourceType": "Patient", "id": "p1"}


async def test_a_delete_is_204_with_the_version_of_the_deletion(fhir: AsyncClient) -> None:
    await fhir.put("Patient/p1", json=P1)
    answer = await fhir.delete("Patient/p1")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["etag"] == 'W/"2"'


async def test_a_deleted_resource_is_no_longer_found_by_search(fhir: AsyncClient) -> None:
    await fhir.put("Patient/p1", json=P1 | {"active": True})
    await fhir.delete("Patient/p1")
    assert "entry" not in (await fhir.get("Patient?active=true")).json()


async def test_deleting_again_has_no_effect(fhir: AsyncClient) -> None:
    await fhir.put("Patient/p1", json=P1)
    await fhir.delete("Patient/p1")
    answer = await fhir.delete("Patient/p1")
    assert (answer.status_code, answer.headers["etag"]) == (204, 'W/"2"')
    assert len((await fhir.get("Patient/p1/_history")).json()["entry"]) == 2


async def test_deleting_what_never_existed_is_204(fhir: AsyncClient) -> None:
    answer = await fhir.delete("Patient/p1")
    assert answer.status_code == 204
    assert "etag" not in answer.headers
    assert (await fhir.get("Patient/p1")).status_code == 404


async def test_history_and_past_versions_stay(fhir: AsyncClient) -> None:
    await fhir.put("Patient/p1", json=P1)
    await fhir.delete("Patient/p1")
    assert (await fhir.get("Patient/p1/_history/1")).status_code == 200
    assert len((await fhir.get("Patient/p1/_history")).json()["entry"]) == 2


@pytest.mark.parametrize(("tag", "status"), [('W/"1"', 204), ('W/"2"', 412)])
async def test_if_match(fhir: AsyncClient, tag: str, status: int) -> None:
    await fhir.put("Patient/p1", json=P1)
    answer = await fhir.delete("Patient/p1", headers={"If-Match": tag})
    assert answer.status_code == status


async def test_an_operation_outcome_is_sent_where_asked_for(fhir: AsyncClient) -> None:
    await fhir.put("Patient/p1", json=P1)
    answer = await fhir.delete("Patient/p1", headers={"Prefer": "return=OperationOutcome"})
    assert answer.status_code == 200
    assert answer.json()["resourceType"] == "OperationOutcome"


async def test_past_versions_cannot_be_deleted(fhir: AsyncClient) -> None:
    await fhir.put("Patient/p1", json=P1)
    assert (await fhir.delete("Patient/p1/_history/1")).status_code == 405


async def _two(fhir: AsyncClient) -> None:
    for id in ("p1", "p2"):
        body = {"resourceType": "Patient", "id": id, "active": True}
        await fhir.put(f"Patient/{id}", json=body)


async def test_a_conditional_delete_deletes_the_one_match(fhir: AsyncClient) -> None:
    await _two(fhir)
    answer = await fhir.delete("Patient?_id=p1")
    assert answer.status_code == 204
    assert (await fhir.get("Patient/p1")).status_code == 410
    assert (await fhir.get("Patient/p2")).status_code == 200


@pytest.mark.parametrize(("tag", "status"), [('W/"1"', 204), ('W/"2"', 412)])
async def test_if_match_holds_for_the_match_of_a_conditional_delete(
    fhir: AsyncClient, tag: str, status: int
) -> None:
    await _two(fhir)
    answer = await fhir.delete("Patient?_id=p1", headers={"If-Match": tag})
    assert answer.status_code == status


async def test_a_conditional_delete_without_match_is_204(fhir: AsyncClient) -> None:
    assert (await fhir.delete("Patient?_id=p1")).status_code == 204


async def test_a_conditional_delete_with_several_matches_is_412_and_deletes_nothing(
    fhir: AsyncClient,
) -> None:
    await _two(fhir)
    answer = await fhir.delete("Patient?active=true")
    assert answer.status_code == 412
    for id in ("p1", "p2"):
        assert (await fhir.get(f"Patient/{id}")).status_code == 200


async def test_several_matches_are_deleted_where_the_operator_allows_it(
    connect: Callable[..., AsyncClient],
) -> None:
    fhir = connect(conditional_delete_limit=2)
    await _two(fhir)
    assert (await fhir.delete("Patient?active=true")).status_code == 204
    for id in ("p1", "p2"):
        assert (await fhir.get(f"Patient/{id}")).status_code == 410


async def test_more_matches_than_the_operator_allows_are_412(
    connect: Callable[..., AsyncClient],
) -> None:
    fhir = connect(conditional_delete_limit=2)
    await _two(fhir)
    await fhir.put("Patient/p3", json={"resourceType": "Patient", "id": "p3", "active": True})
    assert (await fhir.delete("Patient?active=true")).status_code == 412
    assert (await fhir.get("Patient/p3")).status_code == 200


@pytest.mark.parametrize(
    "query", ["", "?", "?_format=json", "?shoe-size=44", "?_id=p1&active=", "?_id=p1&active=,"]
)
async def test_without_criteria_that_can_be_searched_by_it_is_400(
    fhir: AsyncClient, query: str
) -> None:
    assert (await fhir.delete(f"Patient{query}")).status_code == 400
