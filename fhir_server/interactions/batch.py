"""FHIR batch: entries that have nothing to do with each other.

https://hl7.org/fhir/R4/http.html#brules
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fhir_server.interactions.entry import bundle_of, located, refused, request_of, responded
from fhir_server.interactions.request import Answer
from fhir_server.r4.bundle import ORDER, Entry, entries
from fhir_server.r4.links import FullUrls, find
from fhir_server.r4.outcome import FhirError, Issue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fhir_server.context import Context
    from fhir_server.interactions.engine import Engine
    from fhir_server.interactions.request import Request
    from fhir_server.r4.json import Json

AT_ONCE = 32
"""Entries under way together: enough to share commits, too few to crowd out other requests."""

Read = Entry | list[Issue]


async def batch(engine: Engine, context: Context, request: Request, resource: Json) -> Answer:
    """200 whatever becomes of the entries; each says so itself.

    The kinds of interaction follow each other as in a transaction, entries of a kind run together.
    """
    listed = entries(resource, engine.base_url)
    faults = _dependent([entry for entry in listed if isinstance(entry, Entry)])
    done: dict[int, bytes] = {}
    gate = asyncio.Semaphore(AT_ONCE)

    async def run(index: int, entry: Read) -> None:
        async with gate:
            done[index] = await _one(engine, context, request, entry, faults.get(index))

    for rank in sorted(set(ORDER.values())):
        group = [(n, entry) for n, entry in enumerate(listed) if _rank(entry) == rank]
        await asyncio.gather(*(run(index, entry) for index, entry in group))
    body = bundle_of("batch-response", [done[index] for index in range(len(listed))])
    return Answer(status=200, body=body)


async def _one(
    engine: Engine, context: Context, request: Request, entry: Read, fault: Issue | None
) -> bytes:
    if isinstance(entry, list):
        return refused(FhirError(400, entry))
    if fault is not None:
        return refused(FhirError(400, [fault]))
    try:
        asked = request_of(engine, entry, request.prefer)
        answer = await engine.dispatch(engine, context, asked)
    except FhirError as error:
        return refused(located(error, entry))
    return responded(engine, entry, answer, request.prefer.returning)


def _rank(entry: Read) -> int:
    return ORDER[entry.method] if isinstance(entry, Entry) else 0


def _dependent(listed: Sequence[Entry]) -> dict[int, Issue]:
    """Entries that change what another changes, or refer to what another creates, by index."""
    issues: dict[int, Issue] = {}
    first: dict[str, Entry] = {}
    for entry in listed:
        if entry.method in {"PUT", "PATCH", "DELETE"} and "/" in entry.path:
            other = first.setdefault(entry.path, entry)
            if other is not entry:
                for one, two in ((entry, other), (other, entry)):
                    text = f"{entry.path} is changed by entry {two.index} of this batch too"
                    issues[one.index] = one.fault(".request.url", text, "conflict")
    created = [entry.full_url for entry in listed if entry.method == "POST" and entry.full_url]
    urls = FullUrls(created)
    for entry in listed if created else ():
        if entry.resource is None or entry.method not in {"POST", "PUT"}:
            continue
        for _, _, text in find(entry, entry.resource, urls).references:
            if text in urls.known and text != entry.full_url:
                said = f"{text} is created by this batch: only a transaction can refer to it"
                issues[entry.index] = entry.fault(".resource", said, "conflict")
    return issues
