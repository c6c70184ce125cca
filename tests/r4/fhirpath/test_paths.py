"""What the nodes of search expressions carry: type, value, and what stands beside it."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.r4.fhirpath.expression import compile as compile_

OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "o",
    "meta": {"profile": ["http://a", "http://b"]},
    "status": "final",
    "code": {"coding": [{"system": "s", "code": "c"}], "text": "t"},
    "subject": {"reference": "Patient/p"},
    "performer": [{"reference": "Practitioner/x"}, {"reference": "#inside"}],
    "effectivePeriod": {"start": "2020"},
    "valueQuantity": {"value": 1},
    "component": [
        {"code": {"text": "1"}, "valueCodeableConcept": {"text": "v"}},
        {"code": {"text": "2"}, "valueRange": {"low": {"value": 1}}},
    ],
    "extension": [{"url": "u", "valueString": "e"}, {"url": "w", "valueCode": "f"}],
    "contained": [{"resourceType": "Patient", "id": "inside"}],
}


def found(expression: str, resource: dict[str, Any] = OBSERVATION) -> list[tuple[str, Any]]:
    expr = compile_(expression, context_type=resource["resourceType"])
    return [(node.type, node.value) for node in expr.evaluate(resource)]


def test_a_choice_is_found_under_the_property_of_its_type():
    assert found("Observation.value") == [("Quantity", {"value": 1})]
    assert found("Observation.value as Quantity") == [("Quantity", {"value": 1})]
    assert found("Observation.value.as(CodeableConcept)") == []
    assert found("Observation.effective") == [("Period", {"start": "2020"})]
    assert found("Observation.component.value.ofType(Range)") == [
        ("Range", {"low": {"value": 1}}),
    ]


def test_nodes_know_code_from_coding_and_concept():
    assert found("Observation.status") == [("code", "final")]
    assert found("Observation.code")[0][0] == "CodeableConcept"
    assert found("Observation.code.coding")[0][0] == "Coding"
    assert found("Observation.meta.profile") == [
        ("canonical", "http://a"),
        ("canonical", "http://b"),
    ]
    assert found("Resource.id") == [("id", "o")]
    assert found("Observation.component")[0][0] == "BackboneElement"


def test_terms_of_other_types_are_left_out_of_a_union():
    assert found("AllergyIntolerance.code | Observation.code.text | Condition.code") == [
        ("string", "t"),
    ]


def test_a_union_holds_equal_values_once():
    assert found("Observation.code.text | Observation.code.text") == [("string", "t")]
    assert found("Observation.component.code.text | Observation.code.text") == [
        ("string", "1"), ("string", "2"), ("string", "t"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("reference", "kept"),
    [
        ({"reference": "Patient/1"}, True),
        ({"reference": "Patient/1/_history/2"}, True),
        ({"reference": "http://other/fhir/Patient/1"}, True),
        ({"reference": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520", "type": "Patient"}, True),
        ({"reference": "#inside"}, True),
        ({"reference": "#nowhere"}, False),
        ({"reference": "Group/1"}, False),
        ({"reference": "Group/1", "type": "Patient"}, False),
        ({"reference": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"}, False),
        ({"type": "Patient", "identifier": {"value": "1"}}, False),
    ],
)
def test_resolve_is_tells_the_type_from_the_reference(reference: dict[str, Any], kept: bool):
    resource = OBSERVATION | {"subject": reference}
    expected = [("Reference", reference)] if kept else []
    assert found("Observation.subject.where(resolve() is Patient)", resource) == expected


def test_extensions_are_found_by_url_with_their_value():
    assert found("Observation.extension('u').value") == [("string", "e")]
    assert found("Observation.extension('w').value") == [("code", "f")]
    assert found("Observation.extension('x').value") == []


def test_a_primitive_without_value_keeps_what_stands_beside_it():
    resource: dict[str, Any] = {
        "resourceType": "Patient",
        "_birthDate": {"extension": [{"url": "u", "valueCode": "x"}]},
        "name": [{"given": ["a", None], "_given": [None, {"id": "i"}]}],
    }
    nodes = compile_("Patient.birthDate", context_type="Patient").evaluate(resource)
    assert [(n.value, n.extra) for n in nodes] == [(None, resource["_birthDate"])]
    given = compile_("Patient.name.given", context_type="Patient").evaluate(resource)
    assert [(n.value, n.extra) for n in given] == [("a", None), (None, {"id": "i"})]
    assert found("Patient.birthDate.extension('u').value", resource) == [("code", "x")]
    assert found("Patient.birthDate.hasValue()", resource) == [("System.Boolean", False)]


def test_malformed_resources_do_not_break_extraction():
    broken: dict[str, Any] = {
        "resourceType": "Observation", "code": "text", "subject": ["x", None, {"reference": 1}],
        "component": {"code": 1}, "meta": 5,
    }  # fmt: skip
    assert found("Observation.code.text", broken) == []
    assert found("Observation.component.code", broken) == [("CodeableConcept", 1)]
    assert found("Observation.meta.profile", broken) == []


def test_resources_inside_carry_their_own_type():
    bundle: dict[str, Any] = {
        "resourceType": "Bundle",
        "type": "message",
        "entry": [{"resource": {"resourceType": "MessageHeader", "id": "m"}}],
    }
    assert found("Bundle.entry[0].resource", bundle)[0][0] == "MessageHeader"
    assert found("Bundle.entry.resource.id", bundle) == [("id", "m")]
    assert found("Bundle.entry.resource.where($this is DomainResource).id", bundle) == [("id", "m")]


def test_a_type_in_brackets_and_criteria_one_after_the_other():
    assert found("(Observation.value as Quantity).value") == [("decimal", 1)]
    assert found("Observation.subject.where(resolve() is Patient).where(resolve() is Patient)") == [
        ("Reference", {"reference": "Patient/p"}),
    ]
    assert found("Observation.subject.where(resolve() is DomainResource).count()") == [
        ("System.Integer", 1),
    ]
    assert found("Observation.subject.where(reference = 'Patient/p').reference") == [
        ("string", "Patient/p"),
    ]
    assert found("Observation.code.where(coding = 'x')") == []
    assert found("Observation.code.$this.text") == [("string", "t")]
    assert found("Observation.status.extension('u')") == []
