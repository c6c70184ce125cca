"""Units of quantities, as far as comparing needs them: common UCUM codes and calendar words.

https://ucum.org/ucum
https://hl7.org/fhirpath/N1/#quantity
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

Dimension = tuple[tuple[str, int], ...]

_PREFIXES = {
    "": "1", "k": "1e3", "h": "1e2", "d": "1e-1", "c": "1e-2", "m": "1e-3", "u": "1e-6",
    "n": "1e-9", "p": "1e-12", "f": "1e-15", "M": "1e6", "G": "1e9",
}  # fmt: skip
# Code to dimension and size; the first group takes metric prefixes.
_METRIC: dict[str, tuple[dict[str, int], str]] = {
    "g": ({"mass": 1}, "1"),
    "m": ({"length": 1}, "1"),
    "L": ({"length": 3}, "1e-3"),
    "l": ({"length": 3}, "1e-3"),
    "s": ({"time": 1}, "1"),
    "mol": ({"amount": 1}, "1"),
    "eq": ({"amount": 1}, "1"),
    "Pa": ({"mass": 1, "length": -1, "time": -2}, "1e3"),
    "J": ({"mass": 1, "length": 2, "time": -2}, "1e3"),
    "cal": ({"mass": 1, "length": 2, "time": -2}, "4184"),
    "U": ({"amount": 1, "time": -1}, "0.00000001666666666666666666666667"),
    "m[Hg]": ({"mass": 1, "length": -1, "time": -2}, "133322387.415"),
}
_OTHER: dict[str, tuple[dict[str, int], str]] = {
    "min": ({"time": 1}, "60"),
    "h": ({"time": 1}, "3600"),
    "d": ({"time": 1}, "86400"),
    "wk": ({"time": 1}, "604800"),
    "mo": ({"time": 1}, "2629800"),
    "a": ({"time": 1}, "31557600"),
    "[in_i]": ({"length": 1}, "0.0254"),
    "[ft_i]": ({"length": 1}, "0.3048"),
    "[mi_i]": ({"length": 1}, "1609.344"),
    "[lb_av]": ({"mass": 1}, "453.59237"),
    "[oz_av]": ({"mass": 1}, "28.349523125"),
    "%": ({}, "0.01"),
    "1": ({}, "1"),
    "year": ({"calendar month": 1}, "12"),
    "month": ({"calendar month": 1}, "1"),
    "week": ({"time": 1}, "604800"),
    "day": ({"time": 1}, "86400"),
    "hour": ({"time": 1}, "3600"),
    "minute": ({"time": 1}, "60"),
    "second": ({"time": 1}, "1"),
    "millisecond": ({"time": 1}, "0.001"),
}  # fmt: skip
_TERM = re.compile(r"(.*?[^0-9+-])([+-]?[0-9])?", re.ASCII)


@lru_cache(maxsize=1024)
def size(unit: str) -> tuple[Dimension, Decimal] | None:
    """Dimension and size in its base units; None for a unit that is not in the tables."""
    dimension: dict[str, int] = {}
    factor = Decimal(1)
    for place, part in enumerate(unit.split("/")):
        for term in part.split("."):
            found = _term(term)
            if found is None:
                return None
            powers, of_term = found
            sign = -1 if place else 1
            factor *= of_term**sign
            for name, power in powers.items():
                dimension[name] = dimension.get(name, 0) + sign * power
    return tuple(sorted((n, p) for n, p in dimension.items() if p)), factor


def _term(text: str) -> tuple[dict[str, int], Decimal] | None:
    atom = _atom(text)
    if atom is not None:
        return atom
    match = _TERM.fullmatch(text)
    if match is None or match[2] is None:
        return None
    atom = _atom(match[1])
    if atom is None:
        return None
    power = int(match[2])
    return {name: p * power for name, p in atom[0].items()}, atom[1] ** power


def _atom(code: str) -> tuple[dict[str, int], Decimal] | None:
    if code in _OTHER:
        powers, factor = _OTHER[code]
        return powers, Decimal(factor)
    for prefix, multiple in _PREFIXES.items():
        bare = code.removeprefix(prefix)
        if code.startswith(prefix) and bare in _METRIC:
            powers, factor = _METRIC[bare]
            return powers, Decimal(factor) * Decimal(multiple)
    return None
