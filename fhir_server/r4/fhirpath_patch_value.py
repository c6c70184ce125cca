"""The value of a FHIRPath Patch operation: of a named type, a resource, or spelled out in parts.

https://hl7.org/fhir/R4/fhirpatch.html#anonymous
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from fhir_server.r4.definitions import definitions
from fhir_server.r4.fhirpath.types import is_a
from fhir_server.r4.patch import not_applicable, not_understood

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fhir_server.r4.definitions import Child
    from fhir_server.r4.json import Json

_ANONYMOUS = frozenset({"BackboneElement", "Element"})
_MAX_DEPTH = 50


@dataclass(frozen=True, slots=True)
class Item:
    """A JSON value and what stands beside it under "_name"; either may be None."""

    value: Any
    extra: Any = None


@dataclass(frozen=True, slots=True)
class PatchValue:
    """A value before it has a place; ``type`` is empty where it is spelled out in parts."""

    number: int
    type: str
    item: Item
    parts: tuple[Json, ...] = ()
    depth: int = 0

    @property
    def shown(self) -> str:
        """For messages."""
        return f"a {self.type}" if self.type else "spelled out in parts"

    def fits(self, child: Child, *, exact: bool) -> bool:
        """Whether it may stand there; not exactly: also as a base or derived type."""
        wanted = child.type_code
        if not self.type:
            return definitions().types[wanted].kind == "complex-type"
        if exact or wanted in _ANONYMOUS:
            return wanted == self.type or (wanted == "Resource" and self.type in _resources())
        return is_a(wanted, self.type) or is_a(self.type, wanted)

    def at(self, child: Child) -> Item:
        """The JSON of this value as an element of that definition."""
        if self.type:
            return Item(copied(self.item.value), copied(self.item.extra))
        if self.depth >= _MAX_DEPTH:
            raise not_understood(self.number, f"parts nest deeper than {_MAX_DEPTH} levels")
        built: Json = {}
        for part in self.parts:
            self._take(built, part, child)
        return Item(built)

    def _take(self, built: Json, part: Json, child: Child) -> None:
        name = str(part.get("name", ""))
        children = definitions().children(child.path_of_children)
        named = {p: c for p, c in children.items() if name in {c.element.name, p}}
        where = f"{child.path_of_children}.{name}"
        if not named:
            raise not_applicable(self.number, f"{where} is not an element")
        value = read_value(self.number, part, self.depth + 1)
        property_, inner = fitting(named, value, where)
        item = value.at(inner)
        if inner.element.max == 1:
            if property_ in built or "_" + property_ in built:
                raise not_applicable(self.number, f"{where} does not repeat")
            _set(built, property_, item.value)
            _set(built, "_" + property_, item.extra)
            return
        before = max(len(built.get(property_, ())), len(built.get("_" + property_, ())))
        _append(built, property_, item.value, before)
        _append(built, "_" + property_, item.extra, before)


def read_value(number: int, part: Json, depth: int = 0) -> PatchValue:
    """The value in a part of an operation."""
    types = _value_types()
    named = {p.removeprefix("_") for p in part if p.removeprefix("_") in types}
    inner: object = part.get("part")
    resource: object = part.get("resource")
    if len(named) + (inner is not None) + (resource is not None) != 1:
        text = f"part {part.get('name')!r} must have one value: value[x], resource or parts"
        raise not_understood(number, text)
    if named:
        (name,) = named
        return PatchValue(number, types[name], Item(part.get(name), part.get("_" + name)))
    if isinstance(resource, dict):
        held = cast("Json", resource)
        return PatchValue(number, str(held.get("resourceType", "Resource")), Item(held))
    parts = cast("list[object]", inner) if isinstance(inner, list) else []
    if not parts or not all(isinstance(each, dict) for each in parts):
        raise not_understood(number, f"part {part.get('name')!r} has a malformed value")
    return PatchValue(number, "", Item(None), tuple(cast("list[Json]", parts)), depth)


def fitting(named: Mapping[str, Child], value: PatchValue, where: str) -> tuple[str, Child]:
    """The property whose type the value has; 422 where none has."""
    for exact in (True, False):
        for property_, child in named.items():
            if value.fits(child, exact=exact):
                return property_, child
    wanted = ", ".join(sorted({child.type_code for child in named.values()}))
    text = f"{where} is of type {wanted}, the value is {value.shown}"
    raise not_applicable(value.number, text)


def copied(value: Any) -> Any:
    """JSON that shares nothing that can change."""
    if isinstance(value, dict):
        return {name: copied(child) for name, child in cast("Json", value).items()}
    if isinstance(value, list):
        return [copied(child) for child in cast("list[Any]", value)]
    return value


def _value_types() -> dict[str, str]:
    children = definitions().children("Parameters.parameter").items()
    return {p: child.type_code for p, child in children if child.element.name == "value"}


def _resources() -> tuple[str, ...]:
    return definitions().resource_types


def _set(built: Json, name: str, content: Any) -> None:
    if content is not None:
        built[name] = content


def _append(built: Json, name: str, content: Any, before: int) -> None:
    if content is None and name not in built:
        return
    items: list[Any] = built.setdefault(name, [])
    items.extend([None] * (before - len(items)))
    items.append(content)
