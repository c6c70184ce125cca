"""The registry of search parameters. https://hl7.org/fhir/R4/searchparameter-registry.html."""

from __future__ import annotations

import pytest

from fhir_server.r4.definitions import definitions
from fhir_server.search import hot
from fhir_server.search.parameters import Registry
from fhir_server.search.paths import leaves, steps, union
from fhir_server.search.types.table import TYPES

REGISTRY = Registry(definitions())
DEFINITIONS = definitions()

# What no plain path can say: the FHIRPath engine evaluates these.
BY_ENGINE = {
    ("Bundle", "composition"),
    ("Bundle", "message"),
    ("Patient", "deceased"),
    ("QuestionnaireResponse", "item-subject"),
}


def test_every_type_has_the_parameters_of_all_resources() -> None:
    for type_ in DEFINITIONS.resource_types:
        codes = set(REGISTRY.of(type_))
        assert codes >= {"_id", "_lastUpdated", "_tag", "_profile", "_security", "_source"}


def test_every_parameter_with_an_expression_is_known_and_of_a_known_kind() -> None:
    for type_ in DEFINITIONS.resource_types:
        defined = DEFINITIONS.search_parameters_of(type_)
        rows = REGISTRY.of(type_)
        assert set(rows) == {code for code, p in defined.items() if p.expression}
        assert {row.kind for row in rows.values()} <= set(TYPES)


def test_all_but_four_expressions_are_plain_paths_that_lead_to_elements() -> None:
    by_engine = set[tuple[str, str]]()
    nowhere = set[tuple[str, str]]()
    for type_ in DEFINITIONS.resource_types:
        for code, row in REGISTRY.of(type_).items():
            assert row.operands, (type_, code)
            for operand in row.operands:
                if isinstance(operand, str):
                    by_engine.add((type_, code))
                elif not leaves(DEFINITIONS, type_, operand):
                    nowhere.add((type_, code))
    assert by_engine == BY_ENGINE
    assert nowhere == set()


def test_a_union_of_other_parameters_uses_their_rows() -> None:
    observation = REGISTRY.of("Observation")
    assert set(observation["combo-code"].slots) == {"code", "component-code"}
    assert set(observation["combo-value-quantity"].slots) == {
        "value-quantity",
        "component-value-quantity",
    }


def test_a_parameter_with_the_expression_of_another_uses_its_rows() -> None:
    assert REGISTRY.of("Patient")["phonetic"].slots == ("name",)


def test_every_slot_is_a_parameter_that_fills_it() -> None:
    for type_ in DEFINITIONS.resource_types:
        rows = REGISTRY.of(type_)
        for row in rows.values():
            if row.kind != "composite":
                assert all(rows[slot].slots == (slot,) for slot in row.slots), row


@pytest.mark.parametrize(("type_", "code"), sorted(hot.LEADING_DATE.items()))
def test_a_leading_date_has_one_value_at_most(type_: str, code: str) -> None:
    row = REGISTRY.of(type_)[code]
    assert (row.kind, row.leading, row.single) == ("date", True, True)


@pytest.mark.parametrize("type_", sorted(hot.HOT))
def test_hot_parameters_are_tokens(type_: str) -> None:
    rows = REGISTRY.of(type_)
    assert {rows[code].kind for code in hot.HOT[type_]} == {"token"}


def test_a_combination_is_hot_only_if_all_its_parts_are() -> None:
    observation = REGISTRY.of("Observation")
    assert observation["code"].hot
    assert not observation["combo-code"].hot


def test_a_patient_parameter_names_the_compartment() -> None:
    observation = REGISTRY.of("Observation")
    assert observation["subject"].patients
    assert observation["patient"].patients
    assert not observation["encounter"].patients


@pytest.mark.parametrize(
    ("type_", "code", "targets"),
    [
        ("Observation", "patient", ("Patient",)),
        ("AllergyIntolerance", "patient", ("Patient",)),
        ("Encounter", "patient", ("Patient",)),
        ("Encounter", "subject", ("Group", "Patient")),
    ],
)
def test_targets_are_those_of_the_type_itself(
    type_: str, code: str, targets: tuple[str, ...]
) -> None:
    assert REGISTRY.of(type_)[code].target == targets


def test_single_values_are_told_from_repeating_ones() -> None:
    observation = REGISTRY.of("Observation")
    assert observation["value-quantity"].single
    assert not observation["component-value-quantity"].single
    assert not REGISTRY.of("Condition")["category"].single


@pytest.mark.parametrize(
    ("operand", "same"),
    [
        ("(Observation.value as Quantity)", "Observation.value.as(Quantity)"),
        ("Observation.value as Quantity", "Observation.value.ofType(Quantity)"),
        (
            "(Observation.value as CodeableConcept).text",
            "Observation.value.as(CodeableConcept).text",
        ),
    ],
)
def test_both_ways_to_write_a_type_mean_the_same(operand: str, same: str) -> None:
    assert steps(operand) == steps(same)
    assert steps(operand) is not None


def test_a_union_is_split_only_at_the_top() -> None:
    assert union("(A.b | A.c)") == ("A.b", "A.c")
    assert union("A.where(x | y).z | A.q") == ("A.where(x | y).z", "A.q")
