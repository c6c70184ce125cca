"""References: https://hl7.org/fhir/R4/references.html#literal."""

from __future__ import annotations

import pytest

from fhir_server.r4.reference import Canonical, Reference, parse, parse_canonical, relative

UUID = "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"


def reference(text: str, kind: str, **parts: str) -> Reference:
    return Reference(kind, text, **parts)  # pyright: ignore[reportArgumentType]


EXPECTED = [
    reference("Patient/1", "relative", type="Patient", id="1"),
    reference("Patient/1/_history/2", "relative", type="Patient", id="1", version="2"),
    reference("http://a/fhir/Patient/1", "absolute", type="Patient", id="1", base="http://a/fhir"),
    reference(
        "https://a/Patient/Group/x/_history/3",
        "absolute", type="Group", id="x", version="3", base="https://a/Patient",
    ),
    reference("Patient?identifier=s|v", "conditional", type="Patient", query="identifier=s|v"),
    reference("Patient?", "conditional", type="Patient", query=""),
    reference("#p1", "fragment", id="p1"),
    reference("#", "fragment", id=""),
    reference(UUID, "uuid"),
    reference("urn:oid:1.2.3", "oid"),
    reference("http://example.org/StructureDefinition/x|1", "uri"),
    reference("urn:isbn:123", "uri"),
    reference("mailto:a@b", "uri"),
    reference("Nowhere/1", "malformed"),
    reference("Patient/", "malformed"),
    reference("Patient/a_b", "malformed"),
    reference("Patient/" + "x" * 65, "malformed"),
    reference("patient/1", "malformed"),
    reference("Nowhere?a=b", "malformed"),
    reference("urn:uuid:nope", "malformed"),
    reference("urn:oid:nope", "malformed"),
    reference("http://", "malformed"),
    reference("http:", "malformed"),
    reference("x:a b", "malformed"),
    reference("", "malformed"),
]  # fmt: skip


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda r: r.text[:40])
def test_a_reference_is_taken_apart(expected: Reference):
    assert parse(expected.text) == expected


def test_an_absolute_reference_on_our_own_base_is_local():
    own = Reference("relative", "Patient/1", "Patient", "1")
    assert relative("http://a/fhir/Patient/1", "http://a/fhir") == own
    assert relative("http://a/fhir/Patient/1", "http://a/fhir/") == own
    assert relative("Patient/1", "http://a/fhir") == own
    assert relative("http://b/fhir/Patient/1", "http://a/fhir").base == "http://b/fhir"
    assert relative("http://a/fhirs/Patient/1", "http://a/fhir").kind == "absolute"
    assert relative("http://a/fhir/Patient?_id=1", "http://a/fhir").kind == "conditional"


def test_a_canonical_is_taken_apart():
    assert parse_canonical("http://a/v|1.0#x") == Canonical("http://a/v", "1.0", "x")
    assert parse_canonical("http://a/v") == Canonical("http://a/v")
    assert parse_canonical("http://a/v|") == Canonical("http://a/v")
    assert parse_canonical("#x") == Canonical("", None, "x")
