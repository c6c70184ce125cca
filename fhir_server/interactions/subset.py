"""_summary and _elements: which part of each resource is answered.

https://hl7.org/fhir/R4/search.html#summary
https://hl7.org/fhir/R4/search.html#elements
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec

from fhir_server.r4.definitions import definitions
from fhir_server.r4.element_order import ordered
from fhir_server.r4.json import Json, decode, encode
from fhir_server.r4.outcome import invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fhir_server.r4.definitions import Child

SUBSETTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
}
MODES = ("true", "text", "data", "count", "false")

_ALWAYS = frozenset({"resourceType", "id", "meta"})


class Subset(msgspec.Struct, frozen=True):
    """What is left of a resource: a ``summary`` ("true", "text", "data") or ``elements``."""

    summary: str
    elements: frozenset[str]

    def apply(self, body: bytes) -> bytes:
        """The subset of a resource in JSON."""
        return encode(ordered(self.of(decode(body))))

    def of(self, resource: Json) -> Json:
        """The subset of a resource, marked as such so that nobody takes it for the whole."""
        type: str = resource["resourceType"]
        if self.summary == "data":
            kept = {name: value for name, value in resource.items() if name != "text"}
        elif self.summary == "text":
            kept = _kept(resource, type, lambda child: child.element.min > 0, {"text"})
        elif self.summary == "true":
            kept = _summary(resource, type)
        else:
            kept = _kept(resource, type, _required, self._properties(type))
        return _marked(kept)

    def check(self, type: str) -> None:
        """Raises 400 for what is no element of the type."""
        known = {child.element.name for child in definitions().children(type).values()}
        unknown = sorted(self._names(type) - known)
        if unknown:
            raise invalid("_elements", f"{type} has no element {', '.join(unknown)[:200]}")

    def _properties(self, type: str) -> set[str]:
        """The JSON properties that the elements name."""
        names = self._names(type)
        children = definitions().children(type)
        return {name for name, child in children.items() if child.element.name in names}

    def _names(self, type: str) -> set[str]:
        """The elements named, without the type and what is below them."""
        return {name.removeprefix(f"{type}.").partition(".")[0] for name in self.elements}


def subset_of(params: Iterable[tuple[str, str]]) -> Subset | None:
    """The subset that parameters ask for, None for whole resources; 400 for a bad value."""
    given = dict(params)
    summary, elements = given.get("_summary", ""), given.get("_elements", "")
    if summary and summary not in MODES:
        raise invalid("_summary", f"_summary is one of {', '.join(MODES)}, not {summary[:40]!r}")
    if summary in {"true", "text", "data"} and elements:
        raise invalid("_elements", "_summary and _elements cannot be combined")
    if summary in {"true", "text", "data"}:
        return Subset(summary, frozenset())
    names = frozenset(name.strip() for name in elements.split(",") if name.strip())
    return Subset("", names) if names else None


def _required(child: Child) -> bool:
    return child.element.min > 0 or child.element.modifier


def _kept(resource: Json, type: str, wanted: Callable[[Child], bool], named: set[str]) -> Json:
    children = definitions().children(type)
    kept: Json = {}
    for name, value in resource.items():
        # The extensions of a primitive go where the primitive goes.
        plain = name.removeprefix("_")
        child = children.get(plain)
        if name in _ALWAYS or plain in named or (child is not None and wanted(child)):
            kept[name] = value
    return kept


def _summary(value: Json, path: str) -> Json:
    """The elements marked as summary, at every depth."""
    children = definitions().children(path)
    kept: Json = {}
    for name, inner in value.items():
        child = children.get(name.removeprefix("_"))
        if name in _ALWAYS:
            kept[name] = inner
        elif child is not None and child.element.summary:
            kept[name] = _inner(inner, child.path_of_children)
    return kept


def _inner(value: object, path: str) -> object:
    if isinstance(value, list):
        return [_inner(item, path) for item in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    children = definitions().children(path)
    # A type that marks none of its elements has no summary of its own.
    resource = cast("Json", value)
    marks = any(child.element.summary for child in children.values())
    return _summary(resource, path) if marks else resource


def _marked(resource: Json) -> Json:
    meta: Json = resource.get("meta") or {}
    tags: list[Json] = meta.get("tag") or []
    if any(tag.get("code") == SUBSETTED["code"] for tag in tags):
        return resource
    first = {"resourceType": resource["resourceType"]}
    if "id" in resource:
        first["id"] = resource["id"]
    return (
        first
        | {"meta": meta | {"tag": [*tags, SUBSETTED]}}
        | {name: value for name, value in resource.items() if name not in _ALWAYS}
    )
