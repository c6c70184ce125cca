"""Prefixes of ordered values.

https://hl7.org/fhir/R4/search.html#prefix
"""

from __future__ import annotations

from typing import Literal, cast

Prefix = Literal["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]

_PREFIXES = frozenset({"eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"})


def take_prefix(text: str) -> tuple[Prefix, str]:
    """The prefix, eq where there is none, and the rest. ValueError for an unknown prefix."""
    head = text[:2]
    if head in _PREFIXES:
        return cast("Prefix", head), text[2:]
    if head.isalpha():
        known = " ".join(sorted(_PREFIXES))
        raise ValueError(f"begins with {head!r}, which is none of the prefixes {known}")
    return "eq", text
