"""Parameters of a search, read. https://hl7.org/fhir/R4/search.html."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from fhir_server.r4.definitions import definitions
from fhir_server.r4.outcome import FhirError
from fhir_server.search.catalog import Catalog, Pages
from fhir_server.search.hashes import Hasher
from fhir_server.search.request import MAX_VALUES, parse, searchable
from fhir_server.search.types.date import Instants
from fhir_server.search.types.number import Number
from fhir_server.search.types.quantity import Quantity
from fhir_server.search.types.reference import Target
from fhir_server.search.types.token import Token

if TYPE_CHECKING:
    from fhir_server.search.request import SearchRequest

BASE = "http://localhost:8080/fhir"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
CATALOG = Catalog(definitions(), Hasher(b"k" * 32), BASE, Pages(b"p" * 32))


def read(type_: str, *pairs: tuple[str, str], lenient: bool = False) -> SearchRequest:
    return parse(CATALOG, type_, pairs, NOW, lenient=lenient)


def values(type_: str, name: str, value: str) -> tuple[object, ...]:
    return read(type_, (name, value)).criteria[0].values


def refusal(type_: str, *pairs: tuple[str, str], lenient: bool = False) -> tuple[int, str]:
    with pytest.raises(FhirError) as raised:
        read(type_, *pairs, lenient=lenient)
    return raised.value.status, raised.value.issues[0].diagnostics


def test_repeated_parameters_must_all_hold_and_values_joined_by_comma_are_alternatives() -> None:
    request = read("Observation", ("code", "a,b"), ("code", "c"), ("status", "final"))
    assert [c.parameter.code for c in request.criteria] == ["code", "code", "status"]
    assert request.criteria[0].values == (Token(None, "a"), Token(None, "b"))


def test_an_escaped_comma_belongs_to_the_value() -> None:
    assert values("Observation", "code", r"a\,b,c") == (Token(None, "a,b"), Token(None, "c"))


def test_an_empty_parameter_is_ignored() -> None:
    assert read("Observation", ("code", ""), ("unheard-of", "")).criteria == ()


def test_an_empty_alternative_is_ignored() -> None:
    assert values("Observation", "code", "a,,b") == (Token(None, "a"), Token(None, "b"))


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("m", Token(None, "m")),
        ("http://s|m", Token("http://s", "m")),
        ("|m", Token("", "m")),
        ("http://s|", Token("http://s", "")),
        (r"a\|b", Token(None, "a|b")),
    ],
)
def test_the_four_forms_of_a_token(text: str, token: Token) -> None:
    assert values("Observation", "code", text) == (token,)


@pytest.mark.parametrize("text", ["|", "a|b|c"])
def test_a_token_of_another_form_is_refused(text: str) -> None:
    status, said = refusal("Observation", ("code", text))
    assert status == 400
    assert "'code'" in said


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("2013", datetime(2013, 1, 1, tzinfo=UTC), datetime(2014, 1, 1, tzinfo=UTC)),
        ("2013-02", datetime(2013, 2, 1, tzinfo=UTC), datetime(2013, 3, 1, tzinfo=UTC)),
        ("2013-01-14", datetime(2013, 1, 14, tzinfo=UTC), datetime(2013, 1, 15, tzinfo=UTC)),
        (
            "2013-01-14T10:00+02:00",
            datetime(2013, 1, 14, 8, 0, tzinfo=UTC),
            datetime(2013, 1, 14, 8, 1, tzinfo=UTC),
        ),
        (
            # A plus sign that a client did not escape arrives as a space.
            "2013-01-14T10:00:00 02:00",
            datetime(2013, 1, 14, 8, 0, tzinfo=UTC),
            datetime(2013, 1, 14, 8, 0, 1, tzinfo=UTC),
        ),
    ],
)
def test_a_date_means_the_range_of_its_precision(text: str, low: datetime, high: datetime) -> None:
    assert values("Observation", "date", text) == (Instants("eq", low, high),)
    assert values("Observation", "date", f"ge{text}") == (Instants("ge", low, high),)


def test_approximately_is_a_tenth_of_the_time_between_then_and_now() -> None:
    (found,) = values("Observation", "date", "ap2026-11-11")
    assert found == Instants(
        "ap", datetime(2026, 11, 10, tzinfo=UTC), datetime(2026, 11, 13, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("100", "99.5", "100.5"),
        ("100.00", "99.995", "100.005"),
        ("1e2", "95", "105"),
        ("5.40e-3", "0.005395", "0.005405"),
        ("-1", "-1.5", "-0.5"),
        ("0", "-0.5", "0.5"),
    ],
)
def test_a_number_means_the_range_of_its_last_digit(text: str, low: str, high: str) -> None:
    assert values("RiskAssessment", "probability", text) == (
        Number("eq", Decimal(text), Decimal(low), Decimal(high)),
    )


def test_approximately_is_a_tenth_of_a_number() -> None:
    (found,) = values("RiskAssessment", "probability", "ap0.5")
    assert found == Number("ap", Decimal("0.5"), Decimal("0.45"), Decimal("0.55"))


@pytest.mark.parametrize(
    ("text", "system", "code"),
    [("lt5.4", "", ""), ("lt5.4||mg", "", "mg"), ("lt5.4|http://u|mg", "http://u", "mg")],
)
def test_the_three_forms_of_a_quantity(text: str, system: str, code: str) -> None:
    (found,) = values("Observation", "value-quantity", text)
    assert isinstance(found, Quantity)
    assert (found.number.prefix, found.number.value) == ("lt", Decimal("5.4"))
    assert (found.system, found.code) == (system, code)


@pytest.mark.parametrize("text", ["x", "5|mg", "5|http://u|", "1e99999", "zz5", "NaN", ""])
def test_a_quantity_of_another_form_is_refused(text: str) -> None:
    if text:
        assert refusal("Observation", ("value-quantity", text))[0] == 400


@pytest.mark.parametrize(
    ("name", "text", "form"),
    [
        ("patient", "p1", ("r", "Patient/p1")),
        ("subject", "p1", ("i", "p1")),
        ("subject", "Patient/p1", ("r", "Patient/p1")),
        ("subject", f"{BASE}/Patient/p1", ("r", "Patient/p1")),
        ("subject:Patient", "p1", ("r", "Patient/p1")),
        ("subject", "Patient/p1/_history/2", ("v", "Patient/p1/_history/2")),
        ("subject", "http://x.org/fhir/Patient/p1", ("u", "http://x.org/fhir/Patient/p1")),
    ],
)
def test_the_forms_of_a_reference(name: str, text: str, form: tuple[str, ...]) -> None:
    (found,) = values("Observation", name, text)
    assert isinstance(found, Target)
    assert found.form == form


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("subject", "no id"),
        ("subject:Practitioner", "d1"),
        ("subject:Patient", "Group/g1"),
        ("subject", "#contained"),
    ],
)
def test_a_reference_that_can_match_nothing_is_refused(name: str, text: str) -> None:
    assert refusal("Observation", (name, text))[0] == 400


def test_an_unknown_parameter_is_refused_with_those_that_are_known() -> None:
    status, said = refusal("Patient", ("birth-date", "2000"))
    assert status == 400
    assert "'birth-date'" in said
    assert "birthdate" in said


def test_an_unknown_parameter_is_a_warning_when_handling_is_lenient() -> None:
    request = read("Patient", ("birth-date", "2000"), ("gender", "male"), lenient=True)
    assert [c.parameter.code for c in request.criteria] == ["gender"]
    assert [w.severity for w in request.warnings] == ["warning"]
    assert "birth-date" in request.warnings[0].diagnostics
    assert request.used == (("gender", "male"),)


@pytest.mark.parametrize("lenient", [False, True])
def test_an_unsupported_modifier_is_refused_always(lenient: bool) -> None:
    status, said = refusal("Patient", ("gender:foo", "male"), lenient=lenient)
    assert status == 400
    assert "'gender'" in said
    assert ":foo" in said
    assert ":not" in said


@pytest.mark.parametrize("name", ["subject.name", "subject:Patient.name", "_has:Observation:x:y"])
def test_a_chained_search_is_refused_by_name(name: str) -> None:
    status, said = refusal("Observation", (name, "x"), lenient=True)
    assert status == 400
    assert name in said


@pytest.mark.parametrize(
    ("type_", "name"),
    [("Observation", "_include"), ("Observation", "_text"), ("Location", "near")],
)
def test_a_parameter_of_the_specification_that_is_not_served_is_refused_by_name(
    type_: str, name: str
) -> None:
    status, said = refusal(type_, (name, "x"))
    assert status == 400
    assert repr(name) in said
    assert [w.severity for w in read(type_, (name, "x"), lenient=True).warnings] == ["warning"]


def test_what_can_be_searched_by_leaves_out_what_is_only_indexed() -> None:
    assert "near" not in searchable(CATALOG.registry, "Location")
    assert {"name", "_id"} <= set(searchable(CATALOG.registry, "Location"))


@pytest.mark.parametrize("value", ["true", "false"])
def test_missing_takes_true_or_false(value: str) -> None:
    assert values("Observation", "encounter:missing", value) == (value == "true",)


@pytest.mark.parametrize(("name", "value"), [("encounter:missing", "yes"), ("_id:missing", "true")])
def test_missing_takes_nothing_else(name: str, value: str) -> None:
    assert refusal("Observation", (name, value))[0] == 400


def test_a_composite_takes_one_value_per_component() -> None:
    assert refusal("Observation", ("code-value-quantity", "8480-6"))[0] == 400
    assert refusal("Observation", ("code-value-quantity", "8480-6$1$2"))[0] == 400


def test_sort_keys_are_taken_in_order() -> None:
    request = read("Observation", ("_sort", "status,-date,_id"))
    assert [(s.parameter.code, s.descending) for s in request.sort] == [
        ("status", False),
        ("date", True),
        ("_id", False),
    ]


@pytest.mark.parametrize("value", ["unheard-of", "code-value-quantity", "date,-date"])
def test_a_sort_key_that_cannot_be_used_is_refused(value: str) -> None:
    assert refusal("Observation", ("_sort", value))[0] == 400


def test_a_count_of_zero_asks_for_the_total_alone() -> None:
    assert read("Observation", ("_count", "0")).summary == "count"


@pytest.mark.parametrize(
    ("name", "value"),
    [("_count", "-1"), ("_count", "x"), ("_total", "some"), ("_summary", "short")],
)
def test_result_parameters_with_wrong_values_are_refused(name: str, value: str) -> None:
    status, said = refusal("Observation", (name, value))
    assert status == 400
    assert name in said


def test_a_result_parameter_is_given_once() -> None:
    assert refusal("Observation", ("_count", "1"), ("_count", "2"))[0] == 400


def test_parameters_of_the_response_are_passed_over() -> None:
    request = read("Observation", ("_format", "json"), ("_pretty", "true"), ("_elements", "code"))
    assert request.criteria == ()


def test_more_values_than_the_limit_are_refused() -> None:
    many = ",".join(str(n) for n in range(MAX_VALUES + 1))
    assert refusal("Observation", ("code", many))[0] == 400


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("date", "zz2020"),
        ("date", "2020-13"),
        ("date", "yesterday"),
        ("value-quantity", "one"),
        ("_id", "not an id"),
        ("_lastUpdated", "soon"),
    ],
)
def test_a_value_that_cannot_be_read_is_refused_by_parameter(name: str, value: str) -> None:
    status, said = refusal("Observation", (name, value))
    assert status == 400
    assert repr(name) in said
