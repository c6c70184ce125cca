"""Page tokens. https://hl7.org/fhir/R4/http.html#paging."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from fhir_server.context import Context
from fhir_server.r4.outcome import FhirError
from fhir_server.search.tokens import Token, seal, unseal
from smart_auth.grant import Everything, PatientCompartment

NOW = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
CONTEXT = Context("one", Everything(), NOW, "agent", "request")
KEY = b"p" * 32
TOKEN = Token(
    (("family", "Secret"),), NOW, backward=True, keys=("2020-01-01 00:00:00+00", None), rid=42
)


def test_a_token_comes_back_as_it_was_sealed() -> None:
    assert unseal(seal(TOKEN, CONTEXT, "Patient", KEY), CONTEXT, "Patient", KEY) == TOKEN


def test_a_long_search_makes_a_token_that_fits_an_address() -> None:
    codes = ",".join(f"http://loinc.org|{n}-{n % 10}" for n in range(500))
    long = Token((("code", codes),), NOW, backward=False, keys=(None,), rid=1)
    text = seal(long, CONTEXT, "Observation", KEY)
    assert len(text) < len(codes) / 3
    assert unseal(text, CONTEXT, "Observation", KEY) == long


def test_a_token_shows_nothing_of_the_search() -> None:
    text = seal(TOKEN, CONTEXT, "Patient", KEY)
    assert "Secret" not in text
    assert text != seal(TOKEN, CONTEXT, "Patient", KEY)


def test_a_token_can_stand_in_a_url() -> None:
    text = seal(TOKEN, CONTEXT, "Patient", KEY)
    assert text.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize(
    ("context", "type_", "key"),
    [
        (replace(CONTEXT, tenant="two"), "Patient", KEY),
        (replace(CONTEXT, grant=PatientCompartment("p")), "Patient", KEY),
        (CONTEXT, "Observation", KEY),
        (CONTEXT, "Patient", b"q" * 32),
    ],
)
def test_a_token_of_another_tenant_grant_type_or_server_is_refused(
    context: Context, type_: str, key: bytes
) -> None:
    text = seal(TOKEN, CONTEXT, "Patient", KEY)
    with pytest.raises(FhirError) as raised:
        unseal(text, context, type_, key)
    assert raised.value.status == 400


@pytest.mark.parametrize("position", range(0, 98, 7))
def test_a_changed_token_is_refused(position: int) -> None:
    text = seal(TOKEN, CONTEXT, "Patient", KEY)
    other = "A" if text[position] != "A" else "B"
    with pytest.raises(FhirError) as raised:
        unseal(text[:position] + other + text[position + 1 :], CONTEXT, "Patient", KEY)
    assert raised.value.status == 400


@pytest.mark.parametrize("text", ["", "x", "====", "AAAA", "é", "%00", "A" * 500])
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(FhirError) as raised:
        unseal(text, CONTEXT, "Patient", KEY)
    assert raised.value.status == 400
