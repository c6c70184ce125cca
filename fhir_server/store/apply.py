"""Carries out a write: on a connection of its own with retries, or inside a transaction."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, LiteralString

import psycopg

from fhir_server.r4.outcome import FhirError
from fhir_server.store.failures import RETRIED, translated
from fhir_server.store.writing import decide, locking, standing, trip, writing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fhir_server.store.connections import Connection, Lane
    from fhir_server.store.rows import Written
    from fhir_server.store.tenants import Tenant
    from fhir_server.store.writing import Item, Step

ATTEMPTS = 6
PAUSE_SECONDS = 0.005

BEGIN: Step = ("BEGIN", ())
COMMIT: Step = ("COMMIT", ())

_OFF: LiteralString = (
    "SELECT set_config('enable_seqscan', %s, false), set_config('enable_hashjoin', %s, false),"
    " set_config('enable_mergejoin', %s, false)"
)
PLAN_FOR_WRITES: Step = (_OFF, ("off", "off", "off"))
PLAN_FOR_SEARCHES: Step = (_OFF, ("on", "on", "on"))
"""A lane for writes has its settings for ever; a transaction also searches."""


async def write_once(
    lane: Lane, tenant: Tenant, items: Sequence[Item], *, all_or_nothing: bool = False
) -> list[Written | FhirError]:
    """One transaction; each item's outcome. The first refusal is raised if all must succeed."""
    connection = await lane.raw()
    try:
        return await _write(connection, tenant, items, all_or_nothing=all_or_nothing)
    except (psycopg.Error, FhirError):
        if not connection.closed:
            await connection.rollback()
        raise
    finally:
        await lane.give_back(connection)


async def write_with_retries(
    lane: Lane, tenant: Tenant, items: Sequence[Item], *, all_or_nothing: bool = False
) -> list[Written | FhirError]:
    """The same, tried again after deadlocks and races; psycopg's errors leave as FhirError."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return await write_once(lane, tenant, items, all_or_nothing=all_or_nothing)
        except RETRIED as error:
            if attempt == ATTEMPTS:
                raise _answer(error) from error
            await asyncio.sleep(PAUSE_SECONDS * attempt)
        except psycopg.Error as error:
            raise _answer(error) from error
    raise AssertionError  # the last attempt returns or raises


async def write_inside(
    connection: Connection, tenant: Tenant, items: Sequence[Item]
) -> list[Written]:
    """As part of a transaction under way, all or nothing."""
    steps = locking(tenant.layout, items)
    results = await trip(connection, [PLAN_FOR_WRITES, *steps])
    found = standing(items, results[1:])
    await tenant.rids.reserve(connection, tenant.layout, len(items))
    plan = decide(tenant.layout, items, found, tenant.rids)
    written = _all(plan.outcomes)
    await trip(connection, [*writing(tenant.layout, plan.rows), PLAN_FOR_SEARCHES])
    return written


async def _write(
    connection: Connection, tenant: Tenant, items: Sequence[Item], *, all_or_nothing: bool
) -> list[Written | FhirError]:
    steps = locking(tenant.layout, items)
    results = (await trip(connection, [BEGIN, *steps]))[1:] if steps else []
    found = standing(items, results)
    await tenant.rids.reserve(connection, tenant.layout, len(items))
    plan = decide(tenant.layout, items, found, tenant.rids)
    if all_or_nothing:
        _all(plan.outcomes)
    writes = writing(tenant.layout, plan.rows)
    if steps:
        await trip(connection, [*writes, COMMIT])
    elif len(writes) == 1:
        await trip(connection, writes)  # a statement by itself commits by itself
    elif writes:
        await trip(connection, [BEGIN, *writes, COMMIT])
    return plan.outcomes


def _all(outcomes: Sequence[Written | FhirError]) -> list[Written]:
    written: list[Written] = []
    for outcome in outcomes:
        if isinstance(outcome, FhirError):
            raise outcome
        written.append(outcome)
    return written


def _answer(error: psycopg.Error) -> Exception:
    return translated(error) or error
