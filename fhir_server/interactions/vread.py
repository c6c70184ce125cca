"""FHIR vread: one version of a resource.

https://hl7.org/fhir/R4/http.html#vread
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.interactions.access import visible
from fhir_server.interactions.binary import check_context, native
from fhir_server.interactions.body import BINARY
from fhir_server.interactions.read import answered
from fhir_server.r4.outcome import deleted, not_found

if TYPE_CHECKING:
    from fhir_server.context import Context
    from fhir_server.interactions.engine import Engine
    from fhir_server.interactions.request import Answer, Request


async def vread(engine: Engine, context: Context, request: Request) -> Answer:
    """That version: 200; 404 unknown or outside the grant, 410 where it is a deletion."""
    vid = int(request.vid)
    predicate = visible(engine, context, request.type)
    version = await engine.store.vread(context, predicate, request.type, request.id, vid)
    if version is None:
        raise not_found(request.type, f"{request.id}/_history/{vid}")
    if version.deleted:
        raise deleted(request.type, request.id, vid)
    answer = answered(engine, context, version)
    if request.type == BINARY:
        await check_context(engine, context, answer)
    return native(answer) if request.native else answer
