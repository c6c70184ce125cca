"""JSON representation: https://hl7.org/fhir/R4/json.html."""

from __future__ import annotations

import pytest

from fhir_server.r4.json import decode, encode, survives_jsonb
from fhir_server.r4.outcome import FhirError

KEPT = [b"1.00", b"1E-22", b"1e-22", b"1e2", b"1.25e1", b"0.00000001", b"0.0000000", b"-0.0", b"7"]


@pytest.mark.parametrize("number", KEPT, ids=bytes.decode)
def test_numbers_come_back_as_written(number: bytes):
    body = b'{"a":' + number + b',"b":0.00000005,"c":"3"}'
    assert encode(decode(body)) == body


@pytest.mark.parametrize(
    ("number", "survives"),
    [(b"1.00", True), (b"0.0", True), (b"-0.5", True), (b"1E-22", False), (b"-0.0", False)],
    ids=lambda value: value.decode() if isinstance(value, bytes) else str(value),
)
def test_numbers_that_jsonb_rewrites_are_known(number: bytes, survives: bool):
    assert survives_jsonb(b'{"a":' + number + b"}") is survives


REFUSED = {
    "broken": b'{"a":',
    "not an object": b"[1]",
    "duplicate key": b'{"a":1,"a":2}',
    "NaN": b'{"a":NaN}',
    "infinity": b'{"a":-Infinity}',
    "100 digits": b'{"a":' + b"9" * 100 + b"}",
    "100 decimal digits": b'{"a":0.' + b"9" * 100 + b"}",
    "exponent": b'{"a":1e1001}',
    "absurd exponent": b'{"a":1e99999999999999999999}',
    "deep nesting": b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "escaped NUL": b'{"a":"\\u0000"}',
    "bad UTF-8": b'{"a":"\xff"}',
    "lone surrogate": b'{"a":"\\ud800"}',
    "byte order mark of UTF-16": b"\xff\xfe{}",
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_stored_is_refused_with_400(body: bytes):
    with pytest.raises(FhirError) as error:
        decode(body)
    assert error.value.status == 400
    assert error.value.issues[0].code == "structure"
