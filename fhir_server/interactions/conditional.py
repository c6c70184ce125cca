"""What conditional create, update, patch and delete have in common: criteria that name a resource.

https://hl7.org/fhir/R4/http.html#ccreate
https://hl7.org/fhir/R4/http.html#cond-update
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING

from fhir_server.interactions.access import listable
from fhir_server.r4.outcome import FhirError, Issue, malformed, multiple_matches
from fhir_server.search.page import matches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fhir_server.context import Context
    from fhir_server.interactions.audit import Event
    from fhir_server.interactions.engine import Engine, Records
    from fhir_server.interactions.request import Answer, Request
    from fhir_server.store.transaction import Transaction

Criteria = tuple[tuple[str, str], ...]
Work = Callable[["Engine", "Transaction"], Awaitable["Answer"]]

_ABOUT_THE_ANSWER = frozenset({"_format", "_pretty", "_summary", "_elements"})


def criteria_of(params: Criteria, type: str) -> Criteria:
    """The search parameters among those of a conditional interaction; 400 where there are none.

    A search leaves out a parameter without a value; here that would widen what is changed.
    """
    criteria = tuple(pair for pair in params if pair[0] not in _ABOUT_THE_ANSWER)
    if not any(value for _, value in criteria):
        raise FhirError(
            400,
            [Issue("required", f"A conditional interaction on {type} needs search parameters")],
        )
    for name, value in criteria:
        if not value.strip(","):
            raise malformed(f"Criterion {name!r} of a conditional interaction has no value")
    return criteria


def criteria_key(engine: Engine, type: str, criteria: Criteria) -> int:
    """A signed 64-bit lock for these criteria in any order, the same in every worker."""
    text = "\n".join((type, *sorted(f"{name}={value}" for name, value in criteria)))
    digest = blake2b(text.encode(), digest_size=8, key=engine.catalog.pages.key).digest()
    return int.from_bytes(digest, "big", signed=True)


async def together(engine: Engine, context: Context, work: Work) -> Answer:
    """Runs a conditional interaction in one transaction; audit hears of it once it is done."""
    events: list[Event] = []
    quiet = replace(engine, audit=events.append)

    async def attempt(records: Transaction) -> Answer:
        events.clear()
        return await work(quiet, records)

    answer = await engine.store.transact(context, attempt)
    for event in events:
        engine.audit(event)
    return answer


async def find_one(
    engine: Engine, context: Context, type: str, criteria: Criteria, records: Records
) -> str | None:
    """The id that the criteria name, None for none; 412 where they match more than one."""
    listable(engine, context, type)
    found = await matches(context, records, engine.catalog, type, criteria, 2)
    if len(found) > 1:
        raise not_selective(type, criteria)
    return found[0] if found else None


async def claim(
    engine: Engine,
    context: Context,
    type: str,
    criteria: Criteria,
    limit: int,
    records: Transaction,
) -> list[str]:
    """The ids that the criteria match, at most ``limit``, locked so that they go on matching.

    Without the lock a write between the look and the change could have made another match of it.
    """
    listable(engine, context, type)
    locked: set[str] = set()
    while True:
        found = await matches(context, records, engine.catalog, type, criteria, limit)
        if locked.issuperset(found):
            return found
        await records.lock([(type, id) for id in found if id not in locked])
        locked.update(found)


async def claim_one(
    engine: Engine, context: Context, type: str, criteria: Criteria, records: Transaction
) -> str | None:
    """The id that the criteria name, locked; None for none, 412 where they match several."""
    found = await claim(engine, context, type, criteria, 2, records)
    if len(found) > 1:
        raise not_selective(type, criteria)
    return found[0] if found else None


def not_selective(type: str, criteria: Sequence[tuple[str, str]]) -> FhirError:
    """412; the values of the criteria are the caller's own."""
    text = "&".join(f"{name}={value}" for name, value in criteria)
    return multiple_matches(f"{type}?{text} matches more than one resource")


def criteria_of_request(request: Request) -> Criteria:
    """Those of ``[type]?criteria``."""
    return criteria_of(request.params, request.type)
