"""The types of search parameters: one row each.

https://hl7.org/fhir/R4/search.html#ptypes
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from fhir_server.search.types import (
    composite,
    date,
    number,
    quantity,
    reference,
    special,
    string,
    token,
    uri,
)
from fhir_server.search.types.missing import MISSING

if TYPE_CHECKING:
    from fhir_server.search.kind import SearchType


def _with_missing(type: SearchType) -> SearchType:
    return replace(type, modifiers=MappingProxyType({**type.modifiers, "missing": MISSING}))


TYPES: dict[str, SearchType] = {
    "string": _with_missing(string.TYPE),
    "token": _with_missing(token.TYPE),
    "reference": _with_missing(reference.TYPE),
    "date": _with_missing(date.TYPE),
    "number": _with_missing(number.TYPE),
    "quantity": _with_missing(quantity.TYPE),
    "uri": _with_missing(uri.TYPE),
    "near": _with_missing(special.NEAR_TYPE),
    "id": special.ID_TYPE,
    "updated": special.UPDATED_TYPE,
    "composite": composite.TYPE,
}
