"""What is asked and what is answered, independent of HTTP: Bundle entries use the same values.

https://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from datetime import datetime

    from fhir_server.r4.json import Json
    from fhir_server.r4.outcome import Issue

Return = Literal["", "minimal", "representation", "OperationOutcome"]
Handling = Literal["", "strict", "lenient"]

JSON_PATCH = "application/json-patch+json"
FHIR_JSON = "application/fhir+json"


class Prefer(msgspec.Struct, frozen=True):
    """The ``Prefer`` header; empty where nothing was asked for."""

    returning: Return = ""
    handling: Handling = ""


NO_PREFERENCE = Prefer()


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One interaction as asked for.

    ``shape``     the form of the path, see ``address.py``; with ``method`` it names the interaction
    ``method``    GET, POST, PUT, PATCH or DELETE; HEAD arrives as GET
    ``params``    the query in order, decoded; those of a posted form follow
    ``body``      as received; ``resource`` instead where it is decoded already (Bundle entries)
    ``content_type``  media type of the body in lower case, without parameters
    ``if_match``, ``if_none_match``  the header as sent, ``if_none_exist`` without leading ``?``
    ``security_context``  X-Security-Context of a raw Binary
    ``native``    the client takes a Binary's content rather than the resource
    """

    shape: str
    method: str
    type: str = ""
    id: str = ""
    vid: str = ""
    operation: str = ""
    params: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    resource: Json | None = None
    content_type: str = FHIR_JSON
    if_match: str = ""
    if_none_match: str = ""
    if_none_exist: str = ""
    if_modified_since: datetime | None = None
    prefer: Prefer = NO_PREFERENCE
    security_context: str = ""
    native: bool = False


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What an interaction answers; errors are raised as FhirError instead.

    ``body``      the resource: bytes of JSON as stored, or built here as a dict; None for none.
                  A write always answers with the representation; who asked for less drops it.
    ``vid``       0 where the answer is not a version of a resource
    ``location``  whether Location (a new version was written, or a match found) is due
    ``issues``    warnings and hints about what was done
    ``outcome``   the body is an OperationOutcome rather than the resource
    ``content_type``  of native Binary content, else empty
    ``etag``      instead of the version's, for what has no version
    """

    status: int
    body: bytes | Json | None = None
    type: str = ""
    id: str = ""
    vid: int = 0
    updated: datetime | None = None
    location: bool = False
    issues: tuple[Issue, ...] = ()
    content_type: str = ""
    security_context: str = ""
    etag: str = ""
