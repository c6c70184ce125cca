"""FHIR patch by JSON Patch or FHIRPath Patch, and conditional patch.

https://hl7.org/fhir/R4/http.html#patch
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec

from fhir_server.interactions.access import visible
from fhir_server.interactions.conditional import claim_one, criteria_of_request, together
from fhir_server.interactions.draft import Draft
from fhir_server.interactions.opened import resource_of
from fhir_server.interactions.preconditions import check
from fhir_server.interactions.request import JSON_PATCH
from fhir_server.interactions.write import commit
from fhir_server.r4.fhirpath_patch import fhirpath_patch
from fhir_server.r4.json import decode, decode_value
from fhir_server.r4.json_patch import json_patch
from fhir_server.r4.outcome import (
    FhirError,
    Issue,
    conflict,
    deleted,
    invalid,
    malformed,
    not_found,
    unprocessable,
)

if TYPE_CHECKING:
    from fhir_server.context import Context
    from fhir_server.interactions.engine import Engine, Records
    from fhir_server.interactions.request import Answer, Request
    from fhir_server.r4.json import Json
    from fhir_server.store.transaction import Transaction

_FOLLOWS_THE_DATA = frozenset({"generated", "extensions"})


async def patch(engine: Engine, context: Context, request: Request) -> Answer:
    """A new version from the current one; tried again when another write came between."""
    for _ in range(engine.rules.attempts):
        draft = await patched(engine, context, request, engine.store)
        try:
            [answer] = await commit(engine, context, [draft])
        except FhirError as error:
            if request.if_match or error.status not in {409, 412}:
                raise
        else:
            return answer
    raise conflict(f"{request.type}/{request.id} is being changed too often: try again")


async def conditional_patch(engine: Engine, context: Context, request: Request) -> Answer:
    """Patches the one match; 404 for none, 412 for several."""
    criteria = criteria_of_request(request)

    async def work(engine: Engine, records: Transaction) -> Answer:
        found = await claim_one(engine, context, request.type, criteria, records)
        if found is None:
            issue = Issue("not-found", f"No {request.type} matches the criteria")
            raise FhirError(404, [issue])
        named = msgspec.structs.replace(request, id=found)
        draft = await patched(engine, context, named, records)
        [answer] = await commit(engine, context, [draft], records)
        return answer

    return await together(engine, context, work)


async def patched(engine: Engine, context: Context, request: Request, records: Records) -> Draft:
    """What a patch of ``request.id`` writes, and the version it was made from."""
    predicate = visible(engine, context, request.type)
    current = await records.read(context, predicate, request.type, request.id)
    if current is None:
        raise not_found(request.type, request.id)
    if current.deleted:
        raise deleted(request.type, request.id, current.vid)
    check(request, current)
    before = resource_of(engine, context, current)
    return Draft(
        method="PATCH",
        type=request.type,
        id=request.id,
        resource=_safe_narrative(before, _applied(before, request)),
        expect=current.vid,
    )


def _applied(before: Json, request: Request) -> Json:
    if request.content_type == JSON_PATCH:
        operations = decode_value(request.body)
        if not isinstance(operations, list):
            raise malformed("A JSON Patch document is an array of operations")
        return json_patch(before, cast("list[object]", operations))
    parameters = request.resource if request.resource is not None else decode(request.body)
    named: object = parameters.get("resourceType")
    if named != "Parameters":
        raise invalid("resourceType", f"A FHIRPath Patch is a Parameters resource, not {named!r}")
    return fhirpath_patch(before, parameters)


def _safe_narrative(before: Json, after: Json) -> Json:
    """The narrative must not be clinically unsafe: one that no longer fits the data is dropped.

    A narrative with content of its own cannot be dropped, so the patch must bring a new one.
    """
    text: object = after.get("text")
    if not isinstance(text, dict) or text != before.get("text") or after == before:
        return after
    status: object = cast("Json", text).get("status")
    if status in _FOLLOWS_THE_DATA:
        return {name: value for name, value in after.items() if name != "text"}
    if status == "additional":
        raise unprocessable(
            [
                Issue(
                    "business-rule",
                    "The narrative says more than the data (status 'additional'): "
                    "a patch of the data must replace text too",
                    f"{after['resourceType']}.text",
                )
            ]
        )
    return after
