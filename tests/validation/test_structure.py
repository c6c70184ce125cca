"""Structure validation: https://hl7.org/fhir/R4/json.html, datatypes.html, references.html."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from fhir_server.context import Context
from fhir_server.r4.definitions import definitions
from fhir_server.r4.json import decode
from fhir_server.validation.validator import Validator
from smart_auth.grant import Everything

if TYPE_CHECKING:
    from fhir_server.validation.report import Validation

CONTEXT = Context(
    tenant="default",
    grant=Everything(),
    now=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    agent="test",
    request_id="0",
)
VALIDATOR = Validator("structure")


def validate(resource: dict[str, Any]) -> Validation:
    return VALIDATOR.validate(resource, CONTEXT)


def observation(**changes: Any) -> dict[str, Any]:
    given = {"resourceType": "Observation", "status": "final", "code": {"text": "pulse"}} | changes
    return {name: value for name, value in given.items() if value is not ...}


def patient(**changes: Any) -> dict[str, Any]:
    return {"resourceType": "Patient"} | changes


def test_a_sound_resource_has_no_issues():
    found = validate(
        observation(
            id="o-1",
            meta={"profile": ["http://example.org/p"], "lastUpdated": "2026-02-28T10:00:00.1Z"},
            text={
                "status": "generated",
                "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>',
            },
            subject={"reference": "Patient/1"},
            effectiveDateTime="2026-02-28",
            valueQuantity={
                "value": 1,
                "unit": "mg",
                "extension": [{"url": "http://e", "valueId": "a"}],
            },
            _status={"id": "s"},
            component=[{"code": {"text": "x"}, "referenceRange": [{"text": "low"}]}],
            contained=[{"resourceType": "Patient", "name": [{"given": ["A", "B"]}]}],
        )
    )
    assert found.issues == ()


FAULTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "unknown property": (observation(colour="red"), "Observation", "structure"),
    "unknown property inside": (
        patient(name=[{"family": "A"}, {"nick": "B"}]),
        "Patient.name[1]",
        "structure",
    ),
    "snake case": (patient(birth_date="2020-01-01"), "Patient", "structure"),
    "resourceType inside a data type": (
        patient(name=[{"resourceType": "HumanName", "family": "A"}]),
        "Patient.name[0]",
        "structure",
    ),
    "comments": (patient(fhir_comments=["x"]), "Patient", "structure"),
    "missing required element": (observation(status=...), "Observation", "required"),
    "missing required choice": (
        {
            "resourceType": "MedicationRequest",
            "status": "active",
            "intent": "order",
            "subject": {"reference": "Patient/1"},
        },
        "MedicationRequest",
        "required",
    ),
    "missing in a backbone element": (
        observation(component=[{"valueString": "x"}]),
        "Observation.component[0]",
        "required",
    ),
    "missing behind a content reference": (
        {
            "resourceType": "Questionnaire",
            "status": "draft",
            "item": [{"linkId": "1", "type": "group", "item": [{"type": "string"}]}],
        },
        "Questionnaire.item[0].item[0]",
        "required",
    ),
    "two values of a choice": (
        observation(valueString="x", valueBoolean=True),
        "Observation",
        "structure",
    ),
    "value of one choice and sibling of another": (
        observation(valueString="x", _valueBoolean={"id": "a"}),
        "Observation",
        "structure",
    ),
    "array for one": (patient(gender=["male"]), "Patient.gender", "structure"),
    "one for array": (patient(name={"family": "A"}), "Patient.name", "structure"),
    "string for object": (patient(maritalStatus="M"), "Patient.maritalStatus", "structure"),
    "object for string": (patient(gender={"a": "b"}), "Patient.gender", "value"),
    "null": (patient(gender=None), "Patient.gender", "structure"),
    "null in a list of objects": (patient(name=[None]), "Patient.name[0]", "structure"),
    "null in a list without sibling": (
        patient(name=[{"given": ["A", None]}]),
        "Patient.name[0]",
        "structure",
    ),
    "siblings of another length": (
        patient(name=[{"given": ["A", "B"], "_given": [{"id": "x"}]}]),
        "Patient.name[0]",
        "structure",
    ),
    "sibling of an object": (patient(_name=[{"id": "x"}]), "Patient", "structure"),
    "empty array": (patient(name=[]), "Patient.name", "structure"),
    "empty object": (patient(maritalStatus={}), "Patient.maritalStatus", "structure"),
    "empty string": (patient(language=""), "Patient.language", "value"),
    "boolean as string": (patient(active="true"), "Patient.active", "value"),
    "integer as string": (
        patient(multipleBirthInteger="2"),
        "Patient.multipleBirth.ofType(integer)",
        "value",
    ),
    "integer too large": (
        patient(multipleBirthInteger=2**31),
        "Patient.multipleBirth.ofType(integer)",
        "value",
    ),
    "decimal as string": (
        observation(valueQuantity={"value": "1.0"}),
        "Observation.value.ofType(Quantity).value",
        "value",
    ),
    "true as decimal": (
        observation(valueQuantity={"value": True}),
        "Observation.value.ofType(Quantity).value",
        "value",
    ),
    "positiveInt of zero": (
        patient(telecom=[{"rank": 0}]),
        "Patient.telecom[0].rank",
        "value",
    ),
    "date with time": (patient(birthDate="2020-01-01T00:00:00Z"), "Patient.birthDate", "value"),
    "day that does not exist": (patient(birthDate="2023-02-29"), "Patient.birthDate", "value"),
    "month 13": (patient(birthDate="2023-13"), "Patient.birthDate", "value"),
    "dateTime without time zone": (
        observation(effectiveDateTime="2023-01-01T10:00:00"),
        "Observation.effective.ofType(dateTime)",
        "value",
    ),
    "instant without seconds": (
        observation(issued="2023-01-01T10:00Z"),
        "Observation.issued",
        "value",
    ),
    "id with a space": (patient(id="a b"), "Patient.id", "value"),
    "id of 65 characters": (patient(id="x" * 65), "Patient.id", "value"),
    "code with edge space": (patient(language=" en"), "Patient.language", "value"),
    "uri with a space": (patient(implicitRules="a b"), "Patient.implicitRules", "value"),
    "base64": (
        {"resourceType": "Binary", "contentType": "text/plain", "data": "abc"},
        "Binary.data",
        "value",
    ),
    "control character": (
        patient(name=[{"family": "a\x0b"}]),
        "Patient.name[0].family",
        "value",
    ),
    "code outside its required binding": (
        observation(status="done"),
        "Observation.status",
        "code-invalid",
    ),
    "concept outside its required binding": (
        {
            "resourceType": "Condition",
            "subject": {"reference": "Patient/1"},
            "clinicalStatus": {"coding": [{"system": "http://x", "code": "active"}]},
        },
        "Condition.clinicalStatus",
        "code-invalid",
    ),
    "reference of no known form": (
        observation(subject={"reference": "somebody"}),
        "Observation.subject.reference",
        "value",
    ),
    "reference to an unknown type": (
        observation(subject={"reference": "Person2/1"}),
        "Observation.subject.reference",
        "value",
    ),
    "reference to a type that is not allowed": (
        observation(subject={"reference": "Claim/1"}),
        "Observation.subject.reference",
        "value",
    ),
    "conditional reference outside a transaction": (
        observation(subject={"reference": "Patient?identifier=1"}),
        "Observation.subject.reference",
        "value",
    ),
    "unknown contained type": (
        patient(contained=[{"resourceType": "Banana"}]),
        "Patient.contained[0]",
        "structure",
    ),
    "fault in a contained resource": (
        patient(contained=[{"resourceType": "Patient", "gender": "m"}]),
        "Patient.contained[0].gender",
        "code-invalid",
    ),
    "fault in a Bundle entry": (
        {
            "resourceType": "Bundle",
            "type": "collection",
            "entry": [{"resource": {"resourceType": "Patient", "active": 1}}],
        },
        "Bundle.entry[0].resource.active",
        "value",
    ),
}


@pytest.mark.parametrize(("resource", "expression", "code"), FAULTS.values(), ids=FAULTS)
def test_each_fault_is_one_issue_at_its_element(
    resource: dict[str, Any], expression: str, code: str
):
    issues = validate(resource).issues
    assert [(issue.expression, issue.code, issue.severity) for issue in issues] == [
        (expression, code, "error")
    ]


def test_a_wrong_code_names_the_right_ones():
    (issue,) = validate(observation(status="done")).issues
    assert issue.diagnostics.startswith(
        "Observation.status: 'done' is not one of amended | cancelled | corrected | "
    )


def test_all_faults_of_a_resource_are_reported():
    issues = validate(observation(status="done", colour="red", subject={"reference": "x"})).issues
    assert len(issues) == 3


def test_more_than_a_hundred_issues_are_counted():
    issues = validate(patient(name=[{"nick": "x"}] * 150)).issues
    assert len(issues) == 101
    assert issues[-1].diagnostics == "50 more issues are not listed"


@pytest.mark.parametrize(
    "reference",
    [
        "Patient/1",
        "Patient/1/_history/2",
        "#p",
        "urn:uuid:0b4ec2f4-0d2c-4c5e-8a3c-1b0c6c6a8a11",
        "http://example.org/fhir/Patient/1",
        "https://example.org/any",
    ],
)
def test_forms_of_references_that_are_allowed(reference: str):
    assert validate(observation(subject={"reference": reference})).issues == ()


def test_local_references_become_questions_for_the_store():
    (question,) = validate(observation(subject={"reference": "Patient/1"})).questions
    assert (question.expression, question.reference) == (
        "Observation.subject.reference",
        "Patient/1",
    )


def test_primitive_lists_may_have_nulls_where_the_sibling_has_a_value():
    name = {"given": ["A", None], "_given": [None, {"extension": [{"url": "u", "valueCode": "x"}]}]}
    assert validate(patient(name=[name])).issues == ()


def test_a_required_primitive_may_consist_of_its_sibling_only():
    reason = {"extension": [{"url": "http://e", "valueCode": "unknown"}]}
    assert validate(observation(status=..., _status=reason)).issues == ()


def test_numbers_keep_their_json_form():
    resource = decode(
        b'{"resourceType":"Observation","status":"final","code":{"text":"x"},'
        b'"valueQuantity":{"value":1E-22}}'
    )
    assert validate(resource).issues == ()


def test_no_break_space_is_no_white_space():
    assert validate(patient(name=[{"family": "A\u00a0B"}])).issues == ()


def test_the_policy_off_checks_nothing():
    assert Validator("off").validate(observation(status="done"), CONTEXT).issues == ()


@pytest.mark.parametrize("type", definitions().resource_types)
def test_every_type_is_checked_against_its_own_definition(type: str):
    issues = validate({"resourceType": type, "id": "1", "bogus": 1}).issues
    assert f"{type}: unknown property 'bogus'" in [issue.diagnostics for issue in issues]
