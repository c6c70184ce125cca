"""Existence functions. https://hl7.org/fhirpath/N1/#existence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.r4.fhirpath.functions.signature import Function
from fhir_server.r4.fhirpath.node import EMPTY, FALSE, TRUE, Nodes, boolean, number
from fhir_server.r4.fhirpath.scope import each
from fhir_server.r4.fhirpath.values import distinct, identity, truth

if TYPE_CHECKING:
    from fhir_server.r4.fhirpath.scope import Evaluate, Scope


def _empty(focus: Nodes, _: Scope) -> Nodes:
    return FALSE if focus else TRUE


def _exists(focus: Nodes, scope: Scope, criterion: Evaluate | None = None) -> Nodes:
    if criterion is None:
        return TRUE if focus else FALSE
    return boolean(any(truth(criterion(inner)) for inner in each(focus, scope)))


def _not(focus: Nodes, _: Scope) -> Nodes:
    value = truth(focus)
    return EMPTY if value is None else boolean(not value)


def _all(focus: Nodes, scope: Scope, criterion: Evaluate) -> Nodes:
    return boolean(all(truth(criterion(inner)) for inner in each(focus, scope)))


def _all_true(focus: Nodes, _: Scope) -> Nodes:
    return boolean(all(truth((node,)) for node in focus))


def _any_true(focus: Nodes, _: Scope) -> Nodes:
    return boolean(any(truth((node,)) for node in focus))


def _all_false(focus: Nodes, _: Scope) -> Nodes:
    return boolean(not any(truth((node,)) for node in focus))


def _any_false(focus: Nodes, _: Scope) -> Nodes:
    return boolean(not all(truth((node,)) for node in focus))


def _subset_of(focus: Nodes, _: Scope, other: Nodes) -> Nodes:
    return boolean({identity(n) for n in focus} <= {identity(n) for n in other})


def _superset_of(focus: Nodes, _: Scope, other: Nodes) -> Nodes:
    return boolean({identity(n) for n in focus} >= {identity(n) for n in other})


def _count(focus: Nodes, _: Scope) -> Nodes:
    return (number(len(focus)),)


def _distinct(focus: Nodes, _: Scope) -> Nodes:
    return distinct(focus)


def _is_distinct(focus: Nodes, _: Scope) -> Nodes:
    return boolean(len(distinct(focus)) == len(focus))


FUNCTIONS = {
    "empty": Function(_empty),
    "exists": Function(_exists, ("criterion",), optional=1),
    "not": Function(_not),
    "all": Function(_all, ("criterion",)),
    "allTrue": Function(_all_true),
    "anyTrue": Function(_any_true),
    "allFalse": Function(_all_false),
    "anyFalse": Function(_any_false),
    "subsetOf": Function(_subset_of, ("value",)),
    "supersetOf": Function(_superset_of, ("value",)),
    "count": Function(_count),
    "distinct": Function(_distinct),
    "isDistinct": Function(_is_distinct),
}
