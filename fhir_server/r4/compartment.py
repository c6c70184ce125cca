"""Who a resource is about: the patients in whose compartment it lies.

https://hl7.org/fhir/R4/compartmentdefinition-patient.html
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from fhir_server.r4.definitions import definitions
from fhir_server.r4.fhirpath.expression import compile as compile_

if TYPE_CHECKING:
    from fhir_server.r4.fhirpath.expression import Expression
    from fhir_server.r4.json import Json

_PATIENT = re.compile(
    r"Patient/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?", re.ASCII
)


def patients(resource: Json, base_url: str = "") -> frozenset[str]:
    """Ids of the local patients whose compartment holds the resource.

    A Patient lies in its own, and in those of the patients that it links to. References count
    if they are relative or stand on ``base_url``; logical ones (identifier only) do not.
    """
    type_: str = resource["resourceType"]
    base = base_url.rstrip("/") + "/" if base_url else ""
    found: set[str] = set()
    for expression in _memberships(type_):
        for node in expression.evaluate(resource):
            id_ = _patient(node.value, base)
            if id_ is not None:
                found.add(id_)
    if type_ == "Patient" and "id" in resource:
        found.add(resource["id"])
    return frozenset(found)


def _patient(reference: Any, base: str) -> str | None:
    text: object = reference.get("reference") if reference.__class__ is dict else None
    if not isinstance(text, str):
        return None
    match = _PATIENT.fullmatch(text.removeprefix(base) if base else text)
    return None if match is None else match[1]


@cache
def _memberships(type: str) -> tuple[Expression, ...]:
    """The expressions of the parameters that lead into the patient compartment."""
    parameters = definitions().search_parameters_of(type)
    codes = definitions().compartments["Patient"].get(type, ())
    texts = dict.fromkeys(parameters[code].expression for code in codes)
    return tuple(compile_(text, context_type=type) for text in texts if text)
