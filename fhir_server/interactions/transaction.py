"""FHIR transaction: everything or nothing, in the order of http.html, in few statements.

https://hl7.org/fhir/R4/http.html#trules

Everybody takes locks in one order, criteria first, then rows, each sorted: transactions wait for
each other and do not deadlock. Criteria of entries are resolved against what was there before;
conditional references, the last step of the specification, against what is there after.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import msgspec

from fhir_server.interactions.access import limited, visible
from fhir_server.interactions.body import BINARY, resource_of
from fhir_server.interactions.delete import deletion
from fhir_server.interactions.draft import Draft
from fhir_server.interactions.entry import bundle_of, located, responded
from fhir_server.interactions.opened import body_of
from fhir_server.interactions.patch import patched
from fhir_server.interactions.plan import plan_of, with_operations
from fhir_server.interactions.preconditions import only_expected
from fhir_server.interactions.request import Answer
from fhir_server.interactions.resolution import (
    Locked,
    Resolution,
    claim_criteria,
    lock,
    point_links,
    point_simple,
    resolve_references,
    with_id,
)
from fhir_server.interactions.update import expected
from fhir_server.interactions.write import check_integrity, prepare, write
from fhir_server.r4.bundle import ORDER
from fhir_server.r4.links import Target
from fhir_server.r4.outcome import FhirError, not_found

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fhir_server.context import Context
    from fhir_server.interactions.audit import Event
    from fhir_server.interactions.engine import Engine, Records
    from fhir_server.interactions.plan import Plan, Step
    from fhir_server.interactions.request import Request
    from fhir_server.interactions.write import Prepared
    from fhir_server.r4.json import Json
    from fhir_server.store.store import Store
    from fhir_server.store.transaction import Transaction

# Preparing is pure computing: other requests get their turn in between.
CHUNK = 64

Drafted = list[tuple["Step", Draft]]


async def transaction(engine: Engine, context: Context, request: Request, resource: Json) -> Answer:
    """200 and a response per entry, in the order of the request; else nothing has happened."""
    plan = plan_of(engine, context, request, resource)
    events: list[Event] = []
    quiet = replace(engine, audit=events.append)
    answers = await _simple(quiet, context, plan)
    if answers is None:
        answers = await _looked_up(quiet, context, plan, events)
    for event in events:
        engine.audit(event)
    returning = request.prefer.returning
    listed = [responded(engine, s.entry, answers[s.entry.index], returning) for s in plan.steps]
    return Answer(status=200, body=bundle_of("transaction-response", listed))


async def _simple(engine: Engine, context: Context, plan: Plan) -> dict[int, Answer] | None:
    """Everything in one statement; None where something has to be looked up first."""
    deletes = (step.request.type for step in plan.steps if step.method == "DELETE")
    if not plan.simple or any(limited(engine, context, type_) for type_ in deletes):
        return None
    if not point_simple(engine, plan):
        return None
    resolution = Resolution()
    drafted = [(step, _plain_draft(step, _expect(step.request))) for step in _ordered(plan)]
    return await _committed(engine, context, drafted, resolution, engine.store)


async def _looked_up(
    engine: Engine, context: Context, plan: Plan, events: list[Event]
) -> dict[int, Answer]:
    """The same in several steps; from the start again where another request came between."""

    async def attempt(records: Transaction) -> dict[int, Answer]:
        events.clear()
        return await _attempt(engine, context, plan, records)

    return await engine.store.transact(context, attempt)


async def _attempt(
    engine: Engine, context: Context, plan: Plan, records: Transaction
) -> dict[int, Answer]:
    resolution = await claim_criteria(engine, context, plan, records)
    await _lock_what_is_read(engine, context, plan, resolution, records)
    if _may_refer_to_itself(plan, resolution):
        await _try_references(engine, context, plan, resolution, records)
    else:
        await resolve_references(engine, context, plan, resolution, records)
    await point_links(engine, context, plan, resolution, records)
    drafted = await _drafts(engine, context, plan, resolution, records)
    await _show_what_was_found(engine, context, plan, resolution, records)
    answers = await _committed(engine, context, drafted, resolution, records)
    # What is read is read through the open transaction, so that it shows what was written.
    inside = replace(engine, store=cast("Store", records))
    for step in _ordered(plan):
        if step.entry.index not in answers:
            try:
                answers[step.entry.index] = await engine.dispatch(inside, context, step.request)
            except FhirError as error:
                raise located(error, step.entry) from None
    return answers


async def _try_references(
    engine: Engine, context: Context, plan: Plan, resolution: Resolution, records: Transaction
) -> None:
    """Conditional references to what this very transaction writes.

    The writes are made, with a reference to nothing in place of each, to see what the criteria
    match then; and undone.
    """
    async with records.trial():
        for text, (type_, _) in plan.references.items():
            resolution.matches[text] = Target(type_, "unresolved", 1)
        await point_links(engine, context, plan, resolution, records)
        drafted = await _drafts(engine, context, plan, resolution, records)
        prepared = await _prepared(engine, context, drafted, records)
        await records.write(context, [each.change for each in prepared])
        await resolve_references(engine, context, plan, resolution, records)


async def _show_what_was_found(
    engine: Engine, context: Context, plan: Plan, resolution: Resolution, records: Records
) -> None:
    """The resources that conditional creates found, where the client wants to see them."""
    if not resolution.answers or plan.prefer.returning != "representation":
        return
    keys = [(answer.type, answer.id) for answer in resolution.answers.values()]
    predicates = {type_: visible(engine, context, type_) for type_, _ in keys}
    found = await records.read_many(context, predicates, keys)
    for index, answer in resolution.answers.items():
        version = found[answer.type, answer.id]
        body = body_of(engine, context, version)
        resolution.answers[index] = msgspec.structs.replace(answer, body=body)


def _may_refer_to_itself(plan: Plan, resolution: Resolution) -> bool:
    """Whether a search URI could match, or no longer match, because of this transaction."""
    changed = {type_ for step in plan.steps for type_, _ in resolution.writes(step)}
    for type_, criteria in plan.references.values():
        if type_ in changed or any("." in name or ":" in name for name, _ in criteria):
            return True
    return False


async def _lock_what_is_read(
    engine: Engine, context: Context, plan: Plan, resolution: Resolution, records: Transaction
) -> None:
    """Where one version decides, nobody may change any of what is written meanwhile."""
    reads = any(
        step.method == "PATCH" or step.request.if_match or step.request.if_none_match
        for step in plan.steps
        if step.method in {"PUT", "PATCH", "DELETE"}
    )
    if reads:
        keys = [key for step in plan.steps for key in resolution.writes(step)]
        await lock(engine, context, keys, resolution, records)


async def _drafts(
    engine: Engine, context: Context, plan: Plan, resolution: Resolution, records: Records
) -> Drafted:
    known = Locked(records, resolution.versions)
    drafted: Drafted = []
    for step in _ordered(plan):
        if resolution.writes(step):
            try:
                drafted += [
                    (step, d) for d in await _step(engine, context, step, resolution, known)
                ]
            except FhirError as error:
                raise located(error, step.entry) from None
    return drafted


async def _step(
    engine: Engine, context: Context, step: Step, resolution: Resolution, known: Records
) -> list[Draft]:
    index = step.entry.index
    if index in resolution.updates:
        return [resolution.updates[index]]
    if step.method == "DELETE" and step.criteria:
        return [deletion(type_, id, None) for type_, id in resolution.writes(step)]
    if step.method == "PATCH":
        request = msgspec.structs.replace(with_operations(step), id=with_id(step, resolution).id)
        draft = await patched(engine, context, request, known)
        return [msgspec.structs.replace(draft, where=step.where)]
    if step.method == "POST":
        return [_plain_draft(step, None)]
    return [_plain_draft(step, await expected(engine, context, step.request, known))]


def _plain_draft(step: Step, expect: int | None) -> Draft:
    request = step.request
    if step.method == "DELETE":
        return deletion(request.type, request.id, expect)
    target = cast("Target", step.target)
    return Draft(
        method="POST" if step.method == "POST" else "PUT",
        type=request.type,
        id=target.id,
        resource=resource_of(request),
        expect=expect,
        where=step.where,
    )


def _expect(request: Request) -> int | None:
    """The version that must be current, as far as headers say it by themselves."""
    return 0 if request.if_none_match else only_expected(request)


async def _committed(
    engine: Engine, context: Context, drafted: Drafted, resolution: Resolution, records: Records
) -> dict[int, Answer]:
    """Writes, and answers by entry; those that only read have none yet."""
    prepared = await _prepared(engine, context, drafted, records)
    await check_integrity(engine, context, [draft for _, draft in drafted], records)
    try:
        written = await write(engine, context, prepared, records) if prepared else []
    except FhirError as error:
        raise _placed(error, drafted) from None
    answers = dict(resolution.answers)
    for (step, _), answer in zip(drafted, written, strict=True):
        request, index = step.request, step.entry.index
        if step.method == "DELETE" and answer.vid == 0 and limited(engine, context, request.type):
            # To a limited grant what lies outside looks like what never was.
            raise located(not_found(request.type, request.id), step.entry)
        several = index in answers
        answers[index] = Answer(status=204, type=request.type) if several else answer
    for index in resolution.ids:
        answers.setdefault(index, Answer(status=204))
    for index, other in resolution.same_as.items():
        answers[index] = msgspec.structs.replace(answers[other], status=200)
    return answers


def _placed(error: FhirError, drafted: Drafted) -> FhirError:
    """What the store refused, at the entry that asked for it."""
    for step, draft in drafted:
        if (draft.type, draft.id) == error.key:
            return located(error, step.entry)
    return error


async def _prepared(
    engine: Engine, context: Context, drafted: Drafted, records: Records
) -> list[Prepared]:
    """Every fault of every entry, or all that is to be written."""
    drafts = [draft for _, draft in drafted]
    # A Binary lies where its security context lies, which may be any other entry.
    whole = any(draft.type == BINARY for draft in drafts)
    size = max(len(drafts), 1) if whole else CHUNK
    prepared: list[Prepared] = []
    errors: list[FhirError] = []
    for start in range(0, len(drafts), size):
        try:
            prepared += await prepare(engine, context, drafts[start : start + size], records)
        except FhirError as error:
            errors.append(error)
        await asyncio.sleep(0)
    if errors:
        issues = [issue for error in errors for issue in error.issues]
        raise FhirError(min(error.status for error in errors), issues)
    return prepared


def _ordered(plan: Plan) -> Sequence[Step]:
    """As they are processed; within a kind, as they stand."""
    return sorted(plan.steps, key=lambda step: ORDER[step.method])
