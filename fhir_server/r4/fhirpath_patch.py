"""FHIRPath Patch: https://hl7.org/fhir/R4/fhirpatch.html.

Operations apply in order to a copy, each to the result of those before; where one fails nothing
has happened. Values are checked for their type here, the whole result by validation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from fhir_server.r4.fhirpath import expression
from fhir_server.r4.fhirpath.errors import FhirPathError
from fhir_server.r4.fhirpath.node import root
from fhir_server.r4.fhirpath_patch_place import Place, parent_and_name, place_below, place_of
from fhir_server.r4.fhirpath_patch_value import PatchValue, copied, read_value
from fhir_server.r4.patch import checked, not_applicable, not_understood

if TYPE_CHECKING:
    from collections.abc import Callable

    from fhir_server.r4.fhirpath.node import Node
    from fhir_server.r4.json import Json

MAX_OPERATIONS = 1_000

_PARTS = {
    "add": ("path", "name", "value"),
    "insert": ("path", "value", "index"),
    "delete": ("path",),
    "replace": ("path", "value"),
    "move": ("path", "source", "destination"),
}


def fhirpath_patch(resource: Json, parameters: Json) -> Json:
    """The resource with all operations applied in order; 400 or 422 and nothing applied."""
    listed: object = parameters.get("parameter", [])
    if not isinstance(listed, list):
        raise not_understood(None, "Parameters.parameter is not a list")
    operations = cast("list[object]", listed)
    if len(operations) > MAX_OPERATIONS:
        raise not_understood(None, f"more than {MAX_OPERATIONS} operations are refused")
    patched = cast("Json", copied(resource))
    for number, operation in enumerate(operations):
        _Operation(number, operation).apply(patched)
    return checked(resource, patched)


class _Operation:
    """One operation: its parts as written, checked as they are asked for."""

    def __init__(self, number: int, parameter: object) -> None:
        self.number = number
        given = cast("Json", parameter) if isinstance(parameter, dict) else {}
        if given.get("name") != "operation":
            raise not_understood(number, "each parameter of a FHIRPath Patch is named 'operation'")
        self.parts: dict[str, Json] = {}
        parts: object = given.get("part", [])
        if not isinstance(parts, list):
            raise not_understood(number, "the parts of an operation are a list")
        for part in cast("list[object]", parts):
            self._take(part)
        self.type = self._word("type")
        if self.type not in _PARTS:
            raise not_understood(number, f"type {self.type!r} is none of {', '.join(_PARTS)}")
        self._refuse_parts_out_of_place()

    def apply(self, resource: Json) -> None:
        """Change the resource in place."""
        node = root(resource, "")
        _OPERATIONS[self.type](self, node)

    def add(self, top: Node) -> None:
        """Append to a list, or set what is not there yet."""
        parent = self._one(top)
        place = place_below(self.number, parent, self._word("name"), self.value)
        if not place.repeats and place.values():
            text = f"{place} is there already and does not repeat: use replace"
            raise not_applicable(self.number, text)
        place.insert(len(place.values()), self.value.at(place.child))

    def insert(self, top: Node) -> None:
        """Put into a list, before the element at the index."""
        place = self._list(top)
        place.insert(self._index("index", len(place.values())), self.value.at(place.child))

    def delete(self, top: Node) -> None:
        """Take away one element; it is no fault where there is none."""
        found = self._evaluate(top, self._word("path"))
        if len(found) > 1:
            text = f"{self._word('path')} gives {len(found)} elements: only one can be deleted"
            raise not_applicable(self.number, text, "multiple-matches")
        node = found[0] if found else None
        while node is not None:
            place, index = place_of(self.number, top, node)
            place.remove(index)
            # FHIR knows no empty elements, so one that has lost its last child goes too.
            above = node.parent
            node = above if above is not top and above is not None and not above.value else None

    def replace(self, top: Node) -> None:
        """Put a value where another stands."""
        place, index = place_of(self.number, top, self._one(top))
        target = place.of_type(self.value)
        value = self.value.at(target.child)
        place.remove(index)
        target.insert(index, value)

    def move(self, top: Node) -> None:
        """Within one list."""
        place = self._list(top)
        last = len(place.values()) - 1
        source, destination = self._index("source", last), self._index("destination", last)
        place.insert(destination, place.remove(source))

    @property
    def value(self) -> PatchValue:
        """The value, not yet of a place."""
        return read_value(self.number, self.parts["value"])

    def _one(self, top: Node) -> Node:
        path = self._word("path")
        found = self._evaluate(top, path)
        if len(found) != 1:
            code = "not-found" if not found else "multiple-matches"
            text = f"{path} gives {len(found)} elements, not one"
            raise not_applicable(self.number, text, code)
        return found[0]

    def _list(self, top: Node) -> Place:
        path = self._word("path")
        above, name = parent_and_name(self.number, path)
        parents = self._evaluate(top, above)
        if len(parents) != 1:
            text = f"{path} does not name one list: {above} gives {len(parents)} elements"
            raise not_applicable(self.number, text)
        value = self.value if "value" in self.parts else None
        place = place_below(self.number, parents[0], name, value)
        if not place.repeats:
            raise not_applicable(self.number, f"{path} is not a list")
        return place

    def _evaluate(self, top: Node, path: str) -> list[Node]:
        try:
            return list(expression.compile(path, context_type=top.type).on(top))
        except FhirPathError as error:
            raise not_understood(self.number, f"path {path!r}: {error}") from None

    def _take(self, part: object) -> None:
        name: object = cast("Json", part).get("name") if isinstance(part, dict) else None
        if not isinstance(name, str):
            raise not_understood(self.number, "each part of an operation has a name")
        if name in self.parts:
            raise not_understood(self.number, f"part {name!r} is given twice")
        self.parts[name] = cast("Json", part)

    def _refuse_parts_out_of_place(self) -> None:
        wanted = {"type", *_PARTS[self.type]}
        for name in self.parts.keys() - wanted:
            raise not_understood(self.number, f"{self.type} takes no part {name!r}")
        for name in wanted - self.parts.keys():
            raise not_understood(self.number, f"{self.type} needs a part {name!r}")

    def _word(self, name: str) -> str:
        part = self.parts.get(name, {})
        for property_ in ("valueCode", "valueString"):
            value: object = part.get(property_)
            if isinstance(value, str) and value.strip():
                return value.strip()
        kind = "a code" if name == "type" else "a string"
        raise not_understood(self.number, f"part {name!r} must be {kind}")

    def _index(self, name: str, most: int) -> int:
        value: object = self.parts[name].get("valueInteger")
        if not isinstance(value, int) or isinstance(value, bool):
            raise not_understood(self.number, f"part {name!r} must be an integer")
        if not 0 <= value <= most:
            text = f"{name} {value} lies outside the list: 0 to {most}"
            raise not_applicable(self.number, text)
        return value


_OPERATIONS: dict[str, Callable[[_Operation, Node], None]] = {
    "add": _Operation.add,
    "insert": _Operation.insert,
    "delete": _Operation.delete,
    "replace": _Operation.replace,
    "move": _Operation.move,
}
