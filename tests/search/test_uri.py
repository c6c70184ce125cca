"""URI search, and parameters of all resources. https://hl7.org/fhir/R4/search.html#uri and #all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.search.shelf import Shelf

PROFILE = "http://example.org/StructureDefinition/lab"

RESOURCES: list[dict[str, Any]] = [
    {
        "resourceType": "ValueSet",
        "id": "set",
        "status": "active",
        "url": "http://acme.org/fhir/ValueSet/123",
    },
    {"resourceType": "ValueSet", "id": "urn", "status": "active", "url": "urn:oid:1.2.3.4.5"},
    {
        "resourceType": "Observation",
        "id": "tagged",
        "meta": {
            "profile": [f"{PROFILE}|2.1"],
            "tag": [{"system": "urn:tags", "code": "x"}],
            "security": [{"system": "urn:security", "code": "R"}],
            "source": "http://source.example/1",
        },
        "status": "final",
        "code": {"text": "x"},
    },
    {"resourceType": "Observation", "id": "plain", "status": "final", "code": {"text": "x"}},
]


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        ("http://acme.org/fhir/ValueSet/123", {"set"}),
        ("urn:oid:1.2.3.4.5", {"urn"}),
        ("http://acme.org/fhir/valueset/123", set[str]()),
        ("http://acme.org/fhir/ValueSet/12", set[str]()),
    ],
)
async def test_a_uri_matches_precisely(library: Shelf, value: str, ids: set[str]) -> None:
    assert await library.set("ValueSet", "url", value) == ids


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("_profile", PROFILE),
        ("_profile", f"{PROFILE}|2.1"),
        ("_tag", "x"),
        ("_tag", "urn:tags|x"),
        ("_security", "urn:security|r"),
        ("_source", "http://source.example/1"),
        ("_id", "tagged"),
        ("_tag:missing", "false"),
        ("_tag:not", "y"),
    ],
)
async def test_parameters_of_all_resources_look_into_meta(
    library: Shelf, name: str, value: str
) -> None:
    assert "tagged" in await library.set("Observation", name, value)


async def test_another_version_of_a_profile_does_not_match(library: Shelf) -> None:
    assert await library.set("Observation", "_profile", f"{PROFILE}|2.0") == set()


async def test_a_resource_without_a_tag_is_missing_it(library: Shelf) -> None:
    assert await library.set("Observation", "_tag:missing", "true") == {"plain"}
