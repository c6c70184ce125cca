"""The operations: routing and capabilities are computed from these rows.

https://hl7.org/fhir/R4/operations.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from fhir_server.interactions import table
from fhir_server.interactions.address import (
    INSTANCE_OPERATION,
    SYSTEM_OPERATION,
    TYPE_OPERATION,
)
from fhir_server.interactions.audit import Event, refusal
from fhir_server.r4.outcome import FhirError, Issue, method_not_allowed, unknown_type

if TYPE_CHECKING:
    from fhir_server.context import Context
    from fhir_server.interactions.engine import Engine, Handler
    from fhir_server.interactions.request import Answer, Request


class Operation(msgspec.Struct, frozen=True):
    """One operation.

    ``types`` are those it is defined on, empty for all; ``shapes`` the levels it is served at.
    One that affects state is refused by GET.
    """

    name: str
    definition: str
    shapes: frozenset[str]
    handler: Handler
    types: frozenset[str] = frozenset()
    affects_state: bool = False


OPERATIONS: tuple[Operation, ...] = ()

SHAPES = frozenset({SYSTEM_OPERATION, TYPE_OPERATION, INSTANCE_OPERATION})


async def dispatch(engine: Engine, context: Context, request: Request) -> Answer:
    """Runs any request: an operation or an interaction."""
    if request.shape not in SHAPES:
        return await table.dispatch(engine, context, request)
    row = find(request)
    if request.type and request.type not in engine.types:
        raise unknown_type(request.type)
    try:
        answer = await row.handler(engine, context, request)
    except FhirError as error:
        engine.audit(refusal(context, f"${row.name}", error, request.type, request.id))
        raise
    engine.audit(Event(context, f"${row.name}", answer.status, request.type, request.id))
    return answer


def find(request: Request) -> Operation:
    """The operation asked for: 404 for one that is not served here, 405 for a wrong method."""
    for row in OPERATIONS:
        fits = not row.types or request.type in row.types
        if row.name == request.operation and request.shape in row.shapes and fits:
            if request.method == "POST" or (request.method == "GET" and not row.affects_state):
                return row
            allow = "POST" if row.affects_state else "GET, HEAD, POST"
            raise method_not_allowed(f"${row.name} is not run by {request.method}", allow)
    text = f"The operation ${request.operation} is not served at this address"
    raise FhirError(404, [Issue("not-supported", text)])
