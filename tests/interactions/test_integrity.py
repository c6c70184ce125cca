"""References that must resolve, where the operator asks for it.

https://hl7.org/fhir/R4/references.html#literal
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from httpx import AsyncClient


def _observation(reference: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": reference},
    }


@pytest.fixture
def strict(connect: Callable[..., AsyncClient]) -> AsyncClient:
    return connect(referential_integrity=True)


@pytest.mark.parametrize("reference", ["Patient/p1", "http://test/fhir/Patient/p1"])
async def test_a_local_reference_to_nothing_is_422(strict: AsyncClient, reference: str) -> None:
    answer = await strict.post("Observation", json=_observation(reference))
    assert answer.status_code == 422
    [issue] = answer.json()["issue"]
    assert issue["expression"] == ["Observation.subject.reference"]
    assert "Patient/p1" in issue["diagnostics"]
    assert (await strict.get("Observation/_history")).json().get("entry") is None


@pytest.mark.parametrize("reference", ["Patient/p1", "http://test/fhir/Patient/p1"])
async def test_a_local_reference_to_what_lives_is_accepted(
    strict: AsyncClient, reference: str
) -> None:
    await strict.put("Patient/p1", json={"resourceType": "Patient", "id": "p1"})
    answer = await strict.post("Observation", json=_observation(reference))
    assert answer.status_code == 201


async def test_a_reference_to_what_was_deleted_is_422(strict: AsyncClient) -> None:
    await strict.put("Patient/p1", json={"resourceType": "Patient", "id": "p1"})
    await strict.delete("Patient/p1")
    answer = await strict.post("Observation", json=_observation("Patient/p1"))
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "reference",
    ["https://elsewhere.example/fhir/Patient/p1", "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7"],
)
async def test_references_to_elsewhere_are_accepted(strict: AsyncClient, reference: str) -> None:
    answer = await strict.post("Observation", json=_observation(reference))
    assert answer.status_code == 201


async def test_a_resource_may_refer_to_itself(strict: AsyncClient) -> None:
    patient = {
        "resourceType": "Patient",
        "id": "p1",
        "link": [{"other": {"reference": "Patient/p1"}, "type": "seealso"}],
    }
    assert (await strict.put("Patient/p1", json=patient)).status_code == 201


async def test_by_default_references_may_point_at_nothing(fhir: AsyncClient) -> None:
    answer = await fhir.post("Observation", json=_observation("Patient/p1"))
    assert answer.status_code == 201
