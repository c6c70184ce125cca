"""One patient's compartment, proved for each interaction.

https://hl7.org/fhir/R4/compartmentdefinition-patient.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from httpx import AsyncClient

JSON_PATCH = {"Content-Type": "application/json-patch+json"}


def _observation(id: str, patient: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": "urn:c", "code": "x"}]},
        "subject": {"reference": f"Patient/{patient}"},
    }


PRACTITIONER = {"resourceType": "Practitioner", "id": "dr"}


@pytest.fixture
async def patient(connect: Callable[..., AsyncClient]) -> AsyncClient:
    """A client whose grant is the compartment of Patient/p1, among the data of two patients."""
    fhir = connect()
    for id in ("p1", "p2"):
        await fhir.put(f"Patient/{id}", json={"resourceType": "Patient", "id": id})
        await fhir.put(f"Observation/o-{id}", json=_observation(f"o-{id}", id))
    await fhir.put("Practitioner/dr", json=PRACTITIONER)
    return connect(patient="p1")


@pytest.fixture
def everything(connect: Callable[..., AsyncClient]) -> AsyncClient:
    return connect()


INSIDE = ["Patient/p1", "Observation/o-p1"]
OUTSIDE = ["Patient/p2", "Observation/o-p2"]


@pytest.mark.parametrize("suffix", ["", "/_history/1", "/_history"])
async def test_read_vread_and_history_inside(patient: AsyncClient, suffix: str) -> None:
    for address in INSIDE:
        assert (await patient.get(address + suffix)).status_code == 200


@pytest.mark.parametrize("suffix", ["", "/_history/1", "/_history"])
async def test_read_vread_and_history_outside_are_404(patient: AsyncClient, suffix: str) -> None:
    for address in OUTSIDE:
        assert (await patient.get(address + suffix)).status_code == 404
        assert (await patient.head(address + suffix)).status_code == 404


async def test_what_is_outside_cannot_be_told_from_what_never_was(patient: AsyncClient) -> None:
    outside = (await patient.get("Observation/o-p2")).text
    never = (await patient.get("Observation/o-p3")).text
    assert outside.replace("o-p2", "") == never.replace("o-p3", "")


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("GET", "Practitioner/dr"),
        ("GET", "Practitioner/dr/_history/1"),
        ("GET", "Practitioner/dr/_history"),
        ("GET", "Practitioner/_history"),
        ("GET", "Practitioner?_id=dr"),
        ("POST", "Practitioner/_search"),
        ("POST", "Practitioner"),
        ("PUT", "Practitioner/dr"),
        ("PUT", "Practitioner?_id=dr"),
        ("PATCH", "Practitioner/dr"),
        ("PATCH", "Practitioner?_id=dr"),
        ("DELETE", "Practitioner/dr"),
        ("DELETE", "Practitioner?_id=dr"),
    ],
)
async def test_a_type_that_cannot_be_in_the_compartment_is_403(
    patient: AsyncClient, everything: AsyncClient, method: str, address: str
) -> None:
    content, kind = json.dumps(PRACTITIONER), "application/fhir+json"
    if method == "PATCH":
        content, kind = "[]", "application/json-patch+json"
    if address.endswith("_search"):
        content, kind = "_id=dr", "application/x-www-form-urlencoded"
    headers = {"Content-Type": kind}
    body = content if method != "GET" else None
    answer = await patient.request(method, address, content=body, headers=headers)
    assert answer.status_code == 403
    assert answer.json()["issue"][0]["code"] == "forbidden"
    assert (await everything.get("Practitioner/dr")).headers["etag"] == 'W/"1"'


async def test_history_of_a_type_and_of_the_system_have_what_is_inside(
    patient: AsyncClient,
) -> None:
    for address, expected in (
        ("Patient/_history", {"Patient/p1"}),
        ("Observation/_history", {"Observation/o-p1"}),
        ("_history", {"Patient/p1", "Observation/o-p1"}),
    ):
        entries = (await patient.get(address)).json()["entry"]
        assert {e["fullUrl"].partition("/fhir/")[2] for e in entries} == expected


async def test_search_finds_what_is_inside(patient: AsyncClient) -> None:
    for answer in (
        await patient.get("Observation?code=x"),
        await patient.post("Observation/_search", data={"code": "x"}),
        await patient.get("Observation"),
    ):
        entries = answer.json()["entry"]
        assert [e["resource"]["id"] for e in entries] == ["o-p1"]


async def test_a_create_inside_is_done_and_one_outside_is_403(
    patient: AsyncClient, everything: AsyncClient
) -> None:
    inside = await patient.post("Observation", json=_observation("x", "p1"))
    assert inside.status_code == 201
    outside = await patient.post("Observation", json=_observation("x", "p2"))
    assert outside.status_code == 403
    nobody = _observation("x", "p1")
    del nobody["subject"]
    assert (await patient.post("Observation", json=nobody)).status_code == 403
    assert len((await everything.get("Observation")).json()["entry"]) == 3


async def test_an_update_of_what_is_outside_is_404(
    patient: AsyncClient, everything: AsyncClient
) -> None:
    answer = await patient.put("Observation/o-p2", json=_observation("o-p2", "p1"))
    assert answer.status_code == 404
    assert (await everything.get("Observation/o-p2")).headers["etag"] == 'W/"1"'


async def test_an_update_must_not_lead_out_of_the_compartment(
    patient: AsyncClient, everything: AsyncClient
) -> None:
    answer = await patient.put("Observation/o-p1", json=_observation("o-p1", "p2"))
    assert answer.status_code == 403
    assert (await everything.get("Observation/o-p1")).headers["etag"] == 'W/"1"'


async def test_an_update_as_create_stays_inside(patient: AsyncClient) -> None:
    inside = await patient.put("Observation/new", json=_observation("new", "p1"))
    outside = await patient.put("Observation/new2", json=_observation("new2", "p2"))
    assert (inside.status_code, outside.status_code) == (201, 403)


async def test_a_patch_of_what_is_outside_is_404_and_one_that_leads_out_403(
    patient: AsyncClient, everything: AsyncClient
) -> None:
    move = [{"op": "replace", "path": "/subject/reference", "value": "Patient/p2"}]
    content = json.dumps(move)
    for address, status in (("Observation/o-p2", 404), ("Observation/o-p1", 403)):
        answer = await patient.patch(address, content=content, headers=JSON_PATCH)
        assert answer.status_code == status
        assert (await everything.get(address)).headers["etag"] == 'W/"1"'


async def test_a_delete_of_what_is_outside_is_404(
    patient: AsyncClient, everything: AsyncClient
) -> None:
    assert (await patient.delete("Observation/o-p2")).status_code == 404
    assert (await patient.delete("Observation/never")).status_code == 404
    assert (await everything.get("Observation/o-p2")).status_code == 200
    assert (await patient.delete("Observation/o-p1")).status_code == 204
    assert (await patient.get("Observation/o-p1")).status_code == 410


async def test_a_deletion_is_seen_by_whom_the_resource_was_seen(
    connect: Callable[..., AsyncClient], patient: AsyncClient, everything: AsyncClient
) -> None:
    await everything.delete("Observation/o-p2")
    assert (await patient.get("Observation/o-p2")).status_code == 404
    assert (await connect(patient="p2").get("Observation/o-p2")).status_code == 410


async def test_a_past_version_that_was_outside_stays_hidden(
    patient: AsyncClient, everything: AsyncClient
) -> None:
    await everything.put("Observation/o-p2", json=_observation("o-p2", "p1"))
    assert (await patient.get("Observation/o-p2")).status_code == 200
    assert (await patient.get("Observation/o-p2/_history/1")).status_code == 404
    entries = (await patient.get("Observation/o-p2/_history")).json()["entry"]
    assert [e["response"]["etag"] for e in entries] == ['W/"2"']


async def test_conditional_interactions_match_what_is_inside_only(
    patient: AsyncClient, everything: AsyncClient
) -> None:
    updated = await patient.put("Observation?code=x", json=_observation("o-p1", "p1"))
    assert (updated.status_code, updated.headers["etag"]) == (200, 'W/"2"')
    found = await patient.post(
        "Observation", json=_observation("x", "p1"), headers={"If-None-Exist": "code=x"}
    )
    assert (found.status_code, found.json()["id"]) == (200, "o-p1")
    missed = await patient.patch("Observation?_id=o-p2", content="[]", headers=JSON_PATCH)
    assert missed.status_code == 404
    assert (await patient.delete("Observation?code=x")).status_code == 204
    assert (await everything.get("Observation/o-p1")).status_code == 410
    assert (await everything.get("Observation/o-p2")).status_code == 200


async def test_a_page_link_of_one_grant_is_of_no_use_to_another(
    patient: AsyncClient, everything: AsyncClient
) -> None:
    await everything.put("Observation/o-p1", json=_observation("o-p1", "p1"))
    bundle = (await everything.get("Observation/_history?_count=1")).json()
    link = bundle["link"][1]["url"]
    assert (await everything.get(link)).status_code == 200
    assert (await patient.get(link)).status_code == 400


async def test_a_patient_may_change_their_own_record(patient: AsyncClient) -> None:
    body = {"resourceType": "Patient", "id": "p1", "active": True}
    assert (await patient.put("Patient/p1", json=body)).status_code == 200
    assert (await patient.post("Patient", json={"resourceType": "Patient"})).status_code == 403
