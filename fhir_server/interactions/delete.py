"""FHIR delete, and conditional delete of one or several.

https://hl7.org/fhir/R4/http.html#delete
https://hl7.org/fhir/R4/http.html#cdelete
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from fhir_server.interactions.access import limited
from fhir_server.interactions.conditional import (
    claim,
    criteria_key,
    criteria_of_request,
    not_selective,
    together,
)
from fhir_server.interactions.draft import Draft
from fhir_server.interactions.request import Answer
from fhir_server.interactions.update import expected
from fhir_server.interactions.write import commit
from fhir_server.r4.outcome import not_found

if TYPE_CHECKING:
    from fhir_server.context import Context
    from fhir_server.interactions.engine import Engine
    from fhir_server.interactions.request import Request
    from fhir_server.store.transaction import Transaction


async def delete(engine: Engine, context: Context, request: Request) -> Answer:
    """204, with the version that is the deletion; without one where nothing was there."""
    expect = await expected(engine, context, request, engine.store)
    [answer] = await commit(engine, context, [deletion(request.type, request.id, expect)])
    if answer.vid == 0 and limited(engine, context, request.type):
        # To a limited grant what lies outside looks like what never was.
        raise not_found(request.type, request.id)
    return answer


async def conditional_delete(engine: Engine, context: Context, request: Request) -> Answer:
    """Deletes what the criteria match, up to the operator's limit; 412 where they match more."""
    criteria = criteria_of_request(request)
    type, limit = request.type, engine.rules.conditional_delete_limit

    async def work(engine: Engine, records: Transaction) -> Answer:
        await records.lock_criteria([criteria_key(engine, type, criteria)])
        found = await claim(engine, context, type, criteria, limit + 1, records)
        if len(found) > limit:
            raise not_selective(type, criteria)
        drafts: list[Draft] = []
        for id in sorted(found):
            named = msgspec.structs.replace(request, id=id)
            drafts.append(deletion(type, id, await expected(engine, context, named, records)))
        answers = await commit(engine, context, drafts, records)
        return answers[0] if len(answers) == 1 else Answer(status=204, type=type)

    return await together(engine, context, work)


def deletion(type: str, id: str, expect: int | None) -> Draft:
    """The draft of a deletion."""
    return Draft(method="DELETE", type=type, id=id, resource=None, expect=expect)
