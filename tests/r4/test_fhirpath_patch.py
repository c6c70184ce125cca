"""FHIRPath Patch: https://hl7.org/fhir/R4/fhirpatch.html."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest

from fhir_server.r4.fhirpath_patch import fhirpath_patch
from fhir_server.r4.outcome import FhirError

NOTE = {"url": "http://example.org/note", "valueString": "n"}


def patient() -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": "p1",
        "meta": {"versionId": "3"},
        "contained": [{"resourceType": "Organization", "id": "o", "name": "Org"}],
        "identifier": [{"system": "http://a.example", "value": v} for v in ("1", "2", "3")],
        "active": True,
        "name": [
            {"family": "Roe", "given": ["Jane", "Ann"], "_given": [None, {"extension": [NOTE]}]}
        ],
        "birthDate": "1930-01-01",
        "_birthDate": {"extension": [NOTE]},
        "deceasedBoolean": False,
        "contact": [{"gender": "male"}],
        "managingOrganization": {"reference": "#o"},
    }


def part(name: str, **value: Any) -> dict[str, Any]:
    return {"name": name, **value}


def identifier(value: str) -> dict[str, Any]:
    return part("value", valueIdentifier={"value": value})


TEXT = part("value", valueString="x")
# Extension is not among the types that a parameter may have, so it is spelled out.
URL = "http://example.org/note"
EXTENSION = part("value", part=[part("url", valueUri=URL), part("value", valueString="n")])


def operation(type: str, path: str, *parts: dict[str, Any], **shorthand: Any) -> dict[str, Any]:
    simple = {
        "name": "valueString",
        "index": "valueInteger",
        "source": "valueInteger",
        "destination": "valueInteger",
    }
    listed = [part("type", valueCode=type), part("path", valueString=path), *parts]
    listed += [part(name, **{simple[name]: value}) for name, value in shorthand.items()]
    return {"name": "operation", "part": listed}


def patched(*operations: Any) -> dict[str, Any]:
    return fhirpath_patch(patient(), {"resourceType": "Parameters", "parameter": list(operations)})


def failure(*operations: Any) -> FhirError:
    with pytest.raises(FhirError) as caught:
        patched(*operations)
    return caught.value


APPLIED: dict[str, tuple[dict[str, Any], str, object]] = {
    "add an element that is not there": (
        operation("add", "Patient", part("value", valueCode="female"), name="gender"),
        "gender",
        "female",
    ),
    "add to a list": (
        operation("add", "Patient", identifier("4"), name="identifier"),
        "identifier.3",
        {"value": "4"},
    ),
    "add to a list that is not there": (
        operation(
            "add", "Patient", part("value", valueContactPoint={"value": "1"}), name="telecom"
        ),
        "telecom",
        [{"value": "1"}],
    ),
    "add to a nested element": (
        operation("add", "Patient.name[0]", part("value", valueString="Dr"), name="prefix"),
        "name.0.prefix",
        ["Dr"],
    ),
    "add an anonymous element": (
        operation(
            "add",
            "Patient",
            part(
                "value",
                part=[
                    part("name", valueHumanName={"text": "a name"}),
                    part("telecom", valueContactPoint={"value": "1"}),
                    part("telecom", valueContactPoint={"value": "2"}),
                ],
            ),
            name="contact",
        ),
        "contact.1",
        {"name": {"text": "a name"}, "telecom": [{"value": "1"}, {"value": "2"}]},
    ),
    "add parts within parts": (
        operation(
            "add",
            "Patient",
            part(
                "value",
                part=[
                    part(
                        "name",
                        part=[part("given", valueString="A"), part("given", valueString="B")],
                    )
                ],
            ),
            name="contact",
        ),
        "contact.1",
        {"name": {"given": ["A", "B"]}},
    ),
    "add a choice by its name": (
        operation("add", "Patient", part("value", valueInteger=2), name="multipleBirth"),
        "multipleBirthInteger",
        2,
    ),
    "add a choice by its property": (
        operation("add", "Patient", part("value", valueBoolean=True), name="multipleBirthBoolean"),
        "multipleBirthBoolean",
        True,
    ),
    "add an extension": (
        operation("add", "Patient", EXTENSION, name="extension"),
        "extension",
        [NOTE],
    ),
    "add an extension to a primitive": (
        operation("add", "Patient.name[0].given[0]", EXTENSION, name="extension"),
        "name.0._given.0",
        {"extension": [NOTE]},
    ),
    "add an extension to a primitive that has none": (
        operation("add", "Patient.active", EXTENSION, name="extension"),
        "_active",
        {"extension": [NOTE]},
    ),
    "add a contained resource": (
        operation(
            "add",
            "Patient",
            part("value", resource={"resourceType": "Organization", "id": "x"}),
            name="contained",
        ),
        "contained.1",
        {"resourceType": "Organization", "id": "x"},
    ),
    "add a primitive with its extension": (
        operation(
            "add",
            "Patient.name[0]",
            part("value", valueString="C", _valueString={"extension": [NOTE]}),
            name="given",
        ),
        "name.0._given",
        [None, {"extension": [NOTE]}, {"extension": [NOTE]}],
    ),
    "insert at the start": (
        operation("insert", "Patient.identifier", identifier("0"), index=0),
        "identifier.0",
        {"value": "0"},
    ),
    "insert into an empty list": (
        operation(
            "insert", "Patient.photo", part("value", valueAttachment={"title": "p"}), index=0
        ),
        "photo",
        [{"title": "p"}],
    ),
    "insert a primitive keeps extensions at their values": (
        operation("insert", "Patient.name[0].given", part("value", valueString="X"), index=1),
        "name.0._given",
        [None, None, {"extension": [NOTE]}],
    ),
    "delete an element": (operation("delete", "Patient.active"), "active", None),
    "delete a primitive with its extension": (
        operation("delete", "Patient.birthDate"),
        "_birthDate",
        None,
    ),
    "delete from a list": (
        operation("delete", "Patient.identifier.where(value = '2')"),
        "identifier.1.value",
        "3",
    ),
    "delete what is not there": (operation("delete", "Patient.photo"), "photo", None),
    "delete the last child of an element": (
        operation("delete", "Patient.contact[0].gender"),
        "contact",
        None,
    ),
    "delete a choice": (operation("delete", "Patient.deceased"), "deceasedBoolean", None),
    "delete inside a contained resource": (
        operation("delete", "Patient.contained[0].name"),
        "contained.0",
        {"resourceType": "Organization", "id": "o"},
    ),
    "replace a primitive": (
        operation("replace", "Patient.birthDate", part("value", valueDate="1931")),
        "birthDate",
        "1931",
    ),
    "replace an element of a list": (
        operation("replace", "Patient.identifier[1]", identifier("x")),
        "identifier.1",
        {"value": "x"},
    ),
    "replace a choice by another type": (
        operation("replace", "Patient.deceased", part("value", valueDateTime="2020-01-01")),
        "deceasedDateTime",
        "2020-01-01",
    ),
    "replace a code given as a string": (
        operation("replace", "Patient.contact[0].gender", part("value", valueString="female")),
        "contact.0.gender",
        "female",
    ),
    "move up": (
        operation("move", "Patient.identifier", source=2, destination=0),
        "identifier.0",
        {"system": "http://a.example", "value": "3"},
    ),
    "move down": (
        operation("move", "Patient.identifier", source=0, destination=2),
        "identifier.2",
        {"system": "http://a.example", "value": "1"},
    ),
    "move a primitive with its extension": (
        operation("move", "Patient.name[0].given", source=1, destination=0),
        "name.0._given",
        [{"extension": [NOTE]}, None],
    ),
}


def at(value: Any, path: str) -> object:
    for step in path.split("."):
        value = value[int(step)] if step.isdecimal() else value.get(step)
    return value


@pytest.mark.parametrize(("given", "path", "expected"), APPLIED.values(), ids=APPLIED)
def test_operation_is_applied(given: dict[str, Any], path: str, expected: object):
    assert at(patched(given), path) == expected


def test_replacing_a_choice_leaves_one_of_it():
    result = patched(operation("replace", "Patient.deceased", part("value", valueDateTime="2020")))
    assert "deceasedBoolean" not in result


def test_operations_see_the_result_of_those_before():
    result = patched(
        operation("add", "Patient", part("value", valueCode="male"), name="gender"),
        operation("replace", "Patient.gender", part("value", valueCode="other")),
        operation("delete", "Patient.identifier[0]"),
        operation("delete", "Patient.identifier[0]"),
    )
    assert result["gender"] == "other"
    assert [i["value"] for i in result["identifier"]] == ["3"]


def test_numbers_keep_their_digits():
    value = part(
        "value", part=[part("url", valueUri=URL), part("value", valueDecimal=Decimal("1.00"))]
    )
    result = patched(operation("add", "Patient", value, name="extension"))
    assert str(result["extension"][0]["valueDecimal"]) == "1.00"


NOT_UNDERSTOOD = {
    "not named operation": {"name": "op", "part": []},
    "not an object": 1,
    "parts that are no list": {"name": "operation", "part": 5},
    "no such group": operation("delete", "Patient.where(id.replaceMatches('(.)', '$7') = '')"),
    "no type": {"name": "operation", "part": [part("path", valueString="Patient.active")]},
    "unknown type": operation("merge", "Patient"),
    "no path": {"name": "operation", "part": [part("type", valueCode="delete")]},
    "path that is no string": {
        "name": "operation",
        "part": [part("type", valueCode="delete"), part("path", valueInteger=1)],
    },
    "path that is no FHIRPath": operation("delete", "Patient.name["),
    "unknown function": operation("delete", "Patient.name.sort()"),
    "part given twice": operation(
        "delete", "Patient.active", part("path", valueString="Patient.name")
    ),
    "part of another operation": operation("delete", "Patient.active", index=0),
    "no value": operation("replace", "Patient.active"),
    "two values": operation(
        "replace", "Patient.active", part("value", valueBoolean=True, valueString="x")
    ),
    "empty value": operation("replace", "Patient.active", part("value")),
    "index that is no integer": operation(
        "insert", "Patient.identifier", identifier("0"), part("index", valueString="0")
    ),
    "no index": operation("insert", "Patient.identifier", identifier("0")),
}


@pytest.mark.parametrize("given", NOT_UNDERSTOOD.values(), ids=NOT_UNDERSTOOD)
def test_malformed_operation_is_400_and_named(given: Any):
    error = failure(operation("delete", "Patient.photo"), given)
    assert error.status == 400
    assert error.issues[0].diagnostics.startswith("Patch operation[1]: ")


NOT_APPLICABLE = {
    "add where there is nothing": operation("add", "Patient.maritalStatus", TEXT, name="text"),
    "add where there are several": operation("add", "Patient.identifier", TEXT, name="value"),
    "add what does not repeat and is there": operation(
        "add", "Patient", part("value", valueBoolean=True), name="active"
    ),
    "add a choice that is there as another type": operation(
        "add", "Patient", part("value", valueDateTime="2020"), name="deceased"
    ),
    "add what is no element": operation("add", "Patient", TEXT, name="nickname"),
    "add a value of the wrong type": operation("add", "Patient", TEXT, name="maritalStatus"),
    "add a part that is no element": operation(
        "add", "Patient", part("value", part=[part("x", valueString="x")]), name="contact"
    ),
    "add a part twice that does not repeat": operation(
        "add",
        "Patient",
        part("value", part=[part("gender", valueCode="male")] * 2),
        name="contact",
    ),
    "add parts where a primitive stands": operation(
        "add", "Patient", part("value", part=[part("x", valueString="x")]), name="gender"
    ),
    "insert beyond the end": operation("insert", "Patient.identifier", identifier("0"), index=4),
    "insert before the start": operation("insert", "Patient.identifier", identifier("0"), index=-1),
    "insert into what is no list": operation(
        "insert", "Patient.active", part("value", valueBoolean=True), index=0
    ),
    "insert into lists of several parents": operation(
        "insert", "Patient.identifier.extension", EXTENSION, index=0
    ),
    "insert into a selection": operation(
        "insert",
        "Patient.identifier.where(value = '1')",
        identifier("0"),
        index=0,
    ),
    "delete several": operation("delete", "Patient.identifier"),
    "delete a computed value": operation("delete", "Patient.identifier.count()"),
    "delete the resource": operation("delete", "Patient"),
    "delete what it refers to": operation("delete", "Patient.id"),
    "replace what is not there": operation(
        "replace", "Patient.photo", part("value", valueAttachment={})
    ),
    "replace several": operation("replace", "Patient.identifier", identifier("0")),
    "replace by the wrong type": operation(
        "replace", "Patient.birthDate", part("value", valueBoolean=True)
    ),
    "replace the id": operation("replace", "Patient.id", part("value", valueId="p2")),
    "replace the version": operation(
        "replace", "Patient.meta.versionId", part("value", valueId="9")
    ),
    "move from beyond the end": operation("move", "Patient.identifier", source=3, destination=0),
    "move beyond the end": operation("move", "Patient.identifier", source=0, destination=3),
}


@pytest.mark.parametrize("given", NOT_APPLICABLE.values(), ids=NOT_APPLICABLE)
def test_operation_that_does_not_fit_is_422(given: Any):
    assert failure(given).status == 422


def test_input_is_unchanged_by_success_and_by_failure():
    before = patient()
    kept = copy.deepcopy(before)
    first = operation("delete", "Patient.name[0].given[0]")
    value = {"value": "4"}
    add = operation("add", "Patient", part("value", valueIdentifier=value), name="identifier")
    change = operation("replace", "Patient.identifier[3].value", part("value", valueString="5"))
    fhirpath_patch(before, {"parameter": [first, add, change]})
    with pytest.raises(FhirError):
        fhirpath_patch(before, {"parameter": [first, operation("delete", "Patient.identifier")]})
    assert before == kept
    assert value == {"value": "4"}
