"""What an evaluation knows besides its focus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhir_server.r4.fhirpath.errors import FhirPathError
from fhir_server.r4.fhirpath.node import EMPTY, Node, Nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    Evaluate = Callable[["Scope"], Nodes]
    Resolver = Callable[[str], "dict[str, Any] | None"]

# Per run, in nodes walked; a hundred thousand criteria are far beyond any invariant.
MAX_WORK = 2_000_000
PER_CRITERION = 20


class Run:
    """One evaluation of one expression.

    ``resource`` and ``root`` are %resource and %rootResource. ``resolver`` answers resolve();
    ``now`` is the clock of now(), today() and timeOfDay().
    """

    __slots__ = ("context", "left", "now", "resolver", "resource", "root", "traces", "variables")

    def __init__(self, context: Node, resource: Node, root: Node) -> None:
        self.context = context
        self.resource = resource
        self.root = root
        self.variables: Mapping[str, Any] = {}
        self.resolver: Resolver | None = None
        self.now: datetime | None = None
        self.traces: list[tuple[str, Nodes]] = []
        self.left = MAX_WORK

    def spend(self, work: int) -> None:
        """FhirPathError once an evaluation has done more than it may."""
        self.left -= work
        if self.left < 0:
            raise FhirPathError("the evaluation is too costly")


class Scope:
    """The $this, $index and $total of the nearest criterion."""

    __slots__ = ("index", "run", "this", "total")

    def __init__(self, run: Run, this: Nodes, index: int = 0, total: Nodes = EMPTY) -> None:
        self.run = run
        self.this = this
        self.index = index
        self.total = total


def each(focus: Nodes, scope: Scope) -> list[Scope]:
    """A scope per item, as criteria and projections are evaluated."""
    run = scope.run
    run.spend(len(focus) * PER_CRITERION)
    return [Scope(run, (item,), index, scope.total) for index, item in enumerate(focus)]
