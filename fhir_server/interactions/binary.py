"""Binary: native content, and the security context that stands for it.

https://hl7.org/fhir/R4/binary.html#rest
"""

from __future__ import annotations

import re
from base64 import b64decode
from typing import TYPE_CHECKING, cast

import msgspec

from fhir_server.interactions.access import limited, reach
from fhir_server.interactions.opened import resource_of
from fhir_server.r4.json import Json, decode
from fhir_server.r4.outcome import not_found
from fhir_server.r4.reference import relative

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fhir_server.context import Context
    from fhir_server.interactions.engine import Engine, Records
    from fhir_server.interactions.request import Answer

_OCTETS = "application/octet-stream"
_HEADER = re.compile(r"[^\x00-\x1f\x7f]{1,1000}")


async def patients_of(
    engine: Engine,
    context: Context,
    binary: Json,
    among: Mapping[tuple[str, str], Json | None],
    records: Records,
) -> tuple[int, ...]:
    """The patients in whose compartment a Binary lies: those of its security context.

    ``among`` are resources written together with it.
    """
    key = _security_context(engine, binary)
    if key is None:
        return ()
    target = among.get(key)
    if target is None:
        # Under the writer's own grant: nobody may lend a Binary the context of another's resource.
        predicate = reach(engine, context, key[0])
        version = None if predicate is None else await records.read(context, predicate, *key)
        if version is None or version.deleted:
            return ()
        target = resource_of(engine, context, version)
    return engine.indexer.rows(target).pats


async def check_context(engine: Engine, context: Context, answer: Answer) -> None:
    """Raises 404 where the grant does not reach the Binary's security context any more."""
    if not limited(engine, context, answer.type):
        return
    resource = _resource(answer)
    key = _security_context(engine, resource)
    predicate = reach(engine, context, key[0]) if key else None
    if key is None or predicate is None:
        raise not_found(answer.type, answer.id)
    target = await engine.store.read(context, predicate, *key)
    if target is None or target.deleted:
        raise not_found(answer.type, answer.id)


def native(answer: Answer) -> Answer:
    """The content itself, under its own media type."""
    resource = _resource(answer)
    data: object = resource.get("data")
    content_type: object = resource.get("contentType")
    return msgspec.structs.replace(
        answer,
        body=b64decode(data) if isinstance(data, str) else b"",
        content_type=_header(content_type) or _OCTETS,
        security_context=_header(_reference(resource)),
    )


def _header(value: object) -> str:
    """A value as a header, "" where it cannot be one: what was not validated may hold anything."""
    return value if isinstance(value, str) and _HEADER.fullmatch(value) else ""


def _resource(answer: Answer) -> Json:
    return decode(answer.body) if isinstance(answer.body, bytes) else answer.body or {}


def _security_context(engine: Engine, binary: Json) -> tuple[str, str] | None:
    text = _reference(binary)
    if text is None:
        return None
    target = relative(text, engine.base_url)
    if target.kind != "relative" or target.type is None or target.id is None:
        return None
    return target.type, target.id


def _reference(binary: Json) -> str | None:
    held: object = binary.get("securityContext")
    text: object = cast("Json", held).get("reference") if isinstance(held, dict) else None
    return text if isinstance(text, str) else None
