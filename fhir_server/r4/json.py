"""JSON in and out, decimals to the digit.

https://hl7.org/fhir/R4/json.html

Decoding is one pass at C speed that refuses duplicate keys, NaN, infinities, bad UTF-8 and deep
nesting, and one walk that refuses what PostgreSQL cannot hold: U+0000 and absurd numbers.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import jiter
import msgspec

from fhir_server.r4.outcome import FhirError, malformed

if TYPE_CHECKING:
    from collections.abc import Iterable

Json = dict[str, Any]

MAX_DIGITS = 64
MAX_EXPONENT = 1000

# R4 has no repeating decimal, so a number with an exponent always follows a property name.
_EXPONENT_READ = re.compile(rb'":\s*-?[0-9.]+[eE]')
_EXPONENT_WRITTEN = re.compile(rb'":-?[0-9][0-9.]*[eE]')
_REWRITTEN_BY_JSONB = re.compile(rb'":(?:-?[0-9.]+[eE]|-0(?:\.0*)?[,}])')
# Without an exponent, a number of too many digits is a long run of digits and a point.
_RUNS = bytes(ord("0") if chr(byte) in "0123456789." else 32 for byte in range(256))
_LONG_RUN = b"0" * (MAX_DIGITS + 1)


class ExponentDecimal(Decimal):
    """A number that was written with an exponent; ``text`` is its spelling."""

    text: str


def decode(body: bytes) -> Json:
    """One JSON object; numbers with a point or exponent become Decimal, to the digit.

    Raises FhirError 400 with the place of the fault for anything else.
    """
    value = decode_value(body)
    if not isinstance(value, dict):
        raise malformed("The body must be one JSON object")
    return cast("Json", value)


def decode_value(body: bytes) -> object:
    """Any JSON value, read like `decode`."""
    spelled = _EXPONENT_READ.search(body) is not None
    try:
        value: object = jiter.from_json(
            body,
            catch_duplicate_keys=True,
            allow_inf_nan=False,
            float_mode="lossless-float" if spelled else "decimal",
        )
    except ValueError as error:
        raise malformed(f"The body is not valid JSON: {error}") from None
    if b"\\u0000" in body:
        raise malformed("U+0000 is not allowed in a string")
    checked = _with_spelling(value) if spelled else value
    if spelled or _LONG_RUN in body.translate(_RUNS):
        _refuse_huge((checked,))
    return checked


def encode(value: object) -> bytes:
    """Compact UTF-8 JSON; numbers are written as they were read."""
    encoded = _encoder.encode(value)
    if _EXPONENT_WRITTEN.search(encoded):
        # A plain 0.00000001 is the Decimal 1E-8 and would be written with an exponent.
        return _encoder.encode(_plain(value))
    return encoded


def survives_jsonb(encoded: bytes) -> bool:
    """Whether PostgreSQL's JSONB gives every number of compact JSON back as written.

    It rewrites exponents (1E-22, 1e2) and the sign of zero; all else is kept to the digit.
    """
    return _REWRITTEN_BY_JSONB.search(encoded) is None


def _spell(value: object) -> msgspec.Raw:
    if isinstance(value, ExponentDecimal):
        return msgspec.Raw(value.text.encode())
    raise TypeError(f"{type(value).__name__} is not JSON")


_encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=_spell)


def _with_spelling(value: object) -> object:
    if isinstance(value, dict):
        return {k: _with_spelling(v) for k, v in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [_with_spelling(v) for v in cast("list[object]", value)]
    if not isinstance(value, jiter.LosslessFloat):
        return value
    text = str(value)
    if "e" not in text and "E" not in text:
        return Decimal(text)
    try:
        number = ExponentDecimal(text)
    except ArithmeticError:
        raise _too_large() from None
    number.text = text
    return number


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [_plain(v) for v in cast("list[object]", value)]
    if isinstance(value, Decimal) and not isinstance(value, ExponentDecimal):
        return msgspec.Raw(format(value, "f").encode())
    return value


def _refuse_huge(values: Iterable[object]) -> None:
    for value in values:
        kind = type(value)
        if kind is str:
            continue
        if kind is dict:
            _refuse_huge(cast("dict[str, object]", value).values())
        elif kind is list:
            _refuse_huge(cast("list[object]", value))
        elif isinstance(value, Decimal):
            _check_decimal(value)
        elif kind is int and abs(cast("int", value)) >= 10**MAX_DIGITS:
            raise _too_large()


def _check_decimal(number: Decimal) -> None:
    parts = number.as_tuple()
    exponent = cast("int", parts.exponent)
    if len(parts.digits) > MAX_DIGITS or abs(exponent) > MAX_EXPONENT:
        raise _too_large()


def _too_large() -> FhirError:
    return malformed(
        f"Numbers of more than {MAX_DIGITS} digits or exponents beyond ±{MAX_EXPONENT} are refused"
    )
