"""Plain paths and unions straight from the resource's JSON, as most search parameters are.

https://hl7.org/fhir/R4/searchparameter-registry.html

The same nodes as the general evaluation gives, without parents: 0.1 to 0.4 µs per expression.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fhir_server.r4.definitions import definitions
from fhir_server.r4.fhirpath import syntax
from fhir_server.r4.fhirpath.node import Node, Step, add_children, members
from fhir_server.r4.fhirpath.types import is_a, kind, resolve_type
from fhir_server.r4.fhirpath.values import distinct
from fhir_server.r4.reference import parse

if TYPE_CHECKING:
    from fhir_server.r4.json import Json

Fast = Callable[["Json"], list[Node]]
# Kinds whose values are equal only where Python says so; others compare units or offsets.
_EQUAL_IF_SAME = frozenset({"string", "boolean", "complex"})
MANY_CHOICES = 12
_ID = r"[A-Za-z0-9\-.]{1,64}"
# Adds what it selects below one JSON object.
Collect = Callable[[Any, list[Node]], None]
# What follows the start of a path.
Link = syntax.Member | syntax.Call | syntax.TypeOperation
# Whether an object is kept: the criterion of a where().
Keep = Callable[[Any], bool]


class NotPlainError(Exception):
    """Raised while evaluating: this resource needs the general evaluation."""


def fast(tree: syntax.Syntax, context_type: str, general: Fast) -> Fast | None:
    """The fast evaluation of a tree, None where it has none.

    ``general`` is for the resources that need it all the same.
    """
    definition = definitions().types.get(context_type)
    if definition is None or definition.kind != "resource" or definition.abstract:
        return None
    terms = _terms(tree)
    live: list[Collect] = []
    for term in terms:
        collects = _term(term, context_type)
        if collects is None:
            return None
        live.extend(collects)
    evaluate = _together(live, unite=len(terms) > 1)
    return _with_fallback(evaluate, general) if _resolves(tree) else evaluate


def _resolves(tree: syntax.Syntax) -> bool:
    """Whether a reference to a contained resource may have to be followed."""
    open_ = [tree]
    while open_:
        node = open_.pop()
        if isinstance(node, syntax.Call) and node.name == "resolve":
            return True
        open_.extend(syntax.operands(node))
    return False


def _with_fallback(evaluate: Fast, general: Fast) -> Fast:
    def either(resource: Json) -> list[Node]:
        try:
            return evaluate(resource)
        except NotPlainError:
            return general(resource)

    return either


def _together(live: list[Collect], *, unite: bool) -> Fast:
    if len(live) == 1 and not unite:
        collect = live[0]

        def one(resource: Json) -> list[Node]:
            found: list[Node] = []
            collect(resource, found)
            return found

        return one

    def several(resource: Json) -> list[Node]:
        found: list[Node] = []
        for collect in live:
            collect(resource, found)
        return _once(found) if unite and len(found) > 1 else found

    return several


def _once(found: list[Node]) -> list[Node]:
    """Without duplicates; comparing a few values is cheaper than making keys of them."""
    if len(found) <= 8 and all(kind(node.type) in _EQUAL_IF_SAME for node in found):
        values = [node.value for node in found]
        if all(value not in values[:index] for index, value in enumerate(values)):
            return found
    return distinct(found)


def _terms(tree: syntax.Syntax) -> list[syntax.Syntax]:
    """The operands of a union, in order."""
    found: list[syntax.Syntax] = []
    while isinstance(tree, syntax.Binary) and tree.operator == "|":
        found.append(tree.right)
        tree = tree.left
    return [tree, *reversed(found)]


def _term(tree: syntax.Syntax, context_type: str) -> list[Collect] | None:
    """What collects one operand: nothing for a path that starts at another type."""
    steps: list[Link] = []
    while isinstance(tree, (syntax.Invoke, syntax.TypeOperation)):
        if isinstance(tree, syntax.TypeOperation):
            steps.append(tree)
            tree = tree.operand
        elif isinstance(tree.step, syntax.Special):
            return None
        else:
            steps.append(tree.step)
            tree = tree.base
    if not isinstance(tree, syntax.Member):
        return None
    steps.reverse()
    if not is_a(context_type, tree.name):
        if tree.name not in members(context_type):
            return []
        steps.insert(0, tree)
    return _visit(context_type, steps) if steps else [_itself(context_type)]


def _itself(type: str) -> Collect:
    return lambda source, found: found.append(Node(source, type, type))


def _visit(path: str, steps: list[Link]) -> list[Collect] | None:
    """What collects from an object whose definition is ``path``."""
    name, keep = _first(steps[0])
    if name is None:
        return None
    properties = list(members(path).get(name, ()))
    rest = steps[1:]
    while rest and _first(rest[0])[0] is None:
        wanted = _wanted_type(rest[0])
        if wanted is not None:
            properties = [step for step in properties if is_a(step.type, wanted)]
        elif keep is not None or (keep := _criterion(rest[0], properties)) is None:
            return None
        rest = rest[1:]
    if not rest and keep is None and len(properties) > MANY_CHOICES:
        return [_choice(properties)]
    found: list[Collect] = []
    for step in properties:
        below = _below(step, rest, keep)
        if below is None:
            return None
        found.extend(below)
    return found


def _first(
    step: Link,
) -> tuple[str | None, Keep | None]:
    """The element that a step goes into; extension('u') keeps those of one URL."""
    match step:
        case syntax.Member(name):
            return name, None
        case syntax.Call("extension", (syntax.Literal("string", url),)):
            return "extension", lambda item: item.get("url") == url
        case _:
            return None, None


def _below(
    step: Step,
    rest: list[Link],
    keep: Keep | None,
) -> list[Collect] | None:
    if step.type == "Resource":
        return None
    primitive = kind(step.type) not in {"complex", "quantity"}
    if not rest:
        return [_primitive(step) if primitive else _complex(step, keep)]
    if primitive:
        return None
    inner = _visit(step.path, rest)
    return None if inner is None else [_nested(step.property, inner, keep)]


def _wanted_type(step: Link) -> str | None:
    """The type that ``as T``, as(T) or ofType(T) keeps."""
    if isinstance(step, syntax.Member):
        return None
    if isinstance(step, syntax.TypeOperation):
        return resolve_type(step.type, step.position) if step.operator == "as" else None
    if step.name in {"as", "ofType"} and len(step.arguments) == 1:
        name = syntax.type_name(step.arguments[0])
        return None if name is None else resolve_type(name, step.position)
    return None


def _criterion(step: Link, properties: list[Step]) -> Keep | None:
    """The criteria that search parameters use; None for all others."""
    if not isinstance(step, syntax.Call) or step.name != "where" or len(properties) != 1:
        return None
    match step.arguments:
        case (syntax.TypeOperation("is", syntax.Call("resolve", ()), type_),):
            return _refers_to(type_) if properties[0].type == "Reference" else None
        case (syntax.Binary("=", syntax.Member(name), syntax.Literal("string", value)),):
            of = members(properties[0].path).get(name, ())
            if len(of) != 1 or kind(of[0].type) != "string":
                return None
            return lambda item: item.get(name) == value
        case _:
            return None


def _refers_to(type: str) -> Keep | None:
    """resolve() is T, told from the reference alone."""
    definition = definitions().types.get(type)
    if definition is None or definition.kind != "resource" or definition.abstract:
        return None
    target = re.compile(rf"(?:https?://[^\s?#|]*/)?{type}/{_ID}(?:/_history/{_ID})?", re.ASCII)

    def keep(item: Any) -> bool:
        text = item.get("reference")
        if text.__class__ is not str:
            return False
        if target.fullmatch(text) is not None:
            return True
        if text.startswith("#"):
            raise NotPlainError
        return item.get("type") == type and parse(text).type is None

    return keep


def _complex(step: Step, keep: Keep | None) -> Collect:
    property_, type_, path = step.property, step.type, step.path

    def collect(source: Any, found: list[Node]) -> None:
        value = source.get(property_)
        if value is None:
            return
        if value.__class__ is list:
            kept = [i for i in value if i is not None and (keep is None or keep(i))]
            found.extend([Node(item, type_, path) for item in kept])
        elif keep is None or keep(value):
            found.append(Node(value, type_, path))

    return collect


def _primitive(step: Step) -> Collect:
    property_, beside, type_, path = step.property, step.extra, step.type, step.path

    def collect(source: Any, found: list[Node]) -> None:
        value, extra = source.get(property_), source.get(beside)
        if extra is not None:
            _add_children(source, (step,), found)
        elif value.__class__ is list:
            found.extend([Node(item, type_, path) for item in value if item is not None])
        elif value is not None:
            found.append(Node(value, type_, path))

    return collect


def _choice(steps: list[Step]) -> Collect:
    """Extension.value has fifty types: see which of them is there instead of trying each."""
    places = {name: step for step in steps for name in (step.property, step.extra)}
    names = places.keys()

    def collect(source: Any, found: list[Node]) -> None:
        there = names & source.keys()
        if there:
            # A value and what stands beside it are one step.
            _add_children(source, tuple({places[name]: None for name in sorted(there)}), found)

    return collect


def _add_children(source: Any, steps: tuple[Step, ...], found: list[Node]) -> None:
    """What the general evaluation would add; no parents here."""
    added: list[Node] = []
    add_children(Node(source, "", ""), steps, added)
    for node in added:
        node.parent = None
    found.extend(added)


def _nested(property: str, inner: list[Collect], keep: Keep | None) -> Collect:
    def collect(source: Any, found: list[Node]) -> None:
        value = source.get(property)
        if value is None:
            return
        for item in value if value.__class__ is list else (value,):
            if item.__class__ is dict and (keep is None or keep(item)):
                for collect_inner in inner:
                    collect_inner(item, found)

    return collect
