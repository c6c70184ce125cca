"""Where a FHIRPath Patch puts and takes: one property of one element.

https://hl7.org/fhir/R4/fhirpatch.html and https://hl7.org/fhir/R4/json.html#primitive

A primitive keeps its extensions beside it, under "_name", in a list as long as that of the values.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, cast

from fhir_server.r4.definitions import definitions
from fhir_server.r4.fhirpath_patch_value import Item, fitting
from fhir_server.r4.patch import not_applicable

if TYPE_CHECKING:
    from fhir_server.r4.definitions import Child
    from fhir_server.r4.fhirpath.node import Node
    from fhir_server.r4.fhirpath_patch_value import PatchValue
    from fhir_server.r4.json import Json

_LAST_NAME = re.compile(r"(.+)\.\s*(?:`([^`]+)`|([A-Za-z_][A-Za-z0-9_]*))\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Place:
    """One JSON property of one element, with its definition; siblings are a choice's others."""

    container: Json
    name: str
    child: Child
    siblings: dict[str, Child]

    @property
    def repeats(self) -> bool:
        """Whether the property is a list."""
        return self.child.element.max != 1

    def __str__(self) -> str:
        return self.child.element.path

    def values(self) -> list[Item]:
        """What stands there; of a choice, under any of its properties."""
        if self.repeats:
            values: list[Any] = self.container.get(self.name) or []
            extras: list[Any] = self.container.get("_" + self.name) or []
            count = max(len(values), len(extras))
            return [Item(_at(values, n), _at(extras, n)) for n in range(count)]
        found = [
            Item(self.container.get(name), self.container.get("_" + name)) for name in self.siblings
        ]
        return [item for item in found if item.value is not None or item.extra is not None]

    def insert(self, index: int, item: Item) -> None:
        """Before the element at an index; of what does not repeat, the one value."""
        if not self.repeats:
            self._put(item.value, item.extra)
            return
        items = self.values()
        items.insert(index, item)
        self._put_items(items)

    def remove(self, index: int) -> Item:
        """What stood there."""
        if not self.repeats:
            item = Item(self.container.get(self.name), self.container.get("_" + self.name))
            self._put(None, None)
            return item
        items = self.values()
        item = items.pop(index)
        self._put_items(items)
        return item

    def of_type(self, value: PatchValue) -> Place:
        """The property of a choice that holds values of this type; else this very place."""
        name, child = fitting(self.siblings, value, str(self))
        return Place(self.container, name, child, self.siblings)

    def _put_items(self, items: list[Item]) -> None:
        values = [item.value for item in items]
        extras = [item.extra for item in items]
        none = all(value is None for value in values)
        self._put(None if none else values, extras if any(extras) else None)

    def _put(self, value: Any, extra: Any) -> None:
        for name, content in ((self.name, value), ("_" + self.name, extra)):
            if content is None:
                self.container.pop(name, None)
            else:
                self.container[name] = content


def parent_and_name(number: int, path: str) -> tuple[str, str]:
    """A path to a list, which may be empty: the path of its parent and its name."""
    found = _LAST_NAME.fullmatch(path)
    if found is None:
        raise not_applicable(number, f"{path} does not end in the name of a list")
    return found[1], found[2] or found[3]


def place_below(number: int, parent: Node, name: str, value: PatchValue | None) -> Place:
    """The property called ``name`` of an element; ``value`` decides among those of a choice."""
    children = definitions().children(parent.path)
    named = {p: c for p, c in children.items() if name in {c.element.name, p}}
    if not named:
        raise not_applicable(number, f"{parent.location()} has no element {name!r}")
    siblings = {
        p: c for p, c in children.items() if c.element is next(iter(named.values())).element
    }
    if value is None:
        property_, child = next(iter(named.items()))
    else:
        property_, child = fitting(named, value, f"{parent.location()}.{name}")
    return Place(_container(number, parent), property_, child, siblings)


def place_of(number: int, top: Node, node: Node) -> tuple[Place, int]:
    """Where a node stands, and its index there."""
    above = node.parent
    while above is not None and above is not top:
        above = above.parent
    if node is top:
        raise not_applicable(number, "the resource itself can be neither deleted nor replaced")
    if above is None or node.parent is None:
        raise not_applicable(number, "the path leaves the resource that is patched")
    children = definitions().children(node.parent.path)
    child = children[node.name]
    siblings = {p: c for p, c in children.items() if c.element is child.element}
    place = Place(_container(number, node.parent), node.name, child, siblings)
    return place, node.index or 0


def _container(number: int, node: Node) -> Json:
    """The JSON object that holds the children of a node; of a primitive, the one beside it."""
    if isinstance(node.value, dict):
        return cast("Json", node.value)
    if node.extra is not None:
        return node.extra
    if node.parent is None:
        _computed(number)
    beside: Json = {}
    holder = _container(number, node.parent)
    if node.index is None:
        holder["_" + node.name] = beside
    else:
        extras: list[Any] = holder.setdefault("_" + node.name, [])
        extras.extend([None] * (node.index + 1 - len(extras)))
        extras[node.index] = beside
    return beside


def _computed(number: int) -> NoReturn:
    raise not_applicable(number, "the path gives a computed value, not an element")


def _at(items: list[Any], index: int) -> Any:
    return items[index] if index < len(items) else None
