"""Token search. https://hl7.org/fhir/R4/search.html#token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.search.shelf import Shelf

UCUM = "http://unitsofmeasure.org"
OBSERVATION_STATUS = "http://hl7.org/fhir/observation-status"


def observation(id_: str, *codings: dict[str, Any], **rest: Any) -> dict[str, Any]:
    code = {"coding": list(codings)} if codings else {"text": "words alone"}
    return {"resourceType": "Observation", "id": id_, "status": "final", "code": code, **rest}


RESOURCES: list[dict[str, Any]] = [
    observation("loinc", {"system": "http://loinc.org", "code": "8480-6"}),
    observation("local", {"system": "urn:local", "code": "8480-6"}),
    observation("bare", {"code": "8480-6"}),
    observation("two", {"system": "urn:local", "code": "A"}, {"system": "urn:other", "code": "B"}),
    observation("upper", {"system": "urn:local", "code": "GLUC"}),
    observation("mg", {"system": UCUM, "code": "mg"}),
    observation("Mg", {"system": UCUM, "code": "Mg"}),
    observation("pipe", {"system": "urn:local", "code": "x|y"}),
    observation("words", status="amended"),
    {
        "resourceType": "Patient",
        "id": "ada",
        "active": True,
        "gender": "female",
        "identifier": [{"system": "urn:mrn", "value": "12345"}],
        "telecom": [{"system": "phone", "value": "555-1"}, {"system": "email", "value": "a@b.c"}],
    },
    {"resourceType": "Patient", "id": "bob", "active": False, "deceasedBoolean": True},
    {"resourceType": "Patient", "id": "dead", "deceasedDateTime": "2020-01-01"},
]

EVERY_8480 = {"loinc", "local", "bare"}


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        ("8480-6", EVERY_8480),
        ("http://loinc.org|8480-6", {"loinc"}),
        ("|8480-6", {"bare"}),
        ("urn:local|", {"local", "two", "upper", "pipe"}),
        ("urn:none|8480-6", set[str]()),
        ("8480", set[str]()),
    ],
)
async def test_each_form_of_a_token_matches_what_it_says(
    library: Shelf, value: str, ids: set[str]
) -> None:
    assert await library.set("Observation", "code", value) == ids


@pytest.mark.parametrize("value", ["A", "B", "urn:other|B"])
async def test_any_coding_of_a_concept_may_match(library: Shelf, value: str) -> None:
    assert await library.set("Observation", "code", value) == {"two"}


async def test_system_and_code_must_be_of_the_same_coding(library: Shelf) -> None:
    assert await library.set("Observation", "code", "urn:local|B") == set()


async def test_case_makes_no_difference_where_the_code_system_does_not_say(
    library: Shelf,
) -> None:
    assert await library.set("Observation", "code", "urn:local|gluc") == {"upper"}
    assert await library.set("Observation", "code", "gluc") == {"upper"}


async def test_case_matters_in_a_code_system_that_is_case_sensitive(library: Shelf) -> None:
    assert await library.set("Observation", "code", f"{UCUM}|mg") == {"mg"}
    assert await library.set("Observation", "code", f"{UCUM}|Mg") == {"Mg"}
    assert await library.set("Observation", "code", "mg") == {"mg", "Mg"}


async def test_an_escaped_bar_is_part_of_the_code(library: Shelf) -> None:
    assert await library.set("Observation", "code", r"urn:local|x\|y") == {"pipe"}
    assert await library.set("Observation", "code", r"x\|y") == {"pipe"}


async def test_values_joined_by_comma_are_alternatives(library: Shelf) -> None:
    assert await library.set("Observation", "code", "A,GLUC,8480-6") == EVERY_8480 | {
        "two",
        "upper",
    }


async def test_not_finds_all_without_a_match_also_those_without_a_code(library: Shelf) -> None:
    found = await library.set("Observation", "code:not", "8480-6")
    assert found == {"two", "upper", "mg", "Mg", "pipe", "words"}


async def test_not_with_alternatives_excludes_each_of_them(library: Shelf) -> None:
    assert await library.set("Observation", "code:not", "8480-6,A,x\\|y") == {
        "upper",
        "mg",
        "Mg",
        "words",
    }


async def test_a_code_element_has_the_system_of_its_binding(library: Shelf) -> None:
    assert await library.set("Observation", "status", "amended") == {"words"}
    assert await library.set("Observation", "status", f"{OBSERVATION_STATUS}|amended") == {"words"}
    assert await library.set("Observation", "status", "urn:other|amended") == set()


@pytest.mark.parametrize(
    ("name", "value", "id_"),
    [
        ("identifier", "12345", "ada"),
        ("identifier", "urn:mrn|12345", "ada"),
        ("identifier", "urn:mrn|", "ada"),
        ("gender", "female", "ada"),
        ("active", "true", "ada"),
        ("active", "false", "bob"),
        ("phone", "555-1", "ada"),
        ("email", "a@b.c", "ada"),
        ("telecom", "555-1", "ada"),
    ],
)
async def test_identifiers_codes_booleans_and_contact_points_are_tokens(
    library: Shelf, name: str, value: str, id_: str
) -> None:
    assert await library.set("Patient", name, value) == {id_}


async def test_a_phone_number_is_no_email(library: Shelf) -> None:
    assert await library.set("Patient", "email", "555-1") == set()


async def test_deceased_is_true_also_where_only_the_date_is_known(library: Shelf) -> None:
    assert await library.set("Patient", "deceased", "true") == {"bob", "dead"}
    assert await library.set("Patient", "deceased", "false") == {"ada"}


async def test_missing_tells_who_has_the_element(library: Shelf) -> None:
    assert await library.set("Patient", "identifier:missing", "true") == {"bob", "dead"}
    assert await library.set("Patient", "identifier:missing", "false") == {"ada"}


async def test_ids_compare_with_case(library: Shelf) -> None:
    assert await library.set("Patient", "_id", "ada") == {"ada"}
    assert await library.set("Patient", "_id", "ADA") == set()
    assert await library.set("Patient", "_id", "ada,bob,nobody") == {"ada", "bob"}
