"""String search. https://hl7.org/fhir/R4/search.html#string."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.search.shelf import Shelf

LONG = "start of it " + "filler " * 400 + "needle at the end"

RESOURCES: list[dict[str, Any]] = [
    {
        "resourceType": "Patient",
        "id": "eve",
        "name": [{"family": "Everywoman", "given": ["Eve"], "prefix": ["Dr."], "suffix": ["Jr"]}],
        "address": [
            {
                "line": ["12 Rue Été"],
                "city": "Montréal",
                "state": "QC",
                "postalCode": "H2X",
                "country": "CA",
                "district": "Plateau",
                "text": "somewhere",
            }
        ],
    },
    {"resourceType": "Patient", "id": "steven", "name": [{"given": ["Steven"]}]},
    {"resourceType": "Patient", "id": "muller", "name": [{"family": "Müller"}]},
    {"resourceType": "Patient", "id": "MULLER", "name": [{"family": "MULLER"}]},
    {"resourceType": "Patient", "id": "text", "name": [{"text": "Maria  de la  Cruz"}]},
    {"resourceType": "Patient", "id": "comma", "name": [{"family": "Smith, Jr"}]},
    {"resourceType": "Patient", "id": "greek", "name": [{"family": "ΣΊΣΥΦΟΣ"}]},
    {"resourceType": "Patient", "id": "none"},
    {"resourceType": "Observation", "id": "long", "status": "final", "valueString": LONG},
]


@pytest.mark.parametrize(
    ("name", "value", "ids"),
    [
        ("name", "eve", {"eve"}),
        ("given", "eve", {"eve"}),
        ("given", "EVE", {"eve"}),
        ("given", "ste", {"steven"}),
        ("given", "ven", set[str]()),
    ],
)
async def test_a_field_matches_that_begins_with_the_value_whatever_the_case(
    library: Shelf, name: str, value: str, ids: set[str]
) -> None:
    assert await library.set("Patient", name, value) == ids


@pytest.mark.parametrize("value", ["muller", "MÜLLER", "Mu\u0308ller"])
async def test_accents_and_case_make_no_difference(library: Shelf, value: str) -> None:
    assert await library.set("Patient", "family", value) == {"muller", "MULLER"}


async def test_case_makes_no_difference_in_other_alphabets(library: Shelf) -> None:
    assert await library.set("Patient", "family", "σίσυφος") == {"greek"}


@pytest.mark.parametrize("value", ["everywoman", "eve", "dr.", "jr"])
async def test_name_searches_every_part_of_a_name(library: Shelf, value: str) -> None:
    assert "eve" in await library.set("Patient", "name", value)


@pytest.mark.parametrize(
    "value", ["12 rue ete", "montreal", "qc", "h2x", "ca", "plateau", "somewhere"]
)
async def test_address_searches_every_part_of_an_address(library: Shelf, value: str) -> None:
    assert await library.set("Patient", "address", value) == {"eve"}


async def test_spaces_between_words_are_one_space(library: Shelf) -> None:
    assert await library.set("Patient", "name", "maria de la cruz") == {"text"}


@pytest.mark.parametrize(
    ("value", "ids"), [("Müller", {"muller"}), ("MULLER", {"MULLER"}), ("muller", set[str]())]
)
async def test_exact_matches_the_whole_string_with_case_and_accents(
    library: Shelf, value: str, ids: set[str]
) -> None:
    assert await library.set("Patient", "family:exact", value) == ids


async def test_exact_does_not_match_a_beginning(library: Shelf) -> None:
    assert await library.set("Patient", "family:exact", "Every") == set()


@pytest.mark.parametrize(
    ("value", "ids"), [("EVE", {"eve", "steven"}), ("ülle", {"muller", "MULLER"})]
)
async def test_contains_matches_anywhere_without_case_and_accents(
    library: Shelf, value: str, ids: set[str]
) -> None:
    assert await library.set("Patient", "name:contains", value) == ids


async def test_values_joined_by_comma_are_alternatives(library: Shelf) -> None:
    assert await library.set("Patient", "given", "eve,steven") == {"eve", "steven"}


async def test_an_escaped_comma_is_part_of_the_value(library: Shelf) -> None:
    assert await library.set("Patient", "family", r"smith\, jr") == {"comma"}


async def test_repeated_parameters_must_both_match(library: Shelf) -> None:
    assert await library.ids("Patient", ("name", "eve"), ("name", "dr")) == ["eve"]
    assert await library.ids("Patient", ("name", "eve"), ("name", "steven")) == []


@pytest.mark.parametrize("value", ["needle at", "filler filler needle"])
async def test_contains_looks_into_long_texts_to_their_end(library: Shelf, value: str) -> None:
    assert await library.set("Observation", "value-string:contains", value) == {"long"}


async def test_only_the_beginning_of_a_long_text_is_its_beginning(library: Shelf) -> None:
    assert await library.set("Observation", "value-string", "start of it") == {"long"}
    assert await library.set("Observation", "value-string", "filler") == set()


async def test_like_patterns_are_plain_characters(library: Shelf) -> None:
    assert await library.set("Patient", "name:contains", "%") == set()
    assert await library.set("Patient", "name", "_ve") == set()
