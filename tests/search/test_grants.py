"""Who sees what. https://hl7.org/fhir/R4/compartmentdefinition-patient.html."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from fhir_server.search.page import matches
from smart_auth.grant import PatientCompartment
from tests.search.shelf import CATALOG, deletion

if TYPE_CHECKING:
    from tests.search.shelf import Shelf


def observation(id_: str, patient: str | None, code: str = "x") -> dict[str, Any]:
    found: dict[str, Any] = {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "code": {"coding": [{"code": code}]},
        "identifier": [{"value": "same"}],
        "valueQuantity": {"value": 5},
        "effectiveDateTime": "2020-01-01",
    }
    return {**found, "subject": {"reference": f"Patient/{patient}"}} if patient else found


RESOURCES: list[dict[str, Any]] = [
    {"resourceType": "Patient", "id": "p", "name": [{"family": "Own"}]},
    {"resourceType": "Patient", "id": "q", "name": [{"family": "Other"}]},
    observation("of-p", "p"),
    observation("of-p-too", "p", "y"),
    observation("of-q", "q"),
    observation("of-nobody", None),
    {
        "resourceType": "Appointment",
        "id": "together",
        "status": "booked",
        "start": "2020-01-01T10:00:00Z",
        "participant": [
            {"actor": {"reference": "Patient/p"}, "status": "accepted"},
            {"actor": {"reference": "Patient/q"}, "status": "accepted"},
        ],
    },
    {"resourceType": "Organization", "id": "org", "name": "Clinic"},
]

OWN = {"of-p", "of-p-too"}
SEARCHES = [
    (),
    (("code", "x,y"),),
    (("identifier", "same"),),
    (("value-quantity", "5"),),
    (("date", "2020"),),
    (("status", "final"), ("code:not", "z")),
    (("_id", "of-p,of-p-too,of-q,of-nobody"),),
    (("_sort", "_lastUpdated"),),
    (("_sort", "date"),),
    (("_sort", "code"),),
    (("subject:missing", "false"),),
    (("_lastUpdated", "gt2000"),),
]


@pytest.mark.parametrize("search", SEARCHES)
async def test_a_patient_grant_sees_the_compartment_whatever_is_asked(
    library: Shelf, search: tuple[tuple[str, str], ...]
) -> None:
    grant = PatientCompartment("p")
    assert set(await library.ids("Observation", *search, grant=grant)) == OWN
    counted = await library.search("Observation", *search, ("_summary", "count"), grant=grant)
    assert counted.total == len(OWN)


async def test_a_patient_grant_finds_nothing_of_others_by_asking_for_them(library: Shelf) -> None:
    grant = PatientCompartment("p")
    for name, value in (("patient", "q"), ("subject", "Patient/q"), ("_id", "of-q")):
        assert await library.ids("Observation", (name, value), grant=grant) == []


async def test_a_patient_sees_itself_and_no_other_patient(library: Shelf) -> None:
    assert await library.ids("Patient", grant=PatientCompartment("p")) == ["p"]


@pytest.mark.parametrize(("patient", "seen"), [("p", True), ("q", True), ("r", False)])
async def test_what_concerns_several_patients_is_seen_by_each(
    library: Shelf, patient: str, seen: bool
) -> None:
    found = await library.ids("Appointment", grant=PatientCompartment(patient))
    assert found == (["together"] if seen else [])
    assert await library.ids("Appointment", ("patient", patient)) == found


async def test_a_type_outside_the_compartment_is_not_seen_at_all(library: Shelf) -> None:
    grant = PatientCompartment("p")
    assert await library.ids("Organization", grant=grant) == []
    counted = await library.search("Organization", ("_summary", "count"), grant=grant)
    assert counted.total == 0


async def test_conditional_criteria_match_within_the_grant(library: Shelf) -> None:
    async def found(patient: str) -> list[str]:
        context = replace(library.context, grant=PatientCompartment(patient))
        return await matches(
            context, library.store, CATALOG, "Observation", [("identifier", "same")], 5
        )

    assert set(await found("p")) == OWN
    assert set(await found("q")) == {"of-q"}


async def test_a_tenant_finds_nothing_of_another(library: Shelf) -> None:
    second = library.of("second")
    assert await second.ids("Observation") == []
    assert await second.ids("Observation", ("_id", "of-p")) == []
    assert await second.ids("Organization") == []


async def test_a_deleted_resource_is_found_no_more(shelf: Shelf) -> None:
    await shelf.add(observation("gone", "p"), observation("kept", "p"))
    await shelf.store.write(shelf.context, [deletion("Observation", "gone")])
    for search in ((), (("code", "x"),), (("value-quantity", "5"),), (("_id", "gone,kept"),)):
        assert await shelf.ids("Observation", *search) == ["kept"]
    assert (await shelf.search("Observation", ("_total", "accurate"))).total == 1


async def test_a_changed_resource_is_found_by_what_it_is_now(shelf: Shelf) -> None:
    await shelf.add(observation("o", "p", "before"))
    await shelf.add({**observation("o", "q", "after"), "valueQuantity": {"value": 7}})
    assert await shelf.set("Observation", "code", "before") == set()
    assert await shelf.set("Observation", "value-quantity", "5") == set()
    assert await shelf.set("Observation", "patient", "p") == set()
    for name, value in (("code", "after"), ("value-quantity", "7"), ("patient", "q")):
        assert await shelf.set("Observation", name, value) == {"o"}
