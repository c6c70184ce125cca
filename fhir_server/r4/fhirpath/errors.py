"""What goes wrong with FHIRPath expressions."""

from __future__ import annotations


class FhirPathError(Exception):
    """A bad expression, or one that cannot be evaluated on this input.

    ``position`` counts characters of the expression from 0.
    """

    def __init__(self, message: str, position: int = 0) -> None:
        super().__init__(f"{message} (at character {position})")
        self.message = message
        self.position = position
