"""Objects against their definition: properties, cardinality, JSON shape.

https://hl7.org/fhir/R4/json.html

Each path of the definitions is compiled once to a closure; a value is walked once.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, cast

from fhir_server.r4.definitions import definitions
from fhir_server.validation.bindings import binding_check
from fhir_server.validation.primitives import check_of, shown
from fhir_server.validation.references import reference_check
from fhir_server.validation.report import Question

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fhir_server.r4.definitions import Child
    from fhir_server.r4.json import Json
    from fhir_server.validation.report import Report, Where

    Walk = Callable[[Any, Where, Report], None]
    Check = Callable[[Any], object]

_ELEMENT = "Element"


class Objects:
    """The compiled walks, made on first use; one instance serves all requests."""

    def __init__(self) -> None:
        self._definitions = definitions()
        self._resources = frozenset(self._definitions.resource_types)
        self._walks: dict[str, Walk] = {}

    def resource(self, value: Any, where: Where | None, report: Report) -> None:
        """A resource, its own or one inside another, chosen by its resourceType."""
        place = where or (None, "Resource")
        if not isinstance(value, dict):
            report.add(place, f"{shown(value)} is not a resource", code="structure")
            return
        type = cast("Json", value).get("resourceType")
        if not isinstance(type, str) or type not in self._resources:
            report.add(place, f"resourceType {shown(type)} is not known", code="structure")
            return
        self._walk(type)(value, where or (None, type), report)

    def _walk(self, path: str) -> Walk:
        walk = self._walks.get(path)
        if walk is None:
            # Registered before it is compiled: definitions refer to themselves.
            self._walks[path] = _late(self._walks, path)
            walk = self._walks[path] = self._compile(path)
        return walk

    def _compile(self, path: str) -> Walk:
        children = self._definitions.children(path)
        rules: dict[str, _Rule] = {}
        primitives = frozenset(n for n, child in children.items() if self._is_primitive(child))
        for name, child in children.items():
            rules[name] = self._quick(child), self._property(child), _step(child)
            if name in primitives:
                rules["_" + name] = None, _sibling(child, self._walk(_ELEMENT)), _step(child)
        properties = _properties(children, primitives)
        if path in self._resources:
            rules["resourceType"] = _right, _never, ""
        return _walk_object(rules, properties)

    def _is_primitive(self, child: Child) -> bool:
        definition = self._definitions.types.get(child.type_code)
        return definition is not None and definition.kind == "primitive-type"

    def _quick(self, child: Child) -> Check | None:
        """For one primitive value, a check that finds nothing wrong with nearly all."""
        if child.element.max != 1 or not self._is_primitive(child):
            return None
        check, bound = check_of(child.type_code), binding_check(child.element, child.type_code)
        return check if bound is None else lambda value: check(value) or bound(value)

    def _property(self, child: Child) -> Walk:
        value = self._value(child)
        if child.element.max == 1:
            return _single(value)
        return _repeated(value, most=child.element.max, nulls_allowed=self._is_primitive(child))

    def _value(self, child: Child) -> Walk:
        code = child.type_code
        bound = binding_check(child.element, code)
        if self._is_primitive(child):
            return _primitive(code, bound)
        definition = self._definitions.types.get(code)
        if definition is not None and definition.kind == "resource":
            return self.resource
        inner = self._walk(child.path_of_children)
        if code == "Reference":
            targets = next((t.targets for t in child.element.types if t.code == code), ())
            return _reference(inner, targets)
        return inner if bound is None else _bound(inner, bound)


def _right(value: Any) -> None:
    """For resourceType, which chose the walk."""


def _never(value: Any, where: Where, report: Report) -> None:
    """For what is always right."""


def _late(walks: Mapping[str, Walk], path: str) -> Walk:
    """The walk that will stand under ``path`` once it is compiled."""

    def walk(value: Any, where: Where, report: Report) -> None:
        walks[path](value, where, report)

    return walk


def _walk_object(rules: Mapping[str, _Rule], properties: _Properties) -> Walk:
    rule_of = rules.get

    def walk(value: Any, where: Where, report: Report) -> None:
        # __class__, not type() or isinstance: the value stays Any to the type checker.
        if value.__class__ is not dict or not value:
            report.add(where, _no_object(value), code="structure")
            return
        node: Json = value
        for name, inner in node.items():
            rule = rule_of(name)
            if rule is None:
                report.add(where, f"unknown property {shown(name)}", code="structure")
            elif rule[0] is None or rule[0](inner) is not None:
                rule[1](inner, (where, rule[2]), report)
        _between(node, properties, where, report)

    return walk


def _between(node: Json, properties: _Properties, where: Where, report: Report) -> None:
    """What holds between the properties of one object."""
    for label, names in properties.required:
        if node.keys().isdisjoint(names):
            report.add(where, f"{label} is required", code="required")
    for names in properties.choices:
        if not node.keys().isdisjoint(names):
            _exclude(node.keys() & names, where, report)
    for name, sibling in properties.lists:
        if sibling in node or (name in node and None in _list(node[name])):
            _pair(node, name, where, report)


def _no_object(value: object) -> str:
    return "an object must not be empty" if value == {} else f"{shown(value)} is not an object"


def _exclude(present: set[str], where: Where, report: Report) -> None:
    chosen = sorted({name.removeprefix("_") for name in present})
    if len(chosen) > 1:
        text = f"{' and '.join(chosen)} exclude each other"
        report.add(where, text, code="structure")


def _pair(node: Json, name: str, where: Where, report: Report) -> None:
    """A list of primitives and its sibling: equally long, and never null in both."""
    values, others = _list(node.get(name)), _list(node.get("_" + name))
    if values and others and len(values) != len(others):
        report.add(where, f"{name} and _{name} must have the same length", code="structure")
    for index, (value, other) in enumerate(zip_longest(values, others)):
        if value is None and other is None:
            report.add(where, f"{name}[{index}] is null without a sibling", code="structure")


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


_Rule = tuple["Check | None", "Walk", str]
"""What passes at once if there is such a check, the walk that finds fault, the FHIRPath step."""


@dataclass(frozen=True, slots=True)
class _Properties:
    """What holds between the properties of one object.

    ``required``: (name for messages, the properties of which one must be there); ``choices``: the
    properties that exclude each other; ``lists``: repeated primitives and their siblings.
    """

    required: tuple[tuple[str, tuple[str, ...]], ...]
    choices: tuple[frozenset[str], ...]
    lists: tuple[tuple[str, str], ...]


def _properties(children: Mapping[str, Child], primitives: frozenset[str]) -> _Properties:
    lists = [name for name in children if name in primitives and _repeats(children[name])]
    pairs = tuple((name, "_" + name) for name in lists)
    return _Properties(_required(children), _choices(children), pairs)


def _repeats(child: Child) -> bool:
    return child.element.max != 1


def _required(children: Mapping[str, Child]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    needed: dict[str, list[str]] = {}
    for name, child in children.items():
        if child.element.min > 0:
            label = child.element.name + ("[x]" if child.element.choice else "")
            needed.setdefault(label, []).extend((name, "_" + name))
    return tuple((label, tuple(names)) for label, names in needed.items())


def _choices(children: Mapping[str, Child]) -> tuple[frozenset[str], ...]:
    groups: dict[str, set[str]] = {}
    for name, child in children.items():
        if child.element.choice:
            groups.setdefault(child.element.name, set()).update((name, "_" + name))
    return tuple(frozenset(names) for names in groups.values())


def _step(child: Child) -> str:
    """The FHIRPath step of a property: ``.value.ofType(Quantity)`` for valueQuantity."""
    name = child.element.name
    return f".{name}.ofType({child.type_code})" if child.element.choice else f".{name}"


def _single(value: Walk) -> Walk:
    def walk(node: Any, where: Where, report: Report) -> None:
        if type(node) is list:
            report.add(where, "an array where one value is allowed", code="structure")
        elif node is None:
            report.add(where, "null is not allowed", code="structure")
        else:
            value(node, where, report)

    return walk


def _repeated(value: Walk, *, most: int | None, nulls_allowed: bool) -> Walk:
    def walk(node: Any, where: Where, report: Report) -> None:
        if node.__class__ is not list:
            report.add(where, f"{shown(node)} is not an array", code="structure")
            return
        items: list[Any] = node
        if not items:
            report.add(where, "an array must not be empty", code="structure")
        if most is not None and len(items) > most:
            report.add(where, f"at most {most} are allowed", code="structure")
        for index, item in enumerate(items):
            if item is not None or not nulls_allowed:
                value(item, (where, index), report)

    return walk


def _primitive(code: str, bound: Callable[[Any], str | None] | None) -> Walk:
    check = check_of(code)

    def walk(value: Any, where: Where, report: Report) -> None:
        wrong = check(value)
        if wrong is not None:
            report.add(where, wrong, code="value")
        elif bound is not None and (wrong := bound(value)) is not None:
            report.add(where, wrong, code="code-invalid")

    return walk


def _bound(inner: Walk, bound: Callable[[Any], str | None]) -> Walk:
    def walk(value: Any, where: Where, report: Report) -> None:
        inner(value, where, report)
        wrong = bound(cast("Json", value)) if isinstance(value, dict) else None
        if wrong is not None:
            report.add(where, wrong, code="code-invalid")

    return walk


def _sibling(child: Child, element: Walk) -> Walk:
    """The ``_name`` property beside a primitive: id and extensions."""

    def walk(value: Any, where: Where, report: Report) -> None:
        if child.element.max == 1:
            element(value, where, report)
            return
        items = _list(value)
        if not items:
            report.add(where, "a list of siblings must be a filled array", code="structure")
        for index, item in enumerate(items):
            if item is not None:
                element(item, (where, index), report)

    return walk


def _reference(inner: Walk, targets: tuple[str, ...]) -> Walk:
    check = reference_check(targets)

    def walk(value: Any, where: Where, report: Report) -> None:
        inner(value, where, report)
        reference: object = value.get("reference") if value.__class__ is dict else None
        if not isinstance(reference, str):
            return
        wrong, local = check(reference)
        if wrong is not None:
            report.add((where, ".reference"), wrong, code="value")
        elif local:
            report.questions.append(Question((where, ".reference"), reference))

    return walk
