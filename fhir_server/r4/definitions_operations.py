"""The operations that the R4 specification defines.

https://hl7.org/fhir/R4/operationdefinition.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fhir_server.r4.json import Json


@dataclass(frozen=True, slots=True)
class OperationParameter:
    """A parameter in or out; ``max`` is None for any number, ``type`` None where it has parts."""

    name: str
    use: str
    min: int
    max: int | None
    type: str | None
    search_type: str | None
    target: tuple[str, ...]
    parts: tuple[OperationParameter, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of the specification: ``resource`` are the types it is defined on."""

    url: str
    code: str
    name: str
    affects_state: bool
    resource: tuple[str, ...]
    system: bool
    type: bool
    instance: bool
    parameters: tuple[OperationParameter, ...]


def operation(row: Json) -> Operation:
    """An operation from its table row."""
    return Operation(
        url=row["url"],
        code=row["code"],
        name=row["name"],
        affects_state=row.get("affectsState", False),
        resource=tuple(row["resource"]),
        system=row["system"],
        type=row["type"],
        instance=row["instance"],
        parameters=tuple(_operation_parameter(p) for p in row["parameter"]),
    )


def _operation_parameter(row: Json) -> OperationParameter:
    maximum: str = row["max"]
    return OperationParameter(
        name=row["name"],
        use=row["use"],
        min=row["min"],
        max=None if maximum == "*" else int(maximum),
        type=row.get("type"),
        search_type=row.get("searchType"),
        target=tuple(row.get("target", ())),
        parts=tuple(_operation_parameter(p) for p in row.get("part", ())),
    )
