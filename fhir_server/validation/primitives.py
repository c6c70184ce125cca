"""Checks of primitive values: JSON type, form, range.

https://hl7.org/fhir/R4/datatypes.html#primitive
https://hl7.org/fhir/R4/json.html#primitive
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

from fhir_server.r4.definitions import definitions

if TYPE_CHECKING:
    from collections.abc import Callable

    Check = Callable[[object], str | None]
    """None when the value is right, else what is wrong with it."""

MAX_STRING = 1024 * 1024
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}", re.ASCII)
_WHITESPACE = re.compile(r"\s+", re.ASCII)
_FORMS = {
    "date": "a date (YYYY, YYYY-MM or YYYY-MM-DD)",
    "dateTime": "a dateTime (YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss+zz:zz)",
    "instant": "an instant (YYYY-MM-DDThh:mm:ss.sss+zz:zz)",
    "time": "a time (hh:mm:ss)",
    "id": "an id (1 to 64 of A-Z, a-z, 0-9, '-' and '.')",
    "code": "a code (no leading, trailing or double spaces)",
    "oid": "an OID (urn:oid:1.2.3)",
    "uuid": "a UUID (urn:uuid: and lower-case hexadecimal digits)",
    "uri": "a URI (no spaces)",
    "url": "a URL (no spaces)",
    "canonical": "a canonical URL (no spaces)",
    "string": "a string without control characters",
    "markdown": "text without control characters",
}
_RANGES = {
    "integer": (-(2**31), 2**31 - 1),
    "unsignedInt": (0, 2**31 - 1),
    "positiveInt": (1, 2**31 - 1),
}


@cache
def check_of(code: str) -> Check:
    """The check of a primitive type by its FHIR name."""
    if code in _SINGULAR:
        return _SINGULAR[code]
    if code in _RANGES:
        return _integer(code)
    return _calendar(code) if code in {"date", "dateTime", "instant"} else _pattern(code)


def _boolean(value: object) -> str | None:
    return None if isinstance(value, bool) else f"{shown(value)} is not true or false"


def _decimal(value: object) -> str | None:
    if isinstance(value, Decimal) or type(value) is int:
        return None
    return f"{shown(value)} is not a number (decimals stand without quotes)"


def _integer(code: str) -> Check:
    low, high = _RANGES[code]

    def check(value: object) -> str | None:
        if type(value) is int and low <= value <= high:
            return None
        return f"{shown(value)} is not a whole number from {low} to {high}"

    return check


def _pattern(code: str) -> Check:
    source = definitions().types[code].regex or r"\S*"
    if code == "code":
        # The text allows single spaces only where the published regex has any white space.
        source = source.replace(r"(\s", "( ")
    # ASCII, for \s is ASCII white space in FHIR: U+00A0 is allowed in a string.
    match = re.compile(source, re.ASCII).fullmatch
    form = _FORMS[code]

    def check(value: object) -> str | None:
        if isinstance(value, str) and value and match(value):
            return None if len(value) <= MAX_STRING else "longer than 1 MB"
        if value == "":
            return "a string must not be empty"
        return f"{shown(value)} is not {form}"

    return check


def _calendar(code: str) -> Check:
    pattern = _pattern(code)

    def check(value: object) -> str | None:
        wrong = pattern(value)
        if wrong is not None or not isinstance(value, str) or len(value) < 10:
            return wrong
        day = int(value[8:10])
        if day < 29:
            return None
        try:
            dt.date(int(value[:4]), int(value[5:7]), day)
        except ValueError:
            return f"{value!r} is not a day of the calendar"
        return None

    return check


def _base64(value: object) -> str | None:
    if not isinstance(value, str) or not value:
        return f"{shown(value)} is not base64 text"
    compact = _WHITESPACE.sub("", value)
    if len(compact) % 4 or not _BASE64.fullmatch(compact):
        return "not base64 text"
    return None


def _xhtml(value: object) -> str | None:
    if isinstance(value, str) and value.lstrip().startswith("<div"):
        return None
    return "not an XHTML <div>"


def shown(value: object) -> str:
    """A value for a message, shortened."""
    text = repr(value) if isinstance(value, str) else _json_name(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _json_name(value: object) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    return "null" if value is None else str(value).lower()


_SINGULAR: dict[str, Check] = {
    "boolean": _boolean,
    "decimal": _decimal,
    "base64Binary": _base64,
    "xhtml": _xhtml,
}
