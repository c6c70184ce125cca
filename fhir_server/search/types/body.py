"""Sorting by what the index keeps only as hashes: the text is read from the resource itself.

https://hl7.org/fhir/R4/search.html#_sort
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, LiteralString

from fhir_server.search.kind import Key
from fhir_server.search.paths import leaves

if TYPE_CHECKING:
    from fhir_server.r4.definitions import Definitions
    from fhir_server.search.kind import Scope
    from fhir_server.search.parameters import Parameter
    from fhir_server.search.paths import Leaf, Place

# What stands for a value of a complex type in the order of results.
_TEXT_OF = {
    "CodeableConcept": ("coding", "code"),
    "Coding": ("code",),
    "Identifier": ("value",),
    "ContactPoint": ("value",),
    "Reference": ("reference",),
}


def sorted_by_text(
    parameter: Parameter,
    descending: bool,  # noqa: FBT001 - the signature of every type's sort
    scope: Scope,
    definitions: Definitions,
) -> Key | None:
    """The first text in order, without case, the last one when descending; None: no plain path."""
    paths = json_paths(parameter, definitions)
    if not paths:
        return None
    pick: LiteralString = "max" if descending else "min"
    return Key(
        "(SELECT "
        + pick
        + "(lower(v #>> '{}') COLLATE \"C\") FROM "
        + scope.tables.resource
        + " r,"
        " unnest(%s::text[]) p, jsonb_path_query(r.body, p::jsonpath) v"
        " WHERE r.rid = s.rid AND jsonb_typeof(v) IN ('string', 'number', 'boolean'))",
        (list(paths),),
    )


@lru_cache(maxsize=2048)
def json_paths(parameter: Parameter, definitions: Definitions) -> tuple[str, ...]:
    """SQL/JSON paths to the texts of a parameter; empty if FHIRPath alone can find them."""
    if any(isinstance(operand, str) for operand in parameter.operands):
        return ()
    return tuple(
        _json_path(leaf)
        for operand in parameter.operands
        if not isinstance(operand, str)
        for leaf in leaves(definitions, parameter.type, operand)
    )


def _json_path(leaf: Leaf) -> str:
    path = "$" + "".join(_accessor(place) for place in leaf.places)
    if leaf.target is not None:
        path += f' ? (@."reference" like_regex "(^|/){leaf.target}/")'
    return path + "".join(f'."{name}"' for name in _TEXT_OF.get(leaf.type_code, ()))


def _accessor(place: Place) -> str:
    if place.where is None:
        return f'."{place.property}"'
    name, literal = place.where
    return f'."{place.property}" ? (@."{name}" == "{literal}")'
