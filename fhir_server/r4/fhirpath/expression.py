"""Compiled FHIRPath expressions. https://hl7.org/fhir/R4/fhirpath.html."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from fhir_server.r4.fhirpath import paths
from fhir_server.r4.fhirpath.compiler import closure, variable
from fhir_server.r4.fhirpath.errors import FhirPathError
from fhir_server.r4.fhirpath.node import Node, root
from fhir_server.r4.fhirpath.parser import parse
from fhir_server.r4.fhirpath.scope import Run, Scope
from fhir_server.r4.fhirpath.values import truth

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from fhir_server.r4.fhirpath.node import Nodes
    from fhir_server.r4.fhirpath.scope import Evaluate, Resolver
    from fhir_server.r4.fhirpath.syntax import Syntax
    from fhir_server.r4.json import Json


@dataclass(frozen=True, slots=True)
class Setting:
    """What an expression may see besides its focus; see `Run`."""

    resource: Node | None = None
    root: Node | None = None
    variables: Mapping[str, Any] | None = None
    resolver: Resolver | None = None
    now: datetime | None = None


NOTHING_ELSE = Setting()


class Expression:
    """An expression for one type of context, evaluated any number of times."""

    __slots__ = ("_closure", "context_type", "evaluate", "text")

    evaluate: Callable[[Json], list[Node]]
    """The nodes that the expression selects in a resource."""

    def __init__(self, text: str, context_type: str, tree: Syntax, evaluate: Evaluate) -> None:
        self.text = text
        self.context_type = context_type
        self._closure = evaluate
        # An attribute, not a method: plain paths take less time than a call around them would.
        self.evaluate = paths.fast(tree, context_type, self._general) or self._general

    def _general(self, resource: Json) -> list[Node]:
        return list(self.on(root(resource, self.context_type)))

    def on(self, focus: Node, setting: Setting = NOTHING_ELSE) -> Nodes:
        """The nodes selected from any node; FhirPathError where it cannot be evaluated."""
        resource = setting.resource or focus
        run = Run(focus, resource, setting.root or resource)
        if setting.variables:
            run.variables = {name: variable(v) for name, v in setting.variables.items()}
        run.resolver = setting.resolver
        run.now = setting.now
        try:
            return self._closure(Scope(run, (focus,)))
        except ArithmeticError as error:
            raise FhirPathError(f"a number is out of range: {type(error).__name__}") from None

    def holds(self, focus: Node, setting: Setting = NOTHING_ELSE) -> bool:
        """Whether an invariant is satisfied: only false is not, nothing at all is."""
        return truth(self.on(focus, setting)) is not False


@lru_cache(maxsize=8192)
def compile(expression: str, *, context_type: str) -> Expression:
    """An expression ready for resources or elements of a type (or path: "Patient.contact").

    FhirPathError, with the position, for what is no FHIRPath or needs what is not there.
    """
    tree, evaluate = _read(expression)
    return Expression(expression, context_type, tree, evaluate)


@lru_cache(maxsize=4096)
def _read(expression: str) -> tuple[Syntax, Evaluate]:
    tree = parse(expression)
    return tree, closure(tree)
