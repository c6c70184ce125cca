"""FHIR create, and conditional create.

https://hl7.org/fhir/R4/http.html#create
https://hl7.org/fhir/R4/http.html#ccreate
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from fhir_server.interactions.access import visible
from fhir_server.interactions.address import parse_query
from fhir_server.interactions.body import resource_of
from fhir_server.interactions.conditional import criteria_key, criteria_of, find_one, together
from fhir_server.interactions.draft import Draft
from fhir_server.interactions.ids import uuid7
from fhir_server.interactions.read import answered
from fhir_server.interactions.write import commit

if TYPE_CHECKING:
    from fhir_server.context import Context
    from fhir_server.interactions.engine import Engine, Records
    from fhir_server.interactions.request import Answer, Request
    from fhir_server.store.transaction import Transaction


async def create(engine: Engine, context: Context, request: Request) -> Answer:
    """A new resource under a new id: 201; 200 where If-None-Exist finds one, 412 for several."""
    draft = draft_of(context, request)
    if not request.if_none_exist:
        [answer] = await commit(engine, context, [draft])
        return answer
    criteria = criteria_of(parse_query(request.if_none_exist.lstrip("?")), request.type)
    # Without a lock first: what is there already needs none.
    found = await _existing(engine, context, request, criteria, engine.store)
    if found is not None:
        return found

    async def work(engine: Engine, records: Transaction) -> Answer:
        await records.lock_criteria([criteria_key(engine, request.type, criteria)])
        found = await _existing(engine, context, request, criteria, records)
        if found is not None:
            return found
        [answer] = await commit(engine, context, [draft], records)
        return answer

    return await together(engine, context, work)


def draft_of(context: Context, request: Request) -> Draft:
    """What a create writes; an id in the resource is ignored."""
    return Draft(
        method="POST", type=request.type, id=uuid7(context.now), resource=resource_of(request)
    )


async def _existing(
    engine: Engine,
    context: Context,
    request: Request,
    criteria: tuple[tuple[str, str], ...],
    records: Records,
) -> Answer | None:
    id = await find_one(engine, context, request.type, criteria, records)
    if id is None:
        return None
    predicate = visible(engine, context, request.type)
    version = await records.read(context, predicate, request.type, id)
    if version is None or version.deleted:
        return None
    return msgspec.structs.replace(answered(engine, context, version), location=True)
