"""Reference search. https://hl7.org/fhir/R4/search.html#reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.search.shelf import BASE

if TYPE_CHECKING:
    from tests.search.shelf import Shelf


def observation(id_: str, subject: dict[str, Any] | None, **rest: Any) -> dict[str, Any]:
    found = {"resourceType": "Observation", "id": id_, "status": "final", "code": {"text": "x"}}
    return {**found, **({"subject": subject} if subject else {}), **rest}


RESOURCES: list[dict[str, Any]] = [
    observation("relative", {"reference": "Patient/23"}),
    observation("own-base", {"reference": f"{BASE}/Patient/23"}),
    observation("version", {"reference": "Patient/23/_history/2"}),
    observation("group", {"reference": "Group/23"}),
    observation("foreign", {"reference": "http://elsewhere.org/fhir/Patient/23"}),
    observation("urn", {"reference": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"}),
    observation("identified", {"identifier": {"system": "urn:mrn", "value": "23"}}),
    observation(
        "both", {"reference": "Patient/24", "identifier": {"system": "urn:mrn", "value": "24"}}
    ),
    observation(
        "contained",
        {"reference": "#p"},
        contained=[{"resourceType": "Patient", "id": "p", "active": True}],
    ),
    observation("nobody", None),
    {
        "resourceType": "QuestionnaireResponse",
        "id": "answers",
        "status": "completed",
        "questionnaire": "http://example.org/Questionnaire/phq9|2.0",
    },
]

LOCAL_23 = {"relative", "own-base", "version"}


@pytest.mark.parametrize(
    ("name", "value", "ids"),
    [
        ("subject", "23", LOCAL_23 | {"group"}),
        ("subject", "Patient/23", LOCAL_23),
        ("subject", "Group/23", {"group"}),
        ("subject", f"{BASE}/Patient/23", LOCAL_23),
        ("subject", "http://elsewhere.org/fhir/Patient/23", {"foreign"}),
        ("subject", "urn:uuid:c757873d-ec9a-4326-a141-556f43239520", {"urn"}),
        ("subject", "Patient/99", set[str]()),
        ("patient", "23", LOCAL_23),
        ("patient", "Patient/23", LOCAL_23),
        ("patient", "23,24", LOCAL_23 | {"both"}),
    ],
)
async def test_each_form_of_a_reference_matches_what_it_says(
    library: Shelf, name: str, value: str, ids: set[str]
) -> None:
    assert await library.set("Observation", name, value) == ids


async def test_a_version_is_found_with_and_without_its_number(library: Shelf) -> None:
    assert await library.set("Observation", "subject", "Patient/23/_history/2") == {"version"}
    assert await library.set("Observation", "subject", "Patient/23/_history/1") == set()


@pytest.mark.parametrize("value", ["23", "Patient/23"])
async def test_a_type_as_modifier_limits_the_reference_to_the_type(
    library: Shelf, value: str
) -> None:
    assert await library.set("Observation", "subject:Patient", value) == LOCAL_23


async def test_identifier_matches_that_of_the_reference_itself(library: Shelf) -> None:
    assert await library.set("Observation", "subject:identifier", "urn:mrn|23") == {"identified"}
    assert await library.set("Observation", "subject:identifier", "24") == {"both"}
    assert await library.set("Observation", "subject:identifier", "urn:mrn|") == {
        "identified",
        "both",
    }


async def test_an_identifier_alone_is_a_value(library: Shelf) -> None:
    assert await library.set("Observation", "subject:missing", "true") == {"nobody"}


async def test_a_contained_patient_is_a_patient(library: Shelf) -> None:
    assert "contained" in await library.set("Observation", "patient:missing", "false")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("http://example.org/Questionnaire/phq9", True),
        ("http://example.org/Questionnaire/phq9|2.0", True),
        ("http://example.org/Questionnaire/phq9|1.0", False),
    ],
)
async def test_a_canonical_is_found_with_and_without_its_version(
    library: Shelf, value: str, found: bool
) -> None:
    ids = await library.set("QuestionnaireResponse", "questionnaire", value)
    assert bool(ids) is found
