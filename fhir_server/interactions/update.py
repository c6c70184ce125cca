"""FHIR update: also as create, version-aware, and conditional.

https://hl7.org/fhir/R4/http.html#update
https://hl7.org/fhir/R4/http.html#cond-update
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from fhir_server.interactions.access import visible
from fhir_server.interactions.body import checked_id, required_id, resource_of
from fhir_server.interactions.conditional import (
    claim_one,
    criteria_key,
    criteria_of_request,
    together,
)
from fhir_server.interactions.draft import Draft
from fhir_server.interactions.ids import uuid7
from fhir_server.interactions.preconditions import check, only_expected
from fhir_server.interactions.write import commit
from fhir_server.r4.outcome import conflict, invalid, precondition_failed

if TYPE_CHECKING:
    from fhir_server.context import Context
    from fhir_server.interactions.engine import Engine, Records
    from fhir_server.interactions.request import Answer, Request
    from fhir_server.r4.json import Json
    from fhir_server.store.transaction import Transaction


async def update(engine: Engine, context: Context, request: Request) -> Answer:
    """A new version: 200, or 201 where none lived under this id."""
    resource = resource_of(request)
    required_id(resource, request)
    expect = await expected(engine, context, request, engine.store)
    [answer] = await commit(engine, context, [draft_of(request, resource, expect)])
    return answer


async def conditional_update(engine: Engine, context: Context, request: Request) -> Answer:
    """Creates for no match, updates the one match; 412 for several, 400 for another id."""
    resource = resource_of(request)
    criteria = criteria_of_request(request)

    async def work(engine: Engine, records: Transaction) -> Answer:
        await records.lock_criteria([criteria_key(engine, request.type, criteria)])
        found = await claim_one(engine, context, request.type, criteria, records)
        draft = await resolved(engine, context, request, resource, found, records)
        [answer] = await commit(engine, context, [draft], records)
        return answer

    return await together(engine, context, work)


async def resolved(
    engine: Engine,
    context: Context,
    request: Request,
    resource: Json,
    found: str | None,
    records: Records,
) -> Draft:
    """What a conditional update writes once its criteria are resolved to ``found``."""
    own = checked_id(resource)
    if found is None:
        return await _unmatched(engine, context, request, resource, own, records)
    if own and own != found:
        raise invalid(
            f"{request.type}.id",
            f"The criteria match {request.type}/{found}, the resource has id {own!r}",
        )
    request = msgspec.structs.replace(request, id=found)
    expect = await expected(engine, context, request, records)
    return draft_of(request, resource, expect)


async def expected(
    engine: Engine, context: Context, request: Request, records: Records
) -> int | None:
    """The version that must be current; 412 where If-Match or If-None-Match cannot hold."""
    if not (request.if_match or request.if_none_match):
        return None
    only = only_expected(request)
    if only is not None and only > 0 and not request.if_none_match:
        return only
    predicate = visible(engine, context, request.type)
    current = await records.read(context, predicate, request.type, request.id)
    check(request, current)
    return 0 if current is None or current.deleted else current.vid


def draft_of(request: Request, resource: Json, expect: int | None) -> Draft:
    """What an update of ``request.id`` writes."""
    return Draft(method="PUT", type=request.type, id=request.id, resource=resource, expect=expect)


async def _unmatched(
    engine: Engine,
    context: Context,
    request: Request,
    resource: Json,
    own: str,
    records: Records,
) -> Draft:
    if request.if_match:
        raise precondition_failed(
            f"If-Match asks for version {request.if_match}, no {request.type} matches the criteria"
        )
    if not own:
        id = uuid7(context.now)
        return Draft(method="POST", type=request.type, id=id, resource=resource, expect=0)
    predicate = visible(engine, context, request.type)
    current = await records.read(context, predicate, request.type, own)
    if current is not None and not current.deleted:
        raise conflict(f"{request.type}/{own} exists and does not match the criteria")
    return draft_of(msgspec.structs.replace(request, id=own), resource, 0)
