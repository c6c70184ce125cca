"""Corrections of what the 4.0.1 definitions get wrong, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_SP = "http://hl7.org/fhir/SearchParameter/"


@dataclass(frozen=True, slots=True)
class Erratum:
    """``change`` replaces columns of a search parameter; an empty base removes it."""

    reason: str
    change: Mapping[str, Any]


def _removed(reason: str) -> Erratum:
    return Erratum(reason, {"base": ()})


_WITHOUT_BASE = "has neither base nor expression in the package"
_EXAMPLE = "an example of a SearchParameter that shadows the real one"

SEARCH_PARAMETERS: Mapping[str, Erratum] = {
    _SP + "example": _removed(_EXAMPLE),
    _SP + "example-reference": _removed(_EXAMPLE),
    _SP + "example-extension": _removed(_EXAMPLE),
}

CONSTRAINTS: Mapping[str, str] = {
    # The published "> 2" lets two values of a non-enabled question through; R5 says 1.
    "que-12": "enableWhen.count() > 1 implies enableBehavior.exists()",
}
