"""Many clients at one resource: https://hl7.org/fhir/R4/http.html#concurrency."""

from __future__ import annotations

import json
from asyncio import gather
from collections import Counter
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from httpx import AsyncClient

P1 = {"resourceType": "Patient", "id": "p1"}
MRN = {"system": "urn:mrn", "value": "1"}
CLIENTS = 8


async def test_of_updates_from_the_same_version_one_is_done(fhir: AsyncClient) -> None:
    await fhir.put("Patient/p1", json=P1)
    headers = {"If-Match": 'W/"1"'}
    answers = await gather(
        *(fhir.put("Patient/p1", json=P1, headers=headers) for _ in range(CLIENTS))
    )
    assert Counter(a.status_code for a in answers) == {200: 1, 412: CLIENTS - 1}
    assert (await fhir.get("Patient/p1")).headers["etag"] == 'W/"2"'


async def test_of_updates_as_create_one_creates(fhir: AsyncClient) -> None:
    answers = await gather(*(fhir.put("Patient/p1", json=P1) for _ in range(CLIENTS)))
    assert Counter(a.status_code for a in answers) == {201: 1, 200: CLIENTS - 1}
    versions = sorted(int(a.headers["etag"][3:-1]) for a in answers)
    assert versions == list(range(1, CLIENTS + 1))


async def test_of_conditional_creates_one_creates(fhir: AsyncClient) -> None:
    headers = {"If-None-Exist": "identifier=urn:mrn|1"}
    body = {"resourceType": "Patient", "identifier": [MRN]}
    answers = await gather(
        *(fhir.post("Patient", json=body, headers=headers) for _ in range(CLIENTS))
    )
    assert Counter(a.status_code for a in answers) == {201: 1, 200: CLIENTS - 1}
    assert len({a.json()["id"] for a in answers}) == 1


async def test_of_conditional_updates_one_creates(fhir: AsyncClient) -> None:
    body = {"resourceType": "Patient", "identifier": [MRN]}
    address = "Patient?identifier=urn:mrn|1"
    answers = await gather(*(fhir.put(address, json=body) for _ in range(CLIENTS)))
    assert Counter(a.status_code for a in answers) == {201: 1, 200: CLIENTS - 1}


async def test_no_patch_is_lost(connect: Callable[..., AsyncClient]) -> None:
    fhir = connect(attempts=CLIENTS + 1)
    await fhir.put("Patient/p1", json=P1 | {"name": [{"family": "x"}]})
    headers = {"Content-Type": "application/json-patch+json"}

    async def add(number: int) -> int:
        operation = {"op": "add", "path": "/name/-", "value": {"family": str(number)}}
        content = json.dumps([operation])
        return (await fhir.patch("Patient/p1", content=content, headers=headers)).status_code

    assert set(await gather(*map(add, range(CLIENTS)))) == {200}
    names = [name["family"] for name in (await fhir.get("Patient/p1")).json()["name"]]
    assert sorted(names) == sorted(["x", *map(str, range(CLIENTS))])


async def test_a_patch_with_if_match_is_not_tried_again(fhir: AsyncClient) -> None:
    await fhir.put("Patient/p1", json=P1)
    headers = {"Content-Type": "application/json-patch+json", "If-Match": 'W/"1"'}
    content = '[{"op":"add","path":"/active","value":true}]'
    answers = await gather(
        *(fhir.patch("Patient/p1", content=content, headers=headers) for _ in range(CLIENTS))
    )
    assert Counter(a.status_code for a in answers) == {200: 1, 412: CLIENTS - 1}


async def test_of_deletes_one_makes_a_version(fhir: AsyncClient) -> None:
    await fhir.put("Patient/p1", json=P1)
    answers = await gather(*(fhir.delete("Patient/p1") for _ in range(CLIENTS)))
    assert {a.status_code for a in answers} == {204}
    assert {a.headers["etag"] for a in answers} == {'W/"2"'}


@pytest.mark.parametrize("kind", ["delete", "patch", "update", "transaction"])
async def test_what_no_longer_matches_is_not_changed(fhir: AsyncClient, kind: str) -> None:
    """The resource stops matching while a conditional interaction on it is under way."""
    query = "Patient?identifier=urn:mrn|1&active=true"
    matching = P1 | {"identifier": [{"system": "urn:mrn", "value": "1"}], "active": True}
    headers = {"Content-Type": "application/json-patch+json"}
    content = '[{"op":"add","path":"/gender","value":"male"}]'
    entry = {"request": {"method": "DELETE", "url": query}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    for _ in range(10):
        await fhir.put("Patient/p1", json=matching)
        conditional = {
            "delete": lambda: fhir.delete(query),
            "patch": lambda: fhir.patch(query, content=content, headers=headers),
            "update": lambda: fhir.put(query, json=matching | {"gender": "male"}),
            "transaction": lambda: fhir.post("", json=bundle),
        }[kind]
        await gather(conditional(), fhir.put("Patient/p1", json=matching | {"active": False}))
        # Before or after, never in between: the last word is that of the plain update.
        newest = (await fhir.get("Patient/p1/_history?_count=1")).json()["entry"][0]
        assert newest["resource"]["active"] is False
        assert "gender" not in newest["resource"]
