"""What the index stores about a resource. https://hl7.org/fhir/R4/searchparameter.html."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from fhir_server.r4.compartment import patients
from fhir_server.r4.definitions import definitions
from fhir_server.search.hashes import Hasher
from fhir_server.search.indexer import Indexer

HASHER = Hasher(b"k" * 32)
BASE = "http://localhost:8080/fhir"
INDEXER = Indexer(definitions(), HASHER, BASE)

OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "o1",
    "status": "final",
    "category": [
        {"coding": [{"system": "http://example.org/categories", "code": "Vital-Signs"}]},
    ],
    "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]},
    "subject": {"reference": "Patient/p1"},
    "performer": [{"reference": f"{BASE}/Practitioner/d1"}],
    "effectiveDateTime": "2020-02-03",
    "valueQuantity": {
        "value": Decimal("5.40"),
        "unit": "mg",
        "system": "http://unitsofmeasure.org",
        "code": "mg",
    },
    "component": [
        {
            "code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]},
            "valueQuantity": {"value": 120, "unit": "mmHg", "code": "mm[Hg]"},
        }
    ],
}


def hashed(code: str, *parts: str, type_: str = "Observation") -> int:
    return HASHER.hash(type_, code, *parts)


def test_a_coding_is_found_by_code_system_and_both() -> None:
    tokens = INDEXER.rows(OBSERVATION).tokens
    assert hashed("code", "c", "85354-9") in tokens
    assert hashed("code", "sc", "http://loinc.org", "85354-9") in tokens
    assert hashed("code", "s", "http://loinc.org") in tokens


def test_a_code_element_has_the_system_of_its_binding() -> None:
    tokens = INDEXER.rows(OBSERVATION).tokens
    assert hashed("status", "sc", "http://hl7.org/fhir/observation-status", "final") in tokens


def test_hot_rows_hold_codes_of_hot_parameters_and_are_tokens_too() -> None:
    rows = INDEXER.rows(OBSERVATION)
    assert hashed("code", "c", "85354-9") in rows.hot
    assert hashed("category", "c", "vital-signs") in rows.hot
    assert hashed("status", "c", "final") not in rows.hot
    assert set(rows.hot) <= set(rows.tokens)


def test_the_leading_date_stands_in_the_row_and_nowhere_else() -> None:
    rows = INDEXER.rows(OBSERVATION)
    assert rows.date_lo == datetime(2020, 2, 3, tzinfo=UTC)
    assert rows.date_hi == datetime(2020, 2, 4, tzinfo=UTC)
    assert rows.periods == []


def test_other_dates_have_rows_of_their_own() -> None:
    condition = {
        "resourceType": "Condition",
        "onsetDateTime": "2020",
        "recordedDate": "2021-05-06",
        "subject": {"reference": "Patient/p1"},
    }
    rows = INDEXER.rows(condition)
    assert rows.date_lo == datetime(2020, 1, 1, tzinfo=UTC)
    assert rows.periods == [
        (
            hashed("recorded-date", "p", type_="Condition"),
            datetime(2021, 5, 6, tzinfo=UTC),
            datetime(2021, 5, 7, tzinfo=UTC),
        )
    ]


def test_the_compartment_is_that_of_the_patients_referred_to() -> None:
    assert INDEXER.rows(OBSERVATION).pats == (HASHER.patient("p1"),)


def test_a_resource_of_several_patients_says_which_also_among_the_tokens() -> None:
    appointment = {
        "resourceType": "Appointment",
        "participant": [
            {"actor": {"reference": "Patient/a"}},
            {"actor": {"reference": f"{BASE}/Patient/b"}},
            {"actor": {"reference": "http://elsewhere.org/fhir/Patient/c"}},
            {"actor": {"reference": "Practitioner/d"}},
        ],
    }
    rows = INDEXER.rows(appointment)
    assert set(rows.pats) == {HASHER.patient("a"), HASHER.patient("b")}
    assert set(rows.pats) <= set(rows.tokens)


def test_a_patient_lies_in_its_own_compartment() -> None:
    assert INDEXER.rows({"resourceType": "Patient", "id": "p1"}).pats == (HASHER.patient("p1"),)


def test_a_reference_to_our_own_base_is_local() -> None:
    tokens = INDEXER.rows(OBSERVATION).tokens
    assert hashed("performer", "r", "Practitioner/d1") in tokens
    assert hashed("performer", "i", "d1") in tokens


def test_a_parameter_for_patients_ignores_other_subjects() -> None:
    group = OBSERVATION | {"subject": {"reference": "Group/g1"}}
    tokens = INDEXER.rows(group).tokens
    assert hashed("subject", "r", "Group/g1") in tokens
    assert hashed("patient", "r", "Group/g1") not in tokens
    assert INDEXER.rows(group).pats == ()


def test_a_reference_to_a_contained_patient_counts_as_one_to_a_patient() -> None:
    contained = OBSERVATION | {
        "contained": [{"resourceType": "Patient", "id": "p"}],
        "subject": {"reference": "#p"},
    }
    present = INDEXER.rows(contained).tokens
    absent = INDEXER.rows(OBSERVATION | {"subject": {"reference": "#p"}}).tokens
    assert present != absent


def test_one_value_in_a_unit_is_one_row_with_the_unit_among_the_tokens() -> None:
    rows = INDEXER.rows(OBSERVATION)
    row = (hashed("value-quantity", "v"), Decimal("5.4"), Decimal("5.4"))
    assert [n for n in rows.numbers if n[1] == Decimal("5.4")] == [row]
    assert hashed("value-quantity", "su", "http://unitsofmeasure.org", "mg") in rows.tokens


def test_values_that_repeat_have_a_row_per_form_of_the_unit() -> None:
    numbers = INDEXER.rows(OBSERVATION).numbers
    wanted = {
        hashed("component-value-quantity", "v"),
        hashed("component-value-quantity", "u", "mmHg"),
        hashed("component-value-quantity", "u", "mm[Hg]"),
    }
    assert wanted <= {h for h, low, _ in numbers if low == 120}


def test_a_composite_pairs_components_of_the_same_element() -> None:
    rows = INDEXER.rows(OBSERVATION)
    slot = "component(code,value.as(Quantity))"
    pair = hashed(slot, "sc", "http://loinc.org", "8480-6", "u", "mm[Hg]")
    assert (pair, Decimal(120), Decimal(120)) in rows.numbers
    assert hashed(slot, "c", "85354-9", "v") not in {h for h, _, _ in rows.numbers}


def test_a_variant_of_a_sequence_has_start_and_end_in_one_row() -> None:
    sequence = {
        "resourceType": "MolecularSequence",
        "referenceSeq": {
            "chromosome": {"coding": [{"code": "1"}]},
            "windowStart": 1,
            "windowEnd": 10,
        },
        "variant": [{"start": 3, "end": 4}, {"start": 7, "end": 9}],
    }
    pairs = {(low, high) for _, low, high in INDEXER.rows(sequence).numbers if low != high}
    assert pairs == {(3, 4), (7, 9), (1, 10)}


def test_a_row_is_stored_once() -> None:
    twice = copy.deepcopy(OBSERVATION)
    twice["category"] *= 2
    assert INDEXER.rows(twice) == INDEXER.rows(OBSERVATION)
    for rows in (INDEXER.rows(twice).tokens, INDEXER.rows(twice).hot):
        assert len(rows) == len(set(rows))


def test_names_are_found_by_every_part() -> None:
    patient = {
        "resourceType": "Patient",
        "name": [{"family": "Müller", "given": ["Änne", "Maria"], "prefix": ["Dr."]}],
    }
    rows = INDEXER.rows(patient)
    name = hashed("name", "n", type_="Patient")
    assert {v for h, v in rows.strings if h == name} == {"muller", "anne", "maria", "dr."}
    assert hashed("name", "x", "Müller", type_="Patient") in rows.tokens


def test_a_long_text_is_kept_in_stretches_that_fit_an_index_entry() -> None:
    text = "".join(f"w{n} " for n in range(2000))
    rows = INDEXER.rows({"resourceType": "Observation", "valueString": text})
    stretches = [v for _, v in rows.strings]
    assert max(len(v) for v in stretches) <= 600
    normal = text.strip()
    assert all(
        any(normal[at : at + 300] in stretch for stretch in stretches)
        for at in range(0, len(normal) - 300, 37)
    )


@pytest.mark.parametrize("wrong", [None, 1, True, "x", [], [[]], {}, {"coding": 1}, [None], [3]])
def test_values_of_a_wrong_type_never_fail(wrong: object) -> None:
    for name in OBSERVATION:
        if name != "resourceType":
            INDEXER.rows(OBSERVATION | {name: wrong})
    for name in ("effectivePeriod", "effectiveTiming", "valueSampledData", "valuePeriod", "meta"):
        INDEXER.rows({"resourceType": "Observation", name: wrong})
    for name in ("name", "identifier", "telecom", "address", "birthDate", "contained", "link"):
        INDEXER.rows({"resourceType": "Patient", name: wrong})
    INDEXER.rows({"resourceType": "Patient", "name": [{"given": wrong, "family": wrong}]})
    INDEXER.rows({"resourceType": "Location", "position": {"latitude": wrong, "longitude": 1}})


@pytest.mark.parametrize(
    "resource",
    [
        OBSERVATION,
        {"resourceType": "Patient", "id": "p1", "link": [{"other": {"reference": "Patient/p2"}}]},
        {
            "resourceType": "Appointment",
            "participant": [
                {"actor": {"reference": "Patient/a"}},
                {"actor": {"reference": f"{BASE}/Patient/b/_history/2"}},
                {"actor": {"reference": "http://elsewhere.org/fhir/Patient/c"}},
            ],
        },
        {"resourceType": "Claim", "patient": {"reference": "Patient/a"}, "payee": {"party": {}}},
        {"resourceType": "Group", "member": [{"entity": {"reference": "Patient/a"}}]},
        {"resourceType": "Organization", "id": "o"},
    ],
)
def test_the_compartment_is_what_the_definitions_say(resource: dict[str, Any]) -> None:
    said = patients(resource, BASE)
    assert set(INDEXER.rows(resource).pats) == {HASHER.patient(id_) for id_ in said}
