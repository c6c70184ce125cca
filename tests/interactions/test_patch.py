"""https://hl7.org/fhir/R4/http.html#patch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from httpx import AsyncClient, Response

JSON_PATCH = {"Content-Type": "application/json-patch+json"}
FHIR_JSON = {"Content-Type": "application/fhir+json"}
DIV = '<div xmlns="http://www.w3.org/1999/xhtml">active</div>'


async def _patient(fhir: AsyncClient, **more: Any) -> None:
    body = {"resourceType": "Patient", "id": "p1", "active": True} | more
    assert (await fhir.put("Patient/p1", json=body)).is_success


async def _patch(
    fhir: AsyncClient, *operations: dict[str, Any], address: str = "Patient/p1", **headers: str
) -> Response:
    content = json.dumps(operations)
    return await fhir.patch(address, content=content, headers=JSON_PATCH | headers)


INACTIVE = {"op": "replace", "path": "/active", "value": False}


async def test_json_patch_is_an_update_of_the_servers_copy(fhir: AsyncClient) -> None:
    await _patient(fhir, gender="female")
    answer = await _patch(fhir, INACTIVE)
    assert answer.status_code == 200
    assert answer.headers["etag"] == 'W/"2"'
    assert answer.headers["location"] == "http://test/fhir/Patient/p1/_history/2"
    stored = (await fhir.get("Patient/p1")).json()
    assert (stored["active"], stored["gender"]) == (False, "female")


async def test_fhirpath_patch_is_an_update_of_the_servers_copy(fhir: AsyncClient) -> None:
    await _patient(fhir)
    parameters = {
        "resourceType": "Parameters",
        "parameter": [
            {
                "name": "operation",
                "part": [
                    {"name": "type", "valueCode": "replace"},
                    {"name": "path", "valueString": "Patient.active"},
                    {"name": "value", "valueBoolean": False},
                ],
            }
        ],
    }
    answer = await fhir.patch("Patient/p1", json=parameters, headers=FHIR_JSON)
    assert answer.status_code == 200
    assert (await fhir.get("Patient/p1")).json()["active"] is False


async def test_a_failing_test_operation_is_422_and_changes_nothing(fhir: AsyncClient) -> None:
    await _patient(fhir)
    failing = {"op": "test", "path": "/active", "value": False}
    assert (await _patch(fhir, INACTIVE, failing | {"value": True})).status_code == 422
    assert (await fhir.get("Patient/p1")).headers["etag"] == 'W/"1"'


async def test_the_result_is_validated_like_an_update(fhir: AsyncClient) -> None:
    await _patient(fhir)
    answer = await _patch(fhir, {"op": "add", "path": "/birthDate", "value": "soon"})
    assert answer.status_code == 400
    assert answer.json()["issue"][0]["expression"] == ["Patient.birthDate"]


@pytest.mark.parametrize(("tag", "status"), [('W/"1"', 200), ('W/"2"', 412)])
async def test_if_match(fhir: AsyncClient, tag: str, status: int) -> None:
    await _patient(fhir)
    assert (await _patch(fhir, INACTIVE, **{"If-Match": tag})).status_code == status


async def test_an_unknown_resource_is_404_and_a_deleted_one_410(fhir: AsyncClient) -> None:
    assert (await _patch(fhir, INACTIVE)).status_code == 404
    await _patient(fhir)
    await fhir.delete("Patient/p1")
    assert (await _patch(fhir, INACTIVE)).status_code == 410


@pytest.mark.parametrize(
    ("content_type", "content", "status"),
    [
        ("application/json-patch+json", "{}", 400),
        ("application/json-patch+json", "[", 400),
        ("application/json-patch+json", '[{"op":"frob","path":"/active"}]', 400),
        ("application/fhir+json", '{"resourceType":"Patient"}', 400),
        ("application/xml-patch+xml", "<diff/>", 415),
        ("text/plain", "active=false", 415),
        ("", "[]", 415),
    ],
)
async def test_what_is_no_patch_document_is_refused(
    fhir: AsyncClient, content_type: str, content: str, status: int
) -> None:
    await _patient(fhir)
    headers = {"Content-Type": content_type}
    answer = await fhir.patch("Patient/p1", content=content, headers=headers)
    assert answer.status_code == status
    assert answer.json()["resourceType"] == "OperationOutcome"


async def test_a_generated_narrative_that_no_longer_fits_is_dropped(fhir: AsyncClient) -> None:
    await _patient(fhir, text={"status": "generated", "div": DIV})
    assert "text" not in (await _patch(fhir, INACTIVE)).json()


async def test_a_patch_may_bring_its_own_narrative(fhir: AsyncClient) -> None:
    await _patient(fhir, text={"status": "generated", "div": DIV})
    div = DIV.replace("active", "inactive")
    own = {"op": "replace", "path": "/text/div", "value": div}
    assert (await _patch(fhir, INACTIVE, own)).json()["text"]["div"] == div


async def test_a_narrative_that_says_more_than_the_data_must_be_replaced_too(
    fhir: AsyncClient,
) -> None:
    await _patient(fhir, text={"status": "additional", "div": DIV})
    answer = await _patch(fhir, INACTIVE)
    assert answer.status_code == 422
    assert answer.json()["issue"][0]["expression"] == ["Patient.text"]


async def test_a_patch_must_not_change_the_id(fhir: AsyncClient) -> None:
    await _patient(fhir)
    answer = await _patch(fhir, {"op": "replace", "path": "/id", "value": "p2"})
    assert answer.status_code == 422


async def test_history_shows_a_patch_as_an_update(fhir: AsyncClient) -> None:
    await _patient(fhir)
    await _patch(fhir, INACTIVE)
    newest = (await fhir.get("Patient/p1/_history")).json()["entry"][0]
    assert newest["request"] == {"method": "PUT", "url": "Patient/p1"}


async def test_a_conditional_patch_changes_the_one_match(fhir: AsyncClient) -> None:
    await _patient(fhir, identifier=[{"system": "urn:mrn", "value": "1"}])
    answer = await _patch(fhir, INACTIVE, address="Patient?identifier=urn:mrn|1")
    assert answer.status_code == 200
    assert answer.headers["location"] == "http://test/fhir/Patient/p1/_history/2"


async def test_a_conditional_patch_without_match_is_404(fhir: AsyncClient) -> None:
    answer = await _patch(fhir, INACTIVE, address="Patient?identifier=urn:mrn|1")
    assert answer.status_code == 404


async def test_a_conditional_patch_with_several_matches_is_412(fhir: AsyncClient) -> None:
    for id in ("p1", "p2"):
        body = {"resourceType": "Patient", "id": id, "active": True}
        await fhir.put(f"Patient/{id}", json=body)
    answer = await _patch(fhir, INACTIVE, address="Patient?active=true")
    assert answer.status_code == 412


async def test_patch_is_not_defined_for_binary(fhir: AsyncClient) -> None:
    answer = await _patch(fhir, INACTIVE, address="Binary/b1")
    assert answer.status_code == 405
    assert "PATCH" not in answer.headers["allow"]
