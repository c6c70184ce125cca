"""FHIR search of one type, by GET and POST.

https://hl7.org/fhir/R4/http.html#search
https://hl7.org/fhir/R4/http.html#paging
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from fhir_server.interactions.access import listable
from fhir_server.interactions.opened import body_of
from fhir_server.interactions.request import Answer
from fhir_server.interactions.subset import subset_of
from fhir_server.r4.json import encode
from fhir_server.r4.outcome import operation_outcome
from fhir_server.search import page as pages
from fhir_server.search import tokens

if TYPE_CHECKING:
    from fhir_server.context import Context
    from fhir_server.interactions.engine import Engine
    from fhir_server.interactions.request import Request
    from fhir_server.interactions.subset import Subset
    from fhir_server.r4.json import Json
    from fhir_server.search.page import Page
    from fhir_server.store.rows import Version

_MATCH = b',"search":{"mode":"match"}}'
# What says nothing about which page it is stays beside a page token.
_BESIDE_TOKEN = frozenset({"_format", "_pretty"})


async def search(engine: Engine, context: Context, request: Request) -> Answer:
    """A Bundle of type searchset; 400 for what is not known or cannot be read."""
    listable(engine, context, request.type)
    found = await pages.search(
        context,
        engine.store,
        engine.catalog,
        request.type,
        request.params,
        lenient=lenient(engine, request),
    )
    body = b'{"resourceType":"Bundle","type":"searchset"'
    if found.total is not None:
        body += b',"total":%d' % found.total
    body += b',"link":%b' % encode(_links(engine, request, found))
    entries = _entries(engine, context, found)
    if entries:
        body += b',"entry":[%b]' % b",".join(entries)
    return Answer(status=200, body=body + b"}")


def lenient(engine: Engine, request: Request) -> bool:
    """Whether unknown parameters become a warning: as the client says, else as the operator."""
    handling = request.prefer.handling
    return handling == "lenient" if handling else engine.rules.lenient


def _links(engine: Engine, request: Request, found: Page) -> list[Json]:
    address = f"{engine.base_url}/{request.type}"
    used = urlencode(found.request.used, safe=":,|/", quote_via=quote)
    links = [{"relation": "self", "url": f"{address}?{used}" if used else address}]
    kept = "".join(f"&{n}={quote(v)}" for n, v in request.params if n in _BESIDE_TOKEN)
    for relation, token in (("next", found.next), ("previous", found.previous)):
        if token is not None:
            url = f"{address}?{tokens.NAME}={token}{kept}"
            links.append({"relation": relation, "url": url})
    return links


def _entries(engine: Engine, context: Context, found: Page) -> list[bytes]:
    subset = subset_of(found.request.used)
    base = engine.base_url.encode()
    entries = [_entry(engine, context, base, version, subset) for version in found.matches]
    if found.request.warnings:
        outcome = encode(operation_outcome(found.request.warnings))
        entries.append(b'{"resource":%b,"search":{"mode":"outcome"}}' % outcome)
    return entries


def _entry(
    engine: Engine, context: Context, base: bytes, version: Version, subset: Subset | None
) -> bytes:
    body = body_of(engine, context, version)
    if subset is not None:
        body = subset.apply(body)
    address = f"{version.type}/{version.id}".encode()
    return b'{"fullUrl":"%b/%b","resource":%b%b' % (base, address, body, _MATCH)
