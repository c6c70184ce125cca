"""Primitive types: https://hl7.org/fhir/R4/datatypes.html#primitive."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from fhir_server.r4.primitives import MAX_INTEGER, checks, fault, pattern

GOOD: dict[str, list[object]] = {
    "boolean": [True, False],
    "integer": [0, -1, MAX_INTEGER, -MAX_INTEGER - 1],
    "unsignedInt": [0, MAX_INTEGER],
    "positiveInt": [1],
    "decimal": [Decimal("1.00"), Decimal("1E-22"), 7],
    "string": ["a", " a\r\n\t", "\u00a0", "\u4e2d"],
    "markdown": ["# a"],
    "code": ["a", "a b"],
    "id": ["a-B.9", "x" * 64],
    "uri": ["urn:a", "http://a/b?c#d", "not checked"[:3]],
    "url": ["http://a"],
    "canonical": ["http://a|1"],
    "oid": ["urn:oid:1.2.0"],
    "uuid": ["urn:uuid:c757873d-ec9a-4326-a141-556f43239520"],
    "base64Binary": ["AAAA", "AAA=", "AA==", "AAAA\r\n AAAA", "A A A ="],
    "date": ["2020", "2020-02", "2020-02-29"],
    "dateTime": ["2020", "2020-02-29T10:00:00Z", "2020-02-29T10:00:00.123+14:00"],
    "instant": ["2020-02-29T10:00:00Z"],
    "time": ["10:00:00", "23:59:60", "10:00:00.5"],
    "xhtml": ["<div/>"],
}

BAD: dict[str, list[object]] = {
    "boolean": [1, "true", None],
    "integer": [True, "1", Decimal("1.0"), MAX_INTEGER + 1, -MAX_INTEGER - 2],
    "unsignedInt": [-1],
    "positiveInt": [0],
    "decimal": ["1", True, None],
    "string": ["", 1, "\x0b", "x" * (1024 * 1024 + 1)],
    "markdown": [""],
    "code": ["", " a", "a ", "a  b", "a\nb\n"],
    "id": ["", "x" * 65, "a_b", "a b", "é"],
    "uri": ["a b", ""],
    "url": ["a b"],
    "canonical": ["a b"],
    "oid": ["1.2", "urn:oid:3.1", "urn:oid:1.02"],
    "uuid": ["urn:uuid:C757873D-EC9A-4326-A141-556F43239520", "c757873d"],
    "base64Binary": ["", "A", "AAA", "A===", "AAAA!", "=AAA", 1],
    "date": ["2020-02-30", "2020-1", "2020-01-01T10:00:00Z", "0000", 2020],
    "dateTime": ["2020-02-30T10:00:00Z", "2020-01-01T10:00:00", "2020-01-01T10:00Z"],
    "instant": ["2020", "2020-02-29T10:00:00"],
    "time": ["24:00:00", "10:00", "10:00:00Z", 10],
    "xhtml": [""],
}


def test_every_primitive_type_has_a_check():
    assert checks().keys() == GOOD.keys() == BAD.keys()


@pytest.mark.parametrize("name", GOOD)
def test_what_the_type_allows_has_no_fault(name: str):
    assert [value for value in GOOD[name] if fault(name, value) is not None] == []


@pytest.mark.parametrize("name", BAD)
def test_what_the_type_forbids_has_a_fault(name: str):
    assert [value for value in BAD[name] if not fault(name, value)] == []


def test_hostile_base64_is_refused_in_linear_time():
    hostile = "AAAA" + "    AAAA" * 5_000 + "!"
    start = time.perf_counter()
    assert fault("base64Binary", hostile)
    assert time.perf_counter() - start < 1


def test_published_patterns_take_white_space_to_be_ascii():
    assert pattern("uri").fullmatch("a\u00a0b")
    assert pattern("xhtml").fullmatch("<div>\n</div>")
