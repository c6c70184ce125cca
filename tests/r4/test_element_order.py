"""Canonical element order: https://hl7.org/fhir/R4/json.html."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.r4.definitions import definitions
from fhir_server.r4.element_order import ordered
from tests.r4.synthetic import resource


def shuffled(value: Any) -> Any:
    """As JSONB stores it: properties by length, then by name."""
    if isinstance(value, dict):
        items = [(len(str(name)), str(name)) for name in value]
        return {name: shuffled(value[name]) for _, name in sorted(items)}
    if isinstance(value, list):
        return [shuffled(item) for item in value]
    return value


def spelled(value: Any) -> str:
    """Equal dicts may differ in order; their text does not."""
    return repr(value)


@pytest.mark.parametrize("type_", definitions().resource_types)
def test_canonical_order_comes_back_at_every_depth(type_: str):
    canonical = resource(type_)
    assert spelled(ordered(shuffled(canonical))) == spelled(canonical)


def test_what_stands_beside_a_primitive_follows_it():
    given: dict[str, Any] = {
        "_birthDate": {"extension": [{"valueCode": "x", "url": "u"}], "id": "i"},
        "name": [{"_given": [None, {"id": "g"}], "given": ["a", None], "family": "f"}],
        "birthDate": "2020",
        "resourceType": "Patient",
        "unknown": 1,
        "id": "p",
    }
    assert spelled(ordered(given)) == spelled({
        "resourceType": "Patient",
        "id": "p",
        "name": [{"family": "f", "given": ["a", None], "_given": [None, {"id": "g"}]}],
        "birthDate": "2020",
        "_birthDate": {"id": "i", "extension": [{"url": "u", "valueCode": "x"}]},
        "unknown": 1,
    })  # fmt: skip


def test_resources_inside_are_ordered_by_their_own_type():
    bundle: dict[str, Any] = {
        "entry": [
            {"resource": {"code": {"text": "c"}, "status": "final", "resourceType": "Observation"}}
        ],
        "type": "collection",
        "resourceType": "Bundle",
    }
    found = ordered(bundle)
    assert list(found) == ["resourceType", "type", "entry"]
    assert list(found["entry"][0]["resource"]) == ["resourceType", "status", "code"]


def test_what_is_no_resource_stays_as_it_is():
    assert spelled(ordered({"b": 1, "a": {"d": 1, "c": 2}})) == spelled(
        {"b": 1, "a": {"d": 1, "c": 2}}
    )
    assert ordered({"resourceType": "Nothing", "a": 1}) == {"resourceType": "Nothing", "a": 1}
