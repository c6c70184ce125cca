"""Stored versions as they are answered: with their sealed elements open.

https://hl7.org/fhir/R4/http.html#read
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.r4.json import decode, encode

if TYPE_CHECKING:
    from fhir_server.context import Context
    from fhir_server.interactions.engine import Engine
    from fhir_server.r4.json import Json
    from fhir_server.store.rows import Version


def body_of(engine: Engine, context: Context, version: Version) -> bytes:
    """The JSON of a version; as stored, without parsing, where nothing is sealed."""
    if not engine.seal.touches(version.type):
        return version.body
    return encode(engine.seal.open(decode(version.body), context))


def resource_of(engine: Engine, context: Context, version: Version) -> Json:
    """A version as a resource."""
    resource = decode(version.body)
    return engine.seal.open(resource, context) if engine.seal.touches(version.type) else resource
