"""The type hierarchy as `is`, `as` and `ofType` see it.

https://hl7.org/fhirpath/N1/#types
https://hl7.org/fhir/R4/fhirpath.html#types
"""

from __future__ import annotations

from functools import cache
from typing import Literal

from fhir_server.r4.definitions import definitions
from fhir_server.r4.fhirpath.errors import FhirPathError
from fhir_server.r4.fhirpath.node import SYSTEM_TYPES

Kind = Literal["boolean", "string", "number", "date", "dateTime", "time", "quantity", "complex"]

_SYSTEM_KINDS: dict[str, Kind] = {
    "System.Boolean": "boolean", "System.String": "string", "System.Integer": "number",
    "System.Decimal": "number", "System.Date": "date", "System.DateTime": "dateTime",
    "System.Time": "time", "System.Quantity": "quantity",
}  # fmt: skip
_FHIR_KINDS: dict[str, Kind] = {
    "boolean": "boolean", "integer": "number", "decimal": "number", "date": "date",
    "dateTime": "dateTime", "instant": "dateTime", "time": "time", "Quantity": "quantity",
}  # fmt: skip


def resolve_type(name: str, position: int) -> str:
    """The type that a specifier means; FHIR's own come before those of System."""
    if name in SYSTEM_TYPES or name in definitions().types:
        return name
    bare = name.removeprefix("FHIR.")
    if bare in definitions().types:
        return bare
    if "." not in name and f"System.{name}" in SYSTEM_TYPES:
        return f"System.{name}"
    raise FhirPathError(f"{name} is not a type", position)


@cache
def ancestors(type: str) -> frozenset[str]:
    """The type itself and all it derives from."""
    if type.startswith("System."):
        # An unqualified Quantity names FHIR's type and is meant for both.
        return frozenset({type, "System.Any", *(["Quantity"] * (type == "System.Quantity"))})
    found: set[str] = set()
    name: str | None = type
    while name is not None and name not in found:
        found.add(name)
        definition = definitions().types.get(name)
        name = None if definition is None else definition.base
    return frozenset(found)


def is_a(type: str, wanted: str) -> bool:
    """Whether a type is the wanted one or derives from it."""
    return type == wanted or wanted in ancestors(type)


@cache
def kind(type: str) -> Kind:
    """How values of a type are compared; strings and their like are "string"."""
    if type in _SYSTEM_KINDS:
        return _SYSTEM_KINDS[type]
    for name in _FHIR_KINDS.keys() & ancestors(type):
        return _FHIR_KINDS[name]
    definition = definitions().types.get(type)
    primitive = definition is not None and definition.kind == "primitive-type"
    return "string" if primitive else "complex"


def type_info(type: str) -> dict[str, str]:
    """What type() answers: https://hl7.org/fhirpath/N1/#reflection."""
    namespace, _, name = type.rpartition(".")
    return {"namespace": namespace or "FHIR", "name": name}
