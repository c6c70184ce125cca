"""Every parameter of every type can be asked for, sorted by and asked whether it is missing.

https://hl7.org/fhir/R4/searchparameter-registry.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fhir_server.r4.definitions import definitions
from fhir_server.search.request import searchable
from fhir_server.search.types.table import TYPES
from tests.search.shelf import CATALOG

if TYPE_CHECKING:
    from fhir_server.search.parameters import Parameter
    from tests.search.shelf import Shelf

VALUES = {
    "string": "x",
    "token": "urn:x|y",
    "reference": "Patient/x",
    "date": "ge2020",
    "number": "5",
    "quantity": "5|urn:x|y",
    "uri": "urn:x",
    "id": "x",
    "updated": "le2020",
}
RESOURCES: list[dict[str, object]] = [{"resourceType": "Observation", "id": "o"}]


def value_of(parameter: Parameter) -> str:
    if parameter.kind == "composite":
        return "$".join(VALUES[part.kind] for part in parameter.composites[0].parts)
    return VALUES[parameter.kind]


def by_initial(initial: str) -> list[str]:
    return [type_ for type_ in definitions().endpoint_types if type_[0] == initial]


@pytest.mark.parametrize("initial", sorted({name[0] for name in definitions().endpoint_types}))
async def test_every_parameter_is_answered(library: Shelf, initial: str) -> None:
    for type_ in by_initial(initial):
        parameters = searchable(CATALOG.registry, type_).values()
        asked = [(p.code, value_of(p)) for p in parameters]
        for start in range(0, len(asked), 20):
            assert await library.ids(type_, *asked[start : start + 20]) == []
        missing = [(f"{p.code}:missing", "true") for p in parameters if p.presence >= 0]
        for start in range(0, len(missing), 60):
            await library.search(type_, *missing[start : start + 60])


# What FHIRPath alone can find is not sorted by.
UNSORTED = {"deceased", "item-subject", "composition", "message"}


@pytest.mark.parametrize("initial", sorted({name[0] for name in definitions().endpoint_types}))
async def test_every_parameter_is_sorted_by(library: Shelf, initial: str) -> None:
    for type_ in by_initial(initial):
        codes = [
            p.code
            for p in CATALOG.registry.of(type_).values()
            if TYPES[p.kind].sort is not None and p.code not in UNSORTED
        ]
        for start in range(0, len(codes), 8):
            await library.search(type_, ("_sort", ",".join(codes[start : start + 8])))
