"""Number and quantity search. https://hl7.org/fhir/R4/search.html#number and #quantity."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.search.shelf import Shelf

UCUM = "http://unitsofmeasure.org"
LOINC = "http://loinc.org"


def risk(id_: str, *probabilities: str) -> dict[str, Any]:
    return {
        "resourceType": "RiskAssessment",
        "id": id_,
        "status": "final",
        "subject": {"reference": "Patient/p"},
        "prediction": [{"probabilityDecimal": Decimal(p)} for p in probabilities],
    }


def quantity(value: str, **unit: str) -> dict[str, Any]:
    number = Decimal(value)
    return {"value": int(number) if number == int(number) else number, **unit}


def observation(id_: str, value: dict[str, Any] | None, *components: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": "1"}]},
    }
    if value is not None:
        found["valueQuantity"] = value
    if components:
        found["component"] = [
            {"code": {"coding": [{"system": LOINC, "code": code}]}, "valueQuantity": amount}
            for code, amount in components
        ]
    return found


MG = {"unit": "milligram", "system": UCUM, "code": "mg"}
RESOURCES: list[dict[str, Any]] = [
    risk("99.4", "99.4"),
    risk("99.5", "99.5"),
    risk("100", "100"),
    risk("100.4", "100.4"),
    risk("100.5", "100.5"),
    risk("several", "1", "3"),
    risk("none"),
    observation("mg", quantity("5.4", **MG)),
    observation("g", quantity("5.4", unit="g", system=UCUM, code="g")),
    observation("word", quantity("5.4", unit="mg")),
    observation("bare", quantity("5.4")),
    observation("below", quantity("5", comparator="<", unit="mg")),
    observation("above", quantity("5", comparator=">", unit="mg")),
    observation(
        "pressure",
        None,
        ("sys", quantity("120", unit="mmHg", system=UCUM, code="mm[Hg]")),
        ("dia", quantity("80", unit="mmHg", system=UCUM, code="mm[Hg]")),
    ),
    observation("empty", {"unit": "mg"}),
    {
        "resourceType": "Observation",
        "id": "samples",
        "status": "final",
        "code": {"text": "ecg"},
        "valueSampledData": {
            "origin": {"value": 1000},
            "period": 10,
            "factor": 2,
            "dimensions": 1,
            "data": "1 5 E 3 U",
        },
    },
    {
        "resourceType": "MolecularSequence",
        "id": "sequence",
        "coordinateSystem": 0,
        "referenceSeq": {"chromosome": {"coding": [{"code": "7"}]}, "windowStart": 1},
        "variant": [{"start": 10, "end": 20}, {"start": 30, "end": 40}],
    },
    {
        "resourceType": "ActivityDefinition",
        "id": "context",
        "status": "draft",
        "useContext": [
            {
                "code": {"system": "urn:c", "code": "age"},
                "valueRange": {"low": quantity("10", unit="a"), "high": quantity("20", unit="a")},
            }
        ],
    },
]


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        ("100", {"99.5", "100", "100.4"}),
        ("100.0", {"100"}),
        ("1e2", {"99.4", "99.5", "100", "100.4", "100.5"}),
        ("ne100", {"99.4", "100.5", "several"}),
        ("gt100", {"100.4", "100.5"}),
        ("ge100", {"100", "100.4", "100.5"}),
        ("lt99.5", {"99.4", "several"}),
        ("le99.5", {"99.4", "99.5", "several"}),
        ("sa100.4", {"100.5"}),
        ("eb99.5", {"99.4", "several"}),
        ("ap90", set[str]()),
        ("ap91.3", {"99.4", "99.5", "100", "100.4"}),
        ("2", set[str]()),
        ("ge3", {"99.4", "99.5", "100", "100.4", "100.5", "several"}),
    ],
)
async def test_numbers_compare_by_prefix_and_equal_by_precision(
    library: Shelf, value: str, ids: set[str]
) -> None:
    assert await library.set("RiskAssessment", "probability", value) == ids


async def test_a_resource_without_a_number_is_missing_it(library: Shelf) -> None:
    assert await library.set("RiskAssessment", "probability:missing", "true") == {"none"}


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        ("5.4", {"mg", "g", "word", "bare"}),
        ("5.40", {"mg", "g", "word", "bare"}),
        ("5.4||mg", {"mg", "word"}),
        ("5.4||milligram", {"mg"}),
        (f"5.4|{UCUM}|mg", {"mg"}),
        (f"5.4|{UCUM}|kg", set[str]()),
        ("5.4|urn:other|mg", set[str]()),
        ("gt5.3||mg", {"mg", "word", "above"}),
        (f"lt6|{UCUM}|g", {"g"}),
    ],
)
async def test_a_quantity_matches_by_number_and_unit(
    library: Shelf, value: str, ids: set[str]
) -> None:
    found = await library.set("Observation", "value-quantity", value)
    assert found - {"samples"} == ids


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        ("lt5", {"below"}),
        ("ge5||mg", {"mg", "word", "above"}),
        ("gt1000000||mg", {"above"}),
        ("lt-1000||mg", {"below"}),
        ("eb5||mg", {"below"}),
        ("sa5||mg", {"mg", "word", "above"}),
    ],
)
async def test_a_comparator_in_the_resource_makes_it_a_range(
    library: Shelf, value: str, ids: set[str]
) -> None:
    assert await library.set("Observation", "value-quantity", value) == ids


async def test_sampled_data_reach_from_the_lowest_to_the_highest_sample(library: Shelf) -> None:
    assert "samples" in await library.set("Observation", "value-quantity", "gt1009")
    assert "samples" not in await library.set("Observation", "value-quantity", "gt1010")
    assert "samples" in await library.set("Observation", "value-quantity", "ge1010")
    assert "samples" not in await library.set("Observation", "value-quantity", "lt1002")


async def test_a_range_is_compared_by_its_ends(library: Shelf) -> None:
    name = "context-quantity"
    assert await library.set("ActivityDefinition", name, "gt15||a") == {"context"}
    assert await library.set("ActivityDefinition", name, "lt15||a") == {"context"}
    assert await library.set("ActivityDefinition", name, "sa15||a") == set()
    assert await library.set("ActivityDefinition", name, "15||a") == set()
    assert await library.set("ActivityDefinition", "context-type-quantity", "urn:c|age$gt19") == {
        "context"
    }


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("component-code-value-quantity", "sys$gt100", True),
        ("component-code-value-quantity", "dia$gt100", False),
        ("component-code-value-quantity", f"{LOINC}|dia$80||mm[Hg]", True),
        ("component-code-value-quantity", f"{LOINC}|dia$80||mg", False),
        ("component-code-value-quantity", "urn:x|dia$80", False),
        ("combo-code-value-quantity", "sys$gt100||mmHg", True),
        ("combo-code-value-quantity", "1$gt100", False),
        ("combo-value-quantity", "gt100", True),
        ("component-value-quantity", "gt120", False),
        ("code-value-quantity", "1$gt0", False),
    ],
)
async def test_components_of_a_composite_match_in_the_same_element(
    library: Shelf, name: str, value: str, found: bool
) -> None:
    assert ("pressure" in await library.set("Observation", name, value)) is found


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("7$10$20", True),
        ("7$ge10$le20", True),
        ("7$gt25$lt50", True),
        ("7$10$40", False),
        ("7$gt25$lt35", False),
        ("8$10$20", False),
    ],
)
async def test_two_numbers_of_a_composite_are_of_the_same_element(
    library: Shelf, value: str, found: bool
) -> None:
    ids = await library.set("MolecularSequence", "chromosome-variant-coordinate", value)
    assert bool(ids) is found


async def test_a_composite_of_the_resource_itself_compares_its_own_values(library: Shelf) -> None:
    assert await library.set("Observation", "code-value-quantity", f"{LOINC}|1$5.4||g") == {"g"}
    assert await library.set("Observation", "combo-code-value-quantity", "1$5.4||g") == {"g"}


async def test_alternatives_of_a_composite_are_joined_by_comma(library: Shelf) -> None:
    found = await library.set("Observation", "code-value-quantity", "1$5.4||g,1$5.4||milligram")
    assert found == {"g", "mg"}


async def test_a_quantity_without_a_number_is_there_but_matches_nothing(library: Shelf) -> None:
    assert "empty" in await library.set("Observation", "value-quantity:missing", "false")
    assert "empty" not in await library.set("Observation", "value-quantity", "ge-1000||mg")
