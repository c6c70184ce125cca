"""What is posted to the service base: a batch or a transaction.

https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.interactions.batch import batch
from fhir_server.interactions.transaction import transaction
from fhir_server.r4.bundle import bundle_type
from fhir_server.r4.json import decode
from fhir_server.r4.outcome import FhirError, Issue, malformed

if TYPE_CHECKING:
    from fhir_server.context import Context
    from fhir_server.interactions.engine import Engine
    from fhir_server.interactions.request import Answer, Request


async def bundle(engine: Engine, context: Context, request: Request) -> Answer:
    """Whichever of the two ``Bundle.type`` names; 400 for Bundles that are neither."""
    resource = request.resource
    if resource is None:
        if not request.body:
            raise malformed("The body is empty: it must hold a Bundle")
        resource = decode(request.body)
    kind = bundle_type(resource)
    if kind == "transaction":
        return await transaction(engine, context, request, resource)
    if kind == "batch":
        return await batch(engine, context, request, resource)
    text = f"A Bundle of type {kind!r} cannot be processed here: batch and transaction can"
    raise FhirError(400, [Issue("not-supported", text, "Bundle.type")])
