"""The patient compartment: https://hl7.org/fhir/R4/compartmentdefinition-patient.html."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.r4.compartment import patients
from fhir_server.r4.definitions import definitions
from tests.r4.synthetic import resource

P = {"reference": "Patient/p"}
HERE, THERE = "http://here/fhir", "http://there/fhir"
MEMBERS: list[tuple[dict[str, Any], set[str]]] = [
    ({"resourceType": "Patient", "id": "p"}, {"p"}),
    ({"resourceType": "Patient", "id": "p", "link": [{"other": {"reference": "Patient/q"}}]},
     {"p", "q"}),
    ({"resourceType": "Observation", "subject": P, "performer": [{"reference": "Patient/q"}]},
     {"p", "q"}),
    ({"resourceType": "Observation", "subject": {"reference": "Group/p"}}, set()),
    ({"resourceType": "Observation", "subject": {"reference": "Patient/p/_history/2"}}, {"p"}),
    ({"resourceType": "Observation", "subject": {"reference": HERE + "/Patient/p"}}, {"p"}),
    ({"resourceType": "Observation", "subject": {"reference": THERE + "/Patient/p"}}, set()),
    ({"resourceType": "Observation", "subject": {"type": "Patient", "identifier": {"value": "p"}}},
     set()),
    ({"resourceType": "Observation", "subject": {"reference": "#p"},
      "contained": [{"resourceType": "Patient", "id": "p"}]}, set()),
    ({"resourceType": "Observation", "focus": [P]}, set()),
    ({"resourceType": "Appointment", "participant": [{"actor": P}, {"actor": P}]}, {"p"}),
    ({"resourceType": "Claim", "payee": {"party": {"reference": "Patient/q"}}, "patient": P},
     {"p", "q"}),
    ({"resourceType": "Medication"}, set()),
    ({"resourceType": "Observation", "subject": "Patient/p", "performer": [None]}, set()),
]  # fmt: skip


@pytest.mark.parametrize(("member", "expected"), MEMBERS)
def test_a_resource_lies_in_the_compartments_that_its_parameters_name(
    member: dict[str, Any], expected: set[str]
):
    assert patients(member, HERE) == expected


def test_every_type_of_the_compartment_can_lie_in_it():
    outside = {
        type_
        for type_ in definitions().resource_types
        if not any("1" in patients(resource(type_, variant)) for variant in range(14))
    }
    assert outside.isdisjoint(definitions().compartments["Patient"])
    assert {"Medication", "Organization", "Practitioner", "ValueSet"} <= outside
