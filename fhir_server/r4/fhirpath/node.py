"""The items that FHIRPath works on: a value with its FHIR type and its place.

https://hl7.org/fhir/R4/fhirpath.html
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from fhir_server.r4.definitions import definitions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from fhir_server.r4.json import Json


class Node:
    """One item of a collection.

    ``type`` is a FHIR type ("Quantity", "code", "BackboneElement", "Patient") or a system type
    ("System.String"); ``path`` names the definition of its children. ``extra`` is what stands
    under "_name" beside a primitive, whose ``value`` is None if it has nothing else. ``parent``,
    ``name`` (the JSON property) and ``index`` say where it stands; None for what was computed.
    """

    __slots__ = ("extra", "index", "name", "parent", "path", "type", "value")

    def __init__(  # noqa: PLR0913, PLR0917 - positional, because millions are made
        self,
        value: Any,
        type: str,
        path: str,
        extra: Json | None = None,
        parent: Node | None = None,
        name: str = "",
        index: int | None = None,
    ) -> None:
        self.value = value
        self.type = type
        self.path = path
        self.extra = extra
        self.parent = parent
        self.name = name
        self.index = index

    def __repr__(self) -> str:
        return f"Node({self.value!r}, {self.type!r})"

    def location(self) -> str:
        """Where the node stands, as FHIRPath: "Patient.name[0].given[1]"."""
        if self.parent is None:
            return self.name or self.type
        place = f"{self.parent.location()}.{_element_name(self.parent.path, self.name)}"
        return place if self.index is None else f"{place}[{self.index}]"


Nodes = Sequence[Node]
EMPTY: Nodes = ()


class Step(NamedTuple):
    """How to get a child out of the JSON of its parent; ``path`` None for a resource inside."""

    property: str
    extra: str
    type: str
    path: str


SYSTEM_TYPES = frozenset({
    "System.Boolean", "System.String", "System.Integer", "System.Decimal", "System.Date",
    "System.DateTime", "System.Time", "System.Quantity", "System.Any",
})  # fmt: skip
TYPE_INFO = "System.ClassInfo"
_TYPE_INFO_MEMBERS = {
    name: (Step(name, "_" + name, "System.String", "System.String"),)
    for name in ("namespace", "name")
}


@cache
def members(path: str) -> dict[str, tuple[Step, ...]]:
    """By element name the JSON properties it may stand under, in canonical order."""
    if path == TYPE_INFO:
        return _TYPE_INFO_MEMBERS
    found: dict[str, tuple[Step, ...]] = {}
    for property_, child in definitions().children(path).items():
        step = Step(property_, "_" + property_, child.type_code, child.path_of_children)
        found[child.element.name] = (*found.get(child.element.name, ()), step)
    return found


def root(value: Any, type: str) -> Node:
    """The node of a resource, or of an element of the type or path given."""
    if isinstance(value, dict) and "resourceType" in value:
        name = str(cast("Json", value)["resourceType"])
        return Node(value, name, name)
    element = type.partition(".")[2]
    return Node(value, "BackboneElement" if element else type, type)


def child(node: Node, name: str) -> Nodes:
    """The children of one name, in document order."""
    steps = members(node.path).get(name)
    if steps is None:
        return EMPTY
    found: list[Node] = []
    add_children(node, steps, found)
    return found


def children(node: Node) -> list[Node]:
    """All children, in canonical order."""
    found: list[Node] = []
    for steps in members(node.path).values():
        add_children(node, steps, found)
    return found


def descendants(nodes: Nodes) -> Iterator[Node]:
    """Children, their children and so on, parents before their children."""
    open_ = [grown for node in reversed(nodes) for grown in reversed(children(node))]
    while open_:
        node = open_.pop()
        yield node
        open_.extend(reversed(children(node)))


def add_children(node: Node, steps: tuple[Step, ...], found: list[Node]) -> None:
    """Append the children that stand under the properties of ``steps``."""
    # __class__, not isinstance: faster, and Any stays Any to the type checker.
    source: Json | None = node.value if node.value.__class__ is dict else node.extra
    if source is None:
        return
    for step in steps:
        value = source.get(step.property)
        extra = source.get(step.extra)
        if value is None and extra is None:
            continue
        if value.__class__ is list or extra.__class__ is list:
            _add_items(node, step, value, extra, found)
        else:
            found.append(_made(value, step, extra, node, None))


def _add_items(node: Node, step: Step, value: Any, extra: Any, found: list[Node]) -> None:
    values: list[Any] = value if value.__class__ is list else []
    extras: list[Any] = extra if extra.__class__ is list else []
    for index in range(max(len(values), len(extras))):
        item = values[index] if index < len(values) else None
        beside = extras[index] if index < len(extras) else None
        if item is not None or beside is not None:
            found.append(_made(item, step, beside, node, index))


def _made(value: Any, step: Step, extra: Any, parent: Node, index: int | None) -> Node:
    if step.type == "Resource" and value.__class__ is dict:
        name = str(value.get("resourceType", "Resource"))
        return Node(value, name, name, None, parent, step.property, index)
    beside = extra if extra.__class__ is dict else None
    return Node(value, step.type, step.path, beside, parent, step.property, index)


def _element_name(path: str, property: str) -> str:
    """How FHIRPath writes a JSON property: valueQuantity is value."""
    for name, steps in members(path).items():
        if any(step.property == property for step in steps):
            return name
    return property


def boolean(value: bool) -> Nodes:  # noqa: FBT001 - a constructor
    """A System.Boolean as a collection."""
    return TRUE if value else FALSE


def string(value: str) -> Node:
    """A System.String."""
    return Node(value, "System.String", "System.String")


def number(value: int | Decimal) -> Node:
    """A System.Integer or System.Decimal."""
    type_ = "System.Integer" if isinstance(value, int) else "System.Decimal"
    return Node(value, type_, type_)


TRUE: Nodes = (Node(True, "System.Boolean", "System.Boolean"),)  # noqa: FBT003
FALSE: Nodes = (Node(False, "System.Boolean", "System.Boolean"),)  # noqa: FBT003
