"""Subsetting and combining.

https://hl7.org/fhirpath/N1/#subsetting
https://hl7.org/fhirpath/N1/#combining
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.r4.fhirpath.functions.signature import Function
from fhir_server.r4.fhirpath.node import EMPTY, Nodes
from fhir_server.r4.fhirpath.values import distinct, identity, integer, single

if TYPE_CHECKING:
    from fhir_server.r4.fhirpath.scope import Scope


def _single(focus: Nodes, _: Scope) -> Nodes:
    node = single(focus)
    return EMPTY if node is None else (node,)


def _first(focus: Nodes, _: Scope) -> Nodes:
    return focus[:1]


def _last(focus: Nodes, _: Scope) -> Nodes:
    return focus[-1:]


def _tail(focus: Nodes, _: Scope) -> Nodes:
    return focus[1:]


def _skip(focus: Nodes, _: Scope, number: Nodes) -> Nodes:
    return focus[max(0, integer(number) or 0) :]


def _take(focus: Nodes, _: Scope, number: Nodes) -> Nodes:
    return focus[: max(0, integer(number) or 0)]


def _intersect(focus: Nodes, _: Scope, other: Nodes) -> Nodes:
    wanted = {identity(node) for node in other}
    return [node for node in distinct(focus) if identity(node) in wanted]


def _exclude(focus: Nodes, _: Scope, other: Nodes) -> Nodes:
    unwanted = {identity(node) for node in other}
    return [node for node in focus if identity(node) not in unwanted]


def _union(focus: Nodes, _: Scope, other: Nodes) -> Nodes:
    return distinct([*focus, *other])


def _combine(focus: Nodes, _: Scope, other: Nodes) -> Nodes:
    return [*focus, *other]


FUNCTIONS = {
    "single": Function(_single),
    "first": Function(_first),
    "last": Function(_last),
    "tail": Function(_tail),
    "skip": Function(_skip, ("value",)),
    "take": Function(_take, ("value",)),
    "intersect": Function(_intersect, ("value",)),
    "exclude": Function(_exclude, ("value",)),
    "union": Function(_union, ("value",)),
    "combine": Function(_combine, ("value",)),
}
