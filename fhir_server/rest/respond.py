"""An answer as HTTP: status, headers and bytes.

https://hl7.org/fhir/R4/http.html#ops
https://hl7.org/fhir/R4/http.html#return
"""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import msgspec

from fhir_server.interactions.request import FHIR_JSON
from fhir_server.r4.element_order import ordered
from fhir_server.r4.json import decode, encode
from fhir_server.r4.outcome import operation_outcome
from fhir_server.rest.preconditions import http_date

if TYPE_CHECKING:
    from fhir_server.interactions.engine import Engine
    from fhir_server.interactions.request import Answer, Request
    from fhir_server.interactions.subset import Subset
    from fhir_server.r4.json import Json

Headers = list[tuple[bytes, bytes]]

SMALLEST_COMPRESSED = 1400
"""Bytes: less fits into one packet anyway."""
_WRITES = frozenset({"POST", "PUT", "PATCH"})
_UTF8 = ";charset=utf-8"
# PHI: only the browser of the person at the keyboard may keep it, and must ask again each time.
_CACHING = (b"cache-control", b"private, no-cache")
# Content that anybody may have stored: a browser must neither guess what it is nor run it here.
_UNTRUSTED: Headers = [
    (b"x-content-type-options", b"nosniff"),
    # No script runs and nothing is sent; not "sandbox", which keeps browsers from showing PDF.
    (
        b"content-security-policy",
        b"default-src 'none'; img-src data:; form-action 'none'; base-uri 'none'",
    ),
]


class Wish(msgspec.Struct, frozen=True):
    """What the client asked of the form of the answer."""

    content_type: str
    pretty: bool = False
    gzip: bool = False
    subset: Subset | None = None


ANY_JSON = Wish(FHIR_JSON)


class Response(msgspec.Struct):
    """What goes out."""

    status: int
    headers: Headers
    body: bytes


def respond(engine: Engine, request: Request, answer: Answer, wish: Wish) -> Response:
    """The response to what was done."""
    headers: Headers = [_CACHING]
    if answer.vid:
        headers.append((b"etag", b'W/"%d"' % answer.vid))
    elif answer.etag:
        headers.append((b"etag", answer.etag.encode("ascii")))
    if answer.updated is not None:
        headers.append((b"last-modified", http_date(answer.updated)))
    if answer.location:
        headers.append((b"location", _version_url(engine, answer)))
    if answer.security_context:
        headers.append((b"x-security-context", answer.security_context.encode("utf-8")))
    if answer.content_type:
        headers.append((b"content-type", answer.content_type.encode("utf-8")))
        headers += _UNTRUSTED
        body = answer.body if isinstance(answer.body, bytes) else b""
        return Response(answer.status, headers, body)
    body = _preferred(request, answer)
    if body is None:
        # 204 is the answer to a deletion alone: a create without a body stays a 201.
        return Response(answer.status, headers, b"")
    if answer.location and body is answer.body:
        headers.append((b"content-location", _version_url(engine, answer)))
    if wish.subset is not None and answer.type and body is answer.body:
        body = wish.subset.apply(body) if isinstance(body, bytes) else wish.subset.of(body)
    status = 200 if answer.status == 204 else answer.status
    return _with_body(Response(status, headers, b""), body, wish)


def _version_url(engine: Engine, answer: Answer) -> bytes:
    url = f"{engine.base_url}/{answer.type}/{answer.id}/_history/{answer.vid}"
    return url.encode("ascii")


def refuse(status: int, headers: dict[str, str], outcome: Json, wish: Wish) -> Response:
    """The response to an error."""
    sent = [
        (name.lower().encode("ascii"), value.encode("utf-8")) for name, value in headers.items()
    ]
    plain = Wish(wish.content_type, pretty=wish.pretty, gzip=wish.gzip)
    return _with_body(Response(status, [_CACHING, *sent], b""), outcome, plain)


def _preferred(request: Request, answer: Answer) -> bytes | Json | None:
    """The body that ``Prefer: return`` leaves."""
    returning = request.prefer.returning
    if not returning or not answer.type or request.method == "GET":
        return answer.body
    if returning == "OperationOutcome":
        return operation_outcome(answer.issues)
    return None if returning == "minimal" else answer.body


def _with_body(response: Response, body: bytes | Json, wish: Wish) -> Response:
    if wish.pretty:
        encoded = _for_reading(body)
    else:
        encoded = body if isinstance(body, bytes) else encode(body)
    headers = response.headers
    headers.append((b"content-type", _content_type(wish.content_type)))
    if wish.gzip and len(encoded) >= SMALLEST_COMPRESSED:
        encoded = gzip.compress(encoded, 1, mtime=0)
        headers.append((b"content-encoding", b"gzip"))
        headers.append((b"vary", b"accept, accept-encoding"))
    response.body = encoded
    return response


def _for_reading(body: bytes | Json) -> bytes:
    """Indented, and in the order of the definitions, which the store does not keep."""
    resource = decode(body) if isinstance(body, bytes) else body
    return msgspec.json.format(encode(ordered(resource)), indent=2) + b"\n"


_CONTENT_TYPES: dict[str, bytes] = {}


def _content_type(name: str) -> bytes:
    known = _CONTENT_TYPES.get(name)
    if known is None:
        known = _CONTENT_TYPES[name] = (name + _UTF8).encode("ascii")
    return known


async def send(send: Any, response: Response, extra: Headers, *, head: bool) -> None:
    """Sends it; to HEAD without the body, but with its length."""
    headers = response.headers
    if response.status not in {204, 304}:
        headers.append((b"content-length", b"%d" % len(response.body)))
    headers += extra
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else response.body})
