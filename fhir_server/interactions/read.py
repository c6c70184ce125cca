"""FHIR read, and conditional read.

https://hl7.org/fhir/R4/http.html#read
https://hl7.org/fhir/R4/http.html#cread
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.interactions.access import visible
from fhir_server.interactions.binary import check_context, native
from fhir_server.interactions.body import BINARY
from fhir_server.interactions.opened import body_of
from fhir_server.interactions.preconditions import unchanged
from fhir_server.interactions.request import Answer
from fhir_server.r4.outcome import deleted, not_found

if TYPE_CHECKING:
    from fhir_server.context import Context
    from fhir_server.interactions.engine import Engine
    from fhir_server.interactions.request import Request
    from fhir_server.store.rows import Version


async def read(engine: Engine, context: Context, request: Request) -> Answer:
    """The current version: 200, 304; 404 unknown or outside the grant, 410 deleted."""
    predicate = visible(engine, context, request.type)
    version = await engine.store.read(context, predicate, request.type, request.id)
    if version is None:
        raise not_found(request.type, request.id)
    if version.deleted:
        raise deleted(request.type, request.id, version.vid)
    answer = answered(engine, context, version)
    if request.type == BINARY:
        await check_context(engine, context, answer)
    if (request.if_none_match or request.if_modified_since) and unchanged(request, version):
        return Answer(
            status=304,
            type=version.type,
            id=version.id,
            vid=version.vid,
            updated=version.updated,
        )
    return native(answer) if request.native else answer


def answered(engine: Engine, context: Context, version: Version, status: int = 200) -> Answer:
    """A live version as an answer."""
    return Answer(
        status=status,
        body=body_of(engine, context, version),
        type=version.type,
        id=version.id,
        vid=version.vid,
        updated=version.updated,
    )
