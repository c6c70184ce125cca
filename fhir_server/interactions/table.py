"""The interactions: routing, Bundle entries, capabilities and metrics are computed from these rows.

https://hl7.org/fhir/R4/http.html#summary
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from fhir_server.interactions.address import (
    INSTANCE,
    INSTANCE_HISTORY,
    SYSTEM,
    SYSTEM_HISTORY,
    TYPE,
    TYPE_HISTORY,
    TYPE_SEARCH,
    VERSION,
)
from fhir_server.interactions.audit import Event, refusal
from fhir_server.interactions.body import BINARY
from fhir_server.interactions.bundle import bundle
from fhir_server.interactions.create import create
from fhir_server.interactions.delete import conditional_delete, delete
from fhir_server.interactions.history import instance_history, system_history, type_history
from fhir_server.interactions.patch import conditional_patch, patch
from fhir_server.interactions.read import read
from fhir_server.interactions.search import search
from fhir_server.interactions.update import conditional_update, update
from fhir_server.interactions.vread import vread
from fhir_server.r4.outcome import FhirError, method_not_allowed, unknown_type

if TYPE_CHECKING:
    from fhir_server.context import Context
    from fhir_server.interactions.engine import Engine, Handler
    from fhir_server.interactions.request import Answer, Request


class Interaction(msgspec.Struct, frozen=True):
    """One interaction.

    ``code``    that of the CapabilityStatement
    ``name``    for metrics, logs and audit; tells conditional from plain ones
    ``without`` the types that do not have it
    ``writes``  its successes are audited by the write tail, one event per version
    """

    code: str
    name: str
    method: str
    shape: str
    handler: Handler
    without: frozenset[str] = frozenset()
    writes: bool = False


# https://hl7.org/fhir/R4/binary.html#rest: content has no elements that a patch could name.
_NOT_BINARY = frozenset({BINARY})

INTERACTIONS = (
    Interaction("read", "read", "GET", INSTANCE, read),
    Interaction("vread", "vread", "GET", VERSION, vread),
    Interaction("update", "update", "PUT", INSTANCE, update, writes=True),
    Interaction("update", "conditional-update", "PUT", TYPE, conditional_update, writes=True),
    Interaction("patch", "patch", "PATCH", INSTANCE, patch, _NOT_BINARY, writes=True),
    Interaction(
        "patch", "conditional-patch", "PATCH", TYPE, conditional_patch, _NOT_BINARY, writes=True
    ),
    Interaction("delete", "delete", "DELETE", INSTANCE, delete, writes=True),
    Interaction("delete", "conditional-delete", "DELETE", TYPE, conditional_delete, writes=True),
    Interaction("history-instance", "history-instance", "GET", INSTANCE_HISTORY, instance_history),
    Interaction("history-type", "history-type", "GET", TYPE_HISTORY, type_history),
    Interaction("history-system", "history-system", "GET", SYSTEM_HISTORY, system_history),
    Interaction("create", "create", "POST", TYPE, create, writes=True),
    Interaction("batch", "batch", "POST", SYSTEM, bundle, writes=True),
    Interaction("transaction", "transaction", "POST", SYSTEM, bundle, writes=True),
    Interaction("search-type", "search-type", "GET", TYPE, search),
    Interaction("search-type", "search-type", "POST", TYPE_SEARCH, search),
)

BY_ADDRESS = {(row.method, row.shape): row for row in INTERACTIONS}


def find(request: Request) -> Interaction:
    """The interaction a request asks for; 405 with the methods that its address has."""
    row = BY_ADDRESS.get((request.method, request.shape))
    if row is None or request.type in row.without:
        raise not_allowed(request.method, request.shape, request.type)
    return row


def methods(shape: str, type: str) -> tuple[str, ...]:
    """What may be done at addresses of a form."""
    rows = (row for row in INTERACTIONS if row.shape == shape and type not in row.without)
    own = list(dict.fromkeys(row.method for row in rows))
    return tuple(own + ["HEAD"] * ("GET" in own) + ["OPTIONS"])


def not_allowed(method: str, shape: str, type: str) -> FhirError:
    """405, with Allow."""
    return method_not_allowed(
        f"{method} is not an interaction at this address", ", ".join(methods(shape, type))
    )


async def dispatch(engine: Engine, context: Context, request: Request) -> Answer:
    """Runs one interaction; its refusal and what it read are audited here."""
    row = find(request)
    type = request.type
    if type and type not in engine.types:
        raise unknown_type(type)
    try:
        answer = await row.handler(engine, context, request)
    except FhirError as error:
        engine.audit(refusal(context, row.name, error, type, request.id))
        raise
    if not row.writes:
        query = tuple(name for name, _ in request.params)
        engine.audit(Event(context, row.name, answer.status, type, request.id, answer.vid, query))
    return answer
