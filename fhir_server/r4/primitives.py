"""Primitive types: what may stand in each.

https://hl7.org/fhir/R4/datatypes.html#primitive
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

from fhir_server.r4.dates import date_range, time_range
from fhir_server.r4.definitions import definitions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Check = Callable[[object], str | None]

MAX_STRING = 1024 * 1024
MAX_INTEGER = 2**31 - 1

# The published base64Binary regex backtracks exponentially on long runs of space.
_BASE64 = re.compile(r"(?:[0-9A-Za-z+/]\s*)*(?:=\s*){0,2}", re.ASCII)
_SPACE = re.compile(r"\s+", re.ASCII)
_LOWEST = {"integer": -MAX_INTEGER - 1, "unsignedInt": 0, "positiveInt": 1}
_DATES = frozenset({"date", "dateTime", "instant"})


@cache
def checks() -> Mapping[str, Check]:
    """By primitive type: what is wrong with a JSON value, None if nothing is."""
    return {
        name: _check(name, definition.regex)
        for name, definition in definitions().types.items()
        if definition.kind == "primitive-type"
    }


def fault(type_code: str, value: object) -> str | None:
    """What is wrong with a JSON value as a primitive of this type, None if nothing is."""
    return checks()[type_code](value)


@cache
def pattern(type_code: str) -> re.Pattern[str]:
    """The published regex; ASCII, because to FHIR a no-break space is not white space."""
    return re.compile(definitions().types[type_code].regex or r"[\s\S]+", re.ASCII)


def _check(name: str, regex: str | None) -> Check:
    fixed = {"boolean": _boolean, "decimal": _decimal, "base64Binary": _base64, "time": _time}
    if name in fixed:
        return fixed[name]
    if name in _LOWEST:
        return _integer_check(name, _LOWEST[name])
    return _date_check(name) if name in _DATES else _text_check(name, regex)


def _boolean(value: object) -> str | None:
    return None if value is True or value is False else "a boolean is the JSON true or false"


def _decimal(value: object) -> str | None:
    # What decoding leaves behind (Decimal, int) has the form of a FHIR decimal.
    if isinstance(value, (Decimal, int)) and not isinstance(value, bool):
        return None
    return "a decimal is a JSON number"


def _integer_check(name: str, lowest: int) -> Check:
    article = "an" if name[0] in "iu" else "a"

    def check(value: object) -> str | None:
        if type(value) is not int:
            return f"{article} {name} is a JSON number without fraction or exponent"
        if not lowest <= value <= MAX_INTEGER:
            return f"{value} is not between {lowest} and {MAX_INTEGER}"
        return None

    return check


def _base64(value: object) -> str | None:
    if not isinstance(value, str):
        return "a base64Binary is a JSON string"
    if not value or _BASE64.fullmatch(value) is None or len(_SPACE.sub("", value)) % 4:
        return "not base64"
    return None


def _date_check(name: str) -> Check:
    form = pattern(name)

    def check(value: object) -> str | None:
        if not isinstance(value, str):
            return f"a {name} is a JSON string"
        if form.fullmatch(value) is None:
            return f"{value[:100]!r} is not a {name}"
        try:
            date_range(value)
        except ValueError as error:
            return str(error)
        return None

    return check


def _time(value: object) -> str | None:
    if not isinstance(value, str):
        return "a time is a JSON string"
    if pattern("time").fullmatch(value) is None:
        return f"{value[:100]!r} is not a time"
    time_range(value)
    return None


def _text_check(name: str, regex: str | None) -> Check:
    form = re.compile(regex, re.ASCII) if regex else None
    article = "an" if name[0] in "aeiou" else "a"

    def check(value: object) -> str | None:
        if not isinstance(value, str):
            return f"{article} {name} is a JSON string"
        if not value:
            return "an empty string is not allowed: leave the property out"
        if len(value) > MAX_STRING:
            return f"longer than {MAX_STRING} characters"
        if form is not None and form.fullmatch(value) is None:
            return f"{value[:100]!r} is not {article} {name}"
        return None

    return check
