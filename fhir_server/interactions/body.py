"""The resource that a create or update carries.

https://hl7.org/fhir/R4/http.html#create
https://hl7.org/fhir/R4/binary.html#rest
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from fhir_server.interactions.address import ID
from fhir_server.interactions.request import FHIR_JSON
from fhir_server.r4.json import decode
from fhir_server.r4.outcome import invalid, malformed

if TYPE_CHECKING:
    from fhir_server.interactions.request import Request
    from fhir_server.r4.json import Json

BINARY = "Binary"
FHIR_TYPES = frozenset({FHIR_JSON, "application/json+fhir"})
"""Media types that are always FHIR, also in front of a Binary."""


def resource_of(request: Request) -> Json:
    """The resource in the body, of the type of the address; 400 for anything else."""
    resource = request.resource
    if resource is None:
        if request.type == BINARY and request.content_type not in FHIR_TYPES:
            return _binary(request)
        if not request.body:
            raise malformed("The body is empty: it must hold a resource")
        resource = decode(request.body)
    named: object = resource.get("resourceType")
    if named != request.type:
        raise invalid(
            "resourceType", f"The address names {request.type}, the body is of type {named!r}"
        )
    return resource


def required_id(resource: Json, request: Request) -> None:
    """Raises 400 unless the resource carries the id of the address."""
    id: object = resource.get("id")
    if id is None:
        raise invalid(f"{request.type}.id", "The resource must carry the id of the address")
    if id != request.id:
        raise invalid(
            f"{request.type}.id", f"The address names id {request.id!r}, the resource {id!r}"
        )


def checked_id(resource: Json) -> str:
    """The id that a resource carries, "" for none; 400 where it cannot be one."""
    id: object = resource.get("id")
    if id is None:
        return ""
    if not isinstance(id, str) or not ID.fullmatch(id):
        raise invalid("id", f"{id!r} is not an id: A-Z, a-z, 0-9, '-' and '.', at most 64")
    return id


def _binary(request: Request) -> Json:
    if not request.content_type:
        raise malformed("A Binary needs a Content-Type")
    resource: Json = {"resourceType": BINARY}
    if request.id:
        resource["id"] = request.id
    resource["contentType"] = request.content_type
    if request.security_context:
        resource["securityContext"] = {"reference": request.security_context}
    if request.body:
        resource["data"] = b64encode(request.body).decode("ascii")
    return resource
