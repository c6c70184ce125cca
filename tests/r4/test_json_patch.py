"""JSON Patch: https://hl7.org/fhir/R4/http.html#patch, RFC 6902 and RFC 6901."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest

from fhir_server.r4.json_patch import json_patch
from fhir_server.r4.outcome import FhirError


def patient() -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": "p1",
        "meta": {"versionId": "3", "tag": [{"code": "a"}]},
        "active": True,
        "name": [{"family": "Roe", "given": ["Jane", "Ann"]}, {"text": "JR"}],
        "extension": [
            {"url": "http://example.org/a/b", "valueDecimal": Decimal("1.50")},
            {"url": "http://example.org/~x", "valueInteger": 1},
        ],
    }


def failure(*operations: object) -> FhirError:
    with pytest.raises(FhirError) as caught:
        json_patch(patient(), operations)
    return caught.value


# Each row: the operation, where the result is looked at, and what stands there afterwards.
APPLIED: dict[str, tuple[dict[str, Any], tuple[Any, ...], object]] = {
    "add a member": ({"op": "add", "path": "/gender", "value": "female"}, ("gender",), "female"),
    "add replaces a member": ({"op": "add", "path": "/active", "value": False}, ("active",), False),
    "add before an element": (
        {"op": "add", "path": "/name/0/given/1", "value": "X"},
        ("name", 0, "given"),
        ["Jane", "X", "Ann"],
    ),
    "add at the index of the length": (
        {"op": "add", "path": "/name/0/given/2", "value": "X"},
        ("name", 0, "given"),
        ["Jane", "Ann", "X"],
    ),
    "add after the last": (
        {"op": "add", "path": "/name/0/given/-", "value": "X"},
        ("name", 0, "given"),
        ["Jane", "Ann", "X"],
    ),
    "remove an element": (
        {"op": "remove", "path": "/name/0/given/0"},
        ("name", 0, "given"),
        ["Ann"],
    ),
    "replace a member": (
        {"op": "replace", "path": "/name/0/family", "value": "Doe"},
        ("name", 0, "family"),
        "Doe",
    ),
    "replace an element": (
        {"op": "replace", "path": "/name/1", "value": {"text": "J"}},
        ("name", 1),
        {"text": "J"},
    ),
    "move an element": (
        {"op": "move", "from": "/name/0/given/0", "path": "/name/0/given/1"},
        ("name", 0, "given"),
        ["Ann", "Jane"],
    ),
    "move onto itself": (
        {"op": "move", "from": "/name/1", "path": "/name/1"},
        ("name", 1),
        {"text": "JR"},
    ),
    "copy": ({"op": "copy", "from": "/name/1", "path": "/name/0"}, ("name", 0), {"text": "JR"}),
    "members beyond the RFC's are ignored": (
        {"op": "add", "path": "/gender", "value": "female", "note": 1},
        ("gender",),
        "female",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("operation", "place", "expected"), APPLIED.values(), ids=APPLIED)
def test_operation_is_applied(operation: dict[str, Any], place: tuple[Any, ...], expected: object):
    value: Any = json_patch(patient(), [operation])
    for step in place:
        value = value[step]
    assert value == expected


def test_operations_see_the_result_of_those_before():
    patched = json_patch(
        patient(),
        [
            {"op": "add", "path": "/contact", "value": []},
            {"op": "add", "path": "/contact/0", "value": {"gender": "male"}},
            {"op": "test", "path": "/contact/0/gender", "value": "male"},
            {"op": "replace", "path": "/contact/0/gender", "value": "other"},
        ],
    )
    assert patched["contact"] == [{"gender": "other"}]


def test_pointer_escapes_are_read_in_the_order_of_rfc_6901():
    resource = {"resourceType": "Basic", "a/b": 1, "m~n": 2, "~1": 3}
    operations = [
        {"op": "test", "path": "/a~1b", "value": 1},
        {"op": "test", "path": "/m~0n", "value": 2},
        {"op": "test", "path": "/~01", "value": 3},
    ]
    assert json_patch(resource, operations) == resource


SAME = {
    "decimals by value": ("/extension/0/valueDecimal", Decimal("1.5")),
    "an integer equals its decimal": ("/extension/1/valueInteger", Decimal("1.0")),
    "objects whatever their order": ("/name/0", {"given": ["Jane", "Ann"], "family": "Roe"}),
    "booleans": ("/active", True),
}
DIFFERENT = {
    "true is not 1": ("/active", 1),
    "1 is not true": ("/extension/1/valueInteger", True),
    "a number is not its text": ("/extension/1/valueInteger", "1"),
    "arrays in another order": ("/name/0/given", ["Ann", "Jane"]),
    "an array that goes on": ("/name/0/given", ["Jane"]),
    "an object with a member more": ("/name/1", {"text": "JR", "use": "usual"}),
    "null": ("/active", None),
}


@pytest.mark.parametrize(("path", "value"), SAME.values(), ids=SAME)
def test_test_passes(path: str, value: object):
    operation = {"op": "test", "path": path, "value": value}
    assert json_patch(patient(), [operation]) == patient()


@pytest.mark.parametrize(("path", "value"), DIFFERENT.values(), ids=DIFFERENT)
def test_failing_test_is_422_and_names_the_operation(path: str, value: object):
    error = failure(
        {"op": "add", "path": "/gender", "value": "male"},
        {"op": "test", "path": path, "value": value},
    )
    assert error.status == 422
    assert f"operation[1]: test of {path} failed" in error.issues[0].diagnostics


NOT_UNDERSTOOD = {
    "not an object": "add",
    "no op": {"path": "/active"},
    "unknown op": {"op": "merge", "path": "/active", "value": 1},
    "op of another type": {"op": ["add"], "path": "/active", "value": 1},
    "no path": {"op": "remove"},
    "path of another type": {"op": "remove", "path": 1},
    "path without a slash": {"op": "remove", "path": "active"},
    "lone tilde": {"op": "remove", "path": "/acti~ve"},
    "tilde 2": {"op": "remove", "path": "/acti~2ve"},
    "no value": {"op": "add", "path": "/gender"},
    "no from": {"op": "copy", "path": "/gender"},
    "move into its own child": {"op": "move", "from": "/name", "path": "/name/0"},
}  # fmt: skip


@pytest.mark.parametrize("operation", NOT_UNDERSTOOD.values(), ids=NOT_UNDERSTOOD)
def test_malformed_operation_is_400_and_named(operation: object):
    error = failure({"op": "test", "path": "/active", "value": True}, operation)
    assert error.status == 400
    assert error.issues[0].diagnostics.startswith("Patch operation[1]: ")


NOT_APPLICABLE = {
    "remove what is not there": {"op": "remove", "path": "/gender"},
    "replace what is not there": {"op": "replace", "path": "/gender", "value": "male"},
    "add below what is not there": {"op": "add", "path": "/contact/0", "value": {}},
    "add beyond the end": {"op": "add", "path": "/name/3", "value": {}},
    "replace at the end": {"op": "replace", "path": "/name/2", "value": {}},
    "replace after the last": {"op": "replace", "path": "/name/-", "value": {}},
    "leading zero": {"op": "replace", "path": "/name/00", "value": {}},
    "negative index": {"op": "remove", "path": "/name/-1"},
    "other digits": {"op": "remove", "path": "/name/\u0661"},
    "member of an array": {"op": "add", "path": "/name/family", "value": "x"},
    "below a string": {"op": "add", "path": "/name/0/family/x", "value": "x"},
    "copy from nowhere": {"op": "copy", "from": "/photo", "path": "/photo"},
    "remove everything": {"op": "remove", "path": ""},
    "replace everything by a list": {"op": "replace", "path": "", "value": []},
    "change the id": {"op": "replace", "path": "/id", "value": "p2"},
    "remove the id": {"op": "remove", "path": "/id"},
    "change the type": {"op": "replace", "path": "/resourceType", "value": "Person"},
    "change the version": {"op": "replace", "path": "/meta/versionId", "value": "4"},
    "another resource": {"op": "replace", "path": "", "value": {"resourceType": "Person"}},
}  # fmt: skip


@pytest.mark.parametrize("operation", NOT_APPLICABLE.values(), ids=NOT_APPLICABLE)
def test_operation_that_does_not_fit_is_422(operation: object):
    assert failure(operation).status == 422


def test_input_is_unchanged_by_success_and_by_failure():
    before = patient()
    kept = copy.deepcopy(before)
    json_patch(
        before,
        [
            {"op": "remove", "path": "/name/0/given/0"},
            {"op": "add", "path": "/meta/tag/-", "value": {}},
        ],
    )
    with pytest.raises(FhirError):
        json_patch(before, [{"op": "remove", "path": "/name"}, {"op": "remove", "path": "/name"}])
    assert before == kept


def test_containers_left_empty_by_removal_go_too():
    patched = json_patch(
        patient(),
        [{"op": "remove", "path": "/meta/tag/0"}, {"op": "remove", "path": "/meta/versionId"}],
    )
    assert "meta" not in patched


def test_copies_that_double_are_refused():
    doubling = {"op": "copy", "from": "/name", "path": "/name/-"}
    error = failure(*[doubling] * 60)
    assert error.status == 422
    assert error.issues[0].code == "too-costly"


def test_result_that_nests_too_deep_is_refused():
    deeper = [
        {"op": "copy", "from": "/name", "path": "/name/0/x"},
        {"op": "move", "from": "/name/0/x", "path": "/name/1"},
    ]
    down = [{"op": "add", "path": "/a" * n, "value": {"b": 1}} for n in range(1, 200)]
    assert failure(*down).issues[0].code == "too-costly"
    assert json_patch(patient(), deeper[:1])["name"][0]["x"] == patient()["name"]
