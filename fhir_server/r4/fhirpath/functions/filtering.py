"""Filtering, projection and navigation.

https://hl7.org/fhirpath/N1/#filtering-and-projection
https://hl7.org/fhirpath/N1/#tree-navigation
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.r4.fhirpath import node as nodes
from fhir_server.r4.fhirpath.functions.signature import Function
from fhir_server.r4.fhirpath.node import EMPTY, TYPE_INFO, Node, Nodes, boolean
from fhir_server.r4.fhirpath.scope import PER_CRITERION, Scope, each
from fhir_server.r4.fhirpath.types import is_a, type_info
from fhir_server.r4.fhirpath.values import identity, single, truth

if TYPE_CHECKING:
    from fhir_server.r4.fhirpath.scope import Evaluate


def _where(focus: Nodes, scope: Scope, criterion: Evaluate) -> Nodes:
    return [inner.this[0] for inner in each(focus, scope) if truth(criterion(inner))]


def _select(focus: Nodes, scope: Scope, projection: Evaluate) -> Nodes:
    return [node for inner in each(focus, scope) for node in projection(inner)]


def _repeat(focus: Nodes, scope: Scope, projection: Evaluate) -> Nodes:
    found: dict[object, Node] = {}
    newest: Nodes = focus
    while newest:
        grown = _select(newest, scope, projection)
        newest = []
        for node in grown:
            key = identity(node)
            if key not in found:
                found[key] = node
                newest.append(node)
    return list(found.values())


def _of_type(focus: Nodes, _: Scope, type: str) -> Nodes:
    return [node for node in focus if is_a(node.type, type)]


def _is(focus: Nodes, _: Scope, type: str) -> Nodes:
    node = single(focus)
    return EMPTY if node is None else boolean(is_a(node.type, type))


def _aggregate(focus: Nodes, scope: Scope, aggregator: Evaluate, start: Nodes = EMPTY) -> Nodes:
    total = start
    for index, node in enumerate(focus):
        scope.run.spend(PER_CRITERION)
        total = aggregator(Scope(scope.run, (node,), index, total))
    return total


def _children(focus: Nodes, scope: Scope) -> Nodes:
    scope.run.spend(len(focus))
    return [child for node in focus for child in nodes.children(node)]


def _descendants(focus: Nodes, scope: Scope) -> Nodes:
    found = list(nodes.descendants(focus))
    scope.run.spend(len(found))
    return found


def _type(focus: Nodes, _: Scope) -> Nodes:
    return [Node(type_info(node.type), TYPE_INFO, TYPE_INFO) for node in focus]


FUNCTIONS = {
    "where": Function(_where, ("criterion",)),
    "select": Function(_select, ("criterion",)),
    "repeat": Function(_repeat, ("criterion",)),
    "ofType": Function(_of_type, ("type",)),
    # R4's own expressions apply as() to collections, where N1 allows a single item only.
    "as": Function(_of_type, ("type",)),
    "is": Function(_is, ("type",)),
    "aggregate": Function(_aggregate, ("criterion", "value"), optional=1),
    "children": Function(_children),
    "descendants": Function(_descendants),
    "type": Function(_type),
}
