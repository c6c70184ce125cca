"""JSON Patch. https://hl7.org/fhir/R4/http.html#patch and RFC 6902, pointers by RFC 6901.

Every operation makes a new document that shares what it leaves alone, so a patch is atomic and
its input never changes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from fhir_server.r4.patch import checked, not_applicable, not_understood

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fhir_server.r4.json import Json

Pointer = tuple[str, ...]

MAX_OPERATIONS = 10_000
MAX_COPIED = 100_000
"""Values that the copies of one patch may add up to: copies of copies double."""

_INDEX = re.compile(r"0|[1-9][0-9]{0,9}")
_BAD_ESCAPE = re.compile(r"~(?![01])")


def json_patch(resource: Json, operations: Sequence[object]) -> Json:
    """The resource with all operations applied in order; 400 or 422 and nothing applied."""
    if len(operations) > MAX_OPERATIONS:
        raise not_understood(None, f"more than {MAX_OPERATIONS} operations are refused")
    patch = _Patch(resource)
    for number, operation in enumerate(operations):
        patch.apply(number, operation)
    return checked(resource, patch.pruned())


class _Patch:
    """The document as it stands after the operations so far."""

    def __init__(self, resource: Json) -> None:
        self.document: object = resource
        self.number = 0
        self.copied = 0
        self.emptied: list[Pointer] = []

    def apply(self, number: int, operation: object) -> None:
        self.number = number
        if not isinstance(operation, dict):
            raise not_understood(number, "an operation is a JSON object")
        given = cast("Json", operation)
        name: object = given.get("op")
        act = _OPERATIONS.get(name) if isinstance(name, str) else None
        if act is None:
            known = ", ".join(_OPERATIONS)
            raise not_understood(number, f"op {name!r} is none of {known}")
        act(self, given)

    def add(self, operation: Json) -> None:
        self._insert(self._pointer(operation, "path"), self._value(operation))

    def remove(self, operation: Json) -> None:
        self._take(self._pointer(operation, "path"))

    def replace(self, operation: Json) -> None:
        pointer, value = self._pointer(operation, "path"), self._value(operation)

        def put(parent: object, last: str) -> object:
            if isinstance(parent, dict):
                self._member(cast("Json", parent), last)
                return {**cast("Json", parent), last: value}
            items = list(cast("list[object]", parent))
            items[self._index(items, last)] = value
            return items

        self.document = self._edit(pointer, put) if pointer else value

    def move(self, operation: Json) -> None:
        source, target = self._pointer(operation, "from"), self._pointer(operation, "path")
        if len(source) < len(target) and target[: len(source)] == source:
            raise not_understood(self.number, "a value cannot be moved into itself")
        value = self._resolve(source)
        if source == target:
            return
        self._take(source)
        self._insert(target, value)

    def copy(self, operation: Json) -> None:
        source, target = self._pointer(operation, "from"), self._pointer(operation, "path")
        value = self._resolve(source)
        self.copied += _weight(value, MAX_COPIED - self.copied)
        if self.copied >= MAX_COPIED:
            raise not_applicable(self.number, "the copies grow too large", "too-costly")
        self._insert(target, value)

    def test(self, operation: Json) -> None:
        pointer, expected = self._pointer(operation, "path"), self._value(operation)
        if not _same(self._resolve(pointer), expected):
            raise not_applicable(self.number, f"test of {_shown(pointer)} failed")

    def pruned(self) -> object:
        """The document without the arrays and objects that removals left empty.

        FHIR's JSON knows no empty ones: https://hl7.org/fhir/R4/json.html
        """
        for pointer in sorted(self.emptied, key=len, reverse=True):
            left = pointer
            while left and self._stands_empty(left):
                self._take(left)
                left = left[:-1]
        return self.document

    def _stands_empty(self, pointer: Pointer) -> bool:
        value = self.document
        for step in pointer:
            if isinstance(value, dict) and step in value:
                value = cast("object", value[step])
            elif (
                isinstance(value, list)
                and _INDEX.fullmatch(step)
                and int(step) < len(cast("list[object]", value))
            ):
                value = cast("object", value[int(step)])
            else:
                return False
        return value in ({}, [])

    def _insert(self, pointer: Pointer, value: object) -> None:
        def put(parent: object, last: str) -> object:
            if isinstance(parent, dict):
                return {**cast("Json", parent), last: value}
            items = list(cast("list[object]", parent))
            items.insert(len(items) if last == "-" else self._index(items, last, 1), value)
            return items

        self.document = self._edit(pointer, put) if pointer else value

    def _take(self, pointer: Pointer) -> None:
        if not pointer:
            raise not_applicable(self.number, "the whole resource cannot be removed")

        def cut(parent: object, last: str) -> object:
            if isinstance(parent, dict):
                self._member(cast("Json", parent), last)
                return {k: v for k, v in cast("Json", parent).items() if k != last}
            items = list(cast("list[object]", parent))
            del items[self._index(items, last)]
            return items

        self.document = self._edit(pointer, cut)
        self.emptied.append(pointer[:-1])

    def _edit(self, pointer: Pointer, change: Callable[[object, str], object]) -> object:
        """The document with the container of the last step changed, copied along the path."""
        parents: list[object] = [self.document]
        for step in pointer[:-1]:
            parents.append(self._child(parents[-1], step))
        if not isinstance(parents[-1], (dict, list)):
            raise not_applicable(self.number, f"{_shown(pointer[:-1])} has no members", "not-found")
        new = change(parents.pop(), pointer[-1])
        for parent, step in zip(reversed(parents), reversed(pointer[:-1]), strict=True):
            if isinstance(parent, dict):
                new = {**cast("Json", parent), step: new}
            else:
                items = list(cast("list[object]", parent))
                items[int(step)] = new
                new = items
        return new

    def _resolve(self, pointer: Pointer) -> object:
        value = self.document
        for step in pointer:
            value = self._child(value, step)
        return value

    def _child(self, parent: object, step: str) -> object:
        if isinstance(parent, dict):
            self._member(cast("Json", parent), step)
            return cast("object", parent[step])
        if isinstance(parent, list):
            items = cast("list[object]", parent)
            return items[self._index(items, step)]
        raise not_applicable(self.number, f"nothing lies at member {step!r}", "not-found")

    def _member(self, parent: Json, step: str) -> None:
        if step not in parent:
            raise not_applicable(self.number, f"there is no member {step!r}", "not-found")

    def _index(self, items: list[object], step: str, beyond: int = 0) -> int:
        if step == "-":
            raise not_applicable(self.number, "'-' lies after the last element", "not-found")
        if not _INDEX.fullmatch(step):
            raise not_applicable(self.number, f"{step!r} is not the index of an array")
        if int(step) >= len(items) + beyond:
            text = f"index {step} lies outside an array of {len(items)}"
            raise not_applicable(self.number, text, "not-found")
        return int(step)

    def _pointer(self, operation: Json, name: str) -> Pointer:
        text: object = operation.get(name)
        if not isinstance(text, str):
            raise not_understood(self.number, f"{name!r} must be a JSON pointer")
        if text and not text.startswith("/"):
            raise not_understood(self.number, f"{name} {text!r}: a JSON pointer starts with '/'")
        if _BAD_ESCAPE.search(text):
            raise not_understood(self.number, f"{name} {text!r}: '~' is written ~0, '/' is ~1")
        parts = text.split("/")[1:]
        return tuple(part.replace("~1", "/").replace("~0", "~") for part in parts)

    def _value(self, operation: Json) -> object:
        if "value" not in operation:
            raise not_understood(self.number, "'value' is missing")
        return cast("object", operation["value"])


_OPERATIONS: dict[str, Callable[[_Patch, Json], None]] = {
    "add": _Patch.add,
    "remove": _Patch.remove,
    "replace": _Patch.replace,
    "move": _Patch.move,
    "copy": _Patch.copy,
    "test": _Patch.test,
}


def _shown(pointer: Pointer) -> str:
    return "".join("/" + t.replace("~", "~0").replace("/", "~1") for t in pointer) or "the document"


def _same(left: object, right: object) -> bool:
    """Equality of JSON: numbers by value, 1.0 = 1; true is not 1."""
    if isinstance(left, dict) and isinstance(right, dict):
        one, other = cast("Json", left), cast("Json", right)
        return one.keys() == other.keys() and all(_same(one[k], other[k]) for k in one)
    if isinstance(left, list) and isinstance(right, list):
        these, those = cast("list[object]", left), cast("list[object]", right)
        return len(these) == len(those) and all(map(_same, these, those))
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return left == right


def _weight(value: object, budget: int) -> int:
    """How many values a value holds, itself included; counting stops at the budget."""
    weight, waiting = 0, [value]
    while waiting and weight < budget:
        weight += 1
        current = waiting.pop()
        if isinstance(current, dict):
            waiting.extend(cast("Json", current).values())
        elif isinstance(current, list):
            waiting.extend(cast("list[object]", current))
    return weight
