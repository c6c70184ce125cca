"""All functions by name; a new one is a row in its section's module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.r4.fhirpath.functions import (
    conversion,
    existence,
    fhir,
    filtering,
    numbers,
    strings,
    subsetting,
    utility,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fhir_server.r4.fhirpath.functions.signature import Function

FUNCTIONS: Mapping[str, Function] = {
    **existence.FUNCTIONS,
    **filtering.FUNCTIONS,
    **subsetting.FUNCTIONS,
    **conversion.FUNCTIONS,
    **strings.FUNCTIONS,
    **numbers.FUNCTIONS,
    **utility.FUNCTIONS,
    **fhir.FUNCTIONS,
}
