"""Canonical element order, which JSONB does not keep.

https://hl7.org/fhir/R4/json.html says that order means nothing in JSON; people and XML want it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, cast

from fhir_server.r4.definitions import definitions

if TYPE_CHECKING:
    from fhir_server.r4.json import Json

# Rank among the siblings, and the path whose plan orders what is inside.
_Place = tuple[int, str]

_LAST: _Place = (1_000_000, "")


def ordered(resource: Json) -> Json:
    """The resource with all properties in the order of their definitions, at every depth.

    "_name" follows "name"; unknown properties come last, as they stood.
    """
    return _object(resource, str(resource.get("resourceType", "")))


def _object(value: Json, path: str) -> Json:
    plan = _plan(path)
    places = {name: plan.get(name, _LAST) for name in value}
    names = sorted(value, key=lambda name: places[name][0])
    return {name: _value(value[name], places[name][1]) for name in names}


def _value(value: object, path: str) -> object:
    if isinstance(value, dict):
        inner = cast("Json", value)
        # A resource inside is ordered by its own type.
        return _object(inner, str(inner.get("resourceType", "")) if path == "Resource" else path)
    if isinstance(value, list):
        return [_value(item, path) for item in cast("list[object]", value)]
    return value


@cache
def _plan(path: str) -> dict[str, _Place]:
    plan: dict[str, _Place] = {"resourceType": (0, "")}
    for rank, (name, child) in enumerate(definitions().children(path).items()):
        plan[name] = (2 * rank + 1, child.path_of_children)
        plan["_" + name] = (2 * rank + 2, child.path_of_children)
    return plan
