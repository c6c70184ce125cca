"""How a function is declared: what it takes, and the code that answers it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from fhir_server.r4.fhirpath.node import Nodes

# A value is evaluated before the call; a criterion is a closure that the function evaluates per
# item; a type is the resolved name of a type.
Parameter = Literal["value", "criterion", "type"]


@dataclass(frozen=True, slots=True)
class Function:
    """``implement`` takes the focus, the scope and the arguments; the last may be optional."""

    implement: Callable[..., Nodes]
    parameters: tuple[Parameter, ...] = ()
    optional: int = 0

    def takes(self, count: int) -> bool:
        """Whether so many arguments may be given."""
        return len(self.parameters) - self.optional <= count <= len(self.parameters)
